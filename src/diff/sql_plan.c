/* Decides what a migration does with each object: what is dropped, made, altered, and what has to
 * make room meanwhile because something beneath it changes. */
#include "diff/sql_build.h"

#include <string.h>

/* ---- names ---- */

enum { SPACE_RELATION_OR_TYPE = KIND_COUNT + 1, SPACE_ROUTINE };

static int name_space(ObjectKind kind) {
  switch (kind) {
  case KIND_TABLE:
  case KIND_FOREIGN_TABLE:
  case KIND_VIEW:
  case KIND_MATERIALIZED_VIEW:
  case KIND_SEQUENCE:
  case KIND_INDEX:
  case KIND_ENUM:
  case KIND_DOMAIN:
  case KIND_COMPOSITE:
  case KIND_RANGE:
  case KIND_BASE_TYPE:
    return SPACE_RELATION_OR_TYPE;
  case KIND_FUNCTION:
  case KIND_PROCEDURE:
  case KIND_AGGREGATE:
    return SPACE_ROUTINE;
  default:
    return (int)kind;
  }
}

static bool collides(const Object *a, const Object *b) {
  return name_space(a->kind) == name_space(b->kind) && str_equal(a->schema, b->schema) &&
         str_equal(a->name, b->name) && str_equal(a->signature, b->signature);
}

/* Whether something that is made needs the name of something that goes. */
static bool name_is_taken(const Build *build, const Node *node) {
  for (size_t other = build->before_count; other < build->count; other++)
    if (build->nodes[other].create && collides(node->object, build->nodes[other].object))
      return true;
  return false;
}

/* ---- what goes ---- */

static void push(Build *build, Node *node) {
  build->stack[build->stack_count++] = node;
}

/* Children go with their parent; whoever uses one of them has to be looked at, too. */
static void drop_children(Build *build, const Object *object) {
  for (const Object *child = object->first_child; child != NULL; child = child->next) {
    Node *node = node_of(build, child);
    bool is_new = !node->implied;
    node->implied = true;
    if (!node->drop && is_new)
      push(build, node);
    node->drop = true;
    if (node->partner != NULL)
      node->partner->create = true;
    drop_children(build, child);
  }
}

static void create_children(Build *build, const Object *object) {
  for (const Object *child = object->first_child; child != NULL; child = child->next) {
    node_of(build, child)->create = true;
    create_children(build, child);
  }
}

/* Columns, enum values and attributes are written by their parent's CREATE. */
static bool lies_inside(ObjectKind kind) {
  return kind == KIND_COLUMN || kind == KIND_ENUM_VALUE || kind == KIND_ATTRIBUTE;
}

static void recreate(Build *build, Node *node);

static void replace(Build *build, Node *node) {
  if (node->drop)
    return;
  recreate(build, node);
  node->move_away = true;
  node->is_late = true;
}

static void recreate(Build *build, Node *node) {
  if (node->drop)
    return;
  if (node->partner != NULL && writer_of(node->object->kind)->remake == REMAKE_NEVER)
    finding(build, node->object, "this change has no statement; nothing is done about it");
  else {
    node->drop = true;
    push(build, node);
    if (node->partner != NULL) {
      node->partner->create = true;
      create_children(build, node->partner->object);
    }
    drop_children(build, node->object);
  }
}

static void remake(Build *build, Node *node) {
  if (writer_of(node->object->kind)->remake == REMAKE_REPLACE)
    replace(build, node);
  else
    recreate(build, node);
}

static void retype(Build *build, Node *node) {
  if (node->retype || node->drop)
    return;
  node->retype = true;
  push(build, node);
}

static bool is_type(ObjectKind kind) {
  return kind == KIND_ENUM || kind == KIND_DOMAIN || kind == KIND_COMPOSITE || kind == KIND_RANGE ||
         kind == KIND_BASE_TYPE;
}

static bool is_generated(const Object *column) {
  return value_of(column, "generated")[0] == 's';
}

static void disturb_column(Build *build, Node *user, const Node *cause) {
  ObjectKind kind = cause->object->kind;
  if (is_type(kind) || kind == KIND_COLLATION)
    retype(build, user);
  else if (is_generated(user->object))
    recreate(build, user);
  else
    user->suspend_default = true;
}

