/* The connection to the system catalog, its transactions, and how many things it holds. */
#include "catalog/catalog.h"

#include "catalog/migrate.h"
#include "catalog/private.h"

#include <assert.h>
#include <stdio.h>

enum { CONNECT_MS = 10000 };

struct Catalog {
  char *conninfo;
  Conn *conn;
  bool in_transaction;
};

/* The database may be a user's own: nothing of its settings decides what our statements mean. The
 * time limits free the rows that a worker holds which hangs. */
static const char session_settings[] = "SET search_path = pg_catalog, pg_temp;"
                                       "SET default_transaction_isolation = 'read committed';"
                                       "SET default_transaction_read_only = off;"
                                       "SET synchronous_commit = on;"
                                       "SET standard_conforming_strings = on;"
                                       "SET TimeZone = 'UTC';"
                                       "SET DateStyle = 'ISO, YMD';"
                                       "SET jit = off;"
                                       "SET lock_timeout = '10s';"
                                       "SET statement_timeout = '30s';"
                                       "SET idle_in_transaction_session_timeout = '60s'";

static bool down(Error *err) {
  if (err == NULL)
    return false;
  err->code = ERROR_CATALOG_DOWN;
  (void)error_prefix(err, "the system catalog doesn't answer");
  return error_hint(err,
                    "see logs/catalog.log, or the server that \"catalog\" in config.json names");
}

bool catalog_connect(const char *conninfo, Conn **ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  if (!conn_open_string(conninfo, CONNECT_MS, &conn, err) ||
      !conn_exec(conn, session_settings, NULL, err))
    return down(err);
  *ret = STEAL(conn);
  return true;
}

bool catalog_open(const char *conninfo, Catalog **ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  if (!catalog_connect(conninfo, &conn, err) || !catalog_check_version(conn, err))
    return false;
  Catalog *catalog = mem_new(1, sizeof *catalog);
  catalog->conninfo = str_dup(conninfo);
  catalog->conn = STEAL(conn);
  *ret = catalog;
  return true;
}

void catalog_free(Catalog *catalog) {
  if (catalog == NULL)
    return;
  conn_free(catalog->conn);
  str_free(catalog->conninfo);
  mem_free(catalog);
}

/* Keeps the old connection when there is no new one: it goes on to say that it is dead. */
static bool reconnect(Catalog *catalog, Error *err) {
  Conn *conn = NULL;
  if (!catalog_connect(catalog->conninfo, &conn, err))
    return false;
  conn_free(catalog->conn);
  catalog->conn = conn;
  return true;
}

static bool ensure_alive(Catalog *catalog, Error *err) {
  return catalog->in_transaction || conn_is_alive(catalog->conn) || reconnect(catalog, err);
}

Conn *catalog_conn(Catalog *catalog) {
  Error ignored = ERROR_INIT; /* the statement that follows tells */
  (void)!ensure_alive(catalog, &ignored);
  return catalog->conn;
}

bool catalog_query(Catalog *catalog, const char *sql, size_t count, const char *const *values,
                   Rows **ret, Error *err) {
  if (!ensure_alive(catalog, err))
    return false;
  if (conn_query(catalog->conn, sql, count, values, ret, err))
    return true;
  return conn_is_alive(catalog->conn) ? error_prefix(err, "system catalog") : down(err);
}

void catalog_number(char ret[CATALOG_NUMBER_SIZE], int64_t number) {
  (void)snprintf(ret, CATALOG_NUMBER_SIZE, "%lld", (long long)number);
}

const char *catalog_violated(Catalog *catalog) {
  return str_equal(conn_sqlstate(catalog->conn), "23505") ? conn_constraint(catalog->conn) : "";
}

/* ---- transactions ---- */

bool catalog_begin(Catalog *catalog, CatalogGuard *ret, Error *err) {
  assert(!catalog->in_transaction);
  if (!ensure_alive(catalog, err))
    return false;
  bool begun = conn_exec(catalog->conn, "BEGIN", NULL, err);
  if (!begun && !conn_is_alive(catalog->conn)) /* it was lost between the look and the use */
    begun = reconnect(catalog, err) && conn_exec(catalog->conn, "BEGIN", NULL, err);
  if (!begun)
    return err == NULL || err->code == ERROR_CATALOG_DOWN ? false : down(err);
  catalog->in_transaction = true;
  ret->catalog = catalog;
  return true;
}

/* COMMIT of a transaction that a failed statement has doomed would report success and roll back. */
bool catalog_commit(CatalogGuard *guard, Error *err) {
  Catalog *catalog = guard->catalog;
  if (conn_is_doomed(catalog->conn)) {
    catalog_guard_release(guard);
    return error_set(err, ERROR_INTERNAL, "a failed statement was ignored in a transaction");
  }
  bool committed = conn_exec(catalog->conn, "COMMIT", NULL, err);
  catalog->in_transaction = false;
  guard->catalog = NULL;
  if (committed)
    return true;
  return conn_is_alive(catalog->conn) ? error_prefix(err, "system catalog") : down(err);
}

void catalog_guard_release(CatalogGuard *guard) {
  if (guard->catalog == NULL)
    return;
  Error ignored = ERROR_INIT; /* a connection that broke has rolled back by itself */
  (void)!conn_exec(guard->catalog->conn, "ROLLBACK", NULL, &ignored);
  guard->catalog->in_transaction = false;
  guard->catalog = NULL;
}

/* ---- counters ---- */

bool catalog_counts(Catalog *catalog, CatalogCounts *ret, Error *err) {
  static const char sql[] =
      "SELECT (SELECT count(*) FROM lakebase.projects WHERE state <> 'deleted'),"
      " (SELECT count(*) FROM lakebase.branches WHERE state <> 'deleted'),"
      " (SELECT count(*) FROM lakebase.endpoints WHERE state = 'running'),"
      " (SELECT count(*) FROM lakebase.operations WHERE state = 'running')";
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 0, NULL, &rows, err))
    return false;
  *ret = (CatalogCounts){
      .projects = rows_get_integer(rows, 0, 0),
      .branches = rows_get_integer(rows, 0, 1),
      .endpoints_running = rows_get_integer(rows, 0, 2),
      .operations_running = rows_get_integer(rows, 0, 3),
  };
  return true;
}
