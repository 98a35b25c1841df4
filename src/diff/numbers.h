/* Finds objects by their number: (catalog, oid, attribute number). */
#pragma once

#include "core/base.h"

typedef struct Number {
  uint32_t classid, oid;
  int32_t subid;
} Number;

typedef struct NumberMap {
  struct NumberEntry *entries;
  size_t capacity; /* a power of two */
  size_t count;
} NumberMap;

/* Keeps the first value that a number is given. value isn't NULL. */
void number_map_put(NumberMap *map, Number number, void *value);
void *number_map_get(const NumberMap *map, Number number); /* NULL: not in it */
void number_map_release(NumberMap *map);
