/* What the audit is told of a request: what the table lists, and nothing else. */
#include "daemon/audited.h"

#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void equal(const Audited *audited, const char *message, const char *expected) {
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *object = NULL;
  assert_true(json_parse(message, strlen(message), &object, &err));
  AUTO(json_free) json_t *params = audited_params(audited, object);
  AUTO(str_free) char *text = json_text(params);
  assert_string_equal(text, expected);
}

static void test_only_listed_members(void **state) {
  const Route route = {.method = "POST", .pattern = "/v1/projects"};
  const Audited audited = audited_find(&route);
  assert_string_equal(audited.action, "project.create");
  equal(&audited,
        "{\"bearer\":\"bough_x\",\"body\":{\"name\":\"shop\",\"password\":\"secret\","
        "\"source\":{\"kind\":\"from\",\"conninfo\":\"host=x\",\"password\":\"secret\"}}}",
        "{\"name\":\"shop\"}");
}

static void test_objects_are_not_looked_into(void **state) {
  const Audited audited = {.keys = "name roles"};
  equal(&audited, "{\"body\":{\"name\":{\"password\":\"secret\"},\"roles\":[\"a\",\"b\"]}}",
        "{\"roles\":[\"a\",\"b\"]}");
}

static void test_names_of_the_path(void **state) {
  const Audited audited = {.keys = ""};
  equal(&audited, "{\"project\":\"p\",\"branch\":\"b\",\"name\":\"ann\",\"token\":\"tok-x\"}",
        "{\"project\":\"p\",\"branch\":\"b\",\"principal\":\"ann\",\"token_id\":\"tok-x\"}");
}

static void test_long_values_are_left_out(void **state) {
  const Audited audited = {.keys = "name"};
  AUTO(str_free) char *value = mem_new(5001, 1);
  memset(value, 'x', 5000);
  AUTO(json_free) json_t *message = json_pack("{s:{s:s}}", "body", "name", value);
  AUTO(json_free) json_t *params = audited_params(&audited, message);
  assert_string_equal(json_string_or(params, "name", ""), "(too long)");
}

static void test_routes_without_a_row_tell_nothing(void **state) {
  const Route changes = {.method = "POST", .pattern = "/v1/new"};
  const Route reads = {.method = "GET", .pattern = "/v1/new"};
  const Audited audited = audited_find(&changes);
  equal(&audited, "{\"body\":{\"name\":\"x\"}}", "{}");
  assert_false(audited.quiet);
  assert_true(audited_find(&reads).quiet);
}

static void test_no_row_lists_a_secret(void **state) {
  static const char *const secrets[] = {"password", "token",   "conninfo",
                                        "source",   "anchors", "content"};
  size_t count = 0;
  const Audited *rows = audited_list(&count);
  for (size_t at = 0; at < count; at++)
    for (size_t secret = 0; secret < ARRAY_LENGTH(secrets); secret++)
      assert_null(strstr(rows[at].keys, secrets[secret]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_only_listed_members),
      cmocka_unit_test(test_objects_are_not_looked_into),
      cmocka_unit_test(test_names_of_the_path),
      cmocka_unit_test(test_long_values_are_left_out),
      cmocka_unit_test(test_routes_without_a_row_tell_nothing),
      cmocka_unit_test(test_no_row_lists_a_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
