/* Keywords about one value: its type, its text, its size; and how what is wrong is told. */
#include "core/json_schema_walk.h"

#include "core/str.h"

#include <math.h>
#include <regex.h>
#include <string.h>

enum { SHOWN_LENGTH = 60 };

/* Findings
 * ------------------------------------------------------------------------------------------ */

static const char *type_name(const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return "a group of members";
  case JSON_ARRAY:
    return "a list";
  case JSON_STRING:
    return "text";
  case JSON_INTEGER:
  case JSON_REAL:
    return "a number";
  case JSON_TRUE:
  case JSON_FALSE:
    return "a truth value";
  default:
    return "nothing";
  }
}

/* The value as a reader finds it in the file; "" for what is too large to show. */
char *schema_shown(const json_t *value) {
  if (json_is_object(value) || json_is_array(value) || json_is_null(value))
    return str_dup("");
  AUTO(str_free) char *text = json_text(value);
  return strlen(text) <= SHOWN_LENGTH ? STEAL(text) : str_dup("this");
}

bool schema_fail_at(SchemaWalk *walk, const json_t *schema, const char *member, const char *message,
                    const char *otherwise) {
  if (walk->report == NULL)
    return false;
  JsonSchemaFinding finding = {
      .pointer = walk->pointer.text != NULL ? walk->pointer.text : "",
      .member = member,
      .message = message,
      .expected = member == NULL ? json_string_or(schema, "title", otherwise) : otherwise,
  };
  walk->report(walk->context, &finding);
  return false;
}

bool schema_fail(SchemaWalk *walk, const json_t *schema, const json_t *value, const char *problem,
                 const char *expected) {
  if (walk->report == NULL)
    return false;
  if (json_is_null(value))
    return schema_fail_at(walk, schema, NULL, "there is no value here", expected);
  AUTO(str_free) char *what = schema_shown(value);
  AUTO(str_free)
  char *message = str_format("%s %s", what[0] != '\0' ? what : type_name(value), problem);
  return schema_fail_at(walk, schema, NULL, message, expected);
}

/* "a, b or c", owned by the caller. */
static char *listed(const json_t *names, const char *last) {
  Buffer text = {0};
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(names, at, name) {
    AUTO(str_free)
    char *word = json_is_string(name) ? str_dup(json_string_value(name)) : json_text(name);
    const char *before = at == 0 ? "" : at + 1 < json_array_size(names) ? ", " : last;
    buffer_add_format(&text, "%s%s", before, word);
  }
  return buffer_steal(&text);
}

/* Any value
 * ----------------------------------------------------------------------------------------- */

static bool is_integer(const json_t *value) {
  return json_is_integer(value) ||
         (json_is_real(value) && floor(json_real_value(value)) == json_real_value(value));
}

static bool has_type(const char *type, const json_t *value) {
  static const struct {
    const char *name;
    json_type type;
  } types[] = {{"object", JSON_OBJECT}, {"array", JSON_ARRAY},    {"string", JSON_STRING},
               {"number", JSON_REAL},   {"number", JSON_INTEGER}, {"boolean", JSON_TRUE},
               {"boolean", JSON_FALSE}, {"null", JSON_NULL}};
  if (str_equal(type, "integer"))
    return is_integer(value);
  for (size_t at = 0; at < ARRAY_LENGTH(types); at++)
    if (str_equal(types[at].name, type) && types[at].type == json_typeof(value))
      return true;
  return false;
}

bool schema_type_fits(const json_t *argument, const json_t *value) {
  if (json_is_string(argument))
    return has_type(json_string_value(argument), value);
  size_t at = 0;
  const json_t *type = NULL;
  json_array_foreach(argument, at, type) {
    if (has_type(json_string_value(type), value))
      return true;
  }
  return false;
}

