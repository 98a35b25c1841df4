/* json_schema: the cases of the public JSON-Schema-Test-Suite (draft 7) for the keywords that are
 * known, and what is told about a value that is wrong. */
#include "core/io.h"
#include "core/json_schema.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SUITE "/usr/share/json-schema-test-suite/tests/draft7"

/* skipped: groups of cases whose schema has keywords that aren't known. */
static const struct {
  const char *name;
  size_t skipped;
} files[] = {
    {"additionalItems", 0},
    {"additionalProperties", 0},
    {"allOf", 0},
    {"anyOf", 0},
    {"boolean_schema", 0},
    {"const", 0},
    {"default", 0},
    {"enum", 0},
    {"exclusiveMaximum", 0},
    {"exclusiveMinimum", 0},
    {"if-then-else", 3},
    {"items", 0},
    {"maxItems", 0},
    {"maxLength", 0},
    {"maxProperties", 0},
    {"maximum", 0},
    {"minItems", 0},
    {"minLength", 0},
    {"minProperties", 0},
    {"minimum", 0},
    {"not", 0},
    {"oneOf", 0},
    {"pattern", 0},
    {"patternProperties", 0},
    {"properties", 0},
    {"propertyNames", 0},
    {"ref", 3},
    {"required", 0},
    {"type", 0},
    {"uniqueItems", 0},
    {"optional/zeroTerminatedFloats", 0},
};

/* Files of the suite that are about what isn't known, and the keyword that the refusal names. */
static const struct {
  const char *name;
  const char *refused;
} unknown[] = {
    {"contains", "\"contains\" isn't known"},
    {"definitions", "this value of \"$ref\" isn't known"}, /* to a schema that stands elsewhere */
    {"dependencies", "\"dependencies\" isn't known"},
    {"multipleOf", "\"multipleOf\" isn't known"},
    {"refRemote", "isn't known in a schema"}, /* "$ref" to elsewhere, "$id" inside */
};

static size_t run_group(const char *file, const json_t *group) {
  const json_t *schema = json_object_get(group, "schema");
  size_t at = 0;
  const json_t *test = NULL;
  json_array_foreach(json_object_get(group, "tests"), at, test) {
    bool expected = json_is_true(json_object_get(test, "valid"));
    bool found = json_schema_validate(schema, json_object_get(test, "data"), NULL, NULL);
    if (found != expected)
      fail_msg("%s: %s: %s: expected %s", file, json_string_or(group, "description", ""),
               json_string_or(test, "description", ""), expected ? "valid" : "invalid");
  }
  return at;
}

static json_t *load(const char *name) {
  AUTO(str_free) char *path = str_format("%s/%s.json", SUITE, name);
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  json_t *groups = NULL;
  assert_true(io_read_file(path, 1 << 20, &text, &length, NULL));
  assert_true(json_parse(text, length, &groups, NULL));
  return groups;
}

static void public_suite(void **state) {
  if (!io_exists(SUITE)) {
    print_message("skipped: %s is missing (package json-schema-test-suite)\n", SUITE);
    skip();
  }
  size_t cases = 0;
  for (size_t file = 0; file < ARRAY_LENGTH(files); file++) {
    AUTO(json_free) json_t *groups = load(files[file].name);
    size_t skipped = 0;
    size_t at = 0;
    const json_t *group = NULL;
    json_array_foreach(groups, at, group) {
      Error err = ERROR_INIT;
      if (json_schema_check(json_object_get(group, "schema"), &err)) {
        cases += run_group(files[file].name, group);
        continue;
      }
      print_message("%s: left out: %s: %s\n", files[file].name,
                    json_string_or(group, "description", ""), err.message);
      skipped++;
    }
    assert_int_equal(skipped, files[file].skipped);
  }
  print_message("%zu cases\n", cases);
}

/* A schema that asks for what isn't known is refused, never held to the rest of it. */
static void refuses_the_rest_of_the_suite(void **state) {
  if (!io_exists(SUITE)) {
    print_message("skipped: %s is missing (package json-schema-test-suite)\n", SUITE);
    skip();
  }
  for (size_t file = 0; file < ARRAY_LENGTH(unknown); file++) {
    AUTO(json_free) json_t *groups = load(unknown[file].name);
    size_t at = 0;
    const json_t *group = NULL;
    json_array_foreach(groups, at, group) {
      Error err = ERROR_INIT;
      assert_false(json_schema_check(json_object_get(group, "schema"), &err));
      assert_non_null(strstr(err.message, unknown[file].refused));
    }
    assert_true(at > 0);
  }
}

