/* Connections, statements and quoting against a real server. */
#include "pg/conn.h"

#include "core/clock.h"
#include "core/io.h"
#include "harness/cluster.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static Cluster *cluster;

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  cluster = cluster_new(NULL);
  cluster_start(cluster, NULL);
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

static void need_cluster(void) {
  if (cluster == NULL)
    skip();
}

static bool try_open(const char *database, Conn **ret, Error *err) {
  const ConnOption options[] = {
      {"host", cluster->root}, {"user", "postgres"}, {"dbname", database}, {"port", NULL}, {NULL}};
  return conn_open(options, 5000, ret, err);
}

static Conn *open_conn(void) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  need_cluster();
  if (!try_open("postgres", &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static void run(Conn *conn, const char *sql) {
  Error err = ERROR_INIT;
  if (!conn_exec(conn, sql, NULL, &err))
    fail_msg("%s", err.message);
}

/* The one value of a statement without parameters; owned. */
static char *value_of(Conn *conn, const char *sql) {
  Error err = ERROR_INIT;
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, sql, &rows, &err))
    fail_msg("%s: %s", sql, err.message);
  assert_int_equal(rows_count(rows), 1);
  const char *text = rows_get(rows, 0, 0);
  return text != NULL ? str_dup(text) : NULL;
}

static void test_no_socket_is_starting(void **state) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  const ConnOption options[] = {{"host", "/nonexistent"}, {"dbname", "x"}, {NULL}};
  assert_false(conn_open(options, 1000, &conn, &err));
  assert_true(conn_error_is_starting(&err));
  assert_non_null(strstr(err.message, "/nonexistent"));
  assert_non_null(strstr(err.hint, "Is the server running"));
  assert_null(strchr(err.message, '\n'));
  assert_null(conn);
}

static void test_refusals_are_not_starting(void **state) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  need_cluster();
  assert_false(try_open("nowhere", &conn, &err));
  assert_int_equal(err.code, ERROR_SQL);
  assert_false(conn_error_is_starting(&err));
  assert_non_null(strstr(err.message, "database \"nowhere\" does not exist (SQLSTATE 3D000)"));
  assert_null(strstr(err.message, "LOCATION"));
}

/* A smart shutdown with somebody connected: the server is there and says 57P03. */
static void test_57P03_is_starting(void **state) {
  need_cluster();
  AUTO(cluster_free) Cluster *leaving = cluster_new(NULL);
  cluster_start(leaving, NULL);
  const ConnOption options[] = {
      {"host", leaving->root}, {"user", "postgres"}, {"dbname", "postgres"}, {NULL}};
  AUTO(conn_free) Conn *held = NULL;
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  assert_true(conn_open(options, 5000, &held, &err));
  assert_int_equal(kill(leaving->pid, SIGTERM), 0);
  for (int tries = 0; tries < 200 && conn_open(options, 5000, &conn, &err); tries++) {
    conn_free(STEAL(conn));
    clock_sleep_ms(5);
  }
  assert_true(conn_error_is_starting(&err));
  assert_non_null(strstr(err.message, "(SQLSTATE 57P03)"));
}

static void test_silent_server_times_out(void **state) {
  char directory[] = "/tmp/bough-conn-XXXXXX";
  assert_non_null(mkdtemp(directory));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {directory};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
  AUTO_RELEASE(fd_release) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 1), 0);
  const ConnOption options[] = {{"host", directory}, {"dbname", "x"}, {"user", "x"}, {NULL}};
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  int64_t before = clock_monotonic_ms();
  assert_false(conn_open(options, 150, &conn, &err));
  int64_t taken = clock_monotonic_ms() - before;
  assert_int_equal(err.code, ERROR_TIMEOUT);
  assert_in_range(taken, 140, 2000);
}

static void test_dbname_is_no_conninfo(void **state) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  need_cluster();
  assert_false(try_open("dbname=postgres", &conn, &err));
  assert_non_null(strstr(err.message, "database \"dbname=postgres\" does not exist"));
}

static void test_connection_string(void **state) {
  need_cluster();
  AUTO(str_free)
  char *uri =
      str_format("postgresql://postgres@/postgres?host=%s&client_encoding=SJIS", cluster->root);
  AUTO(conn_free) Conn *conn = NULL;
  Error err = ERROR_INIT;
  assert_true(conn_open_string(uri, 5000, &conn, &err));
  AUTO(str_free) char *encoding = value_of(conn, "SHOW client_encoding");
  assert_string_equal(encoding, "UTF8");
  assert_int_equal(conn_server_version(conn) / 10000, 15);
  assert_null(conn_password(conn));
}

