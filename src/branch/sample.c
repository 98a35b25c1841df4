/* project create --sample and --empty: data of Bough's own making, or none. */
#include "branch/importing.h"
#include "branch/sql.h"
#include "core/str.h"
#include "pg/platform.h"

#define DATABASE "app"

enum { SCALE_LIMIT = 1000, CONNECT_MS = 10 * 1000 };

static const struct {
  const char *name;
  const char *file; /* in sql/ */
} samples[] = {
    {"inventory", "sample_inventory.sql"},
};

static const char *sample_file(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(samples); at++)
    if (str_equal(samples[at].name, name))
      return samples[at].file;
  return NULL;
}

bool import_check_sample(Import *import, Error *err) {
  const char *name = json_string_or(import->request, "sample", "");
  int64_t scale = json_integer_or(import->request, "scale", 1);
  if (sample_file(name) == NULL)
    return error_set(err, ERROR_USAGE, "there is no sample \"%.40s\", only inventory", name);
  if (scale < 1 || scale > SCALE_LIMIT)
    return error_set(err, ERROR_USAGE, "the scale must be 1 to %d", SCALE_LIMIT);
  return true;
}

/* As the role that loads: samples need no more than strangers' files do. */
static bool open_as_loader(const Import *import, Conn **ret, Error *err) {
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  const ConnOption options[] = {{"host", import->socket_directory},
                                {"port", port},
                                {"dbname", DATABASE},
                                {"user", IMPORT_ROLE},
                                {"sslmode", "disable"},
                                {"gssencmode", "disable"},
                                {NULL}};
  return conn_open(options, CONNECT_MS, ret, err);
}

bool import_load_empty(Import *import, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  import->database = str_dup(DATABASE);
  return import_open(import, "postgres", &conn, err) && import_make_loader(conn, false, err) &&
         import_make_database(conn, DATABASE, err);
}

bool import_load_sample(Import *import, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(str_free)
  char *scale = str_format("%lld", (long long)json_integer_or(import->request, "scale", 1));
  const char *value = scale;
  import_progress(import, "making the sample's rows", 0, 0);
  return import_load_empty(import, err) && open_as_loader(import, &conn, err) &&
         conn_query(conn, "SELECT pg_catalog.set_config('sample.scale', $1, false)", 1, &value,
                    NULL, err) &&
         conn_exec(conn, branch_sql(sample_file(json_string_or(import->request, "sample", ""))),
                   NULL, err);
}