static bool is_accounted_for(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++)
    if (str_equal(files[at].name, name))
      return true;
  for (size_t at = 0; at < ARRAY_LENGTH(unknown); at++)
    if (str_equal(unknown[at].name, name))
      return true;
  return false;
}

/* Another edition of the suite may bring keywords that nobody decided about. */
static void knows_every_file_of_the_suite(void **state) {
  DIR *directory = opendir(SUITE);
  if (directory == NULL) {
    print_message("skipped: %s is missing (package json-schema-test-suite)\n", SUITE);
    skip();
  }
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    AUTO(str_free) char *name = str_dup(entry->d_name);
    char *ending = strstr(name, ".json");
    if (ending == NULL)
      continue;
    *ending = '\0';
    if (!is_accounted_for(name))
      fail_msg("%s.json of the suite is neither run nor refused", name);
  }
  (void)closedir(directory);
}

static void append(void *context, const JsonSchemaFinding *finding) {
  buffer_add_format(context, "%s|%s|%s|%s\n", finding->pointer,
                    finding->member != NULL ? finding->member : "", finding->message,
                    finding->expected);
}

static void check_findings(const char *schema_text, const char *value_text, const char *expected) {
  AUTO(json_free) json_t *schema = NULL;
  AUTO(json_free) json_t *value = json_loads(value_text, JSON_DECODE_ANY, NULL);
  AUTO_RELEASE(buffer_release) Buffer found = {0};
  assert_true(json_parse(schema_text, strlen(schema_text), &schema, NULL));
  assert_true(json_schema_check(schema, NULL));
  assert_false(json_schema_validate(schema, value, append, &found));
  assert_string_equal(found.text, expected);
}

static void tells_every_place(void **state) {
  check_findings(
      "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,"
      "\"properties\":{\"a\":{\"title\":\"a letter\"},\"b/c\":{\"items\":{\"type\":\"integer\"}}}}",
      "{\"b/c\":[1,\"x\",2.5],\"d\":1}",
      "||\"a\" is missing|a letter\n"
      "/b~1c/1||\"x\" is text|integer\n"
      "/b~1c/2||2.5 is a number|integer\n"
      "|d|\"d\" isn't known here|one of: a, b/c\n");
}

static void tells_what_is_nearest(void **state) {
  const char *schema = "{\"anyOf\":[{\"title\":\"a name\",\"type\":\"string\"},"
                       "{\"title\":\"a list\",\"type\":\"array\",\"maxItems\":1}]}";
  check_findings(schema, "[1,2]", "||a list has too many|a list\n");
  check_findings(schema, "7", "||7 doesn't fit|a name or a list\n");
}

static void wants_only_what_it_knows(void **state) {
  static const char *const schemas[] = {
      "{\"multipleOf\":2}",
      "{\"properties\":{\"a\":{\"contains\":{}}}}",
      "{\"$ref\":\"http://example.org/schema\"}",
      "{\"$ref\":\"#/definitions/missing\"}",
      "{\"pattern\":\"\\\\d\"}",
      "{\"pattern\":\"(?=a)\"}",
      "{\"pattern\":\"(\"}",
      "{\"type\":\"text\"}",
      "{\"minLength\":-1}",
      "{\"properties\":{\"a\":{\"$id\":\"b\"}}}",
      "7",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(schemas); at++) {
    json_t *schema = json_loads(schemas[at], JSON_DECODE_ANY, NULL);
    Error err = ERROR_INIT;
    assert_non_null(schema);
    assert_false(json_schema_check(schema, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    json_decref(schema);
  }
}

/* {"$ref":"#"} alone refers to itself for ever. */
static void ends_on_circles(void **state) {
  AUTO(json_free) json_t *circle = json_pack("{s:s}", "$ref", "#");
  AUTO(json_free) json_t *tree = json_pack("{s:{s:s}}", "additionalProperties", "$ref", "#");
  AUTO(json_free) json_t *value = json_object();
  assert_true(json_schema_check(circle, NULL));
  assert_false(json_schema_validate(circle, value, NULL, NULL));
  for (int depth = 0; depth < 1000; depth++) {
    json_t *outer = json_pack("{s:O}", "a", value);
    json_decref(value);
    value = outer;
  }
  assert_false(json_schema_validate(tree, value, NULL, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(public_suite),
      cmocka_unit_test(refuses_the_rest_of_the_suite),
      cmocka_unit_test(knows_every_file_of_the_suite),
      cmocka_unit_test(tells_every_place),
      cmocka_unit_test(tells_what_is_nearest),
      cmocka_unit_test(wants_only_what_it_knows),
      cmocka_unit_test(ends_on_circles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
