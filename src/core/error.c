/* Formats failures and looks up what each of them means to the outside. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const ErrorInfo infos[ERROR_COUNT_] = {
    [ERROR_NONE] = {"none", 0, 200, "00000", "no failure"},
#define ERROR(name, code, exit_status, http_status, sqlstate, meaning)                             \
  [ERROR_##name] = {code, exit_status, http_status, sqlstate, meaning},
#include "core/error.def"
#undef ERROR
};

/* Bytes of the UTF-8 character at text; 0 when there is none, or a control character of C1. */
static size_t character_length(const unsigned char *text) {
  static const uint32_t smallest[] = {0, 0, 0xa0, 0x800, 0x10000};
  size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
  uint32_t code = length == 1 ? text[0] : text[0] & (0x7fU >> length);
  if (text[0] >= 0xf8 || (text[0] >= 0x80 && text[0] < 0xc0))
    return 0;
  for (size_t at = 1; at < length; at++) {
    if ((text[at] & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (text[at] & 0x3f);
  }
  bool is_surrogate = code >= 0xd800 && code < 0xe000;
  return code < smallest[length] || code > 0x10ffff || is_surrogate ? 0 : length;
}

/* Messages end up on terminals, in logs and in JSON: nothing in them may move a cursor or start a
 * line, and a character that was cut must not make the whole of it unsayable. */
static void make_one_line(char *text) {
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
    text[--length] = '\0';
  for (unsigned char *c = (unsigned char *)text; *c != '\0';) {
    size_t bytes = character_length(c);
    if (bytes == 0)
      *c = '?';
    else if (*c < 0x20 || *c == 0x7f)
      *c = ' ';
    c += bytes > 0 ? bytes : 1;
  }
}

bool error_set(Error *err, ErrorCode code, const char *format, ...) {
  if (err == NULL)
    return false;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  make_one_line(err->message);
  err->code = code;
  err->hint[0] = '\0';
  return false;
}

bool error_set_errno(Error *err, int errno_value, const char *format, ...) {
  if (err == NULL)
    return false;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (length >= 0 && (size_t)length < sizeof err->message)
    (void)snprintf(err->message + length, sizeof err->message - (size_t)length, ": %s",
                   strerror(errno_value));
  make_one_line(err->message);
  err->code = errno_value == ENOSPC || errno_value == EDQUOT ? ERROR_POOL_FULL : ERROR_IO;
  err->hint[0] = '\0';
  return false;
}

bool error_hint(Error *err, const char *format, ...) {
  if (err == NULL)
    return false;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(err->hint, sizeof err->hint, format, args);
  va_end(args);
  make_one_line(err->hint);
  return false;
}

bool error_prefix(Error *err, const char *format, ...) {
  if (err == NULL)
    return false;
  char message[sizeof err->message];
  memcpy(message, err->message, sizeof message);
  va_list args;
  va_start(args, format);
  int length = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (length >= 0 && (size_t)length < sizeof err->message)
    (void)snprintf(err->message + length, sizeof err->message - (size_t)length, ": %s", message);
  make_one_line(err->message);
  return false;
}

void error_clear(Error *err) {
  *err = ERROR_INIT;
}

const ErrorInfo *error_info(ErrorCode code) {
  return &infos[code < ERROR_COUNT_ ? code : ERROR_INTERNAL];
}

ErrorCode error_code_from_name(const char *name) {
  for (ErrorCode code = ERROR_NONE + 1; code < ERROR_COUNT_; code++)
    if (strcmp(infos[code].code, name) == 0)
      return code;
  return ERROR_INTERNAL;
}
