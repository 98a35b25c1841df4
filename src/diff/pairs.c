/* Finds pairs: by number where the base allows it, then, parents before children, by name and by
 * guess. */
#include "diff/pairs.h"

#include "core/str.h"
#include "diff/base.h"
#include "diff/renames.h"

#include <string.h>

static Number number_of(const Object *object) {
  return (Number){kind_info(object->kind)->classid, object->oid, object->subid};
}

static bool is_recorded(const Base *base, const Object *object) {
  return base != NULL && kind_info(object->kind)->record[0] != '\0' &&
         base_has(base, number_of(object));
}

static void pair(Diff *diff, const Object *before, const Object *after) {
  diff->after_of[before->index] = after;
  diff->before_of[after->index] = before;
  renames_add(diff->renames, before, after);
}

/* ---- by number ---- */

bool pair_is_certain(const Base *base, const Object *before, const Object *after) {
  return before->oid == after->oid && before->subid == after->subid && is_recorded(base, before);
}

static void pair_by_number(Diff *diff, const Base *base) {
  NumberMap numbers = {0};
  for (size_t at = 0; at < diff->after->count; at++)
    number_map_put(&numbers, number_of(diff->after->objects[at]), diff->after->objects[at]);
  for (size_t at = 0; at < diff->before->count; at++) {
    const Object *before = diff->before->objects[at];
    if (!is_recorded(base, before))
      continue;
    const Object *after = number_map_get(&numbers, number_of(before));
    if (after != NULL && after->kind == before->kind)
      pair(diff, before, after);
  }
  number_map_release(&numbers);
}

/* ---- by what they are called, or look like: a table from texts to unpaired objects of after ----
 */

typedef struct Entry {
  uint64_t hash;
  const char *key;
  const Object *object;
  size_t count; /* of objects with that key */
} Entry;

typedef struct Table {
  Entry *entries;
  size_t capacity; /* a power of two */
} Table;

static uint64_t hash_of(const char *key) {
  uint64_t hash = 14695981039346656037U; /* FNV-1a */
  for (; *key != '\0'; key++)
    hash = (hash ^ (unsigned char)*key) * 1099511628211U;
  return hash;
}

static Entry *place_of(const Table *table, const char *key) {
  uint64_t hash = hash_of(key);
  for (size_t at = hash & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) {
    Entry *entry = &table->entries[at];
    if (entry->key == NULL || (entry->hash == hash && str_equal(entry->key, key))) {
      entry->hash = hash;
      return entry;
    }
  }
}

static Table table_new(size_t count) {
  Table table = {.capacity = 16};
  while (table.capacity < 2 * count)
    table.capacity *= 2;
  table.entries = mem_new(table.capacity, sizeof *table.entries);
  return table;
}

/* The objects of one kind in one schema. */
typedef struct Slice {
  Object *const *objects;
  size_t count;
} Slice;

static Slice slice_of(const Schema *schema, ObjectKind kind) {
  Slice slice = {schema->objects, 0};
  if (schema->count == 0)
    return slice;
  while (slice.objects < schema->objects + schema->count && slice.objects[0]->kind < kind)
    slice.objects++;
  while (slice.objects + slice.count < schema->objects + schema->count &&
         slice.objects[slice.count]->kind == kind)
    slice.count++;
  return slice;
}

/* The key of an object, or NULL if it can't have a partner: its parent has none. is_before: in the
 * words of after. */
typedef const char *KeyFunction(Diff *diff, const Object *object, bool is_before);

static bool is_unpaired(const Diff *diff, const Object *object, bool is_before) {
  return (is_before ? diff->after_of : diff->before_of)[object->index] == NULL;
}

/* Keys that stand for several objects on a side lead to no pair. */
static void pair_by_key(Diff *diff, const Base *base, ObjectKind kind, KeyFunction *key_of,
                        bool is_guess) {
  Slice before = slice_of(diff->before, kind);
  Slice after = slice_of(diff->after, kind);
  Table table = table_new(before.count + after.count);
  for (size_t at = 0; at < after.count; at++) {
    const char *key = NULL;
    if (!is_unpaired(diff, after.objects[at], false) ||
        (key = key_of(diff, after.objects[at], false)) == NULL)
      continue;
    Entry *entry = place_of(&table, key);
    *entry = (Entry){entry->hash, key, after.objects[at], entry->count + 1};
  }
  const Entry **found = mem_new(before.count + 1, sizeof *found);
  size_t *claims = mem_new(table.capacity, sizeof *claims);
  for (size_t at = 0; at < before.count; at++) {
    const char *key = NULL;
    if (!is_unpaired(diff, before.objects[at], true) ||
        (key = key_of(diff, before.objects[at], true)) == NULL)
      continue;
    found[at] = place_of(&table, key);
    claims[found[at] - table.entries]++;
  }
  for (size_t at = 0; at < before.count; at++) {
    const Entry *entry = found[at];
    if (entry == NULL || entry->count != 1 || claims[entry - table.entries] != 1)
      continue;
    /* What both sides made after they parted, or both had then, is two things. */
    if (is_guess && base != NULL && kind_info(kind)->record[0] != '\0' &&
        is_recorded(base, before.objects[at]) == is_recorded(base, entry->object))
      continue;
    pair(diff, before.objects[at], entry->object);
  }
  mem_free(claims);
  mem_free(found);
  mem_free(table.entries);
}

