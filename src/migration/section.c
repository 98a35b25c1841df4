/* Reads what the texts of files say about themselves: sections of goose and dbmate, and marks that
 * a text is not to be run in a transaction. */
#include "core/str.h"
#include "migration/internal.h"

#include <string.h>

/* ---- lines ---- */

Line line_next(const char **at) {
  const char *start = *at;
  size_t length = strcspn(start, "\n");
  *at = start[length] == '\n' ? start + length + 1 : NULL;
  if (length > 0 && start[length - 1] == '\r')
    length--;
  return (Line){start, length};
}

static Line line_trim(Line line) {
  while (line.length > 0 && (line.text[0] == ' ' || line.text[0] == '\t'))
    line = (Line){line.text + 1, line.length - 1};
  while (line.length > 0 &&
         (line.text[line.length - 1] == ' ' || line.text[line.length - 1] == '\t'))
    line.length--;
  return line;
}

Line line_after(Line line, const char *prefix) {
  size_t length = strlen(prefix);
  Line trimmed = line_trim(line);
  if (trimmed.length < length || memcmp(trimmed.text, prefix, length) != 0)
    return (Line){NULL, 0};
  return line_trim((Line){trimmed.text + length, trimmed.length - length});
}

bool line_equals(Line line, const char *text) {
  return line.length == strlen(text) && memcmp(line.text, text, line.length) == 0;
}

static Line comment_of(Line line) {
  return line_after(line, "--");
}

/* ---- sections ---- */

typedef enum Mark {
  MARK_NONE,
  MARK_UP,
  MARK_DOWN,
  MARK_ALONE, /* of the whole file */
  MARK_BEGIN, /* of a statement */
  MARK_END,
  MARK_UNKNOWN,
} Mark;

typedef struct MarkName {
  const char *name;
  Mark mark;
} MarkName;

static Mark find_mark(const MarkName *names, size_t count, Line line) {
  for (size_t at = 0; at < count; at++)
    if (line.length == strlen(names[at].name) &&
        strncasecmp(line.text, names[at].name, line.length) == 0)
      return names[at].mark;
  return MARK_UNKNOWN;
}

static Mark goose_mark(Line line) {
  static const MarkName names[] = {
      {"Up", MARK_UP},
      {"Down", MARK_DOWN},
      {"NO TRANSACTION", MARK_ALONE},
      {"StatementBegin", MARK_BEGIN},
      {"StatementEnd", MARK_END},
      {"ENVSUB OFF", MARK_NONE},
  };
  Line comment = comment_of(line);
  Line word = comment.text != NULL ? line_after(comment, "+goose") : comment;
  return word.text != NULL ? find_mark(names, ARRAY_LENGTH(names), word) : MARK_NONE;
}

static Mark dbmate_mark(Line line, bool *ret_alone) {
  static const MarkName names[] = {{"up", MARK_UP}, {"down", MARK_DOWN}};
  Line comment = comment_of(line);
  if (comment.text == NULL)
    return MARK_NONE;
  Line word = line_after(comment, "migrate:");
  if (word.text == NULL)
    return MARK_NONE;
  size_t length = 0;
  while (length < word.length && word.text[length] != ' ' && word.text[length] != '\t')
    length++;
  Line rest = line_trim((Line){word.text + length, word.length - length});
  *ret_alone = line_equals(rest, "transaction:false");
  if (rest.length > 0 && !*ret_alone && !line_equals(rest, "transaction:true"))
    return MARK_UNKNOWN;
  return find_mark(names, ARRAY_LENGTH(names), (Line){word.text, length});
}

static Mark mark_of(MigrationLayout layout, Line line, bool *ret_alone) {
  *ret_alone = false;
  return layout == LAYOUT_GOOSE ? goose_mark(line) : dbmate_mark(line, ret_alone);
}

bool sections_are_there(MigrationLayout layout, const char *text) {
  for (const char *at = text; at != NULL;) {
    bool alone = false;
    if (mark_of(layout, line_next(&at), &alone) == MARK_UP)
      return true;
  }
  return false;
}

