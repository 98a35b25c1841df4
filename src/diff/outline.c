/* Orders changes under the objects that they lie in, and puts them into words. */
#include "diff/outline.h"
#include "diff/name.h"

#include "core/str.h"

#include <stdlib.h>
#include <string.h>

const char *change_word(ChangeKind kind) {
  static const char *const words[] = {"added",   "removed",  "changed",
                                      "renamed", "replaced", "reordered"};
  return words[kind];
}

const Object *change_object(const Change *change) {
  return change->after != NULL ? change->after : change->before;
}

static bool is_rights_kind(const Change *change) {
  return (kind_info(change->object_kind)->flags & KIND_RIGHTS) != 0;
}

static bool is_definer(const Object *object) {
  return object != NULL && (object->kind == KIND_FUNCTION || object->kind == KIND_PROCEDURE) &&
         object_is(object, "security_definer");
}

bool change_in_rights(const Change *change) {
  return change->is_rights;
}

bool change_in_schema(const Change *change) {
  if (is_rights_kind(change) || is_definer(change->before) || is_definer(change->after))
    return false;
  if (change->property_count == 0 || change->kind == CHANGE_RENAMED)
    return true;
  for (size_t at = 0; at < change->property_count; at++)
    if (!change->properties[at].is_rights)
      return true;
  return false;
}

/* ---- order ---- */

static const Object *top_of(const Diff *diff, const Change *change) {
  const Object *object = change_object(change);
  if (object->parent == NULL)
    return object;
  const Object *other = change->after == NULL ? diff_partner(diff, object->parent) : NULL;
  return other != NULL ? other : object->parent;
}

/* By the heading's kind and name; under it, itself first, then by kind and place. */
static int compare_lines(const void *a, const void *b) {
  const OutlineLine *left = a;
  const OutlineLine *right = b;
  int order = left->top == right->top ? 0 : object_compare(&left->top, &right->top);
  if (order != 0)
    return order;
  const Object *objects[] = {change_object(left->change), change_object(right->change)};
  bool left_is_top = objects[0]->parent == NULL;
  bool right_is_top = objects[1]->parent == NULL;
  if (left_is_top != right_is_top)
    return left_is_top ? -1 : 1;
  order = object_compare(&objects[0], &objects[1]);
  return order != 0 ? order : (int)left->change->kind - (int)right->change->kind;
}

void outline_init(Outline *outline, const Diff *diff) {
  *outline = (Outline){.lines = mem_new(diff->count + 1, sizeof *outline->lines)};
  for (size_t at = 0; at < diff->count; at++) {
    const Change *change = &diff->changes[at];
    bool follows = change->is_inherited && change->kind != CHANGE_CHANGED;
    if (!change->is_implied && follows)
      outline->inherited++;
    if (!change->is_implied && !follows)
      outline->lines[outline->count++] = (OutlineLine){top_of(diff, change), change};
  }
  qsort(outline->lines, outline->count, sizeof *outline->lines, compare_lines);
}

void outline_release(Outline *outline) {
  mem_free(outline->lines);
}

Counts outline_count(const Outline *outline, const Diff *diff) {
  Counts counts = {.rights = 0};
  for (size_t at = 0; at < outline->count; at++) {
    const Change *change = outline->lines[at].change;
    Impact impacts[IMPACT_LIMIT];
    unsigned effects = 0;
    for (size_t left = impact_of(diff, change, impacts); left > 0; left--)
      effects |= impacts[left - 1].effects;
    counts.by_kind[change->kind]++;
    counts.rights += change_in_rights(change) ? 1 : 0;
    counts.destructive += (effects & IMPACT_DESTRUCTIVE) != 0 ? 1 : 0;
    counts.rewrites += (effects & IMPACT_REWRITE) != 0 ? 1 : 0;
    counts.locks += (effects & IMPACT_LOCK) != 0 ? 1 : 0;
  }
  return counts;
}

/* ---- words ---- */

void outline_add_name(Buffer *text, const Change *change) {
  const Object *object = change_object(change);
  buffer_add_format(text, "%s ", kind_info(object->kind)->word);
  if (object->parent == NULL)
    object_add_identity(text, object);
  else
    name_add(text, object->name);
}

static void add_column(Buffer *text, const Object *column) {
  const char *value = object_property(column, "default");
  buffer_add_format(text, " %s", object_property(column, "type"));
  if (object_is(column, "not_null"))
    buffer_add_text(text, " not null");
  if (object_property(column, "identity") != NULL)
    buffer_add_text(text, " identity");
  if (value != NULL)
    buffer_add_format(
        text, object_property(column, "generated") != NULL ? " generated as (%s)" : " default %s",
        value);
}

void outline_add_facts(Buffer *text, const Object *object) {
  if (object->kind == KIND_COLUMN)
    add_column(text, object);
  else if (object->kind == KIND_ATTRIBUTE)
    buffer_add_format(text, " %s", object_property(object, "type"));
  else if (object->kind == KIND_CONSTRAINT || object->kind == KIND_DOMAIN_CONSTRAINT)
    buffer_add_format(text, " %s", object->definition != NULL ? object->definition : "");
  else if (object->kind == KIND_EXTENSION)
    buffer_add_format(text, " %s", object_property(object, "version"));
}

void outline_add_size(Buffer *text, int64_t bytes) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  double size = (double)bytes;
  size_t unit = 0;
  for (; size >= 1000 && unit + 1 < ARRAY_LENGTH(units); unit++)
    size /= 1000;
  buffer_add_format(text, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

void outline_add_impact(Buffer *text, const Impact *impact) {
  const char *separator = "";
  static const struct {
    unsigned effect;
    const char *word;
  } words[] = {{IMPACT_DESTRUCTIVE, "destructive"},
               {IMPACT_REWRITE, "rewrites the table"},
               {IMPACT_LOCK, "holds a lock"}};
  for (size_t at = 0; at < ARRAY_LENGTH(words); at++)
    if ((impact->effects & words[at].effect) != 0) {
      buffer_add_format(text, "%s%s", separator, words[at].word);
      separator = ", ";
    }
  if (impact->lock != NULL)
    buffer_add_format(text, " (%s)", impact->lock);
  buffer_add_format(text, ": %s", impact->reason);
  if (impact->subject == NULL || impact->subject->size < 0)
    return;
  buffer_add_text(text, "; ");
  object_add_identity(text, impact->subject);
  buffer_add_text(text, " has ");
  outline_add_size(text, impact->subject->size);
}
