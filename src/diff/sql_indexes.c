/* Indexes and constraints, those of partitions too. */
#include "diff/sql_build.h"

#include <string.h>

static const char *schema_of(const Object *child) {
  return child->parent->schema;
}

/* Whether another index of the table has the flag now: then nothing has to be taken away. */
static bool sibling_has(const Object *object, const char *flag) {
  for (const Object *child = object->parent->first_child; child != NULL; child = child->next)
    if ((child->kind == KIND_INDEX || child->kind == KIND_CONSTRAINT) && object_is(child, flag))
      return true;
  return false;
}

static bool differs(const Node *node, const char *property) {
  return node->create || node_change(node, property) != NULL;
}

/* What is said of the index by way of its table, and where it lies. */
static void write_flags(Build *build, const Node *node) {
  const Object *object = node->object;
  const char *tablespace = object_property(object, "tablespace");
  if (differs(node, "clustered")) {
    if (object_is(object, "clustered"))
      emit(build, 0, "ALTER TABLE %P CLUSTER ON %I", object, object->name);
    else if (!node->create && !sibling_has(object, "clustered"))
      emit(build, 0, "ALTER TABLE %P SET WITHOUT CLUSTER", object);
  }
  if (object_is(object, "replica_identity") && differs(node, "replica_identity"))
    emit(build, 0, "ALTER TABLE ONLY %P REPLICA IDENTITY USING INDEX %I", object, object->name);
  if (object->kind == KIND_CONSTRAINT &&
      (node->create ? object_property(object, "index_comment") != NULL
                    : node_change(node, "index_comment") != NULL))
    emit(build, 0, "COMMENT ON INDEX %I.%I IS %L", schema_of(object), object->name,
         object_property(object, "index_comment"));
  if (node->create ? tablespace != NULL : node_change(node, "tablespace") != NULL)
    emit(build, EMIT_REWRITE, "ALTER INDEX %I.%I SET TABLESPACE %I", schema_of(object),
         object->name, tablespace != NULL ? tablespace : "pg_default");
}

/* ---- indexes ---- */

/* "1=100, 3=50": each number of before's list that after's lacks is set back. */
static void write_statistics(Build *build, const Node *node) {
  const char *before = node->partner != NULL && !node->create
                           ? object_property(node->partner->object, "statistics")
                           : NULL;
  AUTO_RELEASE(options_release) SqlOptions old = options_parse(before);
  AUTO_RELEASE(options_release)
  SqlOptions new = options_parse(object_property(node->object, "statistics"));
  for (size_t at = 0; at < old.count; at++)
    if (options_get(&new, old.items[at].name) == NULL)
      emit(build, 0, "ALTER INDEX %O ALTER COLUMN %s SET STATISTICS -1", node->object,
           old.items[at].name);
  for (size_t at = 0; at < new.count; at++)
    if (!str_equal(options_get(&old, new.items[at].name), new.items[at].value))
      emit(build, 0, "ALTER INDEX %O ALTER COLUMN %s SET STATISTICS %s", node->object,
           new.items[at].name, new.items[at].value);
}

/* Behind CREATE [UNIQUE] INDEX, where CONCURRENTLY stands; 0: not of that form. */
static size_t concurrently_at(const char *definition) {
  static const char *const heads[] = {"CREATE INDEX ", "CREATE UNIQUE INDEX "};
  for (size_t at = 0; at < ARRAY_LENGTH(heads); at++)
    if (str_starts(definition, heads[at]))
      return strlen(heads[at]);
  return 0;
}

/* Partitioned indexes can't be made without a lock, and a new table has no writers. */
static bool is_concurrent(const Build *build, const Node *node) {
  return (build->flags & DIFF_SQL_CONCURRENTLY) != 0 && !node->parent->create &&
         node->object->parent->kind == KIND_TABLE &&
         object_property(node->object->parent, "partition_key") == NULL &&
         !object_is_inherited(node->object) && concurrently_at(node->object->definition) > 0;
}

