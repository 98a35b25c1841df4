/* Brings the plan's statements into an order: what goes, renames, what comes or changes in the
 * order of after's dependencies, and last what could only go once nothing needed it. */
#include "diff/sql_build.h"

#include <string.h>

static void detach_all(Build *build) {
  for (size_t at = 0; at < build->before_count; at++)
    if (build->nodes[at].partner != NULL && !build->nodes[at].drop)
      table_detach(build, &build->nodes[at]);
}

static void suspend_defaults(Build *build) {
  for (size_t at = 0; at < build->before_count; at++) {
    const Node *node = &build->nodes[at];
    bool is_domain = node->object->kind == KIND_DOMAIN;
    if (node->drop || (!is_domain && node->object->kind != KIND_COLUMN) ||
        object_property(node->object, "default") == NULL)
      continue;
    if (is_domain && node->suspend_default)
      emit(build, 0, "ALTER DOMAIN %O DROP DEFAULT", node->object);
    else if (node->suspend_default || node->retype)
      emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I DROP DEFAULT", node->object,
           node->object->name);
  }
}

/* ---- renames ---- */

static const char *alter_word(ObjectKind kind) {
  const char *drop = writer_of(kind)->drop;
  return drop != NULL ? drop + strlen("DROP ") : "TABLE";
}

static void rename_child(Build *build, const Object *parent, const Object *before, const char *to) {
  switch (before->kind) {
  case KIND_COLUMN:
  case KIND_VIEW_COLUMN:
    emit(build, 0, "ALTER TABLE %O RENAME COLUMN %I TO %I", parent, before->name, to);
    break;
  case KIND_CONSTRAINT:
    emit(build, 0, "ALTER TABLE %O RENAME CONSTRAINT %I TO %I", parent, before->name, to);
    break;
  case KIND_DOMAIN_CONSTRAINT:
    emit(build, 0, "ALTER DOMAIN %O RENAME CONSTRAINT %I TO %I", parent, before->name, to);
    break;
  case KIND_ATTRIBUTE:
    emit(build, 0, "ALTER TYPE %O RENAME ATTRIBUTE %I TO %I CASCADE", parent, before->name, to);
    break;
  case KIND_ENUM_VALUE:
    emit(build, 0, "ALTER TYPE %O RENAME VALUE %L TO %L", parent, before->name, to);
    break;
  case KIND_INDEX:
    emit(build, 0, "ALTER INDEX %I.%I RENAME TO %I", parent->schema, before->name, to);
    break;
  default:
    emit(build, 0, "ALTER %s %I ON %O RENAME TO %I", alter_word(before->kind), before->name, parent,
         to);
  }
}

/* A name that is taken for now is reached by way of one that nobody has. */
static void rename_object(Build *build, const Object *before, const Object *after) {
  const char *word = alter_word(before->kind);
  if (!str_equal(before->name, after->name))
    emit(build, 0, "ALTER %s %O RENAME TO %I", word, before, after->name);
  if (str_equal(before->schema, after->schema))
    return;
  AUTO_RELEASE(buffer_release) Buffer now = {0};
  sql_add(&now, "%I.%I%s", before->schema, after->name, before->signature);
  emit(build, 0, "ALTER %s %s SET SCHEMA %I", word, now.text, after->schema);
}

/* Whether the schema of an object was renamed with all that is in it. */
static bool follows_schema(const Build *build, const Object *before, const Object *after) {
  for (size_t at = 0; at < build->before_count; at++) {
    const Node *node = &build->nodes[at];
    if (node->object->kind == KIND_SCHEMA && node->partner != NULL &&
        str_equal(node->object->name, before->schema))
      return str_equal(node->partner->object->name, after->schema);
  }
  return false;
}

static void rename_node(Build *build, const Node *node) {
  const Object *before = node->object;
  const Object *after = node->partner->object;
  if (before->parent != NULL) {
    if (!str_equal(before->name, after->name))
      rename_child(build, after->parent, before, after->name);
    return;
  }
  Object now = *before; /* under the name that its schema has by now */
  if (follows_schema(build, before, after))
    now.schema = after->schema;
  rename_object(build, &now, after);
}

