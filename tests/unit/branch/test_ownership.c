/* Real databases after an import: what a role that was given nothing can call, write or create
 * there, and whether bough_owner can do all of it. */
#include "branch/clean.h"
#include "branch/ownership.h"
#include "core/io.h"
#include "harness/cluster.h"
#include "pg/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CONNECT_MS = 10 * 1000 };

static const struct {
  const char *database;
  const char *file; /* below $BOUGH_TEST_DATA/db */
} samples[] = {
    {"pagila", "pagila/pagila.sql"},
    {"chinook", "chinook/chinook.load.sql"},
    {"northwind", "northwind/northwind.sql"},
    {"iso3166", "iso3166/iso-3166.sql"},
};

static Cluster *cluster;

static void run_psql(const char *const *arguments) {
  const char *argv[12] = {"psql", "-X", "-q"};
  for (size_t at = 0; arguments[at] != NULL; at++)
    argv[3 + at] = arguments[at];
  str_free(cluster_tool(cluster, argv, NULL));
}

static Conn *open_database(const char *database) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  if (!platform_open(cluster->root, database, CONNECT_MS, &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static void load(const char *directory, const char *database, const char *file) {
  AUTO(str_free) char *path = str_format("%s/db/%s", directory, file);
  AUTO(str_free) char *create = str_format("CREATE DATABASE %s", database);
  run_psql((const char *const[]){"-d", "postgres", "-c", create, NULL});
  run_psql((const char *const[]){"-d", database, "-f", path, NULL});
}

static void move(const char *database) {
  AUTO(conn_free) Conn *conn = open_database(database);
  AUTO(json_free) json_t *notes = json_array();
  Error err = ERROR_INIT;
  if (!ownership_move(conn, "{postgres}", notes, &err))
    fail_msg("%s: %s", database, err.message);
}

static void clean(void) {
  Home home = {.login_role = "bough_u_tester"};
  AUTO(conn_free) Conn *conn = open_database("postgres");
  AUTO_RELEASE(clean_report_release) CleanReport report = {0};
  Error err = ERROR_INIT;
  if (!clean_branch(conn, cluster->root, &home, &report, &err))
    fail_msg("%s", err.message);
}

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  const char *directory = getenv("BOUGH_TEST_DATA");
  if (directory == NULL)
    directory = TEST_DATA;
  AUTO(str_free) char *probe = path_join(directory, "db");
  if (reason == NULL && !io_is_directory(probe))
    reason = "the sample databases aren't there (BOUGH_TEST_DATA)";
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  cluster = cluster_new((const char *const[]){"-U", PLATFORM_ROLE, NULL});
  cluster_start(cluster, NULL);
  run_psql((const char *const[]){"-U", PLATFORM_ROLE, "-d", "template1", "-c",
                                 "CREATE ROLE postgres SUPERUSER LOGIN", NULL});
  for (size_t at = 0; at < ARRAY_LENGTH(samples); at++)
    load(directory, samples[at].database, samples[at].file);
  clean();
  for (size_t at = 0; at < ARRAY_LENGTH(samples); at++)
    move(samples[at].database);
  clean();
  AUTO(conn_free) Conn *conn = open_database("postgres");
  Error err = ERROR_INIT;
  assert_true(conn_exec(conn, "CREATE ROLE reader", NULL, &err));
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

/* The query lists, one per row, what must not be. */
static void expect_none(const char *query) {
  if (cluster == NULL)
    skip();
  for (size_t at = 0; at < ARRAY_LENGTH(samples); at++) {
    AUTO(conn_free) Conn *conn = open_database(samples[at].database);
    AUTO(rows_free) Rows *rows = NULL;
    Error err = ERROR_INIT;
    if (!conn_exec(conn, query, &rows, &err))
      fail_msg("%s", err.message);
    if (rows_count(rows) > 0)
      fail_msg("%s: %s and %zu more", samples[at].database, rows_get(rows, 0, 0),
               rows_count(rows) - 1);
  }
}

static void a_reader_creates_nothing(void **state) {
  expect_none(
      "SELECT nspname FROM pg_namespace WHERE has_schema_privilege('reader', oid, 'CREATE')");
  expect_none("SELECT 'in the database' WHERE has_database_privilege('reader', current_database(),"
              " 'CREATE') OR has_database_privilege('reader', current_database(), 'TEMP')");
  expect_none("SELECT lanname FROM pg_language WHERE NOT lanpltrusted AND lanname NOT IN"
              " ('internal', 'c') AND has_language_privilege('reader', oid, 'USAGE')");
}

static void a_reader_writes_nothing(void **state) {
  expect_none(
      "SELECT oid::regclass FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'f')"
      " AND has_table_privilege('reader', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')");
  expect_none("SELECT oid::regclass FROM pg_class WHERE CASE WHEN relkind = 'S'"
              " THEN has_sequence_privilege('reader', oid, 'UPDATE, USAGE') ELSE false END");
}

static void a_reader_calls_nothing_with_others_rights(void **state) {
  expect_none("SELECT oid::regprocedure FROM pg_proc WHERE prosecdef"
              " AND has_function_privilege('reader', oid, 'EXECUTE')");
}

/* Everything else that it can call runs with its own rights, written in a language that can do no
 * more. */
static void a_reader_calls_nothing_untrusted(void **state) {
  expect_none("SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = prolang"
              " WHERE p.oid >= 16384 AND has_function_privilege('reader', p.oid, 'EXECUTE')"
              " AND NOT l.lanpltrusted AND l.lanname <> 'sql' AND p.prokind <> 'a'");
}

static void nothing_is_left_to_others(void **state) {
  expect_none("SELECT oid::regclass FROM pg_class WHERE oid >= 16384"
              " AND relowner::regrole::text NOT IN ('bough_owner', 'bough_holder')");
  expect_none("SELECT oid::regprocedure FROM pg_proc WHERE oid >= 16384"
              " AND proowner::regrole::text NOT IN ('bough_owner', 'bough_holder')");
  expect_none("SELECT oid::regtype FROM pg_type WHERE oid >= 16384"
              " AND typowner::regrole::text NOT IN ('bough_owner', 'bough_holder')");
}

static void the_owner_has_all_rows_and_may_create(void **state) {
  expect_none(
      "SELECT oid::regclass FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm')"
      " AND NOT has_table_privilege('bough_owner', oid, 'SELECT')");
  expect_none("SELECT 'public' WHERE NOT has_schema_privilege('bough_owner', 'public', 'CREATE')"
              " OR NOT has_database_privilege('bough_owner', current_database(), 'CREATE')"
              " OR NOT has_database_privilege('bough_owner', current_database(), 'TEMP')");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reader_creates_nothing),
      cmocka_unit_test(a_reader_writes_nothing),
      cmocka_unit_test(a_reader_calls_nothing_with_others_rights),
      cmocka_unit_test(a_reader_calls_nothing_untrusted),
      cmocka_unit_test(nothing_is_left_to_others),
      cmocka_unit_test(the_owner_has_all_rows_and_may_create),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
