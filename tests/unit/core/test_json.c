/* Typed members, what counts as missing, and errors on their way over a socket. */
#include "core/json.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parsed(const char *text) {
  json_t *value = NULL;
  Error err = ERROR_INIT;
  if (!json_parse(text, strlen(text), &value, &err))
    fail_msg("%s: %s", text, err.message);
  return value;
}

static void test_refused_texts(void **state) {
  static const char *const texts[] = {
      "",
      " ",
      "{",
      "}",
      "{\"a\":1",
      "{\"a\":1,}",
      "1",
      "\"text\"",
      "null",
      "{} {}",
      "{\"a\":1,\"a\":2}",
      "{\"a\":\"\\u0000\"}",
      "{'a':1}",
      "{\"a\":01}",
      "{\"a\":\"\xff\"}",
      "{\"a\":99999999999999999999}",
      "{\"a\":\"\\ud800\"}",
      "{\"a\":NaN}",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    json_t *value = NULL;
    Error err = ERROR_INIT;
    if (json_parse(texts[at], strlen(texts[at]), &value, &err))
      fail_msg("%s passed", texts[at]);
    assert_int_equal(err.code, ERROR_USAGE);
    assert_null(value);
  }
}

static void test_length_bounds_the_text(void **state) {
  json_t *value = NULL;
  assert_true(json_parse("{}garbage", 2, &value, NULL));
  json_free(value);
  value = NULL;
  assert_false(json_parse("{}\0", 3, &value, NULL));
}

static void test_deep_nesting_is_refused(void **state) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  json_t *value = NULL;
  for (int level = 0; level < 100000; level++)
    buffer_add_text(&text, "[");
  assert_false(json_parse(text.text, text.length, &value, NULL));
}

static void test_members_that_must_be(void **state) {
  AUTO(json_free)
  json_t *object =
      parsed("{\"s\":\"text\",\"i\":-5,\"r\":1.5,\"o\":{\"x\":1},\"n\":null,\"b\":true}");
  const char *text = NULL;
  int64_t number = 0;
  json_t *inner = NULL;
  Error err = ERROR_INIT;
  assert_true(json_get_string(object, "s", &text, &err));
  assert_string_equal(text, "text");
  assert_true(json_get_integer(object, "i", &number, &err));
  assert_int_equal(number, -5);
  assert_true(json_get_object(object, "o", &inner, &err));
  assert_int_equal(json_integer_or(inner, "x", 0), 1);
  assert_false(json_get_string(object, "none", &text, &err));
  assert_string_equal(err.message, "\"none\" is missing, expected a string");
  assert_false(json_get_integer(object, "r", &number, &err));
  assert_string_equal(err.message, "\"r\" must be an integer");
  assert_false(json_get_object(object, "n", &inner, &err));
  assert_false(json_get_string(object, "b", &text, &err));
  assert_false(json_get_string(NULL, "s", &text, &err));
  assert_string_equal(text, "text");
  assert_int_equal(number, -5);
}

static void test_members_that_may_be(void **state) {
  AUTO(json_free)
  json_t *object = parsed("{\"s\":\"\",\"i\":0,\"r\":1.5,\"n\":null,\"f\":false,\"a\":[]}");
  assert_string_equal(json_string_or(object, "s", "x"), "");
  assert_null(json_string_or(object, "none", NULL));
  assert_string_equal(json_string_or(object, "n", "x"), "x");
  assert_string_equal(json_string_or(object, "i", "x"), "x");
  assert_int_equal(json_integer_or(object, "i", 7), 0);
  assert_int_equal(json_integer_or(object, "r", 7), 7);
  assert_true(json_number_or(object, "r", 7) == 1.5);
  assert_true(json_number_or(object, "i", 7) == 0);
  assert_true(json_number_or(object, "s", 7) == 7);
  assert_false(json_bool_or(object, "f", true));
  assert_true(json_bool_or(object, "i", true));
  assert_true(json_bool_or(object, "none", true));
  json_t *array = json_object_get(object, "a");
  assert_int_equal(json_integer_or(array, "i", 7), 7);
  assert_int_equal(json_integer_or(NULL, "i", 7), 7);
}

static void test_text(void **state) {
  AUTO(json_free) json_t *object = parsed("{ \"a\" : [ 1 , \"\\u20ac\" ] }");
  AUTO(str_free) char *text = json_text(object);
  AUTO(str_free) char *nothing = json_text(NULL);
  AUTO(json_free) json_t *plain = json_string("x");
  AUTO(str_free) char *scalar = json_text(plain);
  assert_string_equal(text, "{\"a\":[1,\"\xe2\x82\xac\"]}");
  assert_string_equal(nothing, "null");
  assert_string_equal(scalar, "\"x\"");
}

static void test_errors_round_trip(void **state) {
  for (ErrorCode code = ERROR_NONE + 1; code < ERROR_COUNT_; code++) {
    Error err = ERROR_INIT;
    Error back = ERROR_INIT;
    (void)error_set(&err, code, "said \"%s\" with \\ and %%", "it");
    if (code % 2 == 0)
      (void)error_hint(&err, "do that");
    AUTO(json_free) json_t *object = json_from_error(&err);
    json_to_error(object, &back);
    assert_int_equal(back.code, code);
    assert_string_equal(back.message, err.message);
    assert_string_equal(back.hint, err.hint);
  }
}

/* Whatever the other side says, a failure stays one. */
static void test_foreign_errors(void **state) {
  static const char *const texts[] = {
      "{}",
      "[]",
      "{\"code\":\"none\",\"message\":\"m\"}",
      "{\"code\":\"from-the-future\",\"message\":\"m\"}",
      "{\"code\":5,\"message\":[]}",
      "{\"message\":\"%s%n\"}",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    AUTO(json_free) json_t *object = parsed(texts[at]);
    Error err = ERROR_INIT;
    json_to_error(object, &err);
    assert_int_equal(err.code, ERROR_INTERNAL);
    assert_true(err.message[0] != '\0');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused_texts),           cmocka_unit_test(test_length_bounds_the_text),
      cmocka_unit_test(test_deep_nesting_is_refused), cmocka_unit_test(test_members_that_must_be),
      cmocka_unit_test(test_members_that_may_be),     cmocka_unit_test(test_text),
      cmocka_unit_test(test_errors_round_trip),       cmocka_unit_test(test_foreign_errors),
  };
  return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