void index_create(Build *build, const Node *node) {
  const Object *index = node->object;
  SqlPhase phase = build->phase;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  size_t head = 0;
  if (is_concurrent(build, node)) {
    build->phase = SQL_LAST;
    head = concurrently_at(index->definition);
    buffer_add(&sql, index->definition, head);
    sql_add(&sql, "CONCURRENTLY ");
  }
  sql_add(&sql, "%s", index->definition + head);
  emit_buffer(build, node->parent->create ? 0 : EMIT_REWRITE,
              head > 0 || node->parent->create ? NULL : "writers wait while it is built", &sql);
  write_statistics(build, node);
  write_flags(build, node);
  build->phase = phase;
}

void index_alter(Build *build, const Node *node) {
  if (node_change(node, "statistics") != NULL)
    write_statistics(build, node);
  write_flags(build, node);
}

/* ---- constraints ---- */

static char type_of(const Object *constraint) {
  return value_of(constraint, "type")[0];
}

/* A partition that is new to its parent has to bring its check constraints along; those that check
 * references, and all of children by INHERITS, come from the parent. */
static bool comes_from_parent(const Node *node) {
  const Object *constraint = node->object;
  if (!object_is_inherited(constraint))
    return false;
  if (type_of(constraint) != 'c')
    return type_of(constraint) == 'f';
  bool is_partition = object_property(constraint->parent, "partition_of") != NULL;
  bool is_new = node_change(node->parent, "partition_of") != NULL ||
                (node_change(node->parent, "inherits") != NULL && !node->parent->is_attached);
  return !is_new && !(is_partition && node->parent->create);
}

void constraint_create(Build *build, const Node *node) {
  const Object *constraint = node->object;
  if (comes_from_parent(node))
    return;
  bool is_index = strchr("pu", type_of(constraint)) != NULL;
  bool is_checked = strstr(constraint->definition, " NOT VALID") == NULL && !node->parent->create;
  emit_noted(build, is_checked ? EMIT_REWRITE : 0,
             is_checked ? "all rows are checked; fails where one breaks it" : NULL,
             "ALTER TABLE %s%P ADD CONSTRAINT %I %s", is_index ? "ONLY " : "", constraint,
             constraint->name, constraint->definition);
  write_flags(build, node);
}

void constraint_alter(Build *build, const Node *node) {
  const Object *constraint = node->object;
  if (node_change(node, "validated") != NULL && !object_is_inherited(constraint))
    emit(build, EMIT_REWRITE, "ALTER TABLE %P VALIDATE CONSTRAINT %I", constraint,
         constraint->name);
  write_flags(build, node);
}

void constraint_remove(Build *build, const Node *node) {
  emit(build, 0, "ALTER TABLE %P DROP CONSTRAINT %I", node->object, node->object->name);
}

/* ---- partitions ---- */

/* The parent's constraint that a partition's belongs to. */
static const Object *constraint_above(const Build *build, const Object *constraint) {
  const Dependency *needs;
  size_t count = schema_dependencies(build->diff->after, constraint->parent, &needs);
  for (size_t at = 0; at < count; at++) {
    const Object *child = needs[at].needs->kind == KIND_TABLE ? needs[at].needs->first_child : NULL;
    for (; child != NULL; child = child->next)
      if (child->kind == KIND_CONSTRAINT && type_of(child) == type_of(constraint) &&
          str_equal(value_of(child, "columns"), value_of(constraint, "columns")))
        return child;
  }
  return NULL;
}

/* Attaching what is attached already changes nothing, so nobody has to know what ATTACH PARTITION
 * of the table has found by itself. */
void index_attach(Build *build, const Node *node) {
  const Object *object = node->object;
  if (!node->create || !object_is_inherited(object))
    return;
  if (object->kind == KIND_INDEX) {
    emit(build, 0, "ALTER INDEX %s ATTACH PARTITION %O", value_of(object, "part_of"), object);
    return;
  }
  if (object->kind != KIND_CONSTRAINT || strchr("pu", type_of(object)) == NULL)
    return;
  const Object *above = constraint_above(build, object);
  if (above != NULL)
    emit(build, 0, "ALTER INDEX %I.%I ATTACH PARTITION %I.%I", schema_of(above), above->name,
         schema_of(object), object->name);
}
