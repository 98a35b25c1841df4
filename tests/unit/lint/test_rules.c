/* Every rule finds its bad example and not its good one; what silences; how findings are placed. */
#include "lint_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static LintReport run_with(const LintRule *rule, const char *text, const char *undo,
                           const LintOptions *options) {
  LintReport report = {0};
  Error err = ERROR_INIT;
  LintInput input = {.file = "test.sql",
                     .text = text,
                     .length = strlen(text),
                     .undo = undo,
                     .undo_is_known = undo != NULL,
                     .in_transaction = rule != NULL && rule->in_transaction};
  if (!lint_file(&input, options, &report, &err))
    fail_msg("%s", err.message);
  return report;
}

static LintReport run(const char *text) {
  LintOptions options = {0};
  return run_with(NULL, text, NULL, &options);
}

/* Rules that ask a database are tried by test_data.c. */
static void test_examples(void **state) {
  LintOptions options = {.taste = true, .idempotent = true};
  for (size_t at = 0; at < lint_rule_count(); at++) {
    const LintRule *rule = lint_rule(at);
    if (rule->data != NULL)
      continue;
    AUTO_RELEASE(lint_report_release)
    LintReport bad = run_with(rule, rule->bad, rule->bad_undo, &options);
    AUTO_RELEASE(lint_report_release)
    LintReport good = run_with(rule, rule->good, rule->good_undo, &options);
    if (count_rule(&bad, rule->name) == 0)
      fail_msg("%s: the bad example isn't found", rule->name);
    if (count_rule(&good, rule->name) != 0 && strcmp(rule->name, "ignore-reason") != 0)
      fail_msg("%s: the good example is found", rule->name);
    if (count_rule(&good, "syntax-error") != 0)
      fail_msg("%s: the good example can't be parsed", rule->name);
  }
}

