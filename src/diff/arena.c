/* A bump allocator: blocks that are filled from the front and freed together. */
#include "diff/arena.h"

#include "core/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16 };

typedef struct ArenaBlock {
  struct ArenaBlock *next; /* older */
  size_t used, size;
  _Alignas(ALIGNMENT) char bytes[];
} ArenaBlock;

static void *take(Arena *arena, size_t size) {
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  ArenaBlock *block = arena->block;
  if (block == NULL || block->size - block->used < size) {
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = mem_new(1, sizeof *block + room);
    block->size = room;
    block->next = arena->block;
    arena->block = block;
  }
  void *memory = block->bytes + block->used;
  block->used += size;
  return memory;
}

void *arena_new(Arena *arena, size_t count, size_t size) {
  return take(arena, count * size);
}

char *arena_text(Arena *arena, const char *text, size_t length) {
  char *copy = take(arena, length + 1);
  memcpy(copy, text, length);
  return copy; /* blocks are zeroed, so it ends with \0 */
}

char *arena_format(Arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *text = take(arena, (size_t)(length < 0 ? 0 : length) + 1);
  va_start(arguments, format);
  (void)vsnprintf(text, (size_t)(length < 0 ? 0 : length) + 1, format, arguments);
  va_end(arguments);
  return text;
}

void arena_release(Arena *arena) {
  while (arena->block != NULL) {
    ArenaBlock *next = arena->block->next;
    mem_free(arena->block);
    arena->block = next;
  }
}
