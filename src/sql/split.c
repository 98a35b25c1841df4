/* Cuts a script as psql does: quotes, comments, brackets, bodies of SQL functions, meta-commands,
 * data of COPY. It also bounds how deep a statement can nest, which has to be known before the
 * parser is called: libpg_query recurses without a limit of its own. */
#include "sql/split.h"
#include "core/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { BRACKET_LIMIT = SQL_DEPTH_LIMIT + 1, WORD_LIMIT = 16 };

/* How many levels a bracket has had so far: tokens since its last comma may each nest in the one
 * before; set operations nest across commas. */
typedef struct Bracket {
  int tokens;
  int kept;
} Bracket;

typedef struct Splitter {
  const char *text;
  size_t at;
  size_t length;
  Split *ret;
  bool inside;       /* a statement has begun */
  size_t start;      /* of the statement */
  size_t end;        /* behind its last token */
  int words;         /* read since its start */
  bool is_routine;   /* CREATE [OR REPLACE] FUNCTION or PROCEDURE: BEGIN ATOMIC may follow */
  bool is_create;    /* its first word */
  bool is_copy;      /* its first word */
  bool after_from;   /* the word before was FROM */
  bool wants_data;   /* COPY ... FROM stdin */
  int blocks;        /* of BEGIN ATOMIC and CASE that are open */
  int depth;         /* greatest so far */
  int open_depth;    /* of all open brackets but the innermost */
  size_t open;       /* brackets */
  Bracket *brackets; /* of BRACKET_LIMIT */
} Splitter;

static bool is_word_start(char byte) {
  return isalpha((unsigned char)byte) || byte == '_' || (byte & 0x80);
}

static bool is_word(char byte) {
  return is_word_start(byte) || isdigit((unsigned char)byte) || byte == '$';
}

static char peek(const Splitter *s, size_t ahead) {
  return s->at + ahead < s->length ? s->text[s->at + ahead] : '\0';
}

static void add_part(Splitter *s, SqlPartKind kind, size_t start, size_t end, bool terminated) {
  Split *split = s->ret;
  if (split->count == split->capacity) {
    split->capacity = split->capacity * 2 + 16;
    split->parts = mem_resize(split->parts, split->capacity, sizeof(SplitPart));
  }
  split->parts[split->count++] = (SplitPart){.kind = kind,
                                             .start = start,
                                             .length = end - start,
                                             .depth = s->depth,
                                             .terminated = terminated};
}

static void add_comment(Splitter *s, size_t start) {
  Split *split = s->ret;
  if (split->comment_count == split->comment_capacity) {
    split->comment_capacity = split->comment_capacity * 2 + 16;
    split->comments = mem_resize(split->comments, split->comment_capacity, sizeof(SqlComment));
  }
  split->comments[split->comment_count++] = (SqlComment){.start = start, .length = s->at - start};
}

static void note_name(Splitter *s, size_t start, size_t end) {
  Split *split = s->ret;
  if (end - start <= SQL_NAME_LIMIT)
    return;
  if (split->name_count == split->name_capacity) {
    split->name_capacity = split->name_capacity * 2 + 8;
    split->names = mem_resize(split->names, split->name_capacity, sizeof(SqlLongName));
  }
  split->names[split->name_count++] = (SqlLongName){start, end - start};
}

static Bracket *bracket(Splitter *s) {
  return &s->brackets[s->open < BRACKET_LIMIT ? s->open : BRACKET_LIMIT - 1];
}

static void note_depth(Splitter *s) {
  int depth = s->open_depth + bracket(s)->tokens;
  s->depth = depth > s->depth ? depth : s->depth;
}

/* A token from start up to here belongs to the statement, which begins with it if none has. */
static void add_token(Splitter *s, size_t start) {
  if (!s->inside) {
    s->inside = true;
    s->start = start;
  }
  s->end = s->at;
  bracket(s)->tokens++;
  note_depth(s);
}

static void forget_statement(Splitter *s) {
  s->inside = s->is_routine = s->is_create = s->is_copy = s->after_from = s->wants_data = false;
  s->words = s->blocks = s->depth = s->open_depth = 0;
  s->open = 0;
  s->brackets[0] = (Bracket){0};
}