static void test_malformed_string_keeps_its_password(void **state) {
  static const char *const strings[] = {"postgresql://ann:hunter2@host:port:x/%zz",
                                        "host=x password=hunter2 nonsense",
                                        "postgresql://ann:hunter2@[::1"};
  for (size_t at = 0; at < ARRAY_LENGTH(strings); at++) {
    Conn *conn = NULL;
    Error err = ERROR_INIT;
    assert_false(conn_open_string(strings[at], 1000, &conn, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_null(strstr(err.message, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
  }
}

static void test_password_in_conninfo(void **state) {
  assert_true(conninfo_has_password("host=x password=y"));
  assert_true(conninfo_has_password("postgresql://ann:secret@host/db"));
  assert_true(conninfo_has_password("host=x sslpassword=y"));
  assert_false(conninfo_has_password("postgresql://ann@host/db"));
  assert_false(conninfo_has_password("host='password=y'"));
  assert_false(conninfo_has_password("host=x passwo"));
}

static void test_error_keeps_the_servers_words(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  Error err = ERROR_INIT;
  assert_false(conn_exec(conn,
                         "DO $$BEGIN RAISE EXCEPTION E'first\\nsecond' USING ERRCODE = 'BO001',"
                         " DETAIL = E'more\\n\\tof it', HINT = 'try again'; END$$",
                         NULL, &err));
  assert_string_equal(err.message, "first second: more of it (SQLSTATE BO001)");
  assert_string_equal(err.hint, "try again");
  assert_string_equal(conn_sqlstate(conn), "BO001");
  run(conn, "SELECT 1");
  assert_string_equal(conn_sqlstate(conn), "");
}

static void test_constraint_and_doom(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  Error err = ERROR_INIT;
  run(conn, "CREATE TEMP TABLE t (n int CONSTRAINT only_once UNIQUE)");
  run(conn, "BEGIN; INSERT INTO t VALUES (1)");
  assert_false(conn_is_doomed(conn));
  assert_false(conn_exec(conn, "INSERT INTO t VALUES (1)", NULL, &err));
  assert_string_equal(conn_sqlstate(conn), "23505");
  assert_string_equal(conn_constraint(conn), "only_once");
  assert_true(conn_is_doomed(conn));
  run(conn, "ROLLBACK");
  assert_string_equal(conn_constraint(conn), "");
}

static void test_parameters(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  const char *const values[] = {"it's \"€\" \\", NULL, "9223372036854775807", "true"};
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  assert_true(conn_query(conn, "SELECT $1::text, $2::text, $3::bigint, $4::bool, $2::bool, $2::int",
                         4, values, &rows, &err));
  assert_string_equal(rows_get(rows, 0, 0), values[0]);
  assert_null(rows_get(rows, 0, 1));
  assert_true(rows_get_integer(rows, 0, 2) == INT64_MAX);
  assert_true(rows_get_bool(rows, 0, 3));
  assert_false(rows_get_bool(rows, 0, 4));
  assert_int_equal(rows_get_integer(rows, 0, 5), 0);
}

static void test_affected(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  run(conn, "CREATE TEMP TABLE t AS SELECT generate_series(1, 7) AS n");
  const char *value = "5";
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  assert_true(conn_query(conn, "DELETE FROM t WHERE n > $1::int", 1, &value, &rows, &err));
  assert_int_equal(rows_affected(rows), 2);
  assert_int_equal(rows_count(rows), 0);
}

static char *prepared_count(Conn *conn) {
  return value_of(conn, "SELECT count(*) FROM pg_prepared_statements");
}

static void test_statements_are_prepared_once(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  Error err = ERROR_INIT;
  for (int round = 0; round < 3; round++)
    assert_true(conn_query(conn, "SELECT 1", 0, NULL, NULL, &err));
  AUTO(str_free) char *one = prepared_count(conn);
  assert_string_equal(one, "1");
  for (int number = 0; number < 300; number++) {
    AUTO(str_free) char *sql = str_format("SELECT %d", number);
    AUTO(rows_free) Rows *rows = NULL;
    assert_true(conn_query(conn, sql, 0, NULL, &rows, &err));
    assert_int_equal(rows_get_integer(rows, 0, 0), number);
  }
  AUTO(str_free) char *bounded = prepared_count(conn);
  assert_string_equal(bounded, "256");
}

static void test_failed_preparation_leaves_nothing(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  Error err = ERROR_INIT;
  assert_false(conn_query(conn, "SELECT n FROM later", 0, NULL, NULL, &err));
  assert_string_equal(conn_sqlstate(conn), "42P01");
  run(conn, "CREATE TEMP TABLE later (n int)");
  assert_true(conn_query(conn, "SELECT n FROM later", 0, NULL, NULL, &err));
}

static void test_copy_is_refused(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  Error err = ERROR_INIT;
  run(conn, "CREATE TEMP TABLE t (n int)");
  assert_false(conn_exec(conn, "COPY t FROM STDIN", NULL, &err));
  assert_false(conn_exec(conn, "COPY (SELECT 1) TO STDOUT", NULL, &err));
  run(conn, "SELECT 1");
}

static void test_notices_are_swallowed(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  AUTO_RELEASE(fd_release) int stderr_copy = dup(STDERR_FILENO);
  FILE *capture = tmpfile();
  assert_non_null(capture);
  (void)fflush(stderr);
  assert_true(dup2(fileno(capture), STDERR_FILENO) >= 0);
  run(conn, "DO $$BEGIN RAISE WARNING 'hello'; END$$");
  (void)fflush(stderr);
  assert_true(dup2(stderr_copy, STDERR_FILENO) >= 0);
  assert_int_equal(lseek(fileno(capture), 0, SEEK_END), 0);
  (void)fclose(capture);
}

static void test_alive_until_the_server_ends_it(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  AUTO(conn_free) Conn *other = open_conn();
  AUTO(str_free) char *pid = value_of(conn, "SELECT pg_backend_pid()");
  AUTO(str_free) char *kill_it = str_format("SELECT pg_terminate_backend(%s, 5000)", pid);
  assert_true(conn_is_alive(conn));
  run(other, kill_it);
  for (int tries = 0; tries < 100 && conn_is_alive(conn); tries++)
    clock_sleep_ms(5);
  assert_false(conn_is_alive(conn));
  assert_true(conn_is_alive(other));
  Error err = ERROR_INIT;
  assert_false(conn_exec(conn, "SELECT 1", NULL, &err));
  assert_true(err.message[0] != '\0');
}

/* ---- quoting ---- */

static const char *const nasty[] = {"plain",      "it's",
                                    "\\",         "\\'; DROP TABLE t; --",
                                    "''''",       "a\\\\'b",
                                    "\"quoted\"", "line\nbreak\ttab",
                                    "$$body$$",   "\xc3\xa9\xe2\x82\xac",
                                    "--",         "%s%n"};

static void check_literals(Conn *conn) {
  for (size_t at = 0; at < ARRAY_LENGTH(nasty); at++) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "SELECT");
    sql_add_literal(&sql, nasty[at]);
    AUTO(str_free) char *text = value_of(conn, sql.text);
    assert_string_equal(text, nasty[at]);
  }
}

static void test_literals(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  check_literals(conn);
  run(conn, "SET standard_conforming_strings = off; SET escape_string_warning = off");
  check_literals(conn);
}

static void test_identifiers(void **state) {
  AUTO(conn_free) Conn *conn = open_conn();
  for (size_t at = 0; at < ARRAY_LENGTH(nasty); at++) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    buffer_add_text(&sql, "CREATE TEMP TABLE ");
    sql_add_identifier(&sql, nasty[at]);
    buffer_add_text(&sql, "()");
    run(conn, sql.text);
    const char *name = nasty[at];
    AUTO(rows_free) Rows *rows = NULL;
    Error err = ERROR_INIT;
    assert_true(conn_query(conn, "SELECT FROM pg_class WHERE relname = $1", 1, &name, &rows, &err));
    assert_int_equal(rows_count(rows), 1);
  }
}

/* ---- log positions ---- */

static void test_lsn(void **state) {
  static const struct {
    const char *text;
    Lsn lsn;
  } good[] = {{"0/0", 0},
              {"16/B374D848", 0x16B374D848},
              {"FFFFFFFF/FFFFFFFF", UINT64_MAX},
              {"1/0", 0x100000000}};
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    Lsn lsn = 1;
    char text[LSN_TEXT_SIZE];
    assert_true(lsn_parse(good[at].text, &lsn, NULL));
    assert_true(lsn == good[at].lsn);
    lsn_format(lsn, text);
    assert_string_equal(text, good[at].text);
  }
  static const char *const bad[] = {"",     "/",           "0",          "0/",   "/0",
                                    "0/0 ", " 0/0",        "g/0",        "0/-1", "0/0/0",
                                    "+1/0", "123456789/0", "0/123456789"};
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    Lsn lsn = 42;
    Error err = ERROR_INIT;
    assert_false(lsn_parse(bad[at], &lsn, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_true(lsn == 42);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_socket_is_starting),
      cmocka_unit_test(test_refusals_are_not_starting),
      cmocka_unit_test(test_57P03_is_starting),
      cmocka_unit_test(test_silent_server_times_out),
      cmocka_unit_test(test_dbname_is_no_conninfo),
      cmocka_unit_test(test_connection_string),
      cmocka_unit_test(test_malformed_string_keeps_its_password),
      cmocka_unit_test(test_password_in_conninfo),
      cmocka_unit_test(test_error_keeps_the_servers_words),
      cmocka_unit_test(test_constraint_and_doom),
      cmocka_unit_test(test_parameters),
      cmocka_unit_test(test_affected),
      cmocka_unit_test(test_statements_are_prepared_once),
      cmocka_unit_test(test_failed_preparation_leaves_nothing),
      cmocka_unit_test(test_copy_is_refused),
      cmocka_unit_test(test_notices_are_swallowed),
      cmocka_unit_test(test_alive_until_the_server_ends_it),
      cmocka_unit_test(test_literals),
      cmocka_unit_test(test_identifiers),
      cmocka_unit_test(test_lsn),
  };
  return cmocka_run_group_tests_name("conn", tests, set_up, tear_down);
}
