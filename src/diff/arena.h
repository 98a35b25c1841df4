/* Memory that is given back all at once: a schema is tens of thousands of small pieces that live
 * and die together. Not for several threads at a time. */
#pragma once

#include "core/base.h"

typedef struct Arena {
  struct ArenaBlock *block; /* the newest; NULL: nothing yet */
} Arena;

/* Zeroed memory, aligned for anything; lives until arena_release. */
void *arena_new(Arena *arena, size_t count, size_t size);
char *arena_text(Arena *arena, const char *text, size_t length);
char *arena_format(Arena *arena, const char *format, ...) PRINTF(2, 3);
void arena_release(Arena *arena);
