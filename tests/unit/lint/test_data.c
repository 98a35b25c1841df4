/* Rules that ask the data, on a real server: their bad examples are found, their good ones not, as
 * a reader who may read what was granted to everybody; and what they make of names. */
#include "harness/cluster.h"
#include "lint_testing.h"
#include "pg/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Cluster *cluster;
static bool ask(void *context, const char *sql, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(context, sql, 0, NULL, &rows, err))
    return false;
  assert_int_equal(rows_count(rows), 1);
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

/* A database that holds data and nothing else, as a reader sees it. */
static Conn *open_data(const char *data) {
  AUTO(str_free)
  char *sql = str_format("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; "
                         "GRANT USAGE ON SCHEMA public TO PUBLIC; %s",
                         data);
  cluster_exec(cluster, "postgres", sql);
  const ConnOption options[] = {{"host", cluster->root},
                                {"user", "reader"},
                                {"dbname", "postgres"},
                                {"options", "-c default_transaction_read_only=on"},
                                {NULL, NULL}};
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  if (!conn_open(options, 10 * 1000, &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static size_t find(const char *data, const char *text, const char *rule) {
  AUTO(conn_free) Conn *conn = open_data(data);
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  LintOptions options = {.ask = ask, .ask_context = conn};
  LintInput input = {.file = "test.sql", .text = text, .length = strlen(text)};
  Error err = ERROR_INIT;
  if (!lint_file(&input, &options, &report, &err))
    fail_msg("%s", err.message);
  if (strcmp(rule, "data-unchecked") != 0 && count_rule(&report, "data-unchecked") > 0)
    fail_msg("%s", report.findings[0].text);
  return count_rule(&report, rule);
}

static void test_examples(void **state) {
  if (cluster == NULL)
    skip();
  size_t tried = 0;
  for (size_t at = 0; at < lint_rule_count(); at++) {
    const LintRule *rule = lint_rule(at);
    if (rule->data == NULL)
      continue;
    tried++;
    if (find(rule->data, rule->bad, rule->name) != 1)
      fail_msg("%s: the bad example isn't found", rule->name);
    if (find(rule->data, rule->good, rule->name) != 0)
      fail_msg("%s: the good example is found", rule->name);
  }
  assert_true(tried >= 8);
}

/* Names with quotes, semicolons and capitals, and schemas. */
static void test_names(void **state) {
  if (cluster == NULL)
    skip();
  static const char data[] =
      "CREATE SCHEMA \"S\"\";\"; GRANT USAGE ON SCHEMA \"S\"\";\" TO PUBLIC; "
      "CREATE TABLE \"S\"\";\".\"t'; --\" (\"select\" int, \"\xC3\xA4 \"\"b\" int); "
      "GRANT SELECT ON \"S\"\";\".\"t'; --\" TO PUBLIC; "
      "INSERT INTO \"S\"\";\".\"t'; --\" VALUES (1, 1), (NULL, 1)";
#define TABLE "\"S\"\";\".\"t'; --\""
  static const struct {
    const char *sql;
    const char *rule;
    size_t count;
  } rows[] = {
      {"ALTER TABLE " TABLE " ALTER COLUMN \"select\" SET NOT NULL", "data-not-null", 1},
      {"ALTER TABLE " TABLE " ALTER COLUMN \"\xC3\xA4 \"\"b\" SET NOT NULL", "data-not-null", 0},
      {"ALTER TABLE " TABLE " ALTER COLUMN gone SET NOT NULL", "data-not-null", 0},
      {"ALTER TABLE \"S\".gone ALTER COLUMN a SET NOT NULL", "data-not-null", 0},
      {"CREATE UNIQUE INDEX ON " TABLE " (\"\xC3\xA4 \"\"b\")", "data-unique", 1},
      {"CREATE UNIQUE INDEX ON " TABLE " (\"select\")", "data-unique", 0},
      {"CREATE UNIQUE INDEX ON " TABLE " (\"select\", \"\xC3\xA4 \"\"b\")", "data-unique", 0},
      {"ALTER TABLE " TABLE " DROP COLUMN \"select\"", "data-column-lost", 1},
      {"ALTER TABLE " TABLE " ADD CHECK (\"select\" > 0 AND ');' <> '(')", "data-check", 0},
      {"ALTER TABLE " TABLE " ADD CHECK (\"select\" > 1 /* ) */ AND $$($$ = $$($$)", "data-check",
       1},
      {"ALTER TABLE " TABLE " ADD CONSTRAINT \"a(b)\" CHECK (\"select\" > 1)", "data-check", 1},
      {"ALTER TABLE " TABLE " ADD CONSTRAINT \"a(\" /* ( */ CHECK -- (\n (\"select\" > 0)",
       "data-check", 0},
      {"ALTER TABLE " TABLE " ADD CHECK (ROW(\"select\", 1) IS NOT NULL)", "data-check", 1},
      {"ALTER TABLE " TABLE " ADD CHECK ((\"select\", 2) > (1, 0))", "data-check", 0},
      {"ALTER TABLE " TABLE " ADD CHECK (\"t'; --\" IS NOT NULL)", "data-check", 1},
      {"ALTER TABLE " TABLE " ALTER COLUMN \"select\" TYPE varchar(1)", "data-type", 0},
      {"DROP TABLE " TABLE, "data-table-lost", 1},
  };
#undef TABLE
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    AUTO(str_free) char *fresh = str_format("DROP SCHEMA IF EXISTS \"S\"\";\" CASCADE; %s", data);
    size_t count = find(fresh, rows[at].sql, rows[at].rule);
    if (count != rows[at].count)
      fail_msg("%s: %s found %zu times", rows[at].sql, rows[at].rule, count);
  }
}

/* What this migration writes itself, or makes, can't be judged by what is there now. */
static void test_state(void **state) {
  if (cluster == NULL)
    skip();
  static const char data[] = "CREATE TABLE t (a int, b int); GRANT SELECT ON t TO PUBLIC; "
                             "INSERT INTO t VALUES (1, NULL), (1, NULL)";
  assert_int_equal(find(data, "ALTER TABLE t ALTER b SET NOT NULL", "data-not-null"), 1);
  assert_int_equal(
      find(data, "UPDATE t SET b = 0; ALTER TABLE t ALTER b SET NOT NULL", "data-not-null"), 0);
  assert_int_equal(
      find(data, "DO 'begin end'; ALTER TABLE t ALTER b SET NOT NULL", "data-not-null"), 0);
  assert_int_equal(find(data, "DELETE FROM t; ALTER TABLE t ADD UNIQUE (a)", "data-unique"), 0);
  assert_int_equal(
      find(data, "CREATE TABLE u (a int PRIMARY KEY); DROP TABLE u", "data-table-lost"), 0);
  assert_int_equal(find(data, "CREATE TABLE u AS SELECT * FROM t; DROP TABLE t", "data-table-lost"),
                   0);
}

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  cluster = cluster_new(NULL);
  cluster_start(cluster, NULL);
  cluster_exec(cluster, "postgres", "CREATE ROLE reader LOGIN");
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_examples),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_state),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