/* A table can't be made anew for the sake of what it lies on: it leaves and comes back. */
static void disturb_table(Build *build, Node *user, const Node *cause) {
  (void)build;
  ObjectKind kind = cause->object->kind;
  if (kind == KIND_COMPOSITE || kind == KIND_TABLE || kind == KIND_ATTRIBUTE)
    user->detach = true;
}

/* PostgreSQL makes these again itself when the type of a column changes. */
static bool follows_type(ObjectKind kind) {
  return kind == KIND_INDEX || kind == KIND_CONSTRAINT || kind == KIND_STATISTICS;
}

/* user depends on cause, which goes or changes its type while user is to stay. */
static void disturb(Build *build, Node *user, const Node *cause) {
  if (user->drop)
    return;
  bool is_gone = cause->drop;
  switch (user->object->kind) {
  case KIND_SEQUENCE: /* owned by the column; sequence_alter moves it */
  case KIND_SCHEMA:
  case KIND_EXTENSION:
    return;
  case KIND_COLUMN:
    disturb_column(build, user, cause);
    return;
  case KIND_TABLE:
  case KIND_FOREIGN_TABLE:
    disturb_table(build, user, cause);
    return;
  case KIND_ATTRIBUTE:
  case KIND_ENUM_VALUE:
    remake(build, user->parent);
    return;
  case KIND_DOMAIN:
    if (is_type(cause->object->kind) || cause->object->kind == KIND_COLLATION)
      replace(build, user);
    else
      user->suspend_default = true;
    return;
  default:
    if (is_gone || !follows_type(user->object->kind))
      remake(build, user);
  }
}

/* What is made anew, or has its name taken, disturbs all its users. Something that goes for good
 * disturbs those that would go on needing it because nothing about them changes: a reference that
 * found another unique index, say. */
static void disturb_users(Build *build, const Node *cause, bool all) {
  const Dependency *users;
  size_t count = users_of(build, cause->object, &users);
  for (size_t at = 0; at < count; at++)
    if (users[at].object != cause->object &&
        (all || node_of(build, users[at].object)->change == NULL))
      disturb(build, node_of(build, users[at].object), cause);
}

/* ---- where it starts ---- */

static bool is_in_place(const Node *node, const PropertyChange *property) {
  static const char everywhere[] = " owner grants comment labels name schema ";
  const char *own = writer_of(node->object->kind)->in_place;
  AUTO(str_free) char *word = str_format(" %s ", property->name);
  return strstr(everywhere, word) != NULL || (own != NULL && strstr(own, word) != NULL);
}

static bool is_retyped(const Node *node) {
  return node_change(node, "type") != NULL || node_change(node, "collation") != NULL;
}

/* A column that was dropped and made anew with another type had its data thrown away: saying so is
 * more honest than a conversion that nobody wrote. The same goes for expressions that generate. */
static bool column_must_go(const Node *node) {
  bool was = is_generated(node->object);
  bool will = is_generated(node->partner->object);
  if (node->change->is_replaced && is_retyped(node))
    return true;
  return (will && !was) || (was && will && node_change(node, "default") != NULL);
}

static bool composite_must_go(const Build *build, const Node *node);

/* Whether all that a constraint has to become is valid. */
static bool is_validation(const Node *node) {
  const PropertyChange *change = node_change(node, "definition");
  if (change == NULL || change->before == NULL || change->after == NULL)
    return false;
  AUTO(str_free) char *unchecked = str_format("%s NOT VALID", change->after);
  return str_equal(unchecked, change->before);
}

/* ALTER PUBLICATION ... SET needs something to set. */
static bool publishes_nothing(const Object *publication) {
  return object_property(publication, "tables") == NULL &&
         object_property(publication, "schemas") == NULL;
}

/* Whether a pair that differs can't be altered. */
static bool must_go(const Build *build, const Node *node) {
  switch (node->object->kind) {
  case KIND_ENUM:
    return !enum_only_grows(build, node);
  case KIND_COMPOSITE:
    return composite_must_go(build, node);
  case KIND_COLUMN:
    return node->change != NULL && column_must_go(node);
  case KIND_VIEW:
    return node->change != NULL && !view_is_replaceable(node);
  case KIND_CONSTRAINT:
  case KIND_DOMAIN_CONSTRAINT:
    if (is_validation(node))
      return false;
    break;
  case KIND_PUBLICATION:
    if (node->change != NULL && publishes_nothing(node->partner->object))
      return true;
    break;
  default:
    break;
  }
  if (node->change == NULL)
    return false;
  for (size_t at = 0; at < node->change->property_count; at++)
    if (!is_in_place(node, &node->change->properties[at]))
      return true;
  return false;
}

