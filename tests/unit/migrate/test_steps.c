/* Texts of migrations as steps: what is one transaction, what is refused, what may be edited. */
#include "core/str.h"
#include "migrate/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, bool marked, size_t count, bool alone, bool rights) {
  AUTO_RELEASE(steps_release) Steps steps = {0};
  Error err = ERROR_INIT;
  if (!steps_read("f.sql", text, marked, &steps, &err))
    fail_msg("%s", err.message);
  assert_int_equal(steps.count, count);
  assert_int_equal(steps.is_alone, alone);
  assert_int_equal(steps.rights != NULL, rights);
}

static void refuse(const char *text, const char *words) {
  AUTO_RELEASE(steps_release) Steps steps = {0};
  Error err = ERROR_INIT;
  assert_false(steps_read("f.sql", text, false, &steps, &err));
  assert_int_equal(err.code, ERROR_MIGRATION_INVALID);
  if (strstr(err.message, words) == NULL)
    fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void test_transactions(void **state) {
  expect("", false, 0, false, false);
  expect("-- nothing", false, 0, false, false);
  expect("select 1; select 2", false, 2, false, false);
  expect("begin; select 1; end;", false, 1, false, false);
  expect("start transaction; select 1; commit", false, 1, false, false);
  expect("select 1", true, 1, true, false);
  expect("create table t (x int); create index concurrently i on t (x)", false, 2, true, false);
  expect("vacuum", false, 1, true, false);
}

static void test_rights(void **state) {
  expect("grant select on t to u", false, 1, false, true);
  expect("create extension citext", false, 1, false, true);
  expect("create table t (x int)", false, 1, false, false);
}

static void test_refusals(void **state) {
  refuse("select 1;\ncommit;\nselect 2", "line 2: a transaction");
  refuse("begin; select 1", "line 1: a transaction");
  refuse("select 1;\n\\connect postgres\n", "line 2: a backslash");
  refuse("copy t from stdin;\n1\n\\.\n", "line 1: COPY");
}

static void test_what_the_parser_refuses_is_left_for_the_server(void **state) {
  expect("create tabel t", false, 1, false, false);
}

static void test_beginnings(void **state) {
  AUTO_RELEASE(steps_release) Steps before = {0};
  AUTO_RELEASE(steps_release) Steps after = {0};
  assert_true(steps_read("f.sql", "select 1; select 2; select 3", true, &before, NULL));
  assert_true(steps_read("f.sql", "select 1; select 2; select 4; select 5", true, &after, NULL));
  assert_true(steps_begin_like(&after, before.progress, 0));
  assert_true(steps_begin_like(&after, before.progress, 2));
  assert_false(steps_begin_like(&after, before.progress, 3));
  assert_false(steps_begin_like(&after, before.progress, 4));
  assert_false(steps_begin_like(&before, after.progress, 4));
  assert_false(steps_begin_like(&after, before.progress, -1));
  assert_false(steps_begin_like(&after, "", 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_transactions),
      cmocka_unit_test(test_rights),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_what_the_parser_refuses_is_left_for_the_server),
      cmocka_unit_test(test_beginnings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
