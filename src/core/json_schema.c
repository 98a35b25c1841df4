/* Holds a value against a schema: members, elements, and schemas made of schemas. */
#include "core/json_schema_walk.h"

#include "core/str.h"

#include <stdio.h>

enum { NESTING_LIMIT = 200, SHOWN_LENGTH = 60 };

static bool validate(SchemaWalk *walk, const json_t *schema, const json_t *value);
static bool passes(SchemaWalk *walk, const json_t *schema, const json_t *value);

/* Follows references to what says something; NULL: they go round in a circle. */
static const json_t *resolve(const SchemaWalk *walk, const json_t *schema) {
  for (int hops = 0; hops < NESTING_LIMIT; hops++) {
    const json_t *reference = json_object_get(schema, "$ref");
    if (reference == NULL)
      return schema;
    schema = json_schema_find(walk->root, json_string_value(reference));
  }
  return NULL;
}

/* Members and elements
 * ------------------------------------------------------------------------------ */

/* Goes one step down: validates child with key (or index) added to the pointer. */
static bool step(SchemaWalk *walk, const json_t *schema, const char *key, const json_t *child) {
  size_t length = walk->pointer.length;
  json_pointer_add(&walk->pointer, key);
  bool valid = validate(walk, schema, child);
  walk->pointer.length = length;
  walk->pointer.text[length] = '\0';
  return valid;
}

static bool check_required(SchemaWalk *walk, const json_t *schema, const json_t *argument,
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
    valid = schema_fail_at(walk, resolve(walk, member), NULL, message, "");
  }
  return valid;
}

static bool check_properties(SchemaWalk *walk, const json_t *schema, const json_t *argument,
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

static bool check_pattern_properties(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                                     const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  const char *pattern = NULL;
  json_t *child = NULL;
  json_t *rule = NULL;
  json_object_foreach((json_t *)value, key, child) {
    json_object_foreach((json_t *)argument, pattern, rule) {
      if (schema_matches(pattern, key) && !step(walk, rule, key, child))
        valid = false;
    }
  }
  return valid;
}

static bool is_named(const json_t *schema, const char *key) {
  const char *pattern = NULL;
  json_t *rule = NULL;
  if (json_object_get(json_object_get(schema, "properties"), key) != NULL)
    return true;
  json_object_foreach(json_object_get(schema, "patternProperties"), pattern, rule) {
    if (schema_matches(pattern, key))
      return true;
  }
  return false;
}

static char *known_members(const json_t *schema) {
  Buffer text = {0};
  const char *key = NULL;
  json_t *rule = NULL;
  json_object_foreach(json_object_get(schema, "properties"), key, rule) {
    buffer_add_format(&text, "%s%s", text.length > 0 ? ", " : "one of: ", key);
  }
  return buffer_steal(&text);
}

static bool check_additional_properties(SchemaWalk *walk, const json_t *schema,
                                        const json_t *argument, const json_t *value) {
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
    valid = schema_fail_at(walk, schema, key, message, expected);
  }
  return valid;
}

static bool check_property_names(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                                 const json_t *value) {
  bool valid = true;
  const char *key = NULL;
  json_t *child = NULL;
  json_object_foreach((json_t *)value, key, child) {
    AUTO(json_free) json_t *name = json_string(key);
    if (passes(walk, argument, name))
      continue;
    AUTO(str_free) char *message = str_format("\"%.*s\" is no name for this", SHOWN_LENGTH, key);
    valid = schema_fail_at(walk, schema, key, message,
                           json_string_or(resolve(walk, argument), "title", ""));
  }
  return valid;
}

static bool check_items(SchemaWalk *walk, const json_t *schema, const json_t *argument,
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

static bool check_unique_items(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                               const json_t *value) {
  if (!json_is_true(argument))
    return true;
  for (size_t at = 1; at < json_array_size(value); at++)
    for (size_t before = 0; before < at; before++)
      if (json_same(json_array_get(value, at), json_array_get(value, before))) {
        AUTO(str_free) char *what = schema_shown(json_array_get(value, at));
        AUTO(str_free)
        char *message = str_format("%s is listed twice", what[0] != '\0' ? what : "the same");
        return schema_fail_at(walk, NULL, NULL, message, "each once");
      }
  return true;
}

/* Schemas of schemas
 * -------------------------------------------------------------------------------- */

static bool passes(SchemaWalk *walk, const json_t *schema, const json_t *value) {
  JsonSchemaReport *report = walk->report;
  walk->report = NULL;
  bool valid = validate(walk, schema, value);
  walk->report = report;
  return valid;
}

static bool check_all_of(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  bool valid = true;
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) {
    valid = validate(walk, part, value) && valid;
  }
  return valid;
}

