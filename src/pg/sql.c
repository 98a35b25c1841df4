/* Quoting for SQL, and log positions as text. */
#include "pg/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Byte by byte is right because every connection speaks UTF-8, where no byte of a longer character
 * looks like a quote or a backslash. */
static void add_doubling(Buffer *sql, const char *text, const char *doubled) {
  for (const char *at = text; *at != '\0';) {
    size_t plain = strcspn(at, doubled);
    buffer_add(sql, at, plain);
    at += plain;
    if (*at == '\0')
      return;
    buffer_add(sql, at, 1);
    buffer_add(sql, at++, 1);
  }
}

void sql_add_identifier(Buffer *sql, const char *name) {
  buffer_add_text(sql, "\"");
  add_doubling(sql, name, "\"");
  buffer_add_text(sql, "\"");
}

void sql_add_literal(Buffer *sql, const char *text) {
  /* An E'' literal means the same whatever standard_conforming_strings is. The blank keeps the E
   * apart from an identifier that may stand before it. */
  buffer_add_text(sql, strchr(text, '\\') != NULL ? " E'" : "'");
  add_doubling(sql, text, "'\\");
  buffer_add_text(sql, "'");
}

void lsn_format(Lsn lsn, char ret[LSN_TEXT_SIZE]) {
  (void)snprintf(ret, LSN_TEXT_SIZE, "%X/%X", (unsigned)(lsn >> 32), (unsigned)lsn);
}

bool lsn_parse(const char *text, Lsn *ret, Error *err) {
  static const char digits[] = "0123456789abcdefABCDEF";
  size_t high = strspn(text, digits);
  const char *rest = text + high + (text[high] == '/' ? 1 : 0);
  size_t low = strspn(rest, digits);
  if (high < 1 || high > 8 || low < 1 || low > 8 || text[high] != '/' || rest[low] != '\0')
    return error_set(err, ERROR_USAGE, "\"%.40s\" is no log position", text);
  *ret = strtoull(text, NULL, 16) << 32 | strtoull(rest, NULL, 16);
  return true;
}
