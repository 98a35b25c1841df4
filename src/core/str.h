/* Memory that is always there, and strings that grow. Out of memory aborts: the process is started
 * again and the catalog recovers what it was doing. */
#pragma once

#include "core/base.h"

#include <stdarg.h>

/* Zeroed memory for count elements; free with mem_free. */
void *mem_new(size_t count, size_t size);
/* Like realloc, new bytes not zeroed. */
void *mem_resize(void *memory, size_t count, size_t size);
void mem_free(void *memory);

/* Owned copies; free with str_free. */
char *str_dup(const char *text);
char *str_ndup(const char *text, size_t length);
char *str_format(const char *format, ...) PRINTF(1, 2);
void str_free(char *text);
DEFINE_AUTO(char *, str_free)

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
const char *str_or_null(const char *text); /* NULL for an empty one */

/* Compares length bytes in a time that doesn't depend on them. For secrets. */
bool mem_equal_constant_time(const void *a, const void *b, size_t length);

/* A growing string. {0} is an empty one; text is never NULL after the first append. */
typedef struct Buffer {
  char *text; /* always ends with \0 */
  size_t length;
  size_t capacity;
} Buffer;

void buffer_add(Buffer *buffer, const void *bytes, size_t length);
void buffer_add_text(Buffer *buffer, const char *text);
void buffer_add_format(Buffer *buffer, const char *format, ...) PRINTF(2, 3);
void buffer_clear(Buffer *buffer); /* keeps the memory */
void buffer_release(Buffer *buffer);
/* The text, owned by the caller; the buffer is empty afterwards. Never NULL. */
char *buffer_steal(Buffer *buffer);
