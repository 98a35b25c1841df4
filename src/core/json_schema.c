/* Holds a value against a schema: one function per keyword. */
#include "core/json_schema.h"

#include "core/str.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { NESTING_LIMIT = 200, SHOWN_LENGTH = 60 };

typedef struct Walk {
  const json_t *root;
  JsonSchemaReport *report; /* NULL: only the answer counts */
  void *context;
  Buffer pointer; /* of the value at hand */
  int nesting;
} Walk;

typedef bool Keyword(Walk *walk, const json_t *schema, const json_t *argument, const json_t *value);

static bool validate(Walk *walk, const json_t *schema, const json_t *value);
static bool passes(Walk *walk, const json_t *schema, const json_t *value);

/* Follows references to what says something; NULL: they go round in a circle. */
static const json_t *resolve(const Walk *walk, const json_t *schema) {
  for (int hops = 0; hops < NESTING_LIMIT; hops++) {
    const json_t *reference = json_object_get(schema, "$ref");
    if (reference == NULL)
      return schema;
    schema = json_schema_find(walk->root, json_string_value(reference));
  }
  return NULL;
}

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
static char *shown(const json_t *value) {
  if (json_is_object(value) || json_is_array(value) || json_is_null(value))
    return str_dup("");
  AUTO(str_free) char *text = json_text(value);
  return strlen(text) <= SHOWN_LENGTH ? STEAL(text) : str_dup("this");
}

