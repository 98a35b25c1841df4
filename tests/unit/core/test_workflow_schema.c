/* docs/scm-workflow-state.schema.json: what a file of each state has to say, and what it must not.
 */
#include "core/io.h"
#include "core/json_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SCAFFOLD                                                                                   \
  "\"version\":1,\"project_id\":\"prj-abcdefgh2345\",\"tiers\":[\"production\",\"staging\"]"
#define CLAIMED                                                                                    \
  SCAFFOLD ",\"feature_id\":\"inventory-split\",\"branch\":\"feature/inventory-split\","           \
           "\"parent_branch\":\"staging\",\"lakebase_branch_uid\":\"br-abcdefgh2345\","            \
           "\"claimed_at\":\"2026-05-04T12:30:00Z\""
#define READY                                                                                      \
  CLAIMED ",\"pr_url\":\"bough://inventory/pr/1\",\"pushed_at\":\"2026-05-04T12:31:00.250Z\""
#define GREEN                                                                                      \
  READY ",\"ci_run_url\":\"https://ci.example.org/runs/7?x=1\","                                   \
        "\"ci_green_at\":\"2026-05-04T12:35:00+02:00\""
#define MERGED                                                                                     \
  GREEN ",\"merged_at\":\"2026-05-04T12:40:00Z\",\"snapshot_branch\":\"staging-before-1\","        \
        "\"migrate_completed_at\":\"2026-05-04T12:39:00Z\""
#define STATE(name) ",\"state\":\"" name "\""

static json_t *schema;

static int load_schema(void **state) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  return io_read_file(SCHEMA, 1 << 20, &text, &length, NULL) &&
                 json_parse(text, length, &schema, NULL)
             ? 0
             : -1;
}

static int free_schema(void **state) {
  json_decref(schema);
  return 0;
}

static void is_known_as_a_whole(void **state) {
  Error err = ERROR_INIT;
  if (!json_schema_check(schema, &err))
    fail_msg("%s", err.message);
}

static void append(void *context, const JsonSchemaFinding *finding) {
  buffer_add_format(context, "%s|%s|%s|%s\n", finding->pointer,
                    finding->member != NULL ? finding->member : "", finding->message,
                    finding->expected);
}

static const char *const good[] = {
    "{" SCAFFOLD STATE("scaffold-complete") "}",
    "{" CLAIMED STATE("feature-claimed") "}",
    "{" READY STATE("pr-ready") "}",
    "{" GREEN STATE("ci-green") "}",
    "{" MERGED STATE("merged") "}",
};

static void takes_each_state(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    AUTO(json_free) json_t *value = NULL;
    AUTO_RELEASE(buffer_release) Buffer found = {0};
    assert_true(json_parse(good[at], strlen(good[at]), &value, NULL));
    if (!json_schema_validate(schema, value, append, &found))
      fail_msg("%s\n%s", good[at], found.text);
  }
}

/* Each member of each state is missed: what the state needs is exactly what a good file has. */
static void misses_every_member(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    AUTO(json_free) json_t *value = NULL;
    assert_true(json_parse(good[at], strlen(good[at]), &value, NULL));
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach(value, key, member) {
      AUTO(json_free) json_t *shorter = json_copy(value);
      assert_int_equal(json_object_del(shorter, key), 0);
      if (json_schema_validate(schema, shorter, NULL, NULL))
        fail_msg("%s is valid without %s", good[at], key);
    }
  }
}

