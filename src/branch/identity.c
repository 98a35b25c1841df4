/* Reads which objects a database has, and digests the record. */
#include "branch/identity.h"

#include "branch/sql.h"
#include "core/hex.h"
#include "core/json.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static bool is_valid_utf8(const char *text, size_t length) {
  AUTO(json_free) json_t *string = json_stringn(text, length);
  return string != NULL;
}

/* Databases of encoding SQL_ASCII hold any bytes. The lines that are no UTF-8 get their odd bytes
 * as JSON escapes, so that every record can be stored. */
static void add_lines(Buffer *text, const char *lines) {
  bool is_valid = is_valid_utf8(lines, strlen(lines));
  while (*lines != '\0') {
    size_t length = strcspn(lines, "\n");
    if (is_valid || is_valid_utf8(lines, length))
      buffer_add(text, lines, length);
    else
      for (size_t at = 0; at < length; at++)
        buffer_add_format(text, (unsigned char)lines[at] < 0x80 ? "%c" : "\\u%04x",
                          (unsigned char)lines[at]);
    buffer_add_text(text, "\n");
    lines += length + (lines[length] == '\n' ? 1 : 0);
  }
}

bool identity_read(Conn *conn, Buffer *text, Error *err) {
  AUTO(rows_free) Rows *database = NULL;
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT oid, pg_catalog.to_json(datname::pg_catalog.text)"
                 " FROM pg_catalog.pg_database"
                 " WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()",
                 &database, err) ||
      !conn_exec(conn, branch_sql("identity.sql"), &rows, err))
    return error_prefix(err, "reading object identities");
  AUTO(str_free)
  char *first = str_format("database %s %s", rows_get(database, 0, 0), rows_get(database, 0, 1));
  add_lines(text, first);
  const char *lines = rows_get(rows, 0, 0);
  if (lines != NULL)
    add_lines(text, lines);
  return true;
}

void identity_digest(const char *text, char ret[IDENTITY_DIGEST_SIZE]) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  (void)SHA256((const unsigned char *)text, strlen(text), digest);
  hex_write(digest, sizeof digest, ret);
}

/* "word number number number number word STRING" or "database number STRING", up to the end of
 * line. */
static bool line_is_valid(const char *line, size_t length, bool is_database) {
  enum { WORDS_BEFORE_NAME = 6, WORDS_BEFORE_DATABASE = 2 };
  const char *end = line + length;
  for (int word = is_database ? WORDS_BEFORE_DATABASE : WORDS_BEFORE_NAME; word > 0; word--) {
    const char *blank = memchr(line, ' ', (size_t)(end - line));
    if (blank == NULL || blank == line)
      return false;
    line = blank + 1;
  }
  return end - line >= 2 && line[0] == '"' && end[-1] == '"';
}

bool identity_count(const char *text, int64_t *ret, Error *err) {
  int64_t count = 0;
  int64_t number = 1;
  for (const char *line = text; *line != '\0'; number++) {
    size_t length = strcspn(line, "\n");
    bool is_database = str_starts(line, "database ");
    if (line[length] != '\n' || (number == 1 && !is_database) ||
        !line_is_valid(line, length, is_database))
      return error_set(err, ERROR_CATALOG_INVALID,
                       "line %lld of a record of identities makes no sense", (long long)number);
    count += is_database ? 0 : 1;
    line += length + 1;
  }
  *ret = count;
  return true;
}
