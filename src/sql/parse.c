/* From text to parts with trees: the one caller of libpg_query. */
#include "core/str.h"
#include "sql/classify.h"
#include "sql/split.h"
#include "sql/sql.h"
#include "sql/tree.h"

#include <pg_query.h>
#include <string.h>

enum { PACKED_LIMIT = 64 * 1024 * 1024 /* of all trees of a script, before they are unpacked */ };

typedef struct Memory {
  PgQuery__ParseResult **results; /* one per part, NULL for those without a tree */
  size_t packed;                  /* bytes that the trees were before */
  size_t *lines;                  /* where each line starts */
  size_t line_count;
} Memory;

static size_t utf8_length(unsigned char first) {
  static const struct {
    unsigned char mask, value;
  } forms[] = {{0x80, 0x00}, {0xE0, 0xC0}, {0xF0, 0xE0}, {0xF8, 0xF0}};
  for (size_t at = 0; at < ARRAY_LENGTH(forms); at++)
    if ((first & forms[at].mask) == forms[at].value)
      return at + 1;
  return 0;
}

/* As much of UTF-8 as the parser relies on: each character has all its bytes. */
static bool check_encoding(const char *text, size_t length, Error *err) {
  for (size_t at = 0; at < length;) {
    size_t bytes = utf8_length((unsigned char)text[at]);
    bool whole = bytes > 0 && bytes <= length - at && text[at] != '\0';
    for (size_t next = 1; whole && next < bytes; next++)
      whole = ((unsigned char)text[at + next] & 0xC0) == 0x80;
    if (!whole)
      return error_set(err, ERROR_USAGE, "byte %zu of the text isn't UTF-8, or is zero", at + 1);
    at += bytes;
  }
  return true;
}

static void find_lines(const SqlScript *script, Memory *memory) {
  size_t capacity = 64;
  memory->lines = mem_new(capacity, sizeof(size_t));
  memory->line_count = 1;
  const char *end = script->text;
  while ((end = memchr(end, '\n', script->length - (size_t)(end - script->text))) != NULL) {
    end++;
    if (memory->line_count == capacity)
      memory->lines = mem_resize(memory->lines, capacity *= 2, sizeof(size_t));
    memory->lines[memory->line_count++] = (size_t)(end - script->text);
  }
}

static int count_characters(const char *text, size_t length) {
  int count = 0;
  for (size_t at = 0; at < length; at++)
    count += ((unsigned char)text[at] & 0xC0) != 0x80;
  return count;
}

SqlPosition sql_position(const SqlScript *script, size_t offset) {
  const Memory *memory = script->memory;
  offset = offset < script->length ? offset : script->length;
  size_t low = 0;
  size_t high = memory->line_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (memory->lines[middle] <= offset)
      low = middle;
    else
      high = middle;
  }
  size_t start = memory->lines[low];
  return (SqlPosition){(int)low + 1, count_characters(script->text + start, offset - start) + 1};
}

/* libpg_query counts characters, from 1; 0 when it doesn't know. */
static size_t byte_of_character(const char *text, int character) {
  size_t at = 0;
  for (int count = 1; count < character && text[at] != '\0'; count++)
    at += utf8_length((unsigned char)text[at]);
  return at;
}

static void set_error(SqlScript *script, SqlPart *part, size_t offset, const char *message) {
  part->error = str_dup(message);
  part->error_position = sql_position(script, part->start + offset);
}

/* The splitter and the parser have to agree where statements end: what the parser sees further
 * statements in must not pass as the first one. */
static void keep_tree(SqlScript *script, SqlPart *part, PgQuery__ParseResult *result) {
  if (result->n_stmts != 1 || result->stmts[0]->stmt == NULL) {
    set_error(script, part, 0, "it can't be told where the statement ends");
    return;
  }
  part->tree = result->stmts[0]->stmt;
  SqlClass class = classify(part->tree);
  part->name = class.name;
  part->flags = class.flags;
}

