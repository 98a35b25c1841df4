/* jansson with Bough's errors: reading members whose type is checked. Values that are returned as
 * const char * or as json_t * from a getter are borrowed from their object. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"

#include <jansson.h>

void json_free(json_t *value); /* json_decref that AUTO can use */
DEFINE_AUTO(json_t *, json_free)

/* Parses one value of at most length bytes, duplicate keys refused. Owned by the caller. */
CHECKED bool json_parse(const char *text, size_t length, json_t **ret, Error *err);

/* Compact text, owned by the caller. */
char *json_text(const json_t *value);

/* Members that must be there. what a wrong one is called in the message: its key. */
CHECKED bool json_get_string(const json_t *object, const char *key, const char **ret, Error *err);
CHECKED bool json_get_integer(const json_t *object, const char *key, int64_t *ret, Error *err);
CHECKED bool json_get_object(const json_t *object, const char *key, json_t **ret, Error *err);

/* Members that may be missing or null; of another type they count as missing. */
const char *json_string_or(const json_t *object, const char *key, const char *fallback);
int64_t json_integer_or(const json_t *object, const char *key, int64_t fallback);
double json_number_or(const json_t *object, const char *key, double fallback);
bool json_bool_or(const json_t *object, const char *key, bool fallback);
/* Whether a list, which may be NULL, has that text. */
bool json_has_text(const json_t *list, const char *text);

/* Adds one step to a JSON Pointer (RFC 6901): "/" and the key, escaped. */
void json_pointer_add(Buffer *pointer, const char *key);

/* Whether two values are the same as JSON has it: 1 is 1.0, the order of members is nothing. */
bool json_same(const json_t *a, const json_t *b);

/* A string of one line that is valid UTF-8 whatever text is, cut where messages of errors are cut.
 */
json_t *json_line(const char *text);

/* {"code","message","hint"} for an Error and back. */
json_t *json_from_error(const Error *err);
void json_to_error(const json_t *object, Error *ret);