/* An inherited column is renamed with its parent's. */
static bool is_renamed(const Node *node) {
  return node->partner != NULL && !node->drop && node->change != NULL &&
         node->change->kind == CHANGE_RENAMED && !node->change->is_inherited &&
         (kind_info(node->object->kind)->flags & KIND_RAW_NAME) == 0 &&
         node->object->kind != KIND_EXTENSION;
}

static void rename_all(Build *build) {
  for (size_t at = 0; at < build->before_count; at++)
    if (is_renamed(&build->nodes[at]))
      rename_node(build, &build->nodes[at]);
}

/* A range's multirange and the constructors of both keep their names when the type loses its. */
static void move_range(Build *build, const Object *range, const char *name) {
  AUTO(str_free) char *multirange = str_format("%s_multirange", name);
  const char *subtype = value_of(range, "subtype");
  const char *old = value_of(range, "multirange");
  emit(build, 0, "ALTER ROUTINE %N(%s, %s) RENAME TO %I", range, subtype, subtype, name);
  emit(build, 0, "ALTER ROUTINE %N(%s, %s, text) RENAME TO %I", range, subtype, subtype, name);
  emit(build, 0, "ALTER ROUTINE %s() RENAME TO %I", old, multirange);
  emit(build, 0, "ALTER ROUTINE %s(%I.%I) RENAME TO %I", old, range->schema, name, multirange);
  emit(build, 0, "ALTER ROUTINE %s(VARIADIC %I.%I[]) RENAME TO %I", old, range->schema, name,
       multirange);
  emit(build, 0, "ALTER TYPE %s RENAME TO %I", old, multirange);
}

static void move_away(Build *build, Node *node) {
  const Object *object = node->object;
  const char *word = alter_word(object->kind);
  AUTO(str_free) char *name = str_format("bough_old_%u", ++build->moved);
  AUTO_RELEASE(buffer_release) Buffer moved = {0};
  emit(build, 0, "ALTER %s %O RENAME TO %I", word, object, name);
  if (object->schema[0] != '\0')
    sql_add(&moved, "%I.", object->schema);
  sql_add(&moved, "%I%s", name, object->signature);
  node->moved_name = buffer_steal(&moved);
  if (object->kind == KIND_RANGE)
    move_range(build, object, name);
}

static void move_all(Build *build) {
  for (size_t at = 0; at < build->before_count; at++)
    if (build->nodes[at].move_away)
      move_away(build, &build->nodes[at]);
}

/* ---- what comes or changes ---- */

static bool is_deferred(const Node *node) {
  return (node->object->kind == KIND_CONSTRAINT && value_of(node->object, "type")[0] == 'f') ||
         node->object->kind == KIND_DEFAULT_PRIVILEGE;
}

static bool needs_alter(const Node *node) {
  return node->change != NULL ||
         (node->partner != NULL && (node->partner->retype || node->partner->suspend_default));
}

static void write_node(Build *build, Node *node) {
  const Writer *writer = writer_of(node->object->kind);
  if (node->is_inline) {
    if (node->object->kind == KIND_COLUMN)
      column_settings(build, node);
    if (node->object->kind != KIND_ENUM_VALUE)
      attributes_create(build, node);
  } else if (node->create) {
    if (writer->create != NULL)
      writer->create(build, node);
    attributes_create(build, node);
  } else if (needs_alter(node)) {
    if (writer->alter != NULL)
      writer->alter(build, node);
    if (node->change != NULL)
      attributes_alter(build, node);
  }
}

/* A table is made with its columns, whose defaults may come later: only their types have to be
 * there. A sequence doesn't need its owner. */
