/* How full the pool may become. */
#include "branch/pool.h"

#include "core/str.h"

enum {
  RESERVE_PERCENT = 10,
  CRITICAL_PERCENT = 5,
};

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

bool pool_check_room(Context *context, Error *err) {
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
