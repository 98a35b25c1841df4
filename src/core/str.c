/* Allocation that aborts instead of failing, and strings on top of it. */
#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory) {
  if (memory == NULL) {
    static const char text[] = "out of memory\n";
    (void)fwrite(text, 1, sizeof text - 1, stderr);
    abort();
  }
  return memory;
}

void *mem_new(size_t count, size_t size) {
  return checked(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *mem_resize(void *memory, size_t count, size_t size) {
  return checked(reallocarray(memory, count > 0 ? count : 1, size > 0 ? size : 1));
}

void mem_free(void *memory) {
  free(memory);
}

char *str_dup(const char *text) {
  return checked(strdup(text));
}

char *str_ndup(const char *text, size_t length) {
  return checked(strndup(text, length));
}

char *str_format(const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int length = vasprintf(&text, format, args);
  va_end(args);
  return checked(length < 0 ? NULL : text);
}

void str_free(char *text) {
  free(text);
}

bool str_equal(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *str_or_null(const char *text) {
  return text != NULL && text[0] != '\0' ? text : NULL;
}

bool str_ends(const char *text, const char *suffix) {
  size_t length = strlen(text);
  size_t suffix_length = strlen(suffix);
  return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

bool mem_equal_constant_time(const void *a, const void *b, size_t length) {
  const volatile unsigned char *left = a;
  const volatile unsigned char *right = b;
  unsigned char difference = 0;
  for (size_t at = 0; at < length; at++)
    difference = (unsigned char)(difference | (left[at] ^ right[at]));
  return difference == 0;
}

static void buffer_reserve(Buffer *buffer, size_t extra) {
  size_t needed = buffer->length + extra + 1;
  if (needed <= buffer->capacity)
    return;
  size_t capacity = buffer->capacity > 0 ? buffer->capacity : 64;
  while (capacity < needed)
    capacity *= 2;
  buffer->text = mem_resize(buffer->text, capacity, 1);
  buffer->capacity = capacity;
}

void buffer_add(Buffer *buffer, const void *bytes, size_t length) {
  buffer_reserve(buffer, length);
  if (length > 0)
    memcpy(buffer->text + buffer->length, bytes, length);
  buffer->length += length;
  buffer->text[buffer->length] = '\0';
}

void buffer_add_text(Buffer *buffer, const char *text) {
  buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(Buffer *buffer, const char *format, ...) {
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (length > 0) {
    buffer_reserve(buffer, (size_t)length);
    (void)vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format, again);
    buffer->length += (size_t)length;
  }
  va_end(again);
}

void buffer_clear(Buffer *buffer) {
  buffer->length = 0;
  if (buffer->text != NULL)
    buffer->text[0] = '\0';
}

void buffer_release(Buffer *buffer) {
  mem_free(buffer->text);
  *buffer = (Buffer){0};
}

char *buffer_steal(Buffer *buffer) {
  buffer_reserve(buffer, 0);
  buffer->text[buffer->length] = '\0';
  char *text = buffer->text;
  *buffer = (Buffer){0};
  return text;
}
