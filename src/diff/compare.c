/* Compares pairs property by property, and names what is only on one side. */
#include "diff/compare.h"

#include "core/str.h"
#include "diff/pairs.h"
#include "diff/renames.h"

#include <stdlib.h>
#include <string.h>

enum { PROPERTY_LIMIT = 40 }; /* more than any kind has, with those that all have */

typedef struct Comparing {
  Diff *diff;
  const Base *base;
  size_t capacity;
  PropertyChange found[PROPERTY_LIMIT]; /* of the pair at hand */
  size_t found_count;
} Comparing;

/* ---- values ---- */

bool diff_same_text(const Diff *diff, const Object *before_context, const char *before,
                    const char *after) {
  if (before == NULL || after == NULL || renames_is_empty(diff->renames))
    return str_equal(before, after);
  AUTO_RELEASE(buffer_release) Buffer translated = {0};
  renames_translate(diff->renames, before_context, before, &translated);
  return str_equal(translated.length > 0 ? translated.text : "", after);
}

static void found(Comparing *comparing, ObjectKind kind, const char *name, const char *before,
                  const char *after) {
  comparing->found[comparing->found_count++] =
      (PropertyChange){name, before, after, property_is_rights(kind, name)};
}

/* Strings that PostgreSQL doesn't read as SQL until they run: a rename doesn't reach into them. */
static bool is_plain_text(const char *property) {
  return str_equal(property, "body") || str_equal(property, "settings");
}

/* Who made an object for the platform is nobody's business: its owners are one. */
static bool is_same_owner(const char *before, const char *after) {
  return str_equal(before, after) || (before != NULL && after != NULL &&
                                      str_starts(before, "bough_") && str_starts(after, "bough_"));
}

/* Where a table got other parents, its columns say so once more. */
static bool follows_from_parent(const Object *before, const Object *after, const char *property) {
  if (!str_equal(property, "local") && !str_equal(property, "inherited") &&
      !str_equal(property, "part_of"))
    return false;
  if (before->kind == KIND_INDEX)
    return false;
  const Object *tables[] = {before->parent, after->parent};
  for (size_t at = 0; at < ARRAY_LENGTH(tables); at++)
    if (tables[at] == NULL ||
        (tables[at]->kind != KIND_TABLE && tables[at]->kind != KIND_FOREIGN_TABLE))
      return false;
  return !str_equal(object_property(tables[0], "partition_of"),
                    object_property(tables[1], "partition_of")) ||
         !str_equal(object_property(tables[0], "inherits"), object_property(tables[1], "inherits"));
}

static void compare_values(Comparing *comparing, const Object *before, const Object *after) {
  const Kind *kind = kind_info(before->kind);
  for (size_t at = 0; at < kind->property_count; at++) {
    const char *left = before->values[at];
    const char *right = after->values[at];
    bool is_same = is_plain_text(kind->properties[at])
                       ? str_equal(left, right)
                       : diff_same_text(comparing->diff, before, left, right);
    if (!is_same && !follows_from_parent(before, after, kind->properties[at]))
      found(comparing, before->kind, kind->properties[at], left, right);
  }
  if ((kind->flags & KIND_DEFINITION) != 0 &&
      !diff_same_text(comparing->diff, before, before->definition, after->definition))
    found(comparing, before->kind, "definition", before->definition, after->definition);
}

static void compare_common(Comparing *comparing, const Object *before, const Object *after) {
  ObjectKind kind = before->kind;
  if (!is_same_owner(before->owner, after->owner))
    found(comparing, kind, "owner", before->owner, after->owner);
  if (before->grants != NULL || after->grants != NULL) {
    const char *left = object_grants(&comparing->diff->arena, before);
    const char *right = object_grants(&comparing->diff->arena, after);
    if (!str_equal(left, right))
      found(comparing, kind, "grants", left, right);
  }
  if (!str_equal(before->comment, after->comment))
    found(comparing, kind, "comment", before->comment, after->comment);
  if (!str_equal(before->labels, after->labels))
    found(comparing, kind, "labels", before->labels, after->labels);
}

/* ---- changes ---- */

