/* JSON Schema, draft 7, as far as Bough's own schemas go: values that people wrote are held against
 * a published schema and every place that is wrong is told at once.
 *
 * Known: type, enum, const, required, properties, patternProperties, additionalProperties,
 * propertyNames, minProperties, maxProperties, items, additionalItems, minItems, maxItems,
 * uniqueItems, minLength, maxLength, pattern (POSIX extended: the part that ECMA shares), minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum, allOf, anyOf, oneOf, not, if, then, else, $ref to
 * a place in the same schema, and true and false as schemas. Not known: $ref to elsewhere,
 * contains, dependencies, multipleOf. $comment, default, description, examples, format and title
 * say nothing about validity; the title of a schema is what a finding names as expected. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

typedef struct JsonSchemaFinding {
  const char *pointer; /* JSON Pointer (RFC 6901) of the value */
  const char *member; /* the name of its member that is meant, by its key; NULL: the value itself */
  const char *message;  /* what is wrong: "14 is a number" */
  const char *expected; /* "a span of time such as 14d"; may be "" */
} JsonSchemaFinding;

/* The finding lives until the call returns. */
typedef void JsonSchemaReport(void *context, const JsonSchemaFinding *finding);

/* Whether schema is one that is wholly known here. UNSUPPORTED, naming what isn't. */
CHECKED bool json_schema_check(const json_t *schema, Error *err);

/* Whether value is as schema says, which must have passed json_schema_check. report may be NULL. */
bool json_schema_validate(const json_t *schema, const json_t *value, JsonSchemaReport *report,
                          void *context);

/* What a $ref of that schema stands for, borrowed; NULL: nothing in it. */
const json_t *json_schema_find(const json_t *schema, const char *reference);
