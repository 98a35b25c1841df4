/* Reads the statements that pgaudit wrote into a server's JSON log. */
#include "compute/compute.h"

#include "core/io.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  CHUNK_LIMIT = 2 * 1024 * 1024, /* of one call; a longer line is left out, and told */
  MESSAGE_LIMIT = 8192,          /* bytes of a statement that are kept */
};

#define PREFIX "audit-"
#define SUFFIX ".json"

static bool is_ours(const char *name) {
  return str_starts(name, PREFIX) && str_ends(name, SUFFIX) &&
         strlen(name) < sizeof((StatementPlace *)NULL)->file;
}

/* Opens it as what it must be: a directory of the server's own, and no link. */
static int open_directory(const char *data) {
  AUTO(str_free) char *path = path_join(data, "log");
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Finds the file that follows place's, "" when there is none; those in front of place's go. */
static void look_around(int directory, const char *at, char ret_next[64]) {
  DIR *list = fdopendir(dup(directory));
  ret_next[0] = '\0';
  if (list == NULL)
    return;
  rewinddir(list);
  for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
    if (!is_ours(entry->d_name))
      continue;
    int order = strcmp(entry->d_name, at);
    if (order < 0)
      (void)unlinkat(directory, entry->d_name, 0); /* what stays is removed the next time */
    else if (order > 0 && (ret_next[0] == '\0' || strcmp(entry->d_name, ret_next) < 0))
      (void)snprintf(ret_next, 64, "%s", entry->d_name);
  }
  (void)closedir(list);
}

static void add_text(json_t *statement, const char *key, const char *text, size_t limit) {
  AUTO(str_free) char *cut = str_ndup(text, strnlen(text, limit));
  json_t *value = json_string(cut);
  for (size_t length = strlen(cut); value == NULL && length > 0; value = json_string(cut))
    cut[--length] = '\0'; /* not within a character */
  if (value != NULL)
    (void)json_object_set_new(statement, key, value);
}

/* pgaudit hides both from the log; what a session has RAISEd to look like its words has a context.
 */
static bool is_told_by_a_session(const json_t *object) {
  return json_object_get(object, "context") != NULL || json_object_get(object, "statement") != NULL;
}

/* Other lines of the log are none of ours. */
static void take_line(const char *line, size_t length, json_t *statements) {
  static const struct {
    const char *from;
    const char *to;
  } kept[] = {{"timestamp", "time"},
              {"user", "user"},
              {"dbname", "database"},
              {"session_start", "session_start"},
              {"application_name", "application"}};
  AUTO(json_free) json_t *object = NULL;
  Error ignored = ERROR_INIT; /* a line that a crash has cut off */
  if (!json_parse(line, length, &object, &ignored) ||
      !str_starts(json_string_or(object, "message", ""), "AUDIT: ") || is_told_by_a_session(object))
    return;
  json_t *statement = json_pack("{s:I}", "pid", (json_int_t)json_integer_or(object, "pid", 0));
  for (size_t at = 0; at < ARRAY_LENGTH(kept); at++)
    add_text(statement, kept[at].to, json_string_or(object, kept[at].from, ""), 256);
  add_text(statement, "message", json_string_or(object, "message", ""), MESSAGE_LIMIT);
  (void)json_array_append_new(statements, statement);
}

/* Whole lines only; the bytes of them. */
static size_t take_lines(const char *text, size_t length, json_t *statements) {
  size_t done = 0;
  for (const char *end; (end = memchr(text + done, '\n', length - done)) != NULL;) {
    size_t size = (size_t)(end - text) - done;
    take_line(text + done, size, statements);
    done += size + 1;
  }
  if (done == 0 && length == CHUNK_LIMIT) {
    (void)json_array_append_new(statements, json_object());
    done = length;
  }
  return done;
}

/* *ret: bytes that were taken, 0 when there is nothing (whole) behind offset. */
static bool read_file(int directory, const StatementPlace *place, json_t *statements, size_t *ret,
                      Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = openat(directory, place->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  *ret = 0;
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size <= place->offset)
    return true;
  off_t left = status.st_size - place->offset;
  size_t length = left < CHUNK_LIMIT ? (size_t)left : CHUNK_LIMIT;
  AUTO(str_free) char *text = mem_new(length + 1, 1);
  if (!io_pread(fd, text, length, place->offset, err))
    return error_prefix(err, "the log of statements");
  *ret = take_lines(text, length, statements);
  return true;
}

bool compute_statements(const char *data, StatementPlace *place, json_t **ret, Error *err) {
  AUTO_RELEASE(fd_release) int directory = open_directory(data);
  AUTO(json_free) json_t *statements = json_array();
  char next[64];
  if (place->file[0] != '\0' && !is_ours(place->file))
    return error_set(err, ERROR_USAGE, "no log of statements has that name");
  while (directory >= 0 && json_array_size(statements) == 0) {
    size_t taken = 0;
    look_around(directory, place->file, next); /* first: what comes behind is complete then */
    if (place->file[0] != '\0' && !read_file(directory, place, statements, &taken, err))
      return false;
    place->offset += (int64_t)taken;
    if (taken > 0)
      continue;
    if (next[0] == '\0')
      break;
    (void)snprintf(place->file, sizeof place->file, "%s", next);
    place->offset = 0;
  }
  *ret = STEAL(statements);
  return true;
}