/* ---- keys ---- */

/* A schema's name on the other side: schemas are paired before what lies in them. */
static const char *schema_in_after(const Diff *diff, const char *name) {
  Slice schemas = slice_of(diff->before, KIND_SCHEMA);
  for (size_t at = 0; at < schemas.count; at++)
    if (str_equal(schemas.objects[at]->name, name)) {
      const Object *after = diff->after_of[schemas.objects[at]->index];
      return after != NULL ? after->name : name;
    }
  return name;
}

/* Begins a key with the parent, by its place in after. False when there is none. */
static bool add_parent(const Diff *diff, const Object *object, bool is_before, Buffer *key) {
  const Object *parent = object->parent;
  if (parent != NULL && is_before)
    parent = diff->after_of[parent->index];
  else if (parent != NULL && is_unpaired(diff, parent, false))
    parent = NULL;
  if (object->parent != NULL && parent == NULL)
    return false;
  if (parent != NULL)
    buffer_add_format(key, "%zu", parent->index);
  buffer_add_text(key, "\1");
  return true;
}

static void add_translated(const Diff *diff, const Object *object, bool is_before, const char *text,
                           Buffer *key) {
  if (is_before && !renames_is_empty(diff->renames))
    renames_translate(diff->renames, object, text, key);
  else
    buffer_add_text(key, text);
  buffer_add_text(key, "\1");
}

static const char *keep(Diff *diff, const Buffer *key) {
  return arena_text(&diff->arena, key->text, key->length);
}

static const char *name_key(Diff *diff, const Object *object, bool is_before) {
  AUTO_RELEASE(buffer_release) Buffer key = {0};
  if (!add_parent(diff, object, is_before, &key))
    return NULL;
  const char *schema = is_before ? schema_in_after(diff, object->schema) : object->schema;
  buffer_add_format(&key, "%s\1%s\1", schema, object->name);
  add_translated(diff, object, is_before, object->signature, &key);
  return keep(diff, &key);
}

/* What an object is but for its name: its values, and what it is made of. */
static void add_looks(const Diff *diff, const Object *object, bool is_before, Buffer *key) {
  for (size_t at = 0; at < kind_info(object->kind)->property_count; at++)
    add_translated(diff, object, is_before, object->values[at] != NULL ? object->values[at] : "\2",
                   key);
  /* an index's definition says its name; what it is besides stands in the rest */
  if (object->definition != NULL && object->kind == KIND_INDEX)
    add_translated(diff, object, is_before, strstr(object->definition, " ON "), key);
  else if (object->definition != NULL && (kind_info(object->kind)->flags & KIND_DEFINITION) != 0)
    add_translated(diff, object, is_before, object->definition, key);
}

/* Small things look alike by chance: schemas and labels of enums are never guessed. */
static const char *looks_key(Diff *diff, const Object *object, bool is_before) {
  AUTO_RELEASE(buffer_release) Buffer key = {0};
  bool is_small = object->kind == KIND_SCHEMA || object->kind == KIND_ENUM_VALUE ||
                  (kind_info(object->kind)->flags & KIND_RAW_NAME) != 0;
  if (is_small || object_is_inherited(object) || !add_parent(diff, object, is_before, &key))
    return NULL;
  buffer_add_format(&key, "%s\1", object->signature);
  add_looks(diff, object, is_before, &key);
  for (const Object *child = object->first_child; child != NULL; child = child->next) {
    if ((kind_info(child->kind)->flags & KIND_ORDERED) == 0)
      continue;
    buffer_add_format(&key, "%s\1", child->name);
    add_looks(diff, child, is_before, &key);
  }
  return keep(diff, &key);
}

void pairs_find(Diff *diff, const Base *base, bool with_guesses) {
  if (base != NULL)
    pair_by_number(diff, base);
  renames_finish(diff->renames);
  for (size_t kind = 0; kind < KIND_COUNT; kind++) {
    pair_by_key(diff, base, (ObjectKind)kind, name_key, false);
    if (with_guesses)
      pair_by_key(diff, base, (ObjectKind)kind, looks_key, true);
    renames_finish(diff->renames); /* children are looked for in the words of after */
  }
}