bool schema_check_type(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                       const json_t *value) {
  if (schema_type_fits(argument, value))
    return true;
  AUTO(str_free)
  char *expected =
      json_is_string(argument) ? str_dup(json_string_value(argument)) : listed(argument, " or ");
  AUTO(str_free) char *what = schema_shown(value);
  AUTO(str_free)
  char *message = str_format("%s is %s", what[0] != '\0' ? what : "this", type_name(value));
  return json_is_null(value) ? schema_fail(walk, schema, value, "", expected)
                             : schema_fail_at(walk, schema, NULL, message, expected);
}

bool schema_check_enum(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                       const json_t *value) {
  size_t at = 0;
  const json_t *allowed = NULL;
  json_array_foreach(argument, at, allowed) {
    if (json_same(allowed, value))
      return true;
  }
  AUTO(str_free) char *expected = listed(argument, " or ");
  return schema_fail(walk, schema, value, "isn't known here", expected);
}

bool schema_check_const(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                        const json_t *value) {
  if (json_same(argument, value))
    return true;
  AUTO(str_free) char *expected = json_text(argument);
  return schema_fail(walk, schema, value, "isn't what is known here", expected);
}

/* Text and numbers
 * ---------------------------------------------------------------------------------- */

static size_t characters(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++)
    count += ((unsigned char)*text & 0xC0) != 0x80; /* all but what continues a character */
  return count;
}

static size_t measure(const json_t *value) {
  return json_is_string(value)   ? characters(json_string_value(value))
         : json_is_array(value)  ? json_array_size(value)
         : json_is_object(value) ? json_object_size(value)
                                 : 0;
}

static bool is_least(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                     const json_t *value) {
  if ((double)measure(value) >= json_number_value(argument))
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("at least %s", bound);
  return schema_fail(walk, schema, value, json_is_string(value) ? "is too short" : "has too few",
                     expected);
}

static bool is_most(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                    const json_t *value) {
  if ((double)measure(value) <= json_number_value(argument))
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("at most %s", bound);
  return schema_fail(walk, schema, value, json_is_string(value) ? "is too long" : "has too many",
                     expected);
}

#define MEASURED(name, applies, bound)                                                             \
  bool name(SchemaWalk *walk, const json_t *schema, const json_t *argument, const json_t *value) { \
    return !applies(value) || bound(walk, schema, argument, value);                                \
  }
MEASURED(schema_check_min_length, json_is_string, is_least)
MEASURED(schema_check_max_length, json_is_string, is_most)
MEASURED(schema_check_min_items, json_is_array, is_least)
MEASURED(schema_check_max_items, json_is_array, is_most)
MEASURED(schema_check_min_properties, json_is_object, is_least)
MEASURED(schema_check_max_properties, json_is_object, is_most)

bool schema_matches(const char *pattern, const char *text) {
  regex_t regex;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
    return false;
  bool found = regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return found;
}

bool schema_check_pattern(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                          const json_t *value) {
  return !json_is_string(value) ||
         schema_matches(json_string_value(argument), json_string_value(value)) ||
         schema_fail(walk, schema, value, "isn't written as it must be",
                     json_string_value(argument));
}

static bool is_beyond(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                      const json_t *value, bool wrong, const char *relation) {
  if (!json_is_number(value) || !wrong)
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("%s %s", relation, bound);
  return schema_fail(walk, schema, value, "is out of range", expected);
}

#define BOUNDED(name, comparison, relation)                                                        \
  bool name(SchemaWalk *walk, const json_t *schema, const json_t *argument, const json_t *value) { \
    bool wrong = json_number_value(value) comparison json_number_value(argument);                  \
    return is_beyond(walk, schema, argument, value, wrong, relation);                              \
  }
BOUNDED(schema_check_minimum, <, "at least")
BOUNDED(schema_check_maximum, >, "at most")
BOUNDED(schema_check_exclusive_minimum, <=, "more than")
BOUNDED(schema_check_exclusive_maximum, >=, "less than")
