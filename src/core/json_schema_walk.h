/* One validation on its way: what json_schema.c and json_schema_value.c share. */
#pragma once

#include "core/json_schema.h"

typedef struct SchemaWalk {
  const json_t *root;
  JsonSchemaReport *report; /* NULL: only the answer counts */
  void *context;
  Buffer pointer; /* of the value at hand */
  int nesting;
} SchemaWalk;

/* A keyword of schema with its argument, held against value. */
typedef bool SchemaKeyword(SchemaWalk *walk, const json_t *schema, const json_t *argument,
                           const json_t *value);

/* Those about one value, without what is inside of it. */
SchemaKeyword schema_check_type, schema_check_enum, schema_check_const, schema_check_pattern,
    schema_check_min_length, schema_check_max_length, schema_check_min_items,
    schema_check_max_items, schema_check_min_properties, schema_check_max_properties,
    schema_check_minimum, schema_check_maximum, schema_check_exclusive_minimum,
    schema_check_exclusive_maximum;

/* Report that value is wrong, and return false. The expected text is the schema's title; otherwise:
 * where it has none. member: its member of that name is meant. */
bool schema_fail(SchemaWalk *walk, const json_t *schema, const json_t *value, const char *problem,
                 const char *expected);
bool schema_fail_at(SchemaWalk *walk, const json_t *schema, const char *member, const char *message,
                    const char *otherwise);

/* The value as a reader finds it in the file, owned by the caller; "" for what is too large. */
char *schema_shown(const json_t *value);
/* Whether value is of the type, or one of the types. */
bool schema_type_fits(const json_t *argument, const json_t *value);
bool schema_matches(const char *pattern, const char *text);
