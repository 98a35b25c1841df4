/* The model of a schema: the table of kinds, objects made and put in order, their properties. */
#include "diff/model.h"

#include "diff/name.h"
#include "pg/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds ---- */

#define KIND(name, word, classid, parent, record, flags, ...)                                      \
  static const char *const name##_properties[] = {__VA_ARGS__};
#include "diff/kinds.def"
#undef KIND

/* A kind without properties says NULL. */
#define IS_NONE(list) (sizeof(list) == sizeof "NULL")

static const Kind kinds[] = {
#define KIND(name, word, classid, parent, record, flags, ...)                                      \
  {#name,                                                                                          \
   word,                                                                                           \
   classid,                                                                                        \
   KIND_##parent,                                                                                  \
   record,                                                                                         \
   flags,                                                                                          \
   name##_properties,                                                                              \
   ARRAY_LENGTH(name##_properties) - (IS_NONE(#__VA_ARGS__) ? 1 : 0)},
#include "diff/kinds.def"
#undef KIND
};

const Kind *kind_info(ObjectKind kind) {
  assert(kind < KIND_COUNT);
  return &kinds[kind];
}

bool property_is_rights(ObjectKind kind, const char *property) {
  static const char *const always[] = {"owner", "grants"};
  static const struct {
    ObjectKind kind;
    const char *property;
  } some[] = {
      {KIND_FUNCTION, "security_definer"},
      {KIND_PROCEDURE, "security_definer"},
      {KIND_FUNCTION, "leakproof"},
      {KIND_TABLE, "row_security"},
      {KIND_TABLE, "force_row_security"},
      {KIND_VIEW, "options"}, /* security_invoker, security_barrier */
  };
  for (size_t at = 0; at < ARRAY_LENGTH(always); at++)
    if (str_equal(always[at], property))
      return true;
  for (size_t at = 0; at < ARRAY_LENGTH(some); at++)
    if (some[at].kind == kind && str_equal(some[at].property, property))
      return true;
  return (kinds[kind].flags & KIND_RIGHTS) != 0;
}

/* ---- properties ---- */

static size_t property_index(ObjectKind kind, const char *name) {
  const Kind *info = &kinds[kind];
  size_t at = 0;
  while (at < info->property_count && !str_equal(info->properties[at], name))
    at++;
  assert(at < info->property_count);
  return at;
}

const char *object_property(const Object *object, const char *name) {
  return object->values[property_index(object->kind, name)];
}

bool object_is(const Object *object, const char *name) {
  return str_equal(object_property(object, name), "t");
}

bool object_is_inherited(const Object *object) {
  switch (object->kind) {
  case KIND_COLUMN:
  case KIND_CONSTRAINT:
    return str_equal(object_property(object, "local"), "f");
  case KIND_INDEX:
  case KIND_TRIGGER:
    return object_is(object, "inherited");
  default:
    return false;
  }
}

void object_set(Schema *schema, Object *object, const char *property, const char *value) {
  const Kind *info = &kinds[object->kind];
  size_t at = property_index(object->kind, property);
  const char **values = arena_new(&schema->arena, info->property_count, sizeof *values);
  memcpy(values, object->values, info->property_count * sizeof *values);
  values[at] = value;
  object->values = values;
}

/* ---- names ---- */

static void add_qualified(Buffer *text, const Object *object) {
  if (object->schema[0] != '\0') {
    name_add(text, object->schema);
    buffer_add_text(text, ".");
  }
  if (object->kind == KIND_OPERATOR || (kinds[object->kind].flags & KIND_RAW_NAME) != 0)
    buffer_add_text(text, object->name); /* the parser gives it its few characters */
  else
    name_add(text, object->name);
  buffer_add_text(text, object->signature);
}

/* Columns and the like: "parent.name"; the rest of what lies in a table: "name ON parent". */
static bool is_dotted(ObjectKind kind) {
  return kind == KIND_COLUMN || kind == KIND_VIEW_COLUMN || kind == KIND_ATTRIBUTE ||
         kind == KIND_ENUM_VALUE;
}

void object_add_identity(Buffer *text, const Object *object) {
  const Object *parent = object->parent;
  if (parent == NULL || object->kind == KIND_INDEX) {
    add_qualified(text, object);
  } else if (is_dotted(object->kind)) {
    add_qualified(text, parent);
    buffer_add_text(text, ".");
    name_add(text, object->name);
  } else {
    name_add(text, object->name);
    buffer_add_text(text, object->kind == KIND_DOMAIN_CONSTRAINT ? " ON DOMAIN " : " ON ");
    add_qualified(text, parent);
  }
}

/* ---- schemas ---- */

Schema *schema_new(void) {
  return mem_new(1, sizeof(Schema));
}

void schema_free(Schema *schema) {
  if (schema == NULL)
    return;
  for (size_t at = 0; at < schema->rows_count; at++)
    rows_free(schema->rows[at]);
  mem_free(schema->rows);
  mem_free(schema->objects);
  mem_free(schema->dependencies);
  arena_release(&schema->arena);
  mem_free(schema);
}

Object *schema_add(Schema *schema, ObjectKind kind, Object *parent, const char *schema_name,
                   const char *name) {
  enum { FIRST = 64 };
  size_t count = schema->count;
  if (count == 0 || (count >= FIRST && (count & (count - 1)) == 0)) /* doubles when full */
    schema->objects =
        mem_resize(schema->objects, count < FIRST ? FIRST : 2 * count, sizeof *schema->objects);
  Object *object = arena_new(&schema->arena, 1, sizeof *object);
  *object = (Object){.kind = kind,
                     .parent = parent,
                     .schema = schema_name,
                     .name = name,
                     .signature = "",
                     .size = -1,
                     .rows = -1};
  object->values = arena_new(&schema->arena, kinds[kind].property_count, sizeof *object->values);
  schema->objects[schema->count++] = object;
  return object;
}

/* By kind, then as people read lists. Children stand with their parent's name. */
int object_compare(const void *a, const void *b) {
  const Object *left = *(const Object *const *)a;
  const Object *right = *(const Object *const *)b;
  if (left->kind != right->kind)
    return left->kind < right->kind ? -1 : 1;
  int order = left->parent == right->parent || left->parent == NULL || right->parent == NULL
                  ? 0
                  : object_compare(&left->parent, &right->parent);
  if (order == 0)
    order = left->position - right->position;
  if (order == 0)
    order = strcmp(left->schema, right->schema);
  if (order == 0)
    order = strcmp(left->name, right->name);
  return order != 0 ? order : strcmp(left->signature, right->signature);
}

static int compare_dependencies(const void *a, const void *b) {
  const Dependency *left = a;
  const Dependency *right = b;
  if (left->object != right->object)
    return left->object < right->object ? -1 : 1;
  return left->needs < right->needs ? -1 : left->needs > right->needs;
}

static void drop_double_dependencies(Schema *schema) {
  size_t kept = 0;
  for (size_t at = 0; at < schema->dependency_count; at++)
    if (at == 0 ||
        compare_dependencies(&schema->dependencies[at], &schema->dependencies[at - 1]) != 0)
      schema->dependencies[kept++] = schema->dependencies[at];
  schema->dependency_count = kept;
}

void schema_finish(Schema *schema) {
  if (schema->count > 0)
    qsort(schema->objects, schema->count, sizeof(Object *), object_compare);
  for (size_t at = schema->count; at > 0; at--) { /* backwards, so that lists come out in order */
    Object *object = schema->objects[at - 1];
    object->index = at - 1;
    if (object->parent == NULL)
      continue;
    object->next = object->parent->first_child;
    object->parent->first_child = object;
  }
  if (schema->dependency_count == 0)
    return;
  qsort(schema->dependencies, schema->dependency_count, sizeof(Dependency), compare_dependencies);
  drop_double_dependencies(schema);
}

size_t schema_dependencies(const Schema *schema, const Object *object, const Dependency **ret) {
  size_t low = 0;
  size_t high = schema->dependency_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (schema->dependencies[middle].object < object)
      low = middle + 1;
    else
      high = middle;
  }
  *ret = schema->dependencies != NULL ? schema->dependencies + low : NULL;
  size_t count = 0;
  while (low + count < schema->dependency_count &&
         schema->dependencies[low + count].object == object)
    count++;
  return count;
}
