/* The block of .env: rewired in place, whatever stands around it, and without a secret. */
#include "cli/scm_env.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *block_of(const char *branch) {
  AUTO(json_free)
  json_t *answer =
      json_pack("{s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i}}", "project", "shop",
                "state_file", "project_id", "prj-aaaaaaaaaaaa", "branch", "name", branch, "id",
                "br-aaaaaaaaaaaa", "url", "postgresql://dev@localhost:6432/app@x", "user", "dev",
                "database", "app", "host", "localhost", "port", 6432);
  return scm_env_block(answer);
}

static void test_a_block_says_where(void **state) {
  AUTO(str_free) char *block = block_of("split");
  assert_non_null(strstr(block, "\nBOUGH_BRANCH=split\n"));
  assert_non_null(strstr(block, "\nPGDATABASE=app@split\n"));
  assert_non_null(strstr(block, "\nPGPORT=6432\n"));
  assert_non_null(strstr(block, "\nBOUGH_PASSWORD_COMMAND='bough scm password'\n"));
  assert_null(strstr(block, "PGPASSWORD"));
}

static void test_what_a_line_can_not_hold_is_left_out(void **state) {
  AUTO(str_free) char *block = block_of("a'\nPGPASSWORD=x");
  assert_null(strstr(block, "PGPASSWORD"));
  assert_null(strstr(block, "BOUGH_BRANCH"));
}

static void test_it_is_added_and_rewired(void **state) {
  AUTO(str_free) char *one = block_of("one");
  AUTO(str_free) char *two = block_of("two");
  AUTO(str_free) char *fresh = scm_env_replace("", one);
  assert_string_equal(fresh, one);
  AUTO(str_free) char *added = scm_env_replace("SECRET=1", one);
  assert_true(str_starts(added, "SECRET=1\n# >>> bough"));
  AUTO(str_free) char *more = str_format("%sAFTER=1\n", added);
  AUTO(str_free) char *rewired = scm_env_replace(more, two);
  AUTO(str_free) char *expected = str_format("SECRET=1\n%sAFTER=1\n", two);
  assert_string_equal(rewired, expected);
  AUTO(str_free) char *again = scm_env_replace(rewired, two);
  assert_string_equal(again, rewired);
}

static void test_a_block_without_an_end_is_left_alone(void **state) {
  AUTO(str_free) char *block = block_of("one");
  AUTO(str_free) char *text = scm_env_replace("# >>> bough: cut\nA=1\n", block);
  assert_true(str_starts(text, "# >>> bough: cut\nA=1\n# >>> bough"));
  AUTO(str_free) char *again = scm_env_replace(text, block);
  assert_string_equal(again, text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_block_says_where),
      cmocka_unit_test(test_what_a_line_can_not_hold_is_left_out),
      cmocka_unit_test(test_it_is_added_and_rewired),
      cmocka_unit_test(test_a_block_without_an_end_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