static bool unpack_tree(SqlScript *script, SqlPart *part, const PgQueryProtobuf *packed,
                        Error *err) {
  Memory *memory = script->memory;
  memory->packed += packed->len;
  if (memory->packed > PACKED_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "line %d: the script has too many statements to parse",
                     part->position.line);
  PgQuery__ParseResult *result =
      pg_query__parse_result__unpack(NULL, packed->len, (const uint8_t *)packed->data);
  if (result == NULL)
    return error_set(err, ERROR_INTERNAL, "line %d: the parse tree can't be read",
                     part->position.line);
  memory->results[part - script->parts] = result;
  keep_tree(script, part, result);
  return true;
}

static bool parse_statement(SqlScript *script, SqlPart *part, Error *err) {
  AUTO(str_free) char *text = sql_part_text(script, part);
  PgQueryProtobufParseResult result = pg_query_parse_protobuf(text);
  bool done = true;
  if (result.error != NULL)
    set_error(script, part, byte_of_character(text, result.error->cursorpos),
              result.error->message);
  else
    done = unpack_tree(script, part, &result.parse_tree, err);
  pg_query_free_protobuf_parse_result(result);
  return done;
}

static bool parse_part(SqlScript *script, SqlPart *part, const SplitPart *split, Error *err) {
  *part = (SqlPart){.kind = split->kind,
                    .start = split->start,
                    .length = split->length,
                    .terminated = split->terminated,
                    .position = sql_position(script, split->start)};
  if (part->kind != SQL_STATEMENT)
    return true;
  if (part->length > SQL_STATEMENT_LIMIT)
    set_error(script, part, 0, "the statement is too long to be parsed");
  else if (split->depth > SQL_DEPTH_LIMIT)
    set_error(script, part, 0, "the statement is nested too deeply to be parsed");
  else
    return parse_statement(script, part, err);
  return true;
}

static bool parse_parts(SqlScript *script, const Split *split, Error *err) {
  Memory *memory = script->memory;
  script->parts = mem_new(split->count + 1, sizeof(SqlPart));
  memory->results = mem_new(split->count + 1, sizeof(PgQuery__ParseResult *));
  for (size_t at = 0; at < split->count; at++) {
    script->count = at + 1;
    if (!parse_part(script, &script->parts[at], &split->parts[at], err))
      return false;
  }
  return true;
}

static void keep_comments(SqlScript *script, Split *split) {
  script->comments = STEAL(split->comments);
  script->comment_count = split->comment_count;
  script->long_names = STEAL(split->names);
  script->long_name_count = split->name_count;
  for (size_t at = 0; at < script->comment_count; at++)
    script->comments[at].position = sql_position(script, script->comments[at].start);
}

bool sql_parse(const char *text, size_t length, SqlScript **ret, Error *err) {
  if (length > SQL_TEXT_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "the script has more than %d MB",
                     SQL_TEXT_LIMIT / (1024 * 1024));
  if (!check_encoding(text, length, err))
    return false;
  AUTO(sql_free) SqlScript *script = mem_new(1, sizeof(*script));
  script->text = str_ndup(text, length);
  script->length = length;
  script->memory = mem_new(1, sizeof(Memory));
  find_lines(script, script->memory);
  AUTO_RELEASE(split_release) Split split = {0};
  split_text(script->text, length, &split);
  keep_comments(script, &split);
  if (!parse_parts(script, &split, err))
    return false;
  *ret = STEAL(script);
  return true;
}

void sql_free(SqlScript *script) {
  if (script == NULL)
    return;
  Memory *memory = script->memory;
  for (size_t at = 0; at < script->count; at++) {
    str_free(script->parts[at].error);
    pg_query__parse_result__free_unpacked(memory->results[at], NULL);
  }
  mem_free(memory->results);
  mem_free(memory->lines);
  mem_free(memory);
  mem_free(script->parts);
  mem_free(script->comments);
  mem_free(script->long_names);
  str_free(script->text);
  mem_free(script);
}

bool sql_check(const SqlScript *script, Error *err) {
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    if (part->error != NULL)
      return error_set(err, ERROR_USAGE, "line %d, column %d: %s", part->error_position.line,
                       part->error_position.column, part->error);
  }
  return true;
}

char *sql_part_text(const SqlScript *script, const SqlPart *part) {
  return str_ndup(script->text + part->start, part->length);
}
