/* Applies the numbered schema files, each in a transaction, one process at a time. */
#include "catalog/migrate.h"

#include "catalog/catalog.h"
#include "core/embed.h"

#include <stdio.h>
#include <stdlib.h>

extern const EmbeddedFile catalog_schema[];
extern const size_t catalog_schema_count;

/* File n is version n: the build orders them by name, the test sees to it that no number is
 * missing. */
static int newest_version(void) {
  return (int)catalog_schema_count;
}

static bool read_version(Conn *conn, int *ret, Error *err) {
  AUTO(rows_free) Rows *table = NULL;
  if (!conn_exec(conn, "SELECT to_regclass('lakebase.schema_versions') IS NOT NULL", &table, err))
    return false;
  if (!rows_get_bool(table, 0, 0)) {
    *ret = 0;
    return true;
  }
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "SELECT coalesce(max(version), 0) FROM lakebase.schema_versions", &rows,
                 err))
    return false;
  *ret = (int)rows_get_integer(rows, 0, 0);
  return true;
}

static bool refuse_newer(int version, Error *err) {
  (void)error_set(err, ERROR_UNSUPPORTED,
                  "the system catalog has schema version %d, this build knows versions up to %d",
                  version, newest_version());
  return error_hint(err, "a newer Bough has used it: run that one");
}

bool catalog_check_version(Conn *conn, Error *err) {
  int version = 0;
  if (!read_version(conn, &version, err))
    return false;
  if (version > newest_version())
    return refuse_newer(version, err);
  if (version == newest_version())
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED, "the system catalog has schema version %d instead of %d",
                  version, newest_version());
  return error_hint(err, "restart boughd, which brings it up to date");
}

static bool apply(Conn *conn, int version, Error *err) {
  const EmbeddedFile *file = &catalog_schema[version - 1];
  AUTO(str_free) char *number = str_format("%d", version);
  const char *const values[] = {number, file->name};
  if (conn_exec(conn, file->text, NULL, err) &&
      conn_query(conn, "INSERT INTO lakebase.schema_versions (version, name) VALUES ($1, $2)",
                 ARRAY_LENGTH(values), values, NULL, err))
    return true;
  return error_prefix(err, "schema file %s", file->name);
}

/* One step: *ret_done when there was nothing left to apply. The lock ends with the transaction; who
 * waited for it sees what the other has applied. */
static bool apply_next(Conn *conn, bool *ret_done, Error *err) {
  int version = 0;
  if (!conn_exec(conn, "BEGIN; SELECT pg_advisory_xact_lock(hashtext('bough catalog schema'))",
                 NULL, err) ||
      !read_version(conn, &version, err))
    return false;
  if (version > newest_version())
    return refuse_newer(version, err);
  *ret_done = version == newest_version();
  return (*ret_done || apply(conn, version + 1, err)) && conn_exec(conn, "COMMIT", NULL, err);
}

bool catalog_migrate(const char *conninfo, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  if (!catalog_connect(conninfo, &conn, err))
    return false;
  for (bool done = false; !done;)
    if (!apply_next(conn, &done, err))
      return false; /* closing the connection rolls back */
  return true;
}

bool catalog_grant_auditor(const char *conninfo, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  return catalog_connect(conninfo, &conn, err) &&
         conn_exec(conn,
                   "BEGIN; SELECT pg_advisory_xact_lock(hashtext('bough catalog schema'));"
                   " SELECT access.grant_auditor(); COMMIT",
                   NULL, err);
}
