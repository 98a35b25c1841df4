/* Writes and reads anchors. */
#include "branch/audit_anchor.h"

#include "catalog/hash.h"
#include "core/hex.h"
#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 * 1024 * 1024, LINE_LIMIT = 1024 };

static char *line_of(const ChainHead *head) {
  char signature[2 * SIGNATURE_SIZE + 1];
  hex_write(head->signature, SIGNATURE_SIZE, signature);
  AUTO(json_free)
  json_t *line =
      json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "v", 1, "reason", head->reason, "day",
                head->day, "seq", (json_int_t)head->seq, "hash", head->hash, "signed_at",
                head->signed_at, "key", head->key, "signature", signature);
  return json_text(line);
}

/* A line that a crash cut off is ended first. */
static bool append(const char *path, const char *line, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  off_t end = lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (end > 0 && pread(fd, &last, 1, end - 1) != 1)
    return error_set_errno(err, errno, "could not read \"%s\"", path);
  AUTO(str_free) char *text = str_format("%s%s\n", last != '\n' ? "\n" : "", line);
  if (!io_write(fd, text, strlen(text), err))
    return error_prefix(err, "\"%s\"", path);
  return fsync(fd) == 0 || error_set_errno(err, errno, "could not write \"%s\"", path);
}

bool audit_anchor_write(const Home *home, const ChainHead *head, json_t *events, Error *err) {
  const char *elsewhere = json_string_or(json_object_get(home->config, "audit"), "anchor", NULL);
  AUTO(str_free) char *directory = home_path(home, "audit");
  AUTO(str_free) char *path = home_path(home, "audit/anchors.jsonl");
  AUTO(str_free) char *line = line_of(head);
  Error failure = ERROR_INIT;
  if (!io_make_directories(directory, 0700, err) || !append(path, line, err))
    return false;
  if (elsewhere != NULL && !append(elsewhere, line, &failure)) {
    AUTO(str_free) char *text = str_format("the audit could not be anchored: %s", failure.message);
    (void)json_array_append_new(events, json_line(text));
  }
  return true;
}

/* ---- reading ---- */

static bool copy_text(const json_t *line, const char *key, char *ret, size_t size) {
  const char *text = json_string_or(line, key, NULL);
  if (text == NULL || strlen(text) >= size)
    return false;
  (void)snprintf(ret, size, "%s", text);
  return true;
}

static bool read_line(const char *text, size_t length, ChainHead *ret) {
  AUTO(json_free) json_t *line = NULL;
  Error ignored = ERROR_INIT; /* it is counted */
  ChainHead head = {0};
  unsigned char hash[HASH_SIZE];
  if (length > LINE_LIMIT || !json_parse(text, length, &line, &ignored) ||
      json_integer_or(line, "v", 0) != 1 ||
      !copy_text(line, "reason", head.reason, sizeof head.reason) ||
      !copy_text(line, "day", head.day, sizeof head.day) ||
      !copy_text(line, "hash", head.hash, sizeof head.hash) ||
      !copy_text(line, "signed_at", head.signed_at, sizeof head.signed_at) ||
      !copy_text(line, "key", head.key, sizeof head.key) || !hex_read(head.hash, hash, HASH_SIZE) ||
      !hex_read(json_string_or(line, "signature", NULL), head.signature, SIGNATURE_SIZE))
    return false;
  head.seq = json_integer_or(line, "seq", -1);
  if (head.seq < 0)
    return false;
  *ret = head;
  return true;
}

void audit_anchor_read(const char *text, size_t length, ChainHead **ret, size_t *ret_count,
                       size_t *ret_invalid) {
  ChainHead *heads = NULL;
  size_t count = 0;
  size_t capacity = 0;
  size_t invalid = 0;
  for (size_t at = 0; at < length;) {
    const char *end = memchr(text + at, '\n', length - at);
    size_t size = end != NULL ? (size_t)(end - text) - at : length - at;
    if (count == capacity) {
      capacity = capacity > 0 ? 2 * capacity : 64;
      heads = mem_resize(heads, capacity, sizeof *heads);
    }
    if (size > 0 && read_line(text + at, size, &heads[count]))
      count++;
    else if (size > 0)
      invalid++;
    at += size + 1;
  }
  *ret = heads;
  *ret_count = count;
  *ret_invalid = invalid;
}

bool audit_anchor_load(const Home *home, ChainHead **ret, size_t *ret_count, size_t *ret_invalid,
                       Error *err) {
  AUTO(str_free) char *path = home_path(home, "audit/anchors.jsonl");
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  if (io_exists(path) && !io_read_file(path, FILE_LIMIT, &text, &length, err))
    return false;
  audit_anchor_read(text != NULL ? text : "", length, ret, ret_count, ret_invalid);
  return true;
}
