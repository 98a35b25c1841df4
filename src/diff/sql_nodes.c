/* The objects of both sides as nodes: found by object, by what uses them, in pairs. */
#include "diff/sql_build.h"

#include <stdlib.h>
#include <string.h>

/* ---- nodes ---- */

static size_t slot_of(const Build *build, const Object *object) {
  size_t slot = ((uintptr_t)object >> 4) * 0x9E3779B97F4A7C15u % build->slot_count;
  while (build->slots[slot] != 0 && build->nodes[build->slots[slot] - 1].object != object)
    slot = (slot + 1) % build->slot_count;
  return slot;
}

Node *node_of(const Build *build, const Object *object) {
  if (object == NULL)
    return NULL;
  size_t place = build->slots[slot_of(build, object)];
  return place == 0 ? NULL : &build->nodes[place - 1];
}

static void add_nodes(Build *build, const Schema *schema) {
  for (size_t at = 0; at < schema->count; at++) {
    build->nodes[build->count].object = schema->objects[at];
    build->slots[slot_of(build, schema->objects[at])] = ++build->count;
  }
}

static int compare_users(const void *a, const void *b) {
  const Dependency *x = a;
  const Dependency *y = b;
  if (x->needs != y->needs)
    return (uintptr_t)x->needs < (uintptr_t)y->needs ? -1 : 1;
  return 0;
}

static void make_nodes(Build *build) {
  const Schema *before = build->diff->before;
  const Schema *after = build->diff->after;
  size_t count = before->count + after->count;
  build->nodes = mem_new(count + 1, sizeof *build->nodes);
  build->stack = mem_new(3 * count + 1, sizeof(Node *)); /* retyped, dropped, implied */
  build->slot_count = 2 * count + 1;
  build->slots = mem_new(build->slot_count, sizeof *build->slots);
  add_nodes(build, before);
  build->before_count = build->count;
  add_nodes(build, after);
  for (size_t at = 0; at < build->count; at++)
    build->nodes[at].parent = node_of(build, build->nodes[at].object->parent);
  build->users = mem_new(before->dependency_count + 1, sizeof *build->users);
  if (before->dependency_count > 0)
    memcpy(build->users, before->dependencies, before->dependency_count * sizeof *build->users);
  qsort(build->users, before->dependency_count, sizeof *build->users, compare_users);
}

size_t users_of(const Build *build, const Object *object, const Dependency **ret) {
  size_t low = 0;
  size_t high = build->diff->before->dependency_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if ((uintptr_t)build->users[middle].needs < (uintptr_t)object)
      low = middle + 1;
    else
      high = middle;
  }
  *ret = build->users + low;
  size_t count = 0;
  while (low + count < build->diff->before->dependency_count &&
         build->users[low + count].needs == object)
    count++;
  return count;
}

/* ---- pairs ---- */

/* The columns' change stands with the column; a table's with the table. Reordering is looked at
 * where it matters, by the children themselves. */
static void take_changes(Build *build) {
  for (size_t at = 0; at < build->diff->count; at++) {
    const Change *change = &build->diff->changes[at];
    if (change->before == NULL || change->after == NULL || change->kind == CHANGE_REORDERED ||
        change->kind == CHANGE_REPLACED)
      continue;
    node_of(build, change->before)->change = change;
    node_of(build, change->after)->change = change;
  }
}

static void pair_nodes(Build *build) {
  for (size_t at = 0; at < build->before_count; at++) {
    Node *node = &build->nodes[at];
    node->partner = node_of(build, diff_partner(build->diff, node->object));
    if (node->partner != NULL)
      node->partner->partner = node;
  }
}

const PropertyChange *node_change(const Node *node, const char *property) {
  if (node->change == NULL || node->partner == NULL)
    return NULL;
  for (size_t at = 0; at < node->change->property_count; at++)
    if (str_equal(node->change->properties[at].name, property))
      return &node->change->properties[at];
  return NULL;
}

void nodes_make(Build *build) {
  make_nodes(build);
  take_changes(build);
  pair_nodes(build);
}
