/* Platform sessions against databases that were set up to bend them. */
#include "pg/platform.c" /* the table of settings */

#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
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
  AUTO(str_free)
  char *none = cluster_sql(cluster, "postgres",
                           "CREATE ROLE " PLATFORM_ROLE " SUPERUSER LOGIN; CREATE ROLE mallory");
  AUTO(str_free) char *no_more = cluster_sql(cluster, "postgres", "CREATE DATABASE hostile");
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

static Conn *open_hostile(void) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  if (!platform_open(cluster->root, "hostile", 5000, &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static char *value_of(Conn *conn, const char *sql) {
  Error err = ERROR_INIT;
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, sql, 0, NULL, &rows, &err))
    fail_msg("%s: %s", sql, err.message);
  return str_dup(rows_get(rows, 0, 0));
}

/* What a database may say, and would break a session that believed it. */
static const struct {
  const char *name;
  const char *value;
} hostile[] = {
    {"search_path", "evil"},
    {"session_preload_libraries", "nonexistent"},
    {"local_preload_libraries", "nonexistent"},
    {"role", "mallory"},
    {"session_authorization", "mallory"},
    {"session_replication_role", "origin"},
    {"row_security", "on"},
    {"default_transaction_read_only", "on"},
    {"default_transaction_isolation", "serializable"},
    {"default_transaction_deferrable", "on"},
    {"transaction_read_only", "on"},
    {"statement_timeout", "1ms"},
    {"lock_timeout", "1ms"},
    {"idle_in_transaction_session_timeout", "1ms"},
    {"idle_session_timeout", "1ms"},
    {"exit_on_error", "on"},
    {"synchronous_commit", "off"},
    {"standard_conforming_strings", "off"},
    {"backslash_quote", "on"},
    {"quote_all_identifiers", "on"},
    {"transform_null_equals", "on"},
    {"array_nulls", "off"},
    {"client_encoding", "LATIN1"},
    {"client_min_messages", "debug5"},
    {"DateStyle", "SQL, DMY"},
    {"IntervalStyle", "sql_standard"},
    {"TimeZone", "Asia/Kolkata"},
    {"bytea_output", "escape"},
    {"extra_float_digits", "-15"},
    {"dynamic_library_path", "/tmp"},
    {"default_table_access_method", "heap2"},
    {"temp_file_limit", "0"},
    {"max_stack_depth", "100kB"},
    {"commit_delay", "100000"},
    {"password_encryption", "md5"},
    {"log_statement", "all"},
    {"log_min_messages", "debug5"},
    {"log_min_duration_statement", "0"},
    {"debug_print_parse", "on"},
    {"allow_system_table_mods", "on"},
    {"zero_damaged_pages", "on"},
    {"check_function_bodies", "on"},
    {"jit", "on"},
};

/* Straight into the catalog, as a base backup would bring it, whether or not ALTER would take it.
 */
static void make_hostile(void) {
  AUTO_RELEASE(buffer_release) Buffer list = {0};
  for (size_t at = 0; at < ARRAY_LENGTH(hostile); at++)
    buffer_add_format(&list, "%s'%s=%s'", at > 0 ? "," : "", hostile[at].name, hostile[at].value);
  AUTO(str_free)
  char *sql =
      str_format("DELETE FROM pg_db_role_setting; INSERT INTO pg_db_role_setting"
                 " SELECT d, r, ARRAY[%s] FROM (VALUES (0::oid, '" PLATFORM_ROLE "'::regrole::oid),"
                 " ((SELECT oid FROM pg_database WHERE datname = 'hostile'), 0::oid),"
                 " ((SELECT oid FROM pg_database WHERE datname = 'hostile'), '" PLATFORM_ROLE
                 "'::regrole::oid)) AS v(d, r)",
                 list.text);
  AUTO(str_free) char *none = cluster_sql(cluster, "postgres", sql);
}

static void test_table_beats_database_and_role(void **state) {
  need_cluster();
  make_hostile();
  AUTO(conn_free) Conn *conn = open_hostile();
  AUTO(str_free) char *user = value_of(conn, "SELECT current_user || ' ' || session_user");
  assert_string_equal(user, PLATFORM_ROLE " " PLATFORM_ROLE);
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++) {
    AUTO(str_free) char *sql = str_format("SHOW %s", settings[at].name);
    AUTO(str_free) char *value = value_of(conn, sql);
    if (str_equal(settings[at].name, "statement_timeout"))
      assert_string_equal(value, "5min"); /* the server's way to write 300s */
    else
      assert_string_equal(value, settings[at].value);
  }
  AUTO(str_free) char *encoding = value_of(conn, "SHOW client_encoding");
  assert_string_equal(encoding, "UTF8");
  AUTO(str_free) char *read_only = value_of(conn, "SHOW transaction_read_only");
  assert_string_equal(read_only, "off");
}