static size_t line_end(const Splitter *s, size_t from) {
  const char *end = memchr(s->text + from, '\n', s->length - from);
  return end == NULL ? s->length : (size_t)(end - s->text);
}

static size_t next_line(const Splitter *s, size_t from) {
  size_t end = line_end(s, from);
  return end < s->length ? end + 1 : end;
}

/* Whether the line at from is \. alone. */
static bool is_data_end(const Splitter *s, size_t from) {
  size_t end = line_end(s, from);
  size_t length = end - from;
  if (length == 3 && s->text[from + 2] == '\r')
    length = 2;
  return length == 2 && memcmp(s->text + from, "\\.", 2) == 0;
}

/* The data starts on the line after the statement's; without an end mark it is all the rest. */
static void read_data(Splitter *s) {
  size_t start = next_line(s, s->at);
  size_t end = start;
  while (end < s->length && !is_data_end(s, end))
    end = next_line(s, end);
  add_part(s, SQL_DATA, start, end, end < s->length);
  s->at = next_line(s, end);
}

static void end_statement(Splitter *s, bool terminated) {
  bool wants_data = s->wants_data && terminated;
  if (s->inside)
    add_part(s, SQL_STATEMENT, s->start, s->end, terminated);
  forget_statement(s);
  if (wants_data)
    read_data(s);
}

static void read_meta(Splitter *s) {
  size_t start = s->at;
  end_statement(s, false);
  size_t end = line_end(s, start);
  s->at = end;
  while (end > start && isspace((unsigned char)s->text[end - 1]))
    end--;
  add_part(s, SQL_META, start, end, false);
}

static void read_line_comment(Splitter *s) {
  size_t start = s->at;
  s->at = line_end(s, start);
  if (s->at > start && s->text[s->at - 1] == '\r')
    s->at--;
  add_comment(s, start);
}

static void read_block_comment(Splitter *s) {
  size_t start = s->at;
  int level = 0;
  do {
    bool opens = peek(s, 0) == '/' && peek(s, 1) == '*';
    bool closes = peek(s, 0) == '*' && peek(s, 1) == '/';
    level += opens ? 1 : closes ? -1 : 0;
    s->at += opens || closes ? 2 : 1;
  } while (level > 0 && s->at < s->length);
  s->at = s->at < s->length ? s->at : s->length;
  add_comment(s, start);
}

/* A doubled quote is two quoted pieces side by side, which makes no difference here. */
static void read_quoted(Splitter *s, size_t start, char quote, bool escapes) {
  s->at++;
  while (s->at < s->length && s->text[s->at] != quote)
    s->at += escapes && s->text[s->at] == '\\' ? 2 : 1;
  if (quote == '"')
    note_name(s, start + 1, s->at < s->length ? s->at : s->length);
  s->at = s->at < s->length ? s->at + 1 : s->length;
  add_token(s, start);
}

/* The length of $tag$ at the current place, 0 when it's none. */
static size_t dollar_tag(const Splitter *s) {
  size_t length = 1;
  if (is_word_start(peek(s, 1)))
    while (is_word(peek(s, length)) && peek(s, length) != '$')
      length++;
  return peek(s, length) == '$' ? length + 1 : 0;
}

static void read_dollar(Splitter *s) {
  size_t start = s->at;
  size_t tag = dollar_tag(s);
  if (tag == 0) {
    s->at++; /* of a parameter: $1 */
    add_token(s, start);
    return;
  }
  const char *from = s->text + start + tag;
  const char *end = memmem(from, s->length - start - tag, s->text + start, tag);
  s->at = end == NULL ? s->length : (size_t)(end - s->text) + tag;
  add_token(s, start);
}

static bool word_is(const char *word, const char *expected) {
  return strcasecmp(word, expected) == 0;
}

/* Semicolons within BEGIN ATOMIC ... END don't end the statement; CASE has an END of its own. */
static void follow_blocks(Splitter *s, const char *word) {
  if (s->is_routine && s->open == 0 && word_is(word, "begin"))
    s->blocks++;
  else if (s->blocks > 0 && word_is(word, "case"))
    s->blocks++;
  else if (s->blocks > 0 && word_is(word, "end"))
    s->blocks--;
}

