/* Failures: what their text may hold, how it is cut, and the table of codes. */
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_set_replaces_all(void **state) {
  Error err = ERROR_INIT;
  assert_false(error_set(&err, ERROR_TIMEOUT, "first"));
  assert_false(error_hint(&err, "wait %d s", 3));
  assert_string_equal(err.hint, "wait 3 s");
  assert_false(error_set(&err, ERROR_BRANCH_BUSY, "second %s", "text"));
  assert_int_equal(err.code, ERROR_BRANCH_BUSY);
  assert_string_equal(err.message, "second text");
  assert_string_equal(err.hint, "");
}

static void test_nobody_listens(void **state) {
  assert_false(error_set(NULL, ERROR_TIMEOUT, "text"));
  assert_false(error_set_errno(NULL, EIO, "text"));
  assert_false(error_hint(NULL, "text"));
  assert_false(error_prefix(NULL, "text"));
}

static void test_errno(void **state) {
  static const struct {
    int number;
    ErrorCode code;
  } rows[] = {{EACCES, ERROR_IO}, {ENOSPC, ERROR_POOL_FULL}, {EDQUOT, ERROR_POOL_FULL}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    Error err = ERROR_INIT;
    AUTO(str_free) char *expected = str_format("could not x: %s", strerror(rows[at].number));
    assert_false(error_set_errno(&err, rows[at].number, "could not %s", "x"));
    assert_string_equal(err.message, expected);
    assert_int_equal(err.code, rows[at].code);
  }
}

static void test_prefix_keeps_code_and_hint(void **state) {
  Error err = ERROR_INIT;
  (void)error_set(&err, ERROR_TIMEOUT, "inner");
  (void)error_hint(&err, "hint");
  assert_false(error_prefix(&err, "outer %d", 1));
  assert_string_equal(err.message, "outer 1: inner");
  assert_string_equal(err.hint, "hint");
  assert_int_equal(err.code, ERROR_TIMEOUT);
  error_clear(&err);
  assert_int_equal(err.code, ERROR_NONE);
  assert_string_equal(err.message, "");
}

/* What is said, and what may reach a terminal, a log and JSON. */
static const struct {
  const char *said, *kept;
} texts[] = {
    {"two\nlines\n", "two lines"},
    {"\x1b[31mred\x7f", " [31mred "},
    {"trailing blanks  \n \n", "trailing blanks"},
    {"", ""},
    {"\n", ""},
    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\xb3",
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\xb3"},
    {"latin \xe9t\xe9", "latin ?t?"},
    {"cut \xe2\x82", "cut ??"},
    {"c1 \xc2\x9b"
     "31m",
     "c1 ??31m"},
    {"overlong \xc0\xaf", "overlong ??"},
    {"surrogate \xed\xa0\x80", "surrogate ???"},
    {"beyond \xf4\x90\x80\x80", "beyond ????"},
    {"five \xf8\x88\x80\x80\x80", "five ?????"},
    {"last \xf4\x8f\xbf\xbf", "last \xf4\x8f\xbf\xbf"},
    {"first \xc2\xa0.", "first \xc2\xa0."},
};

static void test_one_line_of_utf8(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    Error err = ERROR_INIT;
    (void)error_set(&err, ERROR_USAGE, "%s", texts[at].said);
    assert_string_equal(err.message, texts[at].kept);
    (void)error_hint(&err, "%s", texts[at].said);
    assert_string_equal(err.hint, texts[at].kept);
    err.message[0] = '\0';
    (void)error_prefix(&err, "%s", texts[at].said);
    assert_null(strpbrk(err.message, "\n\x1b\x7f"));
  }
}

/* A message may be cut anywhere, also within a character: it must still be told. */
static void test_cut_message_survives_json(void **state) {
  for (size_t lead = 0; lead < 4; lead++) {
    AUTO_RELEASE(buffer_release) Buffer text = {0};
    buffer_add(&text, "abcd", lead);
    while (text.length < 3000)
      buffer_add_text(&text, "\xe2\x82\xac");
    Error err = ERROR_INIT;
    Error back = ERROR_INIT;
    (void)error_set(&err, ERROR_SQL, "%s", text.text);
    (void)error_hint(&err, "%s", text.text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    AUTO(json_free) json_t *object = json_from_error(&err);
    json_to_error(object, &back);
    assert_int_equal(back.code, ERROR_SQL);
    assert_string_equal(back.message, err.message);
    assert_string_equal(back.hint, err.hint);
    assert_false(error_prefix(&err, "in front"));
    assert_true(str_starts(err.message, "in front: "));
  }
}

static void test_table_is_whole(void **state) {
  for (ErrorCode code = ERROR_NONE + 1; code < ERROR_COUNT_; code++) {
    const ErrorInfo *info = error_info(code);
    assert_int_equal(error_code_from_name(info->code), code); /* no name twice */
    assert_in_range(info->exit_status, 1, 4);
    assert_in_range(info->http_status, 400, 599);
    assert_int_equal(strlen(info->sqlstate), 5);
    assert_true(info->meaning[0] != '\0');
    assert_int_equal(strspn(info->code, "abcdefghijklmnopqrstuvwxyz-"), strlen(info->code));
  }
  assert_int_equal(error_code_from_name("no-such-code"), ERROR_INTERNAL);
  assert_ptr_equal(error_info((ErrorCode)9999), error_info(ERROR_INTERNAL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set_replaces_all),
      cmocka_unit_test(test_nobody_listens),
      cmocka_unit_test(test_errno),
      cmocka_unit_test(test_prefix_keeps_code_and_hint),
      cmocka_unit_test(test_one_line_of_utf8),
      cmocka_unit_test(test_cut_message_survives_json),
      cmocka_unit_test(test_table_is_whole),
  };
  return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
