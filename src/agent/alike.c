/* Method volume.alike: whether two volumes hold the same schema, by where their catalogs lie. */
#include "agent/methods.h"

#include "agent/session.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/catalogs.h"
#include "pg/conn.h"
#include "pg/heap.h"
#include "pg/rest.h"
#include "storage/extents.h"

#include <fcntl.h>

typedef struct Half {
  char *data;
  char *wal;
  Lsn end; /* 0: it doesn't run */
  uint32_t database;
} Half;

static void half_release(Half *half) {
  str_free(half->data);
  str_free(half->wal);
}

static bool read_half(const RpcCall *call, const Pool *pool, const char *side, Half *ret,
                      Error *err) {
  const char *id = NULL;
  AUTO(str_free) char *key = str_format("%s_end", side);
  const char *end = json_string_or(call->params, key, NULL);
  if (!params_id(call, side, "vol", &id, err) || (end != NULL && !lsn_parse(end, &ret->end, err)))
    return false;
  ret->data = volume_data_path(pool, id);
  ret->wal = volume_wal_path(pool, id);
  return true;
}

/* The same blocks, and every row in them says itself whether it is there: the logs of transactions,
 * which may differ, have no say. */
static bool is_shared_file(const Half *left, const Half *right, const char *name) {
  AUTO(str_free) char *left_path = path_join(left->data, name);
  AUTO(str_free) char *right_path = path_join(right->data, name);
  AUTO_RELEASE(fd_release) int one = open(left_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  AUTO_RELEASE(fd_release) int other = open(right_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  return one >= 0 && other >= 0 && extents_are_shared(one, other) &&
         heap_file_rows(one, NULL, NULL);
}

/* Of catalogs of more than a gigabyte nothing is told. */
static bool is_shared_catalog(const Half *left, const Half *right, uint32_t file) {
  AUTO(str_free) char *name = str_format("base/%u/%u", left->database, file);
  AUTO(str_free) char *more = str_format("%s/%s.1", left->data, name);
  return !io_exists(more) && is_shared_file(left, right, name);
}

static bool are_alike(Half *left, Half *right, const char *database) {
  if (!cluster_rests(left->data, left->wal, left->end) ||
      !cluster_rests(right->data, right->wal, right->end) ||
      !catalog_database(left->data, database, &left->database) ||
      !catalog_database(right->data, database, &right->database) ||
      left->database != right->database)
    return false;
  for (const uint32_t *file = catalog_files; *file != 0; file++)
    if (!is_shared_catalog(left, right, *file))
      return false;
  return true;
}

bool volume_alike_method(void *context, const RpcCall *call, json_t **ret, Error *err) {
  Pool *pool = NULL;
  AUTO_RELEASE(half_release) Half left = {0};
  AUTO_RELEASE(half_release) Half right = {0};
  const char *database = json_string_or(call->params, "database", "");
  if (!session_pool(context, &pool, err) || !read_half(call, pool, "left", &left, err) ||
      !read_half(call, pool, "right", &right, err))
    return false;
  *ret = json_pack("{s:b}", "alike", are_alike(&left, &right, database));
  return true;
}
