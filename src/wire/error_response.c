/* Writes and reads ErrorResponse. */
#include "wire/error_response.h"

#include <stdio.h>
#include <string.h>

static void add_field(Buffer *out, char field, const char *text) {
  buffer_add(out, &field, 1);
  wire_add_string(out, text);
}

void error_response_add(Buffer *out, const Error *err) {
  size_t start = message_begin(out, 'E');
  add_field(out, 'S', "FATAL");
  add_field(out, 'V', "FATAL");
  add_field(out, 'C', error_info(err->code)->sqlstate);
  add_field(out, 'M', err->message);
  if (err->hint[0] != '\0')
    add_field(out, 'H', err->hint);
  buffer_add(out, "", 1);
  message_end(out, start);
}

void error_response_read(const char *body, size_t length, ErrorResponse *ret) {
  *ret = (ErrorResponse){0};
  for (size_t at = 0; at < length && body[at] != '\0';) {
    const char *text = body + at + 1;
    const char *end = memchr(text, '\0', length - at - 1);
    if (end == NULL)
      return;
    if (body[at] == 'C')
      (void)snprintf(ret->sqlstate, sizeof ret->sqlstate, "%s", text);
    if (body[at] == 'M')
      (void)snprintf(ret->message, sizeof ret->message, "%s", text);
    at = (size_t)(end - body) + 1;
  }
}