/* The proof that the settings above would have done harm: an ordinary connection can't even be
 * opened. */
static void test_hostile_settings_are_real(void **state) {
  need_cluster();
  make_hostile();
  const ConnOption options[] = {
      {"host", cluster->root}, {"user", PLATFORM_ROLE}, {"dbname", "hostile"}, {NULL}};
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  assert_false(conn_open(options, 5000, &conn, &err));
  assert_non_null(strstr(err.message, "nonexistent"));
}

static void test_strangers_code_stays_silent(void **state) {
  need_cluster();
  AUTO(str_free)
  char *none = cluster_sql(cluster, "postgres", "DELETE FROM pg_db_role_setting");
  AUTO(str_free)
  char *made = cluster_sql(
      cluster, "hostile",
      "CREATE SCHEMA evil;"
      "CREATE FUNCTION evil.count(\"any\") RETURNS bigint LANGUAGE internal AS 'int8in';"
      "CREATE FUNCTION evil.text_eq(text, text) RETURNS bool LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''operator ran''; END';"
      "CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.text_eq);"
      "CREATE FUNCTION evil.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''event trigger ran''; END';"
      "CREATE TABLE evil.t (n text);"
      "CREATE FUNCTION evil.on_row() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''trigger ran''; END';"
      "CREATE TRIGGER bad BEFORE INSERT ON evil.t FOR EACH ROW EXECUTE FUNCTION evil.on_row();"
      "CREATE EVENT TRIGGER bad ON ddl_command_start EXECUTE FUNCTION evil.on_ddl()");
  make_hostile();
  AUTO(conn_free) Conn *conn = open_hostile();
  Error err = ERROR_INIT;
  assert_true(conn_exec(conn, "CREATE ROLE made_here", NULL, &err));
  assert_true(conn_exec(conn, "CREATE TABLE evil.made_here ()", NULL, &err));
  assert_true(conn_exec(conn, "INSERT INTO evil.t VALUES ('x')", NULL, &err));
  AUTO(str_free) char *same = value_of(conn, "SELECT 'a'::text = 'a'::text");
  assert_string_equal(same, "t");
}

static void test_settings_are_escaped(void **state) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  const PlatformSetting setting = {"x", "a b\\c", ""};
  add_setting(&options, &setting);
  assert_string_equal(options.text, "-c x=a\\ b\\\\c ");
}

static void test_waits_for_a_server_that_starts(void **state) {
  need_cluster();
  AUTO(cluster_free) Cluster *late = cluster_new(NULL);
  cluster_start(late, NULL);
  AUTO(str_free)
  char *none = cluster_sql(late, "postgres", "CREATE ROLE " PLATFORM_ROLE " SUPERUSER LOGIN");
  cluster_kill(late); /* its next start has something to recover */
  pid_t child = fork();
  if (child == 0) {
    Conn *conn = NULL;
    Error err = ERROR_INIT;
    bool opened = platform_open(late->root, "postgres", 20000, &conn, &err);
    _exit(opened ? 0 : 1);
  }
  clock_sleep_ms(50);
  cluster_start(late, NULL);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void test_gives_up_in_time(void **state) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  int64_t before = clock_monotonic_ms();
  assert_false(platform_open("/nonexistent", "postgres", 120, &conn, &err));
  assert_in_range(clock_monotonic_ms() - before, 100, 2000);
  assert_int_equal(err.code, ERROR_COMPUTE_TIMEOUT);
  assert_non_null(strstr(err.message, "120 ms"));
}

static void test_refusal_is_told_at_once(void **state) {
  need_cluster();
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  int64_t before = clock_monotonic_ms();
  assert_false(platform_open(cluster->root, "nowhere", 10000, &conn, &err));
  assert_true(clock_monotonic_ms() - before < 5000);
  assert_int_equal(err.code, ERROR_SQL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table_beats_database_and_role),
      cmocka_unit_test(test_hostile_settings_are_real),
      cmocka_unit_test(test_strangers_code_stays_silent),
      cmocka_unit_test(test_settings_are_escaped),
      cmocka_unit_test(test_waits_for_a_server_that_starts),
      cmocka_unit_test(test_gives_up_in_time),
      cmocka_unit_test(test_refusal_is_told_at_once),
  };
  return cmocka_run_group_tests_name("platform", tests, set_up, tear_down);
}
