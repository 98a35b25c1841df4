/* The first round trip of a reading: what there is, so that nothing else is planned. */
#include "diff/present.h"

#include "core/embed.h"

#include <assert.h>
#include <ctype.h>

extern const EmbeddedFile diff_sql_files[];
extern const size_t diff_sql_files_count;

enum { FIRST_BEGIN, FIRST_ABSENT, FIRST_COUNT };

void present_add_file(Buffer *sql, const char *name) {
  AUTO(str_free) char *file = str_format("%s.sql", name);
  for (char *c = file; *c != '\0'; c++)
    *c = (char)tolower((unsigned char)*c);
  for (size_t at = 0; at < diff_sql_files_count; at++)
    if (str_equal(diff_sql_files[at].name, file)) {
      buffer_add_text(sql, diff_sql_files[at].text);
      buffer_add_text(sql, ";\n");
      return;
    }
  assert(false); /* every kind has its query */
}

static void note_absent(const Rows *rows, bool ret[KIND_COUNT]) {
  for (size_t kind = 0; kind < KIND_COUNT; kind++) {
    ret[kind] = false;
    for (size_t row = 0; row < rows_count(rows); row++)
      if (str_equal(rows_get(rows, row, 0), kind_info((ObjectKind)kind)->name))
        ret[kind] = true;
  }
}

bool present_begin(Conn *conn, bool ret_absent[KIND_COUNT], Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  Rows *rows[FIRST_COUNT] = {0};
  buffer_add_text(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n");
  present_add_file(&sql, "absent");
  if (!conn_exec_each(conn, sql.text, FIRST_COUNT, rows, err))
    return false;
  note_absent(rows[FIRST_ABSENT], ret_absent);
  for (size_t at = 0; at < FIRST_COUNT; at++)
    rows_free(rows[at]);
  return true;
}
