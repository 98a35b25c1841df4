/* Reads and writes the file that tells a pool from any other directory. */
#include "storage/marker.h"

#include "core/io.h"
#include "core/json.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

enum { MARKER_LIMIT = 4096, MARKER_VERSION = 1, MARKER_MODE = 0600 };

static bool parse(const json_t *object, PoolMarker *ret, Error *err) {
  int64_t version = 0;
  const char *id = NULL;
  const char *driver = NULL;
  if (!json_get_integer(object, "version", &version, err) ||
      !json_get_string(object, "id", &id, err) || !json_get_string(object, "driver", &driver, err))
    return false;
  if (version != MARKER_VERSION)
    return error_set(err, ERROR_POOL_MISSING, "made by another version of Bough");
  if (!id_check("pool", id) || strlen(driver) >= sizeof ret->driver)
    return error_set(err, ERROR_POOL_MISSING, "id or driver make no sense");
  *ret = (PoolMarker){.quota = json_bool_or(object, "quota", false),
                      .reflink = json_bool_or(object, "reflink", false)};
  (void)snprintf(ret->id, sizeof ret->id, "%s", id);
  (void)snprintf(ret->driver, sizeof ret->driver, "%s", driver);
  return true;
}

bool marker_read(const char *pool, PoolMarker *ret, Error *err) {
  AUTO(str_free) char *path = path_join(pool, POOL_MARKER);
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *object = NULL;
  size_t length = 0;
  Error cause = ERROR_INIT;
  if (io_read_file(path, MARKER_LIMIT, &text, &length, &cause) &&
      json_parse(text, length, &object, &cause) && parse(object, ret, &cause))
    return true;
  /* The cause's code is dropped: to callers a file that is missing, unreadable or broken is one
   * thing. */
  (void)error_set(err, ERROR_POOL_MISSING, "no storage pool at \"%s\": %s", pool, cause.message);
  return error_hint(err, "is it mounted? `bough doctor` tells what is wrong with it");
}

bool marker_write(const char *pool, const PoolMarker *marker, Error *err) {
  AUTO(json_free)
  json_t *object =
      json_pack("{s:i, s:s, s:s, s:b, s:b}", "version", MARKER_VERSION, "id", marker->id, "driver",
                marker->driver, "quota", (int)marker->quota, "reflink", (int)marker->reflink);
  AUTO(str_free) char *text = json_text(object);
  AUTO(str_free) char *path = path_join(pool, POOL_MARKER);
  return io_write_file(path, text, strlen(text), MARKER_MODE, err);
}