static Change *add_change(Comparing *comparing, ChangeKind kind, const Object *before,
                          const Object *after) {
  Diff *diff = comparing->diff;
  if (diff->count == comparing->capacity) {
    comparing->capacity = comparing->capacity == 0 ? 64 : 2 * comparing->capacity;
    diff->changes = mem_resize(diff->changes, comparing->capacity, sizeof *diff->changes);
  }
  Change *change = &diff->changes[diff->count++];
  const Object *shown = after != NULL ? after : before;
  *change = (Change){.kind = kind, .object_kind = shown->kind, .before = before, .after = after};
  return change;
}

static bool is_definer(const Object *object) {
  return (object->kind == KIND_FUNCTION || object->kind == KIND_PROCEDURE) &&
         object_is(object, "security_definer");
}

static bool has_rights(const Object *object, Arena *arena) {
  return (kind_info(object->kind)->flags & KIND_RIGHTS) != 0 || is_definer(object) ||
         object_grants(arena, object)[0] != '\0';
}

static void add_one_sided(Comparing *comparing, const Object *before, const Object *after) {
  const Object *object = before != NULL ? before : after;
  Change *change =
      add_change(comparing, before != NULL ? CHANGE_REMOVED : CHANGE_ADDED, before, after);
  change->is_inherited = object_is_inherited(object);
  change->is_implied =
      object->parent != NULL && diff_partner(comparing->diff, object->parent) == NULL;
  change->is_rights = has_rights(object, &comparing->diff->arena);
}

/* The schema that it lies in was renamed, and it wasn't moved. */
static bool is_moved(const Diff *diff, const Object *before, const Object *after) {
  AUTO_RELEASE(buffer_release) Buffer left = {0};
  AUTO_RELEASE(buffer_release) Buffer right = {0};
  if (str_equal(before->schema, after->schema))
    return false;
  for (size_t at = 0; at < diff->before->count; at++) {
    const Object *schema = diff->before->objects[at];
    if (schema->kind != KIND_SCHEMA)
      break;
    if (str_equal(schema->name, before->schema) && diff->after_of[at] != NULL)
      return !str_equal(diff->after_of[at]->name, after->schema);
  }
  return true;
}

/* Both were made or one was made anew, and one of them was there when the sides parted. */
static bool is_replaced(const Comparing *comparing, const Object *before, const Object *after) {
  const Object *parent = before->parent;
  if (comparing->base == NULL || (kind_info(before->kind)->flags & KIND_DATA) == 0 ||
      (before->oid == after->oid && before->subid == after->subid))
    return false;
  if (parent != NULL && parent->oid != after->parent->oid)
    return false; /* the whole table was */
  return pair_is_certain(comparing->base, before, before) ||
         pair_is_certain(comparing->base, after, after);
}

static ChangeKind kind_of(bool is_renamed, size_t property_count) {
  if (is_renamed)
    return CHANGE_RENAMED;
  return property_count > 0 ? CHANGE_CHANGED : CHANGE_REPLACED;
}

static void compare_pair(Comparing *comparing, const Object *before, const Object *after) {
  comparing->found_count = 0;
  bool has_new_name = !str_equal(before->name, after->name);
  bool has_new_schema = is_moved(comparing->diff, before, after);
  if (has_new_name)
    found(comparing, before->kind, "name", before->name, after->name);
  if (has_new_schema)
    found(comparing, before->kind, "schema", before->schema, after->schema);
  compare_values(comparing, before, after);
  compare_common(comparing, before, after);
  bool replaced = is_replaced(comparing, before, after);
  size_t count = comparing->found_count;
  if (count == 0 && !replaced)
    return;
  Change *change =
      add_change(comparing, kind_of(has_new_name || has_new_schema, count), before, after);
  PropertyChange *properties = arena_new(&comparing->diff->arena, count, sizeof *properties);
  memcpy(properties, comparing->found, count * sizeof *properties);
  change->properties = properties;
  change->property_count = count;
  change->is_certain = pair_is_certain(comparing->base, before, after);
  change->is_replaced = replaced;
  change->is_inherited = object_is_inherited(after);
  change->is_note = change->kind == CHANGE_REPLACED;
  change->is_rights = is_definer(before) != is_definer(after) || (is_definer(before) && count > 0);
  for (size_t at = 0; at < count; at++)
    change->is_rights = change->is_rights || properties[at].is_rights;
}