static void follow_word(Splitter *s, const char *word) {
  s->words++;
  if (s->words == 1) {
    s->is_copy = word_is(word, "copy");
    s->is_create = word_is(word, "create");
  }
  if (s->is_create && s->words <= 4 && (word_is(word, "function") || word_is(word, "procedure")))
    s->is_routine = true;
  follow_blocks(s, word);
  if (s->is_copy && s->open == 0 && s->after_from && word_is(word, "stdin"))
    s->wants_data = true;
  s->after_from = word_is(word, "from");
  if (word_is(word, "union") || word_is(word, "intersect") || word_is(word, "except"))
    bracket(s)->kept += 2;
}

static void read_word(Splitter *s) {
  size_t start = s->at;
  while (is_word(peek(s, 0)))
    s->at++;
  size_t length = s->at - start;
  char word[WORD_LIMIT] = "";
  if (length < WORD_LIMIT)
    memcpy(word, s->text + start, length);
  char last = s->text[s->at - 1];
  if (length == 1 && (last == 'e' || last == 'E') && peek(s, 0) == '\'') {
    read_quoted(s, start, '\'', true);
    return;
  }
  note_name(s, start, s->at);
  add_token(s, start);
  follow_word(s, word);
}

static void read_number(Splitter *s) {
  size_t start = s->at;
  while (is_word(peek(s, 0)) || peek(s, 0) == '.')
    s->at++;
  add_token(s, start);
}

static void open_bracket(Splitter *s) {
  size_t start = s->at++;
  add_token(s, start);
  s->open_depth += bracket(s)->tokens;
  s->open++;
  *bracket(s) = (Bracket){0};
}

static void close_bracket(Splitter *s) {
  size_t start = s->at++;
  if (s->open > 0) {
    s->open--;
    s->open_depth -= bracket(s)->tokens;
  }
  add_token(s, start);
}

static void read_comma(Splitter *s) {
  size_t start = s->at++;
  add_token(s, start);
  bracket(s)->tokens = bracket(s)->kept;
}

static void read_semicolon(Splitter *s) {
  size_t start = s->at++;
  if (s->open == 0 && s->blocks == 0)
    end_statement(s, true);
  else
    add_token(s, start);
}

static void read_other(Splitter *s) {
  size_t start = s->at++;
  add_token(s, start);
}

static void read_token(Splitter *s) {
  char byte = peek(s, 0);
  if (byte == '-' && peek(s, 1) == '-')
    read_line_comment(s);
  else if (byte == '/' && peek(s, 1) == '*')
    read_block_comment(s);
  else if (byte == '\'' || byte == '"')
    read_quoted(s, s->at, byte, false);
  else if (byte == '$')
    read_dollar(s);
  else if (is_word_start(byte))
    read_word(s);
  else if (isdigit((unsigned char)byte))
    read_number(s);
  else if (byte == '(' || byte == '[')
    open_bracket(s);
  else if (byte == ')' || byte == ']')
    close_bracket(s);
  else if (byte == ',')
    read_comma(s);
  else if (byte == ';')
    read_semicolon(s);
  else if (byte == '\\')
    read_meta(s);
  else if (isspace((unsigned char)byte))
    s->at++;
  else
    read_other(s);
}

void split_text(const char *text, size_t length, Split *ret) {
  Splitter splitter = {.text = text, .length = length, .ret = ret};
  splitter.brackets = mem_new(BRACKET_LIMIT, sizeof(Bracket));
  if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
    splitter.at = 3; /* a byte order mark, as editors write it */
  while (splitter.at < length)
    read_token(&splitter);
  end_statement(&splitter, false);
  mem_free(splitter.brackets);
}

size_t sql_brackets(const char *text, size_t length, size_t *ret_start) {
  AUTO_RELEASE(split_release) Split split = {0};
  Splitter splitter = {.text = text, .length = length, .ret = &split};
  splitter.brackets = mem_new(BRACKET_LIMIT, sizeof(Bracket));
  while (splitter.open == 0 && splitter.at < length)
    read_token(&splitter);
  size_t start = splitter.open > 0 ? splitter.at - 1 : length;
  while (splitter.open > 0 && splitter.at < length)
    read_token(&splitter);
  mem_free(splitter.brackets);
  *ret_start = start;
  return splitter.open == 0 && start < length ? splitter.at - start : 0;
}

void split_release(Split *split) {
  mem_free(split->parts);
  mem_free(split->comments);
  mem_free(split->names);
}