static bool counts(const Node *node, const Object *object, ObjectKind needs) {
  if (node->object->kind == KIND_SEQUENCE)
    return needs != KIND_COLUMN && needs != KIND_TABLE;
  if (node->object == object || object->kind != KIND_COLUMN ||
      value_of(object, "generated")[0] == 's')
    return true;
  return needs != KIND_FUNCTION && needs != KIND_SEQUENCE && needs != KIND_AGGREGATE &&
         needs != KIND_OPERATOR;
}

static void visit(Build *build, Node *node);

/* Back at something that isn't done yet: views and base types can be there in an empty form. */
static void break_cycle(Build *build, Node *node) {
  if (!node->create || node->has_placeholder)
    return;
  if (node->object->kind == KIND_VIEW)
    view_placeholder(build, node);
  else if (node->object->kind == KIND_BASE_TYPE)
    emit(build, 0, "CREATE TYPE %O", node->object);
  else
    return;
  node->has_placeholder = true;
}

static void visit_needs(Build *build, Node *node, const Object *object) {
  const Dependency *needs;
  size_t count = schema_dependencies(build->diff->after, object, &needs);
  for (size_t at = 0; at < count; at++)
    if (needs[at].needs != node->object && counts(node, object, needs[at].needs->kind))
      visit(build, node_of(build, needs[at].needs));
  for (const Object *child = object->first_child; child != NULL; child = child->next)
    if (node_of(build, child)->is_inline)
      visit_needs(build, node, child);
}

static void visit_schema(Build *build, const Node *node) {
  if (node->object->schema[0] == '\0')
    return;
  for (size_t at = build->before_count; at < build->count; at++)
    if (build->nodes[at].object->kind == KIND_SCHEMA &&
        str_equal(build->nodes[at].object->name, node->object->schema))
      visit(build, &build->nodes[at]);
}

/* What a column inherits has to be there before what it has otherwise. */
static void visit_above(Build *build, const Node *node) {
  const Node *above = column_above(build, node);
  if (above != NULL)
    visit(build, node_of(build, above->object));
}

static void visit(Build *build, Node *node) {
  if (node->done || is_deferred(node))
    return;
  if (node->busy) {
    break_cycle(build, node);
    return;
  }
  if (node->is_inline && node->parent->busy && !node->parent->done)
    return; /* it comes with the table that is about to be written, and then by itself */
  node->busy = true;
  if (node->parent != NULL)
    visit(build, node->parent);
  if (node->create)
    visit_schema(build, node);
  if (node->object->kind == KIND_COLUMN && object_is_inherited(node->object))
    visit_above(build, node);
  visit_needs(build, node, node->object);
  node->done = true;
  write_node(build, node);
}

static void write_deferred(Build *build, ObjectKind kind) {
  for (size_t at = build->before_count; at < build->count; at++)
    if (build->nodes[at].object->kind == kind && is_deferred(&build->nodes[at]))
      write_node(build, &build->nodes[at]);
}

static void for_each_after(Build *build, void (*write)(Build *, const Node *)) {
  for (size_t at = build->before_count; at < build->count; at++)
    write(build, &build->nodes[at]);
}

static void add_values(Build *build) {
  for (size_t at = 0; at < build->before_count; at++)
    if (build->nodes[at].object->kind == KIND_ENUM && build->nodes[at].partner != NULL &&
        !build->nodes[at].drop)
      enum_add_values(build, &build->nodes[at]);
}

void order_write(Build *build) {
  build->phase = SQL_FIRST;
  add_values(build);
  build->phase = SQL_MAIN;
  detach_all(build);
  suspend_defaults(build);
  free_sequences(build);
  drop_all(build, false);
  rename_all(build);
  move_all(build);
  for (size_t at = build->before_count; at < build->count; at++)
    table_inherit_early(build, &build->nodes[at]);
  for (size_t at = build->before_count; at < build->count; at++)
    visit(build, &build->nodes[at]);
  for_each_after(build, table_attach);
  for_each_after(build, index_attach);
  for_each_after(build, sequence_own);
  write_deferred(build, KIND_CONSTRAINT);
  drop_all(build, true);
  write_deferred(build, KIND_DEFAULT_PRIVILEGE);
}
