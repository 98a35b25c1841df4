/* What goes, in the reverse order of what needs it. */
#include "diff/sql_build.h"

#include <string.h>

static bool leaves_parent(const Node *table) {
  return table->detach || node_change(table, "partition_of") != NULL ||
         node_change(table, "inherits") != NULL;
}

/* The column that owns a sequence of before; NULL: none. */
static const Node *owning_column(const Build *build, const Object *sequence) {
  const Dependency *needs;
  if (sequence->kind != KIND_SEQUENCE || object_property(sequence, "owned_by") == NULL)
    return NULL;
  size_t count = schema_dependencies(build->diff->before, sequence, &needs);
  for (size_t at = 0; at < count; at++)
    if (needs[at].needs->kind == KIND_COLUMN)
      return node_of(build, needs[at].needs);
  return NULL;
}

/* A sequence that stays, but whose column goes, would go with it. */
void free_sequences(Build *build) {
  for (size_t at = 0; at < build->before_count; at++) {
    Node *node = &build->nodes[at];
    const Node *column = owning_column(build, node->object);
    if (column == NULL || node->drop || !column->drop)
      continue;
    emit(build, 0, "ALTER SEQUENCE %O OWNED BY NONE", node->object);
    node->is_freed = true;
  }
}

/* A base type and the functions that it is made of need each other: CASCADE takes them all. */
static bool goes_with_type(const Build *build, const Node *node) {
  const Dependency *users;
  if (node->object->kind != KIND_FUNCTION)
    return false;
  size_t count = users_of(build, node->object, &users);
  for (size_t at = 0; at < count; at++)
    if (users[at].object->kind == KIND_BASE_TYPE && node_of(build, users[at].object)->drop)
      return true;
  return false;
}

/* What a partition or child table has from its parent goes with the parent's, unless the table has
 * left it. A copied trigger goes even then. */
static bool goes_by_itself(const Build *build, const Node *node) {
  const Node *column = owning_column(build, node->object);
  if (column != NULL && column->drop)
    return true; /* with its column */
  if (goes_with_type(build, node))
    return true;
  if (!object_is_inherited(node->object))
    return false;
  return node->object->kind == KIND_TRIGGER || !leaves_parent(node->parent);
}

/* A partition can't be dropped while references to its parent look into it, but it can leave. */
static void leave_parent(Build *build, const Object *table) {
  const Dependency *needs;
  if (table->kind != KIND_TABLE || object_property(table, "partition_of") == NULL)
    return;
  size_t count = schema_dependencies(build->diff->before, table, &needs);
  for (size_t at = 0; at < count; at++)
    if (needs[at].needs->kind == KIND_TABLE && !node_of(build, needs[at].needs)->drop)
      emit(build, 0, "ALTER TABLE %s DETACH PARTITION %O", value_of(table, "partition_of"), table);
}

static void write_drop(Build *build, Node *node) {
  const Writer *writer = writer_of(node->object->kind);
  if (goes_by_itself(build, node))
    return;
  if (node->moved_name != NULL) {
    emit(build, 0, "%s %s", writer->drop, node->moved_name);
    return;
  }
  if (writer->remove != NULL) {
    writer->remove(build, node);
    return;
  }
  if (node->object->kind == KIND_BASE_TYPE) {
    emit(build, 0, "DROP TYPE %O CASCADE", node->object);
    return;
  }
  leave_parent(build, node->object);
  bool has_data = (kind_info(node->object->kind)->flags & KIND_DATA) != 0;
  emit_noted(build, has_data ? EMIT_DESTRUCTIVE : 0, has_data ? "what it holds is gone" : NULL,
             "%s %O", writer->drop, node->object);
}

static void drop_node(Build *build, Node *node, bool late);

static Node *root_of(Node *node) {
  while (node->implied && node->parent != NULL)
    node = node->parent;
  return node;
}

/* Two tables that refer to each other: one of them has to let go first. */
static void break_reference(Build *build, Node *user, const Node *root) {
  const Object *object = user->object;
  if (!root->busy || user->is_dropped)
    return;
  if (object->kind == KIND_CONSTRAINT && value_of(object, "type")[0] == 'f')
    constraint_remove(build, user);
  else if (object->kind == KIND_COLUMN && object_property(object, "default") != NULL &&
           object_property(object, "generated") == NULL)
    emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I DROP DEFAULT", object, object->name);
  else
    return;
  user->is_dropped = true;
}

static void drop_user(Build *build, const Object *object, Node *user, bool late) {
  Node *root = root_of(user);
  if (user->object == object || user->object->kind == KIND_SEQUENCE ||
      root == root_of(node_of(build, object)))
    return;
  break_reference(build, user, root);
  drop_node(build, root, late);
}

static void drop_users(Build *build, const Object *object, bool late) {
  const Dependency *users;
  size_t count = users_of(build, object, &users);
  for (size_t at = 0; at < count; at++)
    drop_user(build, object, node_of(build, users[at].object), late);
  for (const Object *child = object->first_child; child != NULL; child = child->next)
    drop_users(build, child, late);
}

static void drop_node(Build *build, Node *node, bool late) {
  node = root_of(node);
  if (!node->drop || node->is_dropped || node->is_late != late)
    return;
  node->is_dropped = true;
  node->busy = true;
  drop_users(build, node->object, late);
  node->busy = false;
  write_drop(build, node);
}

void drop_all(Build *build, bool late) {
  for (size_t at = build->before_count; at > 0; at--)
    drop_node(build, &build->nodes[at - 1], late);
}
