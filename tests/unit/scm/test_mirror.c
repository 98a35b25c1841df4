/* The state file: what is made of a record passes the published schema in every state, and a file
 * that differs from it anywhere is told by the member. */
#include "core/io.h"
#include "core/json_schema.h"
#include "core/str.h"
#include "scm/mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const PolicyTier tiers[] = {{.name = "production"},
                                   {.name = "staging", .parent = "production"}};
static const Policy policy = {.tiers = tiers, .tier_count = 2, .entry = "staging"};
static const char project[] = "prj-aaaaaaaaaaaa";

static ChangeRow change_in(ChangeState state) {
  return (ChangeRow){.id = "chg-aaaaaaaaaaaa",
                     .feature = "split",
                     .kind = "feature",
                     .state = state,
                     .git_branch = "feature/split",
                     .tier = "staging",
                     .branch = "br-aaaaaaaaaaaa",
                     .branch_name = "split",
                     .claimed_at = 1700000000000000,
                     .pushed_at = 1700000001000000,
                     .pr_url = "bough://shop/pull/1",
                     .ci_run_url = "bough://shop/ci/1",
                     .ci_green_at = 1700000002000000,
                     .merged_at = 1700000003000000,
                     .snapshot = "staging-before",
                     .migrated_at = 1700000002500000};
}

static json_t *load_schema(void) {
  char *text = NULL;
  size_t length = 0;
  json_t *schema = NULL;
  Error err = ERROR_INIT;
  assert_true(io_read_file(SCHEMA, 1024 * 1024, &text, &length, &err));
  assert_true(json_parse(text, length, &schema, &err));
  assert_true(json_schema_check(schema, &err));
  str_free(text);
  return schema;
}

static void test_every_state_passes_the_schema(void **state) {
  AUTO(json_free) json_t *schema = load_schema();
  for (ChangeState at = CHANGE_CLAIMED; at <= CHANGE_ABANDONED; at++) {
    const ChangeRow change = change_in(at);
    AUTO(json_free) json_t *mirror = mirror_make(project, &policy, &change);
    assert_true(json_schema_validate(schema, mirror, NULL, NULL));
    const char *text = at == CHANGE_ABANDONED ? "scaffold-complete" : change_state_text(at);
    assert_string_equal(json_string_or(mirror, "state", ""), text);
  }
}

static bool passes(const json_t *expected, const json_t *actual, Error *err) {
  AUTO(str_free) char *text = json_text(actual);
  return mirror_check(expected, text, err);
}

static void test_the_same_passes(void **state) {
  const ChangeRow change = change_in(CHANGE_CI_GREEN);
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *mirror = mirror_make(project, &policy, &change);
  assert_true(passes(mirror, mirror, &err));
}

/* Each member in turn: changed, taken out; and one that doesn't belong there. */
static void test_every_member_counts(void **state) {
  const ChangeRow change = change_in(CHANGE_MERGED);
  AUTO(json_free) json_t *mirror = mirror_make(project, &policy, &change);
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(mirror, key, value) {
    AUTO(json_free) json_t *edited = json_deep_copy(mirror);
    AUTO(json_free) json_t *without = json_deep_copy(mirror);
    AUTO(str_free) char *quoted = str_format("\"%s\"", key);
    Error err = ERROR_INIT;
    (void)json_object_set_new(edited, key, json_string("something else"));
    (void)json_object_del(without, key);
    assert_false(passes(mirror, edited, &err));
    assert_int_equal(err.code, ERROR_STATE_FILE_DIFFERS);
    assert_non_null(strstr(err.message, quoted));
    error_clear(&err);
    assert_false(passes(mirror, without, &err));
    assert_non_null(strstr(err.message, quoted));
  }
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *more = json_deep_copy(mirror);
  (void)json_object_set_new(more, "approved", json_true());
  assert_false(passes(mirror, more, &err));
  assert_non_null(strstr(err.message, "\"approved\""));
}

static void test_what_is_no_state_file(void **state) {
  AUTO(json_free) json_t *mirror = mirror_make(project, &policy, NULL);
  AUTO(str_free) char *whole = json_text(mirror);
  Error err = ERROR_INIT;
  assert_false(mirror_check(mirror, NULL, &err));
  assert_int_equal(err.code, ERROR_NO_STATE_FILE);
  for (size_t length = 0; length < strlen(whole); length++) { /* cut short anywhere */
    AUTO(str_free) char *cut = str_ndup(whole, length);
    error_clear(&err);
    assert_false(mirror_check(mirror, cut, &err));
    assert_int_equal(err.code, ERROR_STATE_FILE_DIFFERS);
  }
  error_clear(&err);
  assert_false(mirror_check(mirror, "[]", &err));
  assert_int_equal(err.code, ERROR_STATE_FILE_DIFFERS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_state_passes_the_schema),
      cmocka_unit_test(test_the_same_passes),
      cmocka_unit_test(test_every_member_counts),
      cmocka_unit_test(test_what_is_no_state_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
