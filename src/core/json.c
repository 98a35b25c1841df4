/* Typed access to jansson's values. */
#include "core/json.h"

#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>

void json_free(json_t *value) {
  json_decref(value);
}

bool json_parse(const char *text, size_t length, json_t **ret, Error *err) {
  json_error_t failure;
  json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &failure);
  if (value == NULL)
    return error_set(err, ERROR_USAGE, "invalid JSON at line %d, column %d: %s", failure.line,
                     failure.column, failure.text);
  *ret = value;
  return true;
}

char *json_text(const json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
  return text != NULL ? text : str_dup("null");
}

static bool wrong_type(const char *key, const char *expected, const json_t *value, Error *err) {
  return error_set(err, ERROR_USAGE, "\"%s\" %s %s", key,
                   value == NULL ? "is missing, expected" : "must be", expected);
}

bool json_get_string(const json_t *object, const char *key, const char **ret, Error *err) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_string(value))
    return wrong_type(key, "a string", value, err);
  *ret = json_string_value(value);
  return true;
}

bool json_get_integer(const json_t *object, const char *key, int64_t *ret, Error *err) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value))
    return wrong_type(key, "an integer", value, err);
  *ret = json_integer_value(value);
  return true;
}

bool json_get_object(const json_t *object, const char *key, json_t **ret, Error *err) {
  json_t *value = json_object_get(object, key);
  if (!json_is_object(value))
    return wrong_type(key, "an object", value, err);
  *ret = value;
  return true;
}

const char *json_string_or(const json_t *object, const char *key, const char *fallback) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : fallback;
}

int64_t json_integer_or(const json_t *object, const char *key, int64_t fallback) {
  const json_t *value = json_object_get(object, key);
  return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double json_number_or(const json_t *object, const char *key, double fallback) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : fallback;
}

bool json_bool_or(const json_t *object, const char *key, bool fallback) {
  const json_t *value = json_object_get(object, key);
  return json_is_boolean(value) ? json_is_true(value) : fallback;
}

bool json_has_text(const json_t *list, const char *text) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    if (str_equal(json_string_value(item), text))
      return true;
  }
  return false;
}

json_t *json_line(const char *text) {
  Error line = ERROR_INIT;
  (void)error_set(&line, ERROR_INTERNAL, "%s", text);
  return json_string(line.message);
}

json_t *json_from_error(const Error *err) {
  json_t *object =
      json_pack("{s:s, s:s}", "code", error_info(err->code)->code, "message", err->message);
  if (object == NULL) /* a message that isn't UTF-8 */
    object = json_pack("{s:s, s:s}", "code", error_info(err->code)->code, "message",
                       error_info(err->code)->meaning);
  if (err->hint[0] != '\0')
    (void)json_object_set_new(object, "hint", json_string(err->hint));
  return object;
}

void json_to_error(const json_t *object, Error *ret) {
  ErrorCode code = error_code_from_name(json_string_or(object, "code", "internal"));
  (void)error_set(ret, code, "%s", json_string_or(object, "message", "no message was given"));
  const char *hint = json_string_or(object, "hint", NULL);
  if (hint != NULL)
    (void)error_hint(ret, "%s", hint);
}

static bool same_number(const json_t *a, const json_t *b) {
  if (json_is_integer(a) && json_is_integer(b))
    return json_integer_value(a) == json_integer_value(b);
  double left = json_number_value(a);
  double right = json_number_value(b);
  return left <= right && left >= right;
}

static bool same_members(const json_t *a, const json_t *b) {
  const char *key = NULL;
  json_t *value = NULL;
  if (json_object_size(a) != json_object_size(b))
    return false;
  json_object_foreach((json_t *)a, key, value) {
    const json_t *other = json_object_get(b, key);
    if (other == NULL || !json_same(value, other))
      return false;
  }
  return true;
}

bool json_same(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b))
    return same_number(a, b);
  if (json_typeof(a) != json_typeof(b))
    return false;
  if (json_is_object(a))
    return same_members(a, b);
  if (!json_is_array(a))
    return json_equal(a, b) != 0;
  bool same = json_array_size(a) == json_array_size(b);
  for (size_t at = 0; same && at < json_array_size(a); at++)
    same = json_same(json_array_get(a, at), json_array_get(b, at));
  return same;
}

void json_pointer_add(Buffer *pointer, const char *key) {
  buffer_add_text(pointer, "/");
  for (; *key != '\0'; key++) {
    if (*key == '~' || *key == '/')
      buffer_add_text(pointer, *key == '~' ? "~0" : "~1");
    else
      buffer_add(pointer, key, 1);
  }
}
