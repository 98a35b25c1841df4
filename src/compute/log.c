/* The server log of a compute: its end, for messages, and its size. */
#include "compute/compute.h"

#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_LIMIT = 1024 * 1024, CHUNK = 64 * 1024 };

static int open_log(const char *directory, int flags) {
  AUTO(str_free) char *path = path_join(directory, "postgres.log");
  return open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static bool regular_size(int fd, uint64_t *ret) {
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  *ret = (uint64_t)status.st_size;
  return true;
}

/* Clients may send any bytes into a log; what reads it here expects text. */
static void make_text(char *text) {
  AUTO(json_free) json_t *valid = json_string(text);
  for (char *c = text; valid == NULL && *c != '\0'; c++)
    if ((unsigned char)*c >= 0x80)
      *c = '?';
}

char *compute_log_tail(const char *directory, size_t max_bytes) {
  AUTO_RELEASE(fd_release) int fd = open_log(directory, O_RDONLY);
  uint64_t size = 0;
  if (!regular_size(fd, &size))
    return str_dup("");
  size_t wanted = max_bytes < TAIL_LIMIT ? max_bytes : TAIL_LIMIT;
  size_t length = size < wanted ? (size_t)size : wanted;
  AUTO(str_free) char *text = mem_new(length + 1, 1);
  Error ignored = ERROR_INIT; /* it was rotated meanwhile */
  if (!io_pread(fd, text, length, (off_t)(size - length), &ignored))
    return str_dup("");
  char *line = size > length ? strchr(text, '\n') : NULL; /* the first one may be cut */
  make_text(text);
  return str_dup(line != NULL ? line + 1 : text);
}

static bool copy_all(int from, int to, Error *err) {
  AUTO(str_free) char *chunk = mem_new(CHUNK, 1);
  for (;;) {
    ssize_t count = read(from, chunk, CHUNK);
    if (count < 0)
      return error_set_errno(err, errno, "could not read the log");
    if (count == 0)
      return true;
    if (!io_write(to, chunk, (size_t)count, err))
      return false;
  }
}

/* The server keeps its log open, so the file is copied and emptied rather than renamed; the server
 * appends, so it goes on at the new end. What it writes between the last read and the truncation is
 * lost. */
bool compute_log_rotate(const char *directory, uint64_t limit, Error *err) {
  AUTO_RELEASE(fd_release) int log = open_log(directory, O_RDWR);
  uint64_t size = 0;
  if (!regular_size(log, &size) || size <= limit)
    return true;
  AUTO(str_free) char *old = path_join(directory, "postgres.log.1");
  AUTO_RELEASE(fd_release)
  int copy = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (copy < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", old);
  if (!copy_all(log, copy, err))
    return error_prefix(err, "%s", old);
  if (ftruncate(log, 0) != 0)
    return error_set_errno(err, errno, "could not empty the log of \"%s\"", directory);
  return true;
}
