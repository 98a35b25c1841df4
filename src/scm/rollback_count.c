/* Reads a tier's log through the server's own pg_walinspect, and leaves nothing of it. */
#include "scm/rollback_count.h"

#include "branch/endpoint.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/carry.h"
#include "pg/platform.h"
#include "scm/sql.h"

enum { CONNECT_MS = 30 * 1000 };

typedef struct Count {
  json_t *list;
  int64_t all;
  char since[LSN_TEXT_SIZE];
} Count;

/* The transaction that makes it takes it back. A schema of that name that is there already is a
 * stranger's: then nothing is counted. */
static bool prepare(Conn *conn, Error *err) {
  return conn_exec(
      conn, "BEGIN; CREATE SCHEMA bough_log; CREATE EXTENSION pg_walinspect SCHEMA bough_log", NULL,
      err);
}

/* Transactions of migrations, as the log has their numbers: '{735,736}'. */
static bool migration_numbers(Conn *conn, char **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "SELECT pg_catalog.to_regclass('bough.migrations') IS NOT NULL", &rows, err))
    return false;
  if (!rows_get_bool(rows, 0, 0)) {
    *ret = str_dup("{}");
    return true;
  }
  rows_free(STEAL(rows));
  if (!conn_exec(conn,
                 "SELECT COALESCE(pg_catalog.array_agg(m.xid::pg_catalog.xid::pg_catalog.text),"
                 " '{}') FROM bough.migrations m WHERE m.xid IS NOT NULL",
                 &rows, err))
    return false;
  *ret = str_dup(rows_get(rows, 0, 0));
  return true;
}

static void add_rows(Count *count, const char *database, const Rows *rows) {
  for (size_t row = 0; row < rows_count(rows); row++) {
    const char *table = rows_get(rows, row, 0);
    int64_t transactions = rows_get_integer(rows, row, 1);
    if (table == NULL)
      count->all += transactions;
    else
      (void)json_array_append_new(
          count->list, json_pack("{s:o, s:o, s:I}", "database", json_line(database), "table",
                                 table[0] != '\0' ? json_line(table) : json_null(), "transactions",
                                 (json_int_t)transactions));
  }
}

static bool count_in(Conn *conn, const char *database, Count *count, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO(str_free) char *migrations = NULL;
  if (!prepare(conn, err) || !migration_numbers(conn, &migrations, err))
    return false;
  const char *const values[] = {count->since, migrations};
  if (!conn_query(conn, scm_sql("lost_writes.sql"), ARRAY_LENGTH(values), values, &rows, err))
    return false;
  add_rows(count, database, rows);
  return conn_exec(conn, "ROLLBACK", NULL, err);
}

static bool count_database(Context *context, const EndpointRow *endpoint, const char *database,
                           Count *count, Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  AUTO(conn_free) Conn *conn = NULL; /* closing it rolls back what failed */
  return platform_open(directory, database, CONNECT_MS, &conn, err) &&
         count_in(conn, database, count, err);
}

bool rollback_count(Context *context, const ProjectRow *project, const BranchRow *tier, Lsn since,
                    json_t **ret, int64_t *ret_all, Error *err) {
  AUTO(json_free) json_t *databases = carry_databases(project, NULL);
  AUTO(json_free) json_t *list = json_array();
  Count count = {.list = list};
  EndpointRow endpoint;
  size_t at = 0;
  const json_t *database = NULL;
  lsn_format(since, count.since);
  if (!endpoint_start(context, tier->id, &endpoint, err))
    return false;
  json_array_foreach(databases, at, database) {
    const char *name = json_string_value(database);
    if (name != NULL && !count_database(context, &endpoint, name, &count, err))
      return error_prefix(err, "the log of %s", tier->name);
  }
  *ret = STEAL(list);
  *ret_all = count.all;
  return true;
}