static void test_table(void **state) {
  assert_true(lint_rule_count() >= 40);
  for (size_t at = 0; at < lint_rule_count(); at++) {
    const LintRule *rule = lint_rule(at);
    assert_ptr_equal(lint_rule_by_name(rule->name), rule);
    assert_true(rule->why != NULL && rule->instead != NULL && rule->bad != NULL &&
                rule->good != NULL);
    assert_int_equal(strspn(rule->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(rule->name));
  }
  assert_null(lint_rule_by_name("no-such-rule"));
}

/* Without being asked for, taste keeps quiet. */
static void test_taste(void **state) {
  AUTO_RELEASE(lint_report_release)
  LintReport report = run("CREATE TABLE t (id serial PRIMARY KEY, code varchar(10));");
  assert_int_equal(report.count, 0);
}

static void test_place(void **state) {
  AUTO_RELEASE(lint_report_release)
  LintReport report = run("-- one\nALTER TABLE t\n  ADD COLUMN \xC3\xA4 int,\n  ADD COLUMN c "
                          "timestamp;\nSELEC 1;\n");
  assert_int_equal(report.count, 2);
  assert_string_equal(report.findings[0].rule->name, "timestamp-without-zone");
  assert_int_equal(report.findings[0].line, 4);
  assert_int_equal(report.findings[0].column, 16);
  assert_string_equal(report.findings[1].rule->name, "syntax-error");
  assert_int_equal(report.findings[1].line, 5);
  assert_int_equal(report.errors, 1);
  assert_int_equal(report.warnings, 1);
}

static void expect(const char *text, const char *rule, size_t open, size_t silenced) {
  AUTO_RELEASE(lint_report_release) LintReport report = run(text);
  size_t found = 0;
  size_t found_silenced = 0;
  for (size_t at = 0; at < report.count; at++) {
    if (strcmp(report.findings[at].rule->name, rule) != 0)
      continue;
    found += report.findings[at].silenced == NULL;
    found_silenced += report.findings[at].silenced != NULL;
  }
  if (found != open || found_silenced != silenced)
    fail_msg("%s: %s found %zu times, silenced %zu times", text, rule, found, found_silenced);
}

static void test_silence(void **state) {
#define DROP "ALTER TABLE t DROP COLUMN c;\n"
  expect(DROP, "drop-column", 1, 0);
  expect("-- bough:ignore drop-column unused since May\n" DROP, "drop-column", 0, 1);
  expect("-- bough:ignore drop-column unused since May\n" DROP DROP, "drop-column", 1, 1);
  expect("ALTER TABLE t -- bough:ignore drop-column unused\nDROP COLUMN c;", "drop-column", 0, 1);
  expect("/* bough:ignore drop-column unused */" DROP, "drop-column", 0, 1);
  expect("-- bough:ignore drop-table,drop-column unused\n" DROP, "drop-column", 0, 1);
  expect("-- bough:ignore drop-table,drop-column unused\n" DROP, "ignore-unused", 1, 0);
  expect("-- bough:ignore drop-table unused\n" DROP, "drop-column", 1, 0);
  expect("-- bough:ignore drop-column\n" DROP, "drop-column", 1, 0);
  expect("-- bough:ignore drop-column\n" DROP, "ignore-reason", 1, 0);
  expect("-- bough:ignore\n" DROP, "ignore-unknown", 1, 0);
  expect("-- bough:ignore-file drop-column unused\n" DROP DROP, "drop-column", 0, 2);
  expect(DROP DROP "-- bough:ignore-file drop-column unused\n", "drop-column", 0, 2);
  expect("-- bough:ignored drop-column unused\n" DROP, "drop-column", 1, 0);
  expect("SELECT '-- bough:ignore drop-column unused';\n" DROP, "drop-column", 1, 0);
#undef DROP
}

static void test_silence_is_reported(void **state) {
  AUTO_RELEASE(lint_report_release)
  LintReport report = run("-- bough:ignore drop-column nobody reads it  \n"
                          "ALTER TABLE t DROP COLUMN c;\n");
  AUTO(json_free) json_t *object = lint_report_to_json(&report);
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  lint_render_text(object, true, &text);
  assert_string_equal(text.text, "test.sql:2:1: silenced: column c of t is dropped [drop-column]\n"
                                 "    reason: nobody reads it\n"
                                 "1 file: 0 errors, 0 warnings, 1 silenced\n");
}

static void test_fresh(void **state) {
  expect("CREATE TABLE t (a int PRIMARY KEY); CREATE INDEX i ON t (a);", "index-not-concurrent", 0,
         0);
  expect("CREATE TABLE s.t (a int PRIMARY KEY); CREATE INDEX i ON t (a);", "index-not-concurrent",
         0, 0);
  expect("CREATE TABLE s.t (a int PRIMARY KEY); CREATE INDEX i ON r.t (a);", "index-not-concurrent",
         1, 0);
  expect("SELECT 1 AS a INTO t; CREATE INDEX i ON t (a);", "index-not-concurrent", 0, 0);
  expect("CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t RENAME TO u; CREATE INDEX i ON u (a);",
         "index-not-concurrent", 0, 0);
  expect("CREATE SCHEMA s CREATE TABLE t (a timestamp);", "timestamp-without-zone", 1, 0);
}

static void test_refused(void **state) {
  LintReport report = {0};
  LintOptions options = {0};
  Error err = ERROR_INIT;
  LintInput input = {.file = "bad.sql", .text = "select '\xFF'", .length = 9};
  assert_false(lint_file(&input, &options, &report, &err));
  assert_string_equal(err.message, "bad.sql: byte 9 of the text isn't UTF-8, or is zero");
  assert_int_equal(report.count, 0);
}

/* Rules that look back for each statement, over thousands of statements: refused, not run for
 * minutes. */
static void test_bounded(void **state) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  LintOptions options = {.taste = true};
  Error err = ERROR_INIT;
  for (int at = 0; at < LINT_STATEMENTS_LIMIT / 2; at++)
    buffer_add_text(
        &text, "ALTER TABLE t DROP CONSTRAINT c, VALIDATE CONSTRAINT d, ALTER x SET NOT NULL;");
  LintInput input = {.file = "many.sql", .text = text.text, .length = text.length};
  assert_false(lint_file(&input, &options, &report, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_examples), cmocka_unit_test(test_table),
      cmocka_unit_test(test_taste),    cmocka_unit_test(test_place),
      cmocka_unit_test(test_silence),  cmocka_unit_test(test_silence_is_reported),
      cmocka_unit_test(test_fresh),    cmocka_unit_test(test_refused),
      cmocka_unit_test(test_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
