/* Schemas that tests put together by hand: a few words per object. */
#pragma once

#include "diff/compare.h"

#include <string.h>

static inline Object *built(Schema *schema, ObjectKind kind, Object *parent, const char *name,
                            uint32_t oid) {
  Object *object = schema_add(schema, kind, parent, parent == NULL ? "public" : "", name);
  object->oid = oid;
  return object;
}

static inline Object *built_table(Schema *schema, const char *name, uint32_t oid) {
  Object *table = built(schema, KIND_TABLE, NULL, name, oid);
  object_set(schema, table, "persistence", "p");
  return table;
}

static inline Object *built_column(Schema *schema, Object *table, const char *name, int32_t number,
                                   const char *type) {
  Object *column = built(schema, KIND_COLUMN, table, name, table->oid);
  column->subid = column->position = number;
  object_set(schema, column, "type", type);
  object_set(schema, column, "not_null", "f");
  object_set(schema, column, "local", "t");
  object_set(schema, column, "inherited", "0");
  return column;
}

/* "added column a; renamed? table b; ..." without what is implied; owned. */
static inline char *built_summary(const Diff *diff) {
  static const char *const words[] = {"added",   "removed",  "changed",
                                      "renamed", "replaced", "reordered"};
  Buffer text = {0};
  buffer_add_text(&text, "");
  for (size_t at = 0; at < diff->count; at++) {
    const Change *change = &diff->changes[at];
    const Object *object = change->after != NULL ? change->after : change->before;
    if (change->is_implied)
      continue;
    buffer_add_format(&text, "%s%s%s %s %s", text.length > 0 ? "; " : "", words[change->kind],
                      change->kind == CHANGE_RENAMED && !change->is_certain ? "?" : "",
                      kind_info(object->kind)->word, object->name);
  }
  return buffer_steal(&text);
}
