/* Moves imported objects to the roles that may have them. */
#include "branch/ownership.h"

#include "branch/sql.h"
#include "core/str.h"

enum {
  BATCH = 500,        /* statements per transaction: each holds a lock until its end */
  SUBJECT_LIMIT = 12, /* a note names so many objects */
};

static const struct {
  const char *kind; /* in ownership.sql */
  const char *note;
} notes_by_kind[] = {
    {"unsafe",
     "these belong to bough_holder now, since whoever could replace them might gain rights"},
    {"superuser", "only superusers can own these: they stay the platform's"},
    {"system-grant", "PUBLIC lost rights on system objects that PostgreSQL itself doesn't give"},
};

static bool run_batches(Conn *conn, const Rows *rows, Error *err) {
  for (size_t row = 0; row < rows_count(rows);) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    for (size_t end = row + BATCH; row < rows_count(rows) && row < end; row++)
      buffer_add_format(&sql, "%s;\n", rows_get(rows, row, 2));
    if (!conn_exec(conn, sql.text, NULL, err))
      return false;
  }
  return true;
}

static void add_note(const Rows *rows, const char *kind, const char *note, json_t *notes) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  size_t count = 0;
  for (size_t row = 0; row < rows_count(rows); row++) {
    if (!str_equal(rows_get(rows, row, 0), kind))
      continue;
    if (count < SUBJECT_LIMIT)
      buffer_add_format(&text, "%s%s", count > 0 ? ", " : "", rows_get(rows, row, 1));
    count++;
  }
  if (count == 0)
    return;
  AUTO(str_free)
  char *line = str_format("%s: %s%s", note, text.text, count > SUBJECT_LIMIT ? ", ..." : "");
  (void)json_array_append_new(notes, json_line(line));
}

bool ownership_move(Conn *conn, const char *superusers, json_t *notes, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, branch_sql("ownership.sql"), 1, &superusers, &rows, err) ||
      !run_batches(conn, rows, err))
    return error_prefix(err, "moving ownership");
  for (size_t at = 0; at < ARRAY_LENGTH(notes_by_kind); at++)
    add_note(rows, notes_by_kind[at].kind, notes_by_kind[at].note, notes);
  return true;
}
