/* Makes strangers' text harmless for terminals, HTML and markdown. */
#include "core/escape.h"

#include <string.h>

/* The code point that text starts with, and its length; -1: bytes that are no UTF-8, 1 long. */
static int32_t code_point(const char *text, size_t *ret_length) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t length = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
  static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  int32_t code = bytes[0] & masks[length];
  *ret_length = 1;
  if ((bytes[0] >= 0x80 && bytes[0] < 0xC2) || bytes[0] > 0xF4)
    return -1;
  for (size_t at = 1; at < length; at++) {
    if ((bytes[at] & 0xC0) != 0x80) /* \0 too */
      return -1;
    code = code << 6 | (bytes[at] & 0x3F);
  }
  *ret_length = length;
  return code;
}

/* Bytes that are no UTF-8, controls, and what turns or hides text: marks of direction, zero widths,
 * separators of lines, fillers, selectors and tags. */
static bool is_invisible(int32_t code) {
  static const struct {
    int32_t first, last;
  } ranges[] = {{-1, 0x1F},         {0x7F, 0x9F},      {0xAD, 0xAD},     {0x34F, 0x34F},
                {0x61C, 0x61C},     {0x115F, 0x1160},  {0x17B4, 0x17B5}, {0x180B, 0x180F},
                {0x200B, 0x200F},   {0x2028, 0x202E},  {0x2060, 0x206F}, {0x3164, 0x3164},
                {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},  {0xFFA0, 0xFFA0}, {0xFFF9, 0xFFFB},
                {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
  for (size_t at = 0; at < ARRAY_LENGTH(ranges); at++)
    if (code >= ranges[at].first && code <= ranges[at].last)
      return true;
  return false;
}

static void add_code(Buffer *ret, int32_t code, unsigned char byte) {
  buffer_add_format(ret, code < 0 ? "\\x%02x" : "\\u{%02x}",
                    code < 0 ? (unsigned)byte : (unsigned)code);
}

static void add_line_end(Buffer *ret, int indent) {
  if (indent < 0)
    buffer_add_text(ret, "\\n");
  else
    buffer_add_format(ret, "\n%*s", indent, "");
}

void escape_terminal(Buffer *ret, const char *text, int indent) {
  for (size_t length = 0; *text != '\0'; text += length) {
    int32_t code = code_point(text, &length);
    if (code == '\n')
      add_line_end(ret, indent);
    else if (code == '\t')
      buffer_add_text(ret, "  ");
    else if (is_invisible(code))
      add_code(ret, code, (unsigned char)*text);
    else
      buffer_add(ret, text, length);
  }
}

static bool is_harmless(int32_t code) {
  return code >= 0x80 || (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
         (code >= 'a' && code <= 'z') || code == ' ';
}

static void add_markup(Buffer *ret, const char *text, bool keeps_lines) {
  for (size_t length = 0; *text != '\0'; text += length) {
    int32_t code = code_point(text, &length);
    if (is_harmless(code) && !is_invisible(code))
      buffer_add(ret, text, length);
    else if (keeps_lines && (code == '\n' || code == '\t'))
      buffer_add(ret, text, length);
    else if (code == '\n')
      buffer_add_text(ret, "&#92;n");
    else if (is_invisible(code))
      buffer_add_format(ret, code < 0 ? "&#92;x%02x" : "&#92;u&#123;%02x&#125;",
                        code < 0 ? (unsigned char)*text : (unsigned)code);
    else
      buffer_add_format(ret, "&#%d;", code);
  }
}

void escape_inline(Buffer *ret, const char *text) {
  add_markup(ret, text, false);
}

void escape_block(Buffer *ret, const char *text) {
  add_markup(ret, text, true);
}
