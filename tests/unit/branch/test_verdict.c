/* What psql says about a script, in pieces of every size. */
#include "branch/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  Verdict wanted;
  const char *sqlstate, *statement, *message;
} cases[] = {
    {VERDICT_ROLE, "42704", "ALTER TABLE t OWNER TO postgres;", "role \"postgres\" does not exist"},
    {VERDICT_ROLE, "42501", "CREATE ROLE alice;", "permission denied to create role"},
    {VERDICT_IGNORED, "42501", "ALTER TABLE public.t\n  OWNER TO bob;", "must be owner of table t"},
    {VERDICT_IGNORED, "42501", "alter role alice with superuser", "must be superuser"},
    {VERDICT_IGNORED, "42704", "SET transaction_timeout = 0;",
     "unrecognized configuration parameter \"transaction_timeout\""},
    {VERDICT_IGNORED, "42P06", "-- a comment\n\nCREATE SCHEMA public;", "schema exists"},
    {VERDICT_SUPERUSER, "42501", "CREATE EVENT TRIGGER t", "permission denied"},
    {VERDICT_SUPERUSER, "42501", "COPY t FROM PROGRAM 'x';", "must be superuser"},
    {VERDICT_SUPERUSER, "42501", "ALTER TABLE t ADD c int;", "must be owner"},
    {VERDICT_EXTENSION, "0A000", "CREATE EXTENSION postgis;",
     "extension \"postgis\" is not available"},
    {VERDICT_EXTENSION, "58P01", "CREATE FUNCTION f()", "could not access file \"$libdir/x\""},
    {VERDICT_META, "meta", "", "backslash commands are restricted"},
    {VERDICT_FAILED, "42P01", "SELECT * FROM t;", "relation \"t\" does not exist"},
    {VERDICT_FAILED, "42P07", "CREATE TABLE t (a int);", "relation exists"},
    {VERDICT_FAILED, "", "", "connection to server was lost"},
};

static void statements_are_judged(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++)
    if (verdict_of(cases[at].sqlstate, cases[at].statement, cases[at].message) != cases[at].wanted)
      fail_msg("%s: %s", cases[at].statement, cases[at].message);
}

static const char output[] =
    "psql:<stdin>:3: NOTICE:  00000: hello\n"
    "LOCATION:  exec_stmt_raise, pl_exec.c:3893\n"
    "psql:<stdin>:5: ERROR:  42704: role \"the boss\" does not exist\n"
    "LOCATION:  get_role_oid, acl.c:5203\n"
    "psql:<stdin>:5: STATEMENT:  ALTER TABLE t\n"
    "    OWNER TO \"the boss\";\n"
    "psql:<stdin>:6: error: backslash commands are restricted; only \\unrestrict is allowed\n"
    "psql:<stdin>:9: ERROR:  42501: permission denied to create role\n"
    "psql:<stdin>:9: STATEMENT:  CREATE ROLE Alice WITH LOGIN;\n"
    "psql:<stdin>:12: ERROR:  0A000: extension \"postgis\" is not available\n"
    "psql:<stdin>:12: STATEMENT:  CREATE EXTENSION postgis;\n"
    "psql:<stdin>:14: ERROR:  22012: division by zero\n"
    "psql:<stdin>:14: STATEMENT:  SELECT 1/0;";

static void check(const VerdictReport *report) {
  assert_int_equal(report->counts[VERDICT_ROLE], 2);
  assert_int_equal(report->counts[VERDICT_META], 1);
  assert_int_equal(report->counts[VERDICT_EXTENSION], 1);
  assert_int_equal(report->counts[VERDICT_FAILED], 1);
  assert_int_equal(report->counts[VERDICT_IGNORED], 0);
  assert_int_equal(json_object_size(report->roles), 2);
  assert_non_null(json_object_get(report->roles, "the boss"));
  assert_non_null(json_object_get(report->roles, "alice"));
  assert_null(report->extensions);
  assert_string_equal(report->examples[VERDICT_FAILED].text,
                      "dump.sql line 114: SELECT 1/0;: division by zero");
}

static void output_is_read_in_pieces(void **state) {
  for (size_t piece = 1; piece < 40; piece++) {
    AUTO_RELEASE(verdict_report_release)
    VerdictReport report = {.file = "dump.sql", .line_offset = 100};
    for (size_t at = 0; at < strlen(output); at += piece) {
      size_t rest = strlen(output) - at;
      verdict_feed(&report, output + at, rest < piece ? rest : piece);
    }
    verdict_finish(&report);
    check(&report);
  }
}

static void safe_extensions_are_wanted(void **state) {
  AUTO_RELEASE(verdict_report_release)
  VerdictReport report = {.file = "dump.sql", .database = "shop"};
  static const char text[] =
      "psql:<stdin>:1: ERROR:  42501: permission denied to create extension\n"
      "psql:<stdin>:1: STATEMENT:  CREATE EXTENSION IF NOT EXISTS pgstattuple WITH SCHEMA \"My "
      "ext\";\n"
      "psql:<stdin>:2: ERROR:  42501: permission denied to create extension\n"
      "psql:<stdin>:2: STATEMENT:  create extension PG_STAT_STATEMENTS;\n"
      "psql:<stdin>:3: ERROR:  42501: permission denied to create extension\n"
      "psql:<stdin>:3: STATEMENT:  CREATE EXTENSION file_fdw;\n";
  verdict_feed(&report, text, strlen(text));
  verdict_finish(&report);
  assert_int_equal(report.counts[VERDICT_MADE], 2);
  assert_int_equal(report.counts[VERDICT_SUPERUSER], 1);
  const json_t *those = json_object_get(report.extensions, "shop");
  assert_string_equal(json_string_or(those, "pgstattuple", ""), "My ext");
  assert_string_equal(json_string_or(those, "pg_stat_statements", ""), "public");
}

static void examples_are_bounded(void **state) {
  AUTO_RELEASE(verdict_report_release) VerdictReport report = {.file = "dump.sql"};
  AUTO_RELEASE(buffer_release) Buffer line = {0};
  buffer_add_text(&line, "psql:<stdin>:1: ERROR:  22012: ");
  for (size_t at = 0; at < 100000; at++)
    buffer_add_text(&line, "x");
  buffer_add_text(&line, "\n");
  for (size_t at = 0; at < 50; at++)
    verdict_feed(&report, line.text, line.length);
  verdict_finish(&report);
  assert_int_equal(report.counts[VERDICT_FAILED], 50);
  assert_in_range(report.examples[VERDICT_FAILED].length, 100, 8 * 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statements_are_judged),
      cmocka_unit_test(output_is_read_in_pieces),
      cmocka_unit_test(safe_extensions_are_wanted),
      cmocka_unit_test(examples_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
