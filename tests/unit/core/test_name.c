/* Names and ids: the only strings that may become part of a path. */
#include "core/name.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const char *const good_names[] = {"a", "z9", "feature-1", "a-", "a--b", SIXTY "abc"};

static const char *const bad_names[] = {
    "",          "-",     "-a",   "1a",   "A",   "aB",         "a_b",       "a.b",   "..",
    ".",         "a/b",   "../a", "a b",  " a",  "a\n",        "a\t",       "a\x7f", "\xc3\xa4",
    "a\xc3\xa4", "a\xff", "a'b",  "a\"b", "a;b", "a%2fb",      "a\\b",      "a`b",   "a$b",
    "a*",        "{a",    "a{",   "`a",   "a:",  SIXTY "abcd", SIXTY SIXTY,
};

static void test_names(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good_names); at++)
    assert_true(name_check("branch", good_names[at], NULL));
  for (size_t at = 0; at < ARRAY_LENGTH(bad_names); at++) {
    Error err = ERROR_INIT;
    if (name_check("branch", bad_names[at], &err))
      fail_msg("\"%s\" passed", bad_names[at]);
    assert_int_equal(err.code, ERROR_INVALID_NAME);
    assert_true(str_starts(err.message, "invalid branch name \""));
    assert_true(err.hint[0] != '\0');
  }
}

/* Every byte, at both places. */
static void test_every_character(void **state) {
  for (int byte = 1; byte < 256; byte++) {
    char c = (char)byte;
    const char first[] = {c, 'a', '\0'};
    const char later[] = {'a', c, '\0'};
    bool letter = c >= 'a' && c <= 'z';
    assert_int_equal(name_check("branch", first, NULL), letter);
    assert_int_equal(name_check("branch", later, NULL),
                     letter || (c >= '0' && c <= '9') || c == '-');
  }
}

static const struct {
  const char *git, *name; /* NULL: refused */
} git_names[] = {
    {"main", "main"},
    {"feature/ABC-123_x", "feature-abc-123-x"},
    {"Release.1.0", "release-1-0"},
    {"a\xc3\xa9z", "a--z"},
    {"users/ann/fix#1", "users-ann-fix-1"},
    {"1.0", NULL},
    {"/main", NULL},
    {"\xc3\xa9t\xc3\xa9", NULL},
    {"", NULL},
    {SIXTY "abc", SIXTY "abc"},
    {SIXTY "abcd", NULL},
};

static void test_git_names(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(git_names); at++) {
    AUTO(str_free) char *name = NULL;
    Error err = ERROR_INIT;
    assert_int_equal(name_from_git(git_names[at].git, &name, &err), git_names[at].name != NULL);
    assert_true(str_equal(name, git_names[at].name));
    assert_int_equal(err.code, git_names[at].name != NULL ? ERROR_NONE : ERROR_INVALID_NAME);
  }
}

static void test_new_ids(void **state) {
  char ids[200][ID_SIZE];
  for (size_t at = 0; at < ARRAY_LENGTH(ids); at++) {
    id_new("br", ids[at]);
    assert_true(id_check("br", ids[at]));
    assert_false(id_check("b", ids[at]));
    assert_false(id_check("ep", ids[at]));
    assert_int_equal(strlen(ids[at]), 15);
    for (size_t before = 0; before < at; before++)
      assert_string_not_equal(ids[before], ids[at]);
  }
}

static void test_foreign_ids(void **state) {
  static const char *const bad[] = {
      "",
      "br",
      "br-",
      "br-abcdefghijk",
      "br-abcdefghijklm",
      "br_abcdefghijkl",
      "br-abcdefghij1l",
      "br-abcdefghij8l",
      "br-ABCDEFGHIJKL",
      "br-abcdefghij/l",
      "br-../../etc/",
      " br-abcdefghijkl",
      "br-abcdefghijkl ",
      "br-abcdefghijkl\n",
      "brr-abcdefghijkl",
      "br-abcde%2fghij",
  };
  assert_true(id_check("br", "br-abcdefgh2345"));
  assert_true(id_check("br", "br-67zzzzzzzzzz"));
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++)
    if (id_check("br", bad[at]))
      fail_msg("\"%s\" passed", bad[at]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),       cmocka_unit_test(test_every_character),
      cmocka_unit_test(test_git_names),   cmocka_unit_test(test_new_ids),
      cmocka_unit_test(test_foreign_ids),
  };
  return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