/* ---- order ---- */

/* The next sibling of the kind that is on both sides. */
static const Object *next_common(const Diff *diff, const Object *object, ObjectKind kind) {
  while (object != NULL &&
         (object->kind != kind || diff_partner(diff, object) == NULL ||
          diff_partner(diff, object)->parent != diff_partner(diff, object->parent)))
    object = object->next;
  return object;
}

static bool is_reordered(const Diff *diff, const Object *before, const Object *after,
                         ObjectKind kind) {
  const Object *left = next_common(diff, before->first_child, kind);
  const Object *right = next_common(diff, after->first_child, kind);
  while (left != NULL && right != NULL) {
    if (diff_partner(diff, left) != right)
      return true;
    left = next_common(diff, left->next, kind);
    right = next_common(diff, right->next, kind);
  }
  return false;
}

static ObjectKind ordered_child(const Object *object) {
  const Object *child = object->first_child;
  while (child != NULL && (kind_info(child->kind)->flags & KIND_ORDERED) == 0)
    child = child->next;
  return child != NULL ? child->kind : KIND_NONE;
}

static void compare_order(Comparing *comparing, const Object *before, const Object *after) {
  ObjectKind kind = ordered_child(before);
  if (kind == KIND_NONE || !is_reordered(comparing->diff, before, after, kind))
    return;
  Change *change = add_change(comparing, CHANGE_REORDERED, before, after);
  change->is_note = kind != KIND_ENUM_VALUE; /* values compare by their order */
}

/* ---- the whole ---- */

static const Object *shown(const Change *change) {
  return change->after != NULL ? change->after : change->before;
}

static int compare_changes(const void *a, const void *b) {
  const Change *left = a;
  const Change *right = b;
  const Object *objects[] = {shown(left), shown(right)};
  int order = object_compare(&objects[0], &objects[1]);
  return order != 0 ? order : (int)left->kind - (int)right->kind;
}

static Diff *diff_new(const Schema *before, const Schema *after) {
  Diff *diff = mem_new(1, sizeof *diff);
  diff->before = before;
  diff->after = after;
  diff->after_of = mem_new(before->count + 1, sizeof *diff->after_of);
  diff->before_of = mem_new(after->count + 1, sizeof *diff->before_of);
  diff->renames = renames_new();
  return diff;
}

static Diff *compare(const Schema *before, const Schema *after, const Base *base,
                     bool with_guesses) {
  Diff *diff = diff_new(before, after);
  Comparing comparing = {.diff = diff, .base = base};
  pairs_find(diff, base, with_guesses);
  for (size_t at = 0; at < before->count; at++) {
    const Object *object = before->objects[at];
    const Object *other = diff->after_of[at];
    if (other == NULL) {
      add_one_sided(&comparing, object, NULL);
      continue;
    }
    compare_pair(&comparing, object, other);
    compare_order(&comparing, object, other);
  }
  for (size_t at = 0; at < after->count; at++)
    if (diff->before_of[at] == NULL)
      add_one_sided(&comparing, NULL, after->objects[at]);
  if (diff->count > 0)
    qsort(diff->changes, diff->count, sizeof *diff->changes, compare_changes);
  return diff;
}

Diff *diff_compare(const Schema *before, const Schema *after, const Base *base) {
  return compare(before, after, base, true);
}

Diff *diff_compare_certain(const Schema *before, const Schema *after, const Base *base) {
  return compare(before, after, base, false);
}

void diff_free(Diff *diff) {
  if (diff == NULL)
    return;
  renames_free(diff->renames);
  mem_free(diff->after_of);
  mem_free(diff->before_of);
  mem_free(diff->changes);
  arena_release(&diff->arena);
  mem_free(diff);
}

const Object *diff_partner(const Diff *diff, const Object *object) {
  size_t at = object->index;
  if (at < diff->before->count && diff->before->objects[at] == object)
    return diff->after_of[at];
  return diff->before_of[at];
}

bool diff_is_empty(const Diff *diff) {
  return diff->count == 0;
}

bool diff_is_equivalent(const Diff *diff) {
  for (size_t at = 0; at < diff->count; at++)
    if (!diff->changes[at].is_note)
      return false;
  return true;
}
