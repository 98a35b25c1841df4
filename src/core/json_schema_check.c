/* Whether a schema is one that json_schema.c understands as a whole: what it passed over silently
 * would be a check that people believe in and that isn't made. */
#include "core/json_schema.h"

#include "core/str.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_LIMIT = 100 };

typedef enum Shape { /* of a keyword's argument */
                     ANYTHING,
                     A_SCHEMA,
                     A_SCHEMA_OR_LIST,
                     SCHEMA_LIST,
                     SCHEMA_MAP,
                     PATTERN_MAP,
                     PATTERN,
                     TYPE,
                     NUMBER,
                     COUNT,
                     TRUTH,
                     NAMES,
                     VALUES,
                     REFERENCE,
                     OF_ROOT, /* names the schema: only of the whole one */
} Shape;

static const struct {
  const char *name;
  Shape shape;
} keywords[] = {
    {"$comment", ANYTHING},
    {"$id", OF_ROOT},
    {"$ref", REFERENCE},
    {"$schema", OF_ROOT},
    {"additionalItems", A_SCHEMA},
    {"additionalProperties", A_SCHEMA},
    {"allOf", SCHEMA_LIST},
    {"anyOf", SCHEMA_LIST},
    {"const", ANYTHING},
    {"default", ANYTHING},
    {"definitions", SCHEMA_MAP},
    {"description", ANYTHING},
    {"else", A_SCHEMA},
    {"enum", VALUES},
    {"examples", ANYTHING},
    {"exclusiveMaximum", NUMBER},
    {"exclusiveMinimum", NUMBER},
    {"format", ANYTHING},
    {"if", A_SCHEMA},
    {"items", A_SCHEMA_OR_LIST},
    {"maxItems", COUNT},
    {"maxLength", COUNT},
    {"maxProperties", COUNT},
    {"maximum", NUMBER},
    {"minItems", COUNT},
    {"minLength", COUNT},
    {"minProperties", COUNT},
    {"minimum", NUMBER},
    {"not", A_SCHEMA},
    {"oneOf", SCHEMA_LIST},
    {"pattern", PATTERN},
    {"patternProperties", PATTERN_MAP},
    {"properties", SCHEMA_MAP},
    {"propertyNames", A_SCHEMA},
    {"required", NAMES},
    {"then", A_SCHEMA},
    {"title", ANYTHING},
    {"type", TYPE},
    {"uniqueItems", TRUTH},
};

typedef struct Check {
  const json_t *root;
  int nesting;
  Error *err; /* never NULL */
} Check;

static bool check_schema(Check *check, const json_t *schema);

/* References
 * ---------------------------------------------------------------------------------------- */

/* One step of a JSON Pointer in a URI fragment: %25 and ~0, ~1 stand for characters. */
static char *unescape(const char *text, size_t length) {
  Buffer plain = {0};
  for (size_t at = 0; at < length; at++) {
    char character = text[at];
    if (character == '%' && at + 2 < length && isxdigit((unsigned char)text[at + 1]) &&
        isxdigit((unsigned char)text[at + 2])) {
      char digits[] = {text[at + 1], text[at + 2], '\0'};
      character = (char)strtol(digits, NULL, 16);
      at += 2;
    } else if (character == '~' && at + 1 < length) {
      character = text[++at] == '1' ? '/' : '~';
    }
    buffer_add(&plain, &character, 1);
  }
  return buffer_steal(&plain);
}

const json_t *json_schema_find(const json_t *schema, const char *reference) {
  if (reference == NULL || reference[0] != '#' || (reference[1] != '\0' && reference[1] != '/'))
    return NULL;
  const json_t *found = schema;
  for (const char *step = reference + 1; found != NULL && *step == '/';) {
    size_t length = strcspn(step + 1, "/");
    AUTO(str_free) char *key = unescape(step + 1, length);
    found = json_is_array(found) ? json_array_get(found, strtoul(key, NULL, 10))
                                 : json_object_get(found, key);
    step += 1 + length;
  }
  return found;
}

/* Arguments
 * ----------------------------------------------------------------------------------------- */