static bool fail_at(Walk *walk, const json_t *schema, const char *member, const char *message,
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

static bool fail(Walk *walk, const json_t *schema, const json_t *value, const char *problem,
                 const char *expected) {
  if (walk->report == NULL)
    return false;
  if (json_is_null(value))
    return fail_at(walk, schema, NULL, "there is no value here", expected);
  AUTO(str_free) char *what = shown(value);
  AUTO(str_free)
  char *message = str_format("%s %s", what[0] != '\0' ? what : type_name(value), problem);
  return fail_at(walk, schema, NULL, message, expected);
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

static bool type_fits(const json_t *argument, const json_t *value) {
  if (json_is_string(argument))
    return has_type(json_string_value(argument), value);
  size_t at = 0;
  const json_t *type = NULL;
  json_array_foreach(argument, at, type) if (has_type(json_string_value(type), value)) return true;
  return false;
}

static bool check_type(Walk *walk, const json_t *schema, const json_t *argument,
                       const json_t *value) {
  if (type_fits(argument, value))
    return true;
  AUTO(str_free)
  char *expected =
      json_is_string(argument) ? str_dup(json_string_value(argument)) : listed(argument, " or ");
  AUTO(str_free) char *what = shown(value);
  AUTO(str_free)
  char *message = str_format("%s is %s", what[0] != '\0' ? what : "this", type_name(value));
  return json_is_null(value) ? fail(walk, schema, value, "", expected)
                             : fail_at(walk, schema, NULL, message, expected);
}

static bool check_enum(Walk *walk, const json_t *schema, const json_t *argument,
                       const json_t *value) {
  size_t at = 0;
  const json_t *allowed = NULL;
  json_array_foreach(argument, at, allowed) if (json_same(allowed, value)) return true;
  AUTO(str_free) char *expected = listed(argument, " or ");
  return fail(walk, schema, value, "isn't known here", expected);
}

static bool check_const(Walk *walk, const json_t *schema, const json_t *argument,
                        const json_t *value) {
  if (json_same(argument, value))
    return true;
  AUTO(str_free) char *expected = json_text(argument);
  return fail(walk, schema, value, "isn't what is known here", expected);
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

static bool is_least(Walk *walk, const json_t *schema, const json_t *argument,
                     const json_t *value) {
  if ((double)measure(value) >= json_number_value(argument))
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("at least %s", bound);
  return fail(walk, schema, value, json_is_string(value) ? "is too short" : "has too few",
              expected);
}

static bool is_most(Walk *walk, const json_t *schema, const json_t *argument, const json_t *value) {
  if ((double)measure(value) <= json_number_value(argument))
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("at most %s", bound);
  return fail(walk, schema, value, json_is_string(value) ? "is too long" : "has too many",
              expected);
}

#define MEASURED(name, applies, bound)                                                             \
  static bool name(Walk *walk, const json_t *schema, const json_t *argument,                       \
                   const json_t *value) {                                                          \
    return !applies(value) || bound(walk, schema, argument, value);                                \
  }
MEASURED(check_min_length, json_is_string, is_least)
MEASURED(check_max_length, json_is_string, is_most)
MEASURED(check_min_items, json_is_array, is_least)
MEASURED(check_max_items, json_is_array, is_most)
MEASURED(check_min_properties, json_is_object, is_least)
MEASURED(check_max_properties, json_is_object, is_most)

static bool matches(const char *pattern, const char *text) {
  regex_t regex;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
    return false;
  bool found = regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return found;
}

static bool check_pattern(Walk *walk, const json_t *schema, const json_t *argument,
                          const json_t *value) {
  return !json_is_string(value) || matches(json_string_value(argument), json_string_value(value)) ||
         fail(walk, schema, value, "isn't written as it must be", json_string_value(argument));
}

static bool is_beyond(Walk *walk, const json_t *schema, const json_t *argument, const json_t *value,
                      bool wrong, const char *relation) {
  if (!json_is_number(value) || !wrong)
    return true;
  AUTO(str_free) char *bound = json_text(argument);
  AUTO(str_free) char *expected = str_format("%s %s", relation, bound);
  return fail(walk, schema, value, "is out of range", expected);
}

#define BOUNDED(name, comparison, relation)                                                        \
  static bool name(Walk *walk, const json_t *schema, const json_t *argument,                       \
                   const json_t *value) {                                                          \
    bool wrong = json_number_value(value) comparison json_number_value(argument);                  \
    return is_beyond(walk, schema, argument, value, wrong, relation);                              \
  }
BOUNDED(check_minimum, <, "at least")
BOUNDED(check_maximum, >, "at most")
BOUNDED(check_exclusive_minimum, <=, "more than")
BOUNDED(check_exclusive_maximum, >=, "less than")

/* Members and elements
 * ------------------------------------------------------------------------------ */

/* Goes one step down: validates child with key (or index) added to the pointer. */
static bool step(Walk *walk, const json_t *schema, const char *key, const json_t *child) {
  size_t length = walk->pointer.length;
  json_pointer_add(&walk->pointer, key);
  bool valid = validate(walk, schema, child);
  walk->pointer.length = length;
  walk->pointer.text[length] = '\0';
  return valid;
}

static bool check_required(Walk *walk, const json_t *schema, const json_t *argument,
                           const json_t *value) {
  bool valid = true;
  size_t at = 0;
  const json_t *name = NULL;
  if (!json_is_object(value))
    return true;
  json_array_foreach(argument, at, name) {
    if (json_object_get(value, json_string_value(name)) != NULL)
      continue;
    AUTO(str_free) char *message = str_format("\"%s\" is missing", json_string_value(name));
    const json_t *member =
        json_object_get(json_object_get(schema, "properties"), json_string_value(name));
    valid = fail_at(walk, resolve(walk, member), NULL, message, "");
  }
  return valid;
}

static bool check_properties(Walk *walk, const json_t *schema, const json_t *argument,
                             const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  json_t *child = NULL;
  json_object_foreach((json_t *)value, key, child) {
    const json_t *rule = json_object_get(argument, key);
    if (rule != NULL && !step(walk, rule, key, child))
      valid = false;
  }
  return valid;
}

static bool check_pattern_properties(Walk *walk, const json_t *schema, const json_t *argument,
                                     const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  const char *pattern = NULL;
  json_t *child = NULL;
  json_t *rule = NULL;
  json_object_foreach((json_t *)value, key, child) json_object_foreach(
      (json_t *)argument, pattern, rule) if (matches(pattern, key) && !step(walk, rule, key, child))
      valid = false;
  return valid;
}

static bool is_named(const json_t *schema, const char *key) {
  const char *pattern = NULL;
  json_t *rule = NULL;
  if (json_object_get(json_object_get(schema, "properties"), key) != NULL)
    return true;
  json_object_foreach(json_object_get(schema, "patternProperties"), pattern, rule) {
    if (matches(pattern, key))
      return true;
  }
  return false;
}

static char *known_members(const json_t *schema) {
  Buffer text = {0};
  const char *key = NULL;
  json_t *rule = NULL;
  json_object_foreach(json_object_get(schema, "properties"), key, rule)
      buffer_add_format(&text, "%s%s", text.length > 0 ? ", " : "one of: ", key);
  return buffer_steal(&text);
}

static bool check_additional_properties(Walk *walk, const json_t *schema, const json_t *argument,
                                        const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  json_t *child = NULL;
  json_object_foreach((json_t *)value, key, child) {
    if (is_named(schema, key))
      continue;
    if (!json_is_false(argument)) {
      valid = step(walk, argument, key, child) && valid;
      continue;
    }
    AUTO(str_free) char *message = str_format("\"%.*s\" isn't known here", SHOWN_LENGTH, key);
    AUTO(str_free) char *expected = known_members(schema);
    valid = fail_at(walk, schema, key, message, expected);
  }
  return valid;
}

static bool check_property_names(Walk *walk, const json_t *schema, const json_t *argument,
                                 const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  json_t *child = NULL;
  json_object_foreach((json_t *)value, key, child) {
    AUTO(json_free) json_t *name = json_string(key);
    if (passes(walk, argument, name))
      continue;
    AUTO(str_free) char *message = str_format("\"%.*s\" is no name for this", SHOWN_LENGTH, key);
    valid =
        fail_at(walk, schema, key, message, json_string_or(resolve(walk, argument), "title", ""));
  }
  return valid;
}

static bool check_items(Walk *walk, const json_t *schema, const json_t *argument,
                        const json_t *value) {
  bool valid = true;
  size_t at = 0;
  const json_t *child = NULL;
  const json_t *rest = json_object_get(schema, "additionalItems");
  json_array_foreach(value, at, child) {
    char index[24];
    (void)snprintf(index, sizeof index, "%zu", at);
    const json_t *rule = !json_is_array(argument)         ? argument
                         : at < json_array_size(argument) ? json_array_get(argument, at)
                                                          : rest;
    if (rule != NULL && !step(walk, rule, index, child))
      valid = false;
  }
  return valid;
}

static bool check_unique_items(Walk *walk, const json_t *schema, const json_t *argument,
                               const json_t *value) {
  if (!json_is_true(argument))
    return true;
  for (size_t at = 1; at < json_array_size(value); at++)
    for (size_t before = 0; before < at; before++)
      if (json_same(json_array_get(value, at), json_array_get(value, before))) {
        AUTO(str_free) char *what = shown(json_array_get(value, at));
        AUTO(str_free)
        char *message = str_format("%s is listed twice", what[0] != '\0' ? what : "the same");
        return fail_at(walk, NULL, NULL, message, "each once");
      }
  return true;
}

/* Schemas of schemas
 * -------------------------------------------------------------------------------- */

static bool passes(Walk *walk, const json_t *schema, const json_t *value) {
  JsonSchemaReport *report = walk->report;
  walk->report = NULL;
  bool valid = validate(walk, schema, value);
  walk->report = report;
  return valid;
}

static bool check_all_of(Walk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  bool valid = true;
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) valid = validate(walk, part, value) && valid;
  return valid;
}

/* None of several fits: the one that is for a value of this type tells what is wrong. */
static bool tell_nearest(Walk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  AUTO_RELEASE(buffer_release) Buffer titles = {0};
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) {
    const json_t *choice = resolve(walk, part);
    const json_t *type = json_object_get(choice, "type");
    if (type != NULL && type_fits(type, value))
      return validate(walk, choice, value);
    const char *title = json_string_or(choice, "title", "");
    if (title[0] != '\0')
      buffer_add_format(&titles, "%s%s", titles.length > 0 ? " or " : "", title);
  }
  return fail(walk, schema, value, "doesn't fit", titles.text != NULL ? titles.text : "");
}

static size_t count_passing(Walk *walk, const json_t *argument, const json_t *value) {
  size_t count = 0;
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) count += passes(walk, part, value);
  return count;
}