static bool has_data_user(const Build *build, const Node *node) {
  const Dependency *users;
  size_t count = users_of(build, node->object, &users);
  for (size_t at = 0; at < count; at++) {
    ObjectKind kind = users[at].object->kind;
    if (kind == KIND_COLUMN || kind == KIND_DOMAIN || kind == KIND_ATTRIBUTE)
      return true;
  }
  return false;
}

/* Attributes can be added, dropped and retyped, unless a column stores the type; their order can't
 * be changed at all. */
static bool composite_must_go(const Build *build, const Node *node) {
  int32_t last = 0;
  bool is_past_kept = false;
  const Object *after = node->partner->object;
  for (const Object *child = after->first_child; child != NULL; child = child->next) {
    const Node *partner = node_of(build, child)->partner;
    if (partner == NULL) {
      is_past_kept = true;
      continue;
    }
    if (is_past_kept || partner->object->position < last)
      return true;
    last = partner->object->position;
    if (is_retyped(partner) && has_data_user(build, node))
      return true;
  }
  return false;
}

static void start(Build *build) {
  for (size_t at = 0; at < build->count; at++) {
    Node *node = &build->nodes[at];
    bool is_before = at < build->before_count;
    if (node->partner == NULL && is_before)
      recreate(build, node);
    else if (node->partner == NULL)
      node->create = true;
    else if (is_before && !node->drop && must_go(build, node))
      remake(build, node);
    else if (is_before && node->object->kind == KIND_COLUMN && is_retyped(node))
      retype(build, node);
  }
}

/* ---- what is dropped at the end only ---- */

static bool holds_back(const Node *user) {
  while (user->implied && user->parent != NULL)
    user = user->parent;
  return !user->drop || user->is_late;
}

static bool is_held(const Build *build, const Object *object);

/* A sequence goes with its column, so who uses the one holds back the other. */
static bool is_held_by(const Build *build, const Object *object, const Object *user) {
  const Node *node = node_of(build, user);
  if (user == object || user->parent == object)
    return false;
  if (user->kind == KIND_SEQUENCE)
    return node->drop && is_held(build, user);
  return holds_back(node);
}

static bool is_held(const Build *build, const Object *object) {
  const Dependency *users;
  size_t count = users_of(build, object, &users);
  for (size_t at = 0; at < count; at++)
    if (is_held_by(build, object, users[at].object))
      return true;
  for (const Object *child = object->first_child; child != NULL; child = child->next)
    if (is_held(build, child))
      return true;
  return false;
}

/* What still has a user that stays (and is altered so that it needs it no more) goes at the end. */
static void find_late(Build *build) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t at = 0; at < build->before_count; at++) {
      Node *node = &build->nodes[at];
      if (!node->drop || node->implied || node->is_late || !is_held(build, node->object))
        continue;
      node->is_late = true;
      changed = true;
    }
  }
}

/* Names that are needed while their late owner is still there. */
static void find_collisions(Build *build) {
  for (size_t at = 0; at < build->before_count; at++) {
    Node *node = &build->nodes[at];
    if (node->is_late && node->object->parent == NULL && name_is_taken(build, node))
      node->move_away = true;
  }
}

static void find_inline(Build *build) {
  for (size_t at = build->before_count; at < build->count; at++) {
    Node *node = &build->nodes[at];
    node->is_inline = node->create && node->parent != NULL && node->parent->create &&
                      lies_inside(node->object->kind);
  }
}

void sql_plan_make(Build *build) {
  nodes_make(build);
  start(build);
  while (build->stack_count > 0) {
    const Node *cause = build->stack[--build->stack_count];
    bool is_needed =
        cause->partner != NULL || (cause->parent == NULL && name_is_taken(build, cause));
    disturb_users(build, cause, is_needed);
  }
  find_late(build);
  find_collisions(build);
  find_inline(build);
}