typedef struct SectionReader {
  const char *file;
  size_t line;
  bool has_up, has_down, in_statement, all_alone;
  Buffer up, down;
} SectionReader;

static void section_reader_release(SectionReader *reader) {
  buffer_release(&reader->up);
  buffer_release(&reader->down);
}

static bool refuse(const SectionReader *reader, const char *what, Error *err) {
  return error_set(err, ERROR_MIGRATION_INVALID, "%.200s line %zu: %s", reader->file, reader->line,
                   what);
}

static bool take_mark(SectionReader *reader, Mark mark, bool alone, Migration *migration,
                      Error *err) {
  switch (mark) {
  case MARK_UP:
    if (reader->has_up)
      return refuse(reader, reader->has_down ? "up after down" : "a second section \"up\"", err);
    reader->has_up = true;
    migration->up_alone = alone;
    return true;
  case MARK_DOWN:
    if (!reader->has_up || reader->has_down || reader->in_statement)
      return refuse(reader, "\"down\" must come once, after \"up\" and its statements", err);
    reader->has_down = true;
    migration->down_alone = alone;
    return true;
  case MARK_ALONE:
    reader->all_alone = true;
    return true;
  case MARK_BEGIN:
  case MARK_END:
    if (!reader->has_up || reader->in_statement == (mark == MARK_BEGIN))
      return refuse(reader, "StatementBegin and StatementEnd don't match", err);
    reader->in_statement = mark == MARK_BEGIN;
    return true;
  case MARK_NONE:
    return true;
  case MARK_UNKNOWN:
    break;
  }
  return refuse(reader, "an annotation that isn't known here", err);
}

/* A line goes to its section; in the other one stands an empty line for it. */
static void take_line(SectionReader *reader, Line line) {
  Buffer *section = reader->has_down ? &reader->down : (reader->has_up ? &reader->up : NULL);
  if (section != NULL)
    buffer_add(section, line.text, line.length);
  if (!reader->has_down)
    buffer_add_text(&reader->up, "\n");
  buffer_add_text(&reader->down, "\n");
}

bool sections_read(MigrationLayout layout, const char *file, const char *text, Migration *migration,
                   Error *err) {
  AUTO_RELEASE(section_reader_release) SectionReader reader = {.file = file};
  for (const char *at = text; at != NULL;) {
    bool alone = false;
    Line line = line_next(&at);
    reader.line++;
    Mark mark = mark_of(layout, line, &alone);
    if (mark == MARK_NONE)
      take_line(&reader, line);
    else
      take_line(&reader, (Line){"", 0});
    if (mark != MARK_NONE && !take_mark(&reader, mark, alone, migration, err))
      return false;
  }
  if (!reader.has_up || reader.in_statement)
    return refuse(&reader, reader.has_up ? "a StatementEnd is missing" : "no section \"up\"", err);
  migration->up_alone = migration->up_alone || reader.all_alone;
  migration->down_alone = migration->down_alone || reader.all_alone;
  migration->up = buffer_steal(&reader.up);
  migration->down = reader.has_down ? buffer_steal(&reader.down) : NULL;
  return true;
}

/* ---- marks ---- */

bool text_wants_no_transaction(const char *text) {
  static const char *const marks[] = {"bough: no-transaction", "no-transaction"};
  for (const char *at = text; at != NULL;) {
    Line line = line_trim(line_next(&at));
    Line comment = comment_of(line);
    if (line.length > 0 && comment.text == NULL)
      return false;
    for (size_t mark = 0; comment.text != NULL && mark < ARRAY_LENGTH(marks); mark++)
      if (line_equals(comment, marks[mark]))
        return true;
  }
  return false;
}

bool settings_want_no_transaction(const char *text) {
  static const char *const keys[] = {"executeInTransaction", "run_in_transaction"};
  for (const char *at = text; at != NULL;) {
    Line line = line_next(&at);
    for (size_t key = 0; key < ARRAY_LENGTH(keys); key++) {
      Line rest = line_after(line, keys[key]);
      Line value = rest.text != NULL ? line_after(rest, "=") : rest;
      if (value.text != NULL && line_equals(value, "false"))
        return true;
    }
  }
  return false;
}