/* The part of regular expressions that POSIX and ECMA read in the same way. */
static bool is_pattern(const json_t *value) {
  const char *pattern = json_string_value(value);
  regex_t regex;
  if (pattern == NULL || strstr(pattern, "(?") != NULL)
    return false;
  for (const char *escape = strchr(pattern, '\\'); escape != NULL;
       escape = strchr(escape + 2, '\\'))
    if (escape[1] == '\0' || isalnum((unsigned char)escape[1]))
      return false;
  if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
    return false;
  regfree(&regex);
  return true;
}

static bool is_type(const json_t *value) {
  static const char *const types[] = {"array",  "boolean", "integer", "null",
                                      "number", "object",  "string"};
  for (size_t at = 0; at < ARRAY_LENGTH(types); at++)
    if (str_equal(types[at], json_string_value(value)))
      return true;
  return false;
}

static bool is_text(const json_t *value) {
  return json_is_string(value);
}

static bool is_list_of(const json_t *value, bool (*is_element)(const json_t *)) {
  bool is_list = json_is_array(value);
  for (size_t at = 0; is_list && at < json_array_size(value); at++)
    is_list = is_element(json_array_get(value, at));
  return is_list;
}

static bool check_list(Check *check, const json_t *list) {
  bool valid = json_is_array(list);
  for (size_t at = 0; valid && at < json_array_size(list); at++)
    valid = check_schema(check, json_array_get(list, at));
  return valid;
}

static bool check_map(Check *check, const json_t *map, bool has_patterns) {
  const char *key = NULL;
  json_t *schema = NULL;
  if (!json_is_object(map))
    return false;
  json_object_foreach((json_t *)map, key, schema) {
    AUTO(json_free) json_t *name = json_string(key);
    if ((has_patterns && !is_pattern(name)) || !check_schema(check, schema))
      return false;
  }
  return true;
}

static bool check_argument(Check *check, Shape shape, const json_t *value) {
  switch (shape) {
  case ANYTHING:
    return true;
  case A_SCHEMA:
    return check_schema(check, value);
  case A_SCHEMA_OR_LIST:
    return json_is_array(value) ? check_list(check, value) : check_schema(check, value);
  case SCHEMA_LIST:
    return json_array_size(value) > 0 && check_list(check, value);
  case SCHEMA_MAP:
  case PATTERN_MAP:
    return check_map(check, value, shape == PATTERN_MAP);
  case PATTERN:
    return is_pattern(value);
  case TYPE:
    return is_type(value) || is_list_of(value, is_type);
  case NUMBER:
    return json_is_number(value);
  case COUNT:
    return json_is_integer(value) && json_integer_value(value) >= 0;
  case TRUTH:
    return json_is_boolean(value);
  case NAMES:
    return is_list_of(value, is_text);
  case VALUES:
    return json_array_size(value) > 0;
  case REFERENCE:
    return json_schema_find(check->root, json_string_value(value)) != NULL;
  case OF_ROOT:
    return check->nesting == 1 && json_is_string(value);
  }
  return false;
}

static bool check_keyword(Check *check, const char *name, const json_t *value) {
  for (size_t at = 0; at < ARRAY_LENGTH(keywords); at++) {
    if (!str_equal(keywords[at].name, name))
      continue;
    if (check_argument(check, keywords[at].shape, value))
      return true;
    if (check->err->code != ERROR_NONE) /* what is wrong inside was named already */
      return false;
    return error_set(check->err, ERROR_UNSUPPORTED, "this value of \"%s\" isn't known in a schema",
                     name);
  }
  return error_set(check->err, ERROR_UNSUPPORTED, "\"%.60s\" isn't known in a schema", name);
}

static bool check_schema(Check *check, const json_t *schema) {
  const char *key = NULL;
  json_t *value = NULL;
  if (json_is_boolean(schema))
    return true;
  if (!json_is_object(schema) || check->nesting >= NESTING_LIMIT)
    return error_set(check->err, ERROR_UNSUPPORTED,
                     json_is_object(schema) ? "the schema is nested too deeply"
                                            : "a schema must be an object, true or false");
  check->nesting++;
  bool valid = true;
  json_object_foreach((json_t *)schema, key, value) {
    if (!check_keyword(check, key, value)) {
      valid = false;
      break;
    }
  }
  check->nesting--;
  return valid;
}

bool json_schema_check(const json_t *schema, Error *err) {
  Error first = ERROR_INIT;
  Check check = {.root = schema, .err = &first};
  if (check_schema(&check, schema))
    return true;
  return error_set(err, first.code, "%s", first.message);
}