static bool check_any_of(Walk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  return count_passing(walk, argument, value) > 0 || tell_nearest(walk, schema, argument, value);
}

static bool check_one_of(Walk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  size_t count = count_passing(walk, argument, value);
  if (count > 1)
    return fail(walk, schema, value, "fits more than one", "exactly one");
  return count == 1 || tell_nearest(walk, schema, argument, value);
}

static bool check_not(Walk *walk, const json_t *schema, const json_t *argument,
                      const json_t *value) {
  return !passes(walk, argument, value) || fail(walk, schema, value, "isn't allowed here", "");
}

static bool check_if(Walk *walk, const json_t *schema, const json_t *argument,
                     const json_t *value) {
  const json_t *next = json_object_get(schema, passes(walk, argument, value) ? "then" : "else");
  return next == NULL || validate(walk, next, value);
}

static const struct {
  const char *name;
  Keyword *check;
} keywords[] = {
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"pattern", check_pattern},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"exclusiveMinimum", check_exclusive_minimum},
    {"exclusiveMaximum", check_exclusive_maximum},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"uniqueItems", check_unique_items},
    {"items", check_items},
    {"minProperties", check_min_properties},
    {"maxProperties", check_max_properties},
    {"propertyNames", check_property_names},
    {"required", check_required},
    {"properties", check_properties},
    {"patternProperties", check_pattern_properties},
    {"additionalProperties", check_additional_properties},
    {"allOf", check_all_of},
    {"anyOf", check_any_of},
    {"oneOf", check_one_of},
    {"not", check_not},
    {"if", check_if},
};

/* What is of the wrong type isn't looked into: its other keywords would tell nonsense. */
static bool check_keywords(Walk *walk, const json_t *schema, const json_t *value) {
  bool valid = true;
  for (size_t at = 0; at < ARRAY_LENGTH(keywords); at++) {
    const json_t *argument = json_object_get(schema, keywords[at].name);
    if (argument == NULL || keywords[at].check(walk, schema, argument, value))
      continue;
    valid = false;
    if (keywords[at].check == check_type)
      break;
  }
  return valid;
}

static bool validate(Walk *walk, const json_t *schema, const json_t *value) {
  if (walk->nesting >= NESTING_LIMIT)
    return fail(walk, schema, value, "is nested too deeply", "");
  const json_t *meant = resolve(walk, schema);
  if (json_is_true(meant))
    return true;
  if (!json_is_object(meant))
    return fail(walk, NULL, value, "isn't allowed here", "nothing");
  walk->nesting++;
  bool valid = check_keywords(walk, meant, value);
  walk->nesting--;
  return valid;
}

bool json_schema_validate(const json_t *schema, const json_t *value, JsonSchemaReport *report,
                          void *context) {
  Walk walk = {.root = schema, .report = report, .context = context};
  bool valid = validate(&walk, schema, value);
  buffer_release(&walk.pointer);
  return valid;
}
