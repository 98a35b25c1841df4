/* Cuts a dump at its \connect lines. Only what stands alone in a line, in the form that pg_dump and
 * pg_dumpall write, is taken for such a command. In the data of a COPY no line can look like one
 * (there a backslash is followed by another character or doubled). */
#include "branch/script.h"

#include "core/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
  CHUNK = 64 * 1024,
  COMMAND_LIMIT = 512, /* no command of ours is longer than that */
  DATABASE_SIZE = 64,  /* NAMEDATALEN */
};

struct ScriptReader {
  int fd;
  char buffer[CHUNK];
  size_t start, end; /* what of it isn't handed out yet */
  bool at_end;       /* of the file */
  bool in_line;      /* the byte before start wasn't a line end */
  char database[DATABASE_SIZE];
  int64_t lines, bytes;
};

ScriptReader *script_reader_new(int fd) {
  ScriptReader *reader = mem_new(1, sizeof *reader);
  reader->fd = fd;
  return reader;
}

void script_reader_free(ScriptReader *reader) {
  mem_free(reader);
}

int64_t script_lines(const ScriptReader *reader) {
  return reader->lines;
}

int64_t script_bytes(const ScriptReader *reader) {
  return reader->bytes;
}

/* Reads on until there are wanted bytes, or the file ends. */
static bool fill(ScriptReader *reader, size_t wanted, Error *err) {
  memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
  reader->end -= reader->start;
  reader->start = 0;
  while (!reader->at_end && reader->end < wanted) {
    ssize_t count = read(reader->fd, reader->buffer + reader->end, CHUNK - reader->end);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return error_set_errno(err, errno, "could not read the dump");
    reader->at_end = count == 0;
    reader->end += (size_t)count;
  }
  return true;
}

/* ---- commands ---- */

static bool take_word(const char **text, const char *word) {
  size_t length = strlen(word);
  if (strncmp(*text, word, length) != 0)
    return false;
  *text += length;
  return true;
}

/* Copies up to the closing quote, where the quote doubled (or, with a backslash, any character)
 * stands for itself; *text moves behind it. False when it doesn't end or doesn't fit. */
static bool take_quoted(const char **text, char quote, bool backslash, char *ret, size_t size) {
  size_t length = 0;
  const char *at = *text;
  for (; *at != '\0'; at++) {
    bool escaped = (*at == quote && at[1] == quote) || (backslash && *at == '\\' && at[1] != '\0');
    if (escaped)
      at++;
    else if (*at == quote)
      break;
    if (length + 1 >= size)
      return false;
    ret[length++] = *at;
  }
  if (*at != quote || length == 0)
    return false;
  ret[length] = '\0';
  *text = at + 1;
  return true;
}

static bool is_end(const char *text) {
  return text[strspn(text, "; \t\r")] == '\0';
}

/* NAME or "NAME". */
static bool take_plain_name(const char *text, char ret[DATABASE_SIZE]) {
  if (take_word(&text, "\""))
    return take_quoted(&text, '"', false, ret, DATABASE_SIZE) && is_end(text);
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  size_t length = strspn(text, plain);
  if (length == 0 || text[0] == '-' || length >= DATABASE_SIZE || !is_end(text + length))
    return false;
  memcpy(ret, text, length);
  ret[length] = '\0';
  return true;
}

/* -reuse-previous=on "dbname='NAME'": what pg_dump writes for names that look like anything else.
 */
static bool take_conninfo_name(const char *text, char ret[DATABASE_SIZE]) {
  char conninfo[COMMAND_LIMIT];
  if (!take_word(&text, "-reuse-previous=on \"") ||
      !take_quoted(&text, '"', false, conninfo, sizeof conninfo) || !is_end(text))
    return false;
  const char *value = conninfo;
  return take_word(&value, "dbname='") && take_quoted(&value, '\'', true, ret, DATABASE_SIZE) &&
         *value == '\0';
}

static bool is_connect(const char *line, char ret[DATABASE_SIZE]) {
  if (!take_word(&line, "\\connect ") && !take_word(&line, "\\c "))
    return false;
  return take_plain_name(line, ret) || take_conninfo_name(line, ret);
}

static bool is_restrict(const char *line) {
  static const char key[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  if (!take_word(&line, "\\restrict ") && !take_word(&line, "\\unrestrict "))
    return false;
  size_t length = strspn(line, key);
  return length > 0 && is_end(line + length);
}

/* Written before a \connect to an oddly named database. Another encoding would matter to what
 * follows. */
static bool is_idle_encoding(const char *line) {
  return take_word(&line, "\\encoding SQL_ASCII") && is_end(line);
}

/* ---- parts ---- */

static void consume(ScriptReader *reader, size_t length) {
  reader->start += length;
  reader->bytes += (int64_t)length;
}

/* A line that starts with a backslash. True if it is a command of ours: *ret is set and it is
 * consumed. */
static bool take_command(ScriptReader *reader, ScriptPart *ret) {
  char line[COMMAND_LIMIT];
  const char *start = reader->buffer + reader->start;
  size_t available = reader->end - reader->start;
  const char *line_end = memchr(start, '\n', available);
  size_t length = line_end != NULL ? (size_t)(line_end - start) : available;
  if (length >= sizeof line || memchr(start, '\0', length) != NULL)
    return false;
  memcpy(line, start, length);
  line[length] = '\0';
  if (is_connect(line, reader->database))
    *ret = (ScriptPart){.event = SCRIPT_CONNECT, .database = reader->database};
  else if (is_restrict(line) || is_idle_encoding(line))
    *ret = (ScriptPart){.event = SCRIPT_BYTES, .bytes = "\n", .length = 1};
  else
    return false;
  consume(reader, length + (line_end != NULL ? 1 : 0));
  reader->lines++;
  return true;
}

static void take_bytes(ScriptReader *reader, ScriptPart *ret) {
  const char *start = reader->buffer + reader->start;
  size_t length = reader->end - reader->start;
  const char *stop = memmem(start, length, "\n\\", 2);
  if (stop != NULL)
    length = (size_t)(stop - start) + 1;
  for (const char *at = memchr(start, '\n', length); at != NULL;
       at = memchr(at + 1, '\n', length - (size_t)(at + 1 - start)))
    reader->lines++;
  reader->in_line = start[length - 1] != '\n';
  *ret = (ScriptPart){.event = SCRIPT_BYTES, .bytes = start, .length = length};
  consume(reader, length);
}

bool script_read(ScriptReader *reader, ScriptPart *ret, Error *err) {
  if (reader->end - reader->start < COMMAND_LIMIT && !fill(reader, COMMAND_LIMIT, err))
    return false;
  if (reader->start == reader->end)
    *ret = (ScriptPart){.event = SCRIPT_END};
  else if (reader->in_line || reader->buffer[reader->start] != '\\' || !take_command(reader, ret))
    take_bytes(reader, ret);
  return true;
}
