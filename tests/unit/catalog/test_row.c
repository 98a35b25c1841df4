/* Values on their way in and out of rows, without a server. */
#include "catalog/row.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_message_copy(void **state) {
  static const struct {
    const char *text;
    const char *expected;
  } cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"0123456789", "0123456"}, /* cut */
      {"\xc3\xa9\xe2\x82\xac!", "\xc3\xa9\xe2\x82\xac!"},
      {"12345\xe2\x82\xac", "12345"}, /* not cut within a character */
      {"a\xff"
       "b",
       "a?b"},
      {"a\xc3", "a?"}, /* cut by somebody else */
      {"\xe2\x82", "??"},
      {"\xc0\xaf", "??"},           /* overlong */
      {"\xed\xa0\x80", "???"},      /* a surrogate */
      {"\xf4\x90\x80\x80", "????"}, /* past U+10FFFF */
      {"\xf0\x9f\x8c\xb3", "\xf0\x9f\x8c\xb3"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    char copy[8];
    message_copy(copy, sizeof copy, cases[at].text);
    assert_string_equal(copy, cases[at].expected);
  }
}

static void test_decode_refuses(void **state) {
  static const char *const words[] = {"up", "down", NULL};
  static const struct {
    Column column;
    const char *text;
  } cases[] = {
      {{.type = COLUMN_ID, .size = ID_SIZE, .domain = "br"}, "br-ABC"},
      {{.type = COLUMN_ID, .size = ID_SIZE, .domain = "br"}, "ep-abcdefghijkl"},
      {{.type = COLUMN_ID, .size = ID_SIZE, .domain = "br"}, NULL},
      {{.type = COLUMN_NAME, .size = NAME_MAX_LENGTH + 1}, "../etc"},
      {{.type = COLUMN_TEXT, .size = 4}, "four"},
      {{.type = COLUMN_TEXT, .size = 16, .domain = words}, "sideways"},
      {{.type = COLUMN_STATE, .size = sizeof(int), .domain = words}, "UP"},
      {{.type = COLUMN_STATE, .size = sizeof(int), .domain = words}, NULL},
      {{.type = COLUMN_BOOL, .size = sizeof(bool)}, "yes"},
      {{.type = COLUMN_INT, .size = sizeof(int)}, "2147483648"},
      {{.type = COLUMN_INT, .size = sizeof(int)}, "1 "},
      {{.type = COLUMN_INT, .size = sizeof(int)}, ""},
      {{.type = COLUMN_UINT, .size = sizeof(uint32_t)}, "-1"},
      {{.type = COLUMN_UINT, .size = sizeof(uint32_t)}, "4294967296"},
      {{.type = COLUMN_INTEGER, .size = sizeof(int64_t)}, "9223372036854775808"},
      {{.type = COLUMN_INTEGER, .size = sizeof(int64_t)}, NULL},
      {{.type = COLUMN_TIME, .size = sizeof(int64_t)}, "infinity"},
      {{.type = COLUMN_LSN, .size = sizeof(Lsn)}, "0"},
      {{.type = COLUMN_JSON, .size = sizeof(json_t *)}, "[]"},
      {{.type = COLUMN_JSON, .size = sizeof(json_t *)}, "{"},
      {{.type = COLUMN_JSON, .size = sizeof(json_t *)}, NULL},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    _Alignas(max_align_t) char field[128] = {0};
    if (decode(&cases[at].column, cases[at].text, field))
      fail_msg("case %zu: \"%s\" was taken", at, cases[at].text);
  }
}

static void test_null_of_optional_values(void **state) {
  int64_t number = 0;
  char text[ID_SIZE] = "";
  const Column integer = {.type = COLUMN_INTEGER, .flags = COLUMN_OPTIONAL};
  const Column id = {
      .type = COLUMN_ID, .flags = COLUMN_OPTIONAL, .size = sizeof text, .domain = "br"};
  assert_true(decode(&integer, NULL, &number));
  assert_int_equal(number, -1);
  assert_true(decode(&id, NULL, text));
  assert_string_equal(text, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_message_copy),
      cmocka_unit_test(test_decode_refuses),
      cmocka_unit_test(test_null_of_optional_values),
  };
  return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
