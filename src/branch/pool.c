/* How full the pool may become. */
#include "branch/pool.h"

#include "core/io.h"
#include "core/str.h"

#include <sys/statvfs.h>

enum {
  RESERVE_PERCENT = 10,
  CRITICAL_PERCENT = 5,
};

/* Of a large disk a tenth is more than the logs of those who write now could need soon. */
static const int64_t home_reserve_limit = 1LL << 30;

bool pool_describe(Context *context, json_t **ret, Error *err) {
  return agent_call(context->agent, "pool.status", json_object(), ret, err);
}

bool pool_has_feature(Context *context, const char *feature, bool *ret, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  if (!pool_describe(context, &status, err))
    return false;
  bool found = false;
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(status, "features"), at, item) {
    found = found || str_equal(json_string_value(item), feature);
  }
  *ret = found;
  return true;
}

int64_t pool_reserve(int64_t size) {
  return size / 100 * RESERVE_PERCENT;
}

int64_t pool_critical(int64_t size) {
  return size / 100 * CRITICAL_PERCENT;
}

/* *ret is left where there is nothing to ask. */
static void take_less(const char *path, PoolHome *ret) {
  struct statvfs room;
  if (statvfs(path, &room) != 0 || room.f_blocks == 0)
    return;
  int64_t size = (int64_t)(room.f_blocks * room.f_frsize);
  int64_t available = (int64_t)(room.f_bavail * room.f_frsize);
  int64_t reserve = pool_reserve(size);
  reserve = reserve < home_reserve_limit ? reserve : home_reserve_limit;
  if (ret->reserve == 0 || available - reserve < ret->available - ret->reserve)
    *ret = (PoolHome){.size = size, .available = available, .reserve = reserve};
}

PoolHome pool_home(const Context *context) {
  PoolHome home = {0};
  AUTO(str_free) char *logs = path_join(context->home->root, "wal"); /* may be a mount of its own */
  take_less(context->home->root, &home);
  take_less(logs, &home);
  return home;
}

static bool check_home(const Context *context, Error *err) {
  PoolHome home = pool_home(context);
  if (home.available >= home.reserve)
    return true;
  (void)error_set(err, ERROR_POOL_FULL,
                  "the file system of \"%s\" has %lld MB left of %lld MB, and %lld MB are kept for "
                  "the logs of branches that write now",
                  context->home->root, (long long)(home.available >> 20),
                  (long long)(home.size >> 20), (long long)(home.reserve >> 20));
  return error_hint(err, "free some room there, or enlarge it");
}

bool pool_check_own_room(Context *context, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  int64_t size = 0;
  int64_t available = 0;
  if (!pool_describe(context, &status, err) || !json_get_integer(status, "size", &size, err) ||
      !json_get_integer(status, "available", &available, err))
    return false;
  if (available >= pool_reserve(size))
    return true;
  (void)error_set(err, ERROR_POOL_FULL,
                  "the pool has %lld MB left of %lld MB, and %lld MB are kept for branches that "
                  "write now",
                  (long long)(available >> 20), (long long)(size >> 20),
                  (long long)(pool_reserve(size) >> 20));
  return error_hint(err, "delete branches (`bough branch list`), or enlarge the pool");
}

bool pool_check_room(Context *context, Error *err) {
  return pool_check_own_room(context, err) && check_home(context, err);
}
