/* A hash table with open addressing: tens of thousands of numbers, looked up many times. */
#include "diff/numbers.h"

#include "core/str.h"

typedef struct NumberEntry {
  Number number;
  void *value; /* NULL: free */
} NumberEntry;

static NumberEntry *place_of(const NumberMap *map, Number number) {
  uint64_t hash = ((uint64_t)number.classid << 32 | number.oid) * 0x9E3779B97F4A7C15U;
  hash = (hash ^ (uint64_t)(uint32_t)number.subid) * 0xD6E8FEB86659FD93U;
  size_t at = (hash >> 32) & (map->capacity - 1);
  for (;; at = (at + 1) & (map->capacity - 1)) {
    NumberEntry *entry = &map->entries[at];
    if (entry->value == NULL ||
        (entry->number.classid == number.classid && entry->number.oid == number.oid &&
         entry->number.subid == number.subid))
      return entry;
  }
}

static void grow(NumberMap *map) {
  enum { FIRST = 1024 };
  NumberMap old = *map;
  map->capacity = old.capacity == 0 ? FIRST : 2 * old.capacity;
  map->entries = mem_new(map->capacity, sizeof *map->entries);
  for (size_t at = 0; at < old.capacity; at++)
    if (old.entries[at].value != NULL)
      *place_of(map, old.entries[at].number) = old.entries[at];
  mem_free(old.entries);
}

void number_map_put(NumberMap *map, Number number, void *value) {
  if (2 * (map->count + 1) > map->capacity)
    grow(map);
  NumberEntry *entry = place_of(map, number);
  if (entry->value != NULL)
    return;
  *entry = (NumberEntry){number, value};
  map->count++;
}

void *number_map_get(const NumberMap *map, Number number) {
  return map->capacity == 0 ? NULL : place_of(map, number)->value;
}

void number_map_release(NumberMap *map) {
  mem_free(map->entries);
  *map = (NumberMap){0};
}