static const struct {
  const char *text;
  const char *found; /* the first finding */
} bad[] = {
    {"{" SCAFFOLD STATE("scaffold-complete") ",\"note\":1}", "|note|\"note\" isn't known here|"},
    {"{" SCAFFOLD STATE("done") "}", "/state||\"done\" isn't known here|one of the five states"},
    {"{" CLAIMED STATE("scaffold-complete") "}", "nothing before the state feature-claimed"},
    {"{" READY STATE("feature-claimed") "}", "nothing before the state pr-ready"},
    {"{" GREEN STATE("pr-ready") "}", "nothing before the state ci-green"},
    {"{" MERGED STATE("ci-green") "}", "nothing before the state merged"},
    {"{" CLAIMED STATE("ci-green") "}", "||\"pr_url\" is missing|"},
    {"{" SCAFFOLD STATE("merged") "}", "||\"feature_id\" is missing|"},
    {"{\"version\":2,\"state\":\"scaffold-complete\",\"project_id\":\"prj-abcdefgh2345\","
     "\"tiers\":[\"a\"]}",
     "/version||2 isn't what is known here|1, the version of the format"},
    {"{\"version\":1,\"state\":\"scaffold-complete\",\"project_id\":\"prj-ABC\",\"tiers\":[\"a\"]}",
     "/project_id||"},
    {"{\"version\":1,\"state\":\"scaffold-complete\",\"project_id\":\"prj-abcdefgh2345\","
     "\"tiers\":[]}",
     "/tiers||"},
    {"{\"version\":1,\"state\":\"scaffold-complete\",\"project_id\":\"prj-abcdefgh2345\","
     "\"tiers\":[\"a\",\"a\"]}",
     "/tiers||\"a\" is listed twice"},
    {"{\"version\":1,\"state\":\"scaffold-complete\",\"project_id\":\"prj-abcdefgh2345\","
     "\"tiers\":\"production\"}",
     "/tiers||"},
    {"{" SCAFFOLD STATE("feature-claimed") ",\"feature_id\":\"-x\",\"branch\":\"feature/x\","
                                           "\"parent_branch\":\"staging\",\"lakebase_branch_uid\":"
                                           "\"br-abcdefgh2345\","
                                           "\"claimed_at\":\"2026-05-04T12:30:00Z\"}",
     "/feature_id||"},
    {"{" SCAFFOLD STATE("feature-claimed") ",\"feature_id\":\"x\",\"branch\":\"--upload-pack=x\","
                                           "\"parent_branch\":\"staging\",\"lakebase_branch_uid\":"
                                           "\"br-abcdefgh2345\","
                                           "\"claimed_at\":\"2026-05-04T12:30:00Z\"}",
     "/branch||"},
    {"{" SCAFFOLD STATE("feature-claimed") ",\"feature_id\":\"x\",\"branch\":\"feature/x\","
                                           "\"parent_branch\":\"Staging\",\"lakebase_branch_uid\":"
                                           "\"br-abcdefgh2345\","
                                           "\"claimed_at\":\"2026-05-04T12:30:00Z\"}",
     "/parent_branch||"},
    {"{" SCAFFOLD STATE("feature-claimed") ",\"feature_id\":\"x\",\"branch\":\"feature/x\","
                                           "\"parent_branch\":\"staging\",\"lakebase_branch_uid\":"
                                           "\"br-abcdefgh2345\","
                                           "\"claimed_at\":\"yesterday\"}",
     "/claimed_at||"},
    {"{" CLAIMED STATE("pr-ready") ",\"pr_url\":\"not a url\",\"pushed_at\":null}", "/pr_url||"},
    {"[]", "||this is a list|the state of a workflow"},
};

static void tells_what_is_wrong(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    AUTO(json_free) json_t *value = NULL;
    AUTO_RELEASE(buffer_release) Buffer found = {0};
    assert_true(json_parse(bad[at].text, strlen(bad[at].text), &value, NULL));
    if (json_schema_validate(schema, value, append, &found))
      fail_msg("%s is valid", bad[at].text);
    if (strstr(found.text, bad[at].found) == NULL)
      fail_msg("%s\nfound: %sexpected: %s", bad[at].text, found.text, bad[at].found);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_known_as_a_whole),
      cmocka_unit_test(takes_each_state),
      cmocka_unit_test(misses_every_member),
      cmocka_unit_test(tells_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, load_schema, free_schema);
}