/* None of several fits: the one that is for a value of this type tells what is wrong. */
static bool tell_nearest(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  AUTO_RELEASE(buffer_release) Buffer titles = {0};
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) {
    const json_t *choice = resolve(walk, part);
    const json_t *type = json_object_get(choice, "type");
    if (type != NULL && schema_type_fits(type, value))
      return validate(walk, choice, value);
    const char *title = json_string_or(choice, "title", "");
    if (title[0] != '\0')
      buffer_add_format(&titles, "%s%s", titles.length > 0 ? " or " : "", title);
  }
  return schema_fail(walk, schema, value, "doesn't fit", titles.text != NULL ? titles.text : "");
}

static size_t count_passing(SchemaWalk *walk, const json_t *argument, const json_t *value) {
  size_t count = 0;
  size_t at = 0;
  const json_t *part = NULL;
  json_array_foreach(argument, at, part) {
    count += passes(walk, part, value);
  }
  return count;
}

static bool check_any_of(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  return count_passing(walk, argument, value) > 0 || tell_nearest(walk, schema, argument, value);
}

static bool check_one_of(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                         const json_t *value) {
  size_t count = count_passing(walk, argument, value);
  if (count > 1)
    return schema_fail(walk, schema, value, "fits more than one", "exactly one");
  return count == 1 || tell_nearest(walk, schema, argument, value);
}

static bool check_not(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                      const json_t *value) {
  return !passes(walk, argument, value) ||
         schema_fail(walk, schema, value, "isn't allowed here", "");
}

static bool check_if(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                     const json_t *value) {
  const json_t *next = json_object_get(schema, passes(walk, argument, value) ? "then" : "else");
  return next == NULL || validate(walk, next, value);
}

static const struct {
  const char *name;
  SchemaKeyword *check;
} keywords[] = {
    {"type", schema_check_type},
    {"enum", schema_check_enum},
    {"const", schema_check_const},
    {"minLength", schema_check_min_length},
    {"maxLength", schema_check_max_length},
    {"pattern", schema_check_pattern},
    {"minimum", schema_check_minimum},
    {"maximum", schema_check_maximum},
    {"exclusiveMinimum", schema_check_exclusive_minimum},
    {"exclusiveMaximum", schema_check_exclusive_maximum},
    {"minItems", schema_check_min_items},
    {"maxItems", schema_check_max_items},
    {"uniqueItems", check_unique_items},
    {"items", check_items},
    {"minProperties", schema_check_min_properties},
    {"maxProperties", schema_check_max_properties},
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

/* What is of the wrong type, or too large, isn't looked into: the rest would be nonsense, or take
 * long. */
static bool ends_it(SchemaKeyword *check) {
  return check == schema_check_type || check == schema_check_max_items ||
         check == schema_check_max_properties || check == schema_check_max_length;
}

static bool check_keywords(SchemaWalk *walk, const json_t *schema, const json_t *value) {
  bool valid = true;
  for (size_t at = 0; at < ARRAY_LENGTH(keywords); at++) {
    const json_t *argument = json_object_get(schema, keywords[at].name);
    if (argument == NULL || keywords[at].check(walk, schema, argument, value))
      continue;
    valid = false;
    if (ends_it(keywords[at].check))
      break;
  }
  return valid;
}

static bool validate(SchemaWalk *walk, const json_t *schema, const json_t *value) {
  if (walk->nesting >= NESTING_LIMIT)
    return schema_fail(walk, schema, value, "is nested too deeply", "");
  const json_t *meant = resolve(walk, schema);
  if (json_is_true(meant))
    return true;
  if (!json_is_object(meant))
    return schema_fail(walk, NULL, value, "isn't allowed here", "nothing");
  walk->nesting++;
  bool valid = check_keywords(walk, meant, value);
  walk->nesting--;
  return valid;
}

bool json_schema_validate(const json_t *schema, const json_t *value, JsonSchemaReport *report,
                          void *context) {
  SchemaWalk walk = {.root = schema, .report = report, .context = context};
  bool valid = validate(&walk, schema, value);
  buffer_release(&walk.pointer);
  return valid;
}
