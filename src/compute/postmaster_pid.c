/* Reads postmaster.pid and the lock files of sockets. */
#include "compute/postmaster_pid.h"

#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines of the file, from 1 (PostgreSQL's utils/pidfile.h). */
enum { LINE_PID = 1, LINE_DATA = 2, LINE_MEMORY = 7, LINE_STATUS = 8 };

/* The digits at text, up to limit. *ret_end is behind them; false when there are none or too many.
 */
static bool read_number(const char *text, int64_t limit, int64_t *ret, const char **ret_end) {
  while (*text == ' ')
    text++;
  bool negative = *text == '-';
  if (negative)
    text++;
  if (*text < '0' || *text > '9')
    return false;
  int64_t value = 0;
  for (; *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + (*text - '0');
    if (value > limit)
      return false;
  }
  *ret = negative ? -value : value;
  *ret_end = text;
  return true;
}

static bool read_pid(const char *line, PostmasterPid *ret) {
  int64_t pid = 0;
  const char *end = NULL;
  if (!read_number(line, INT_MAX, &pid, &end) || *end != '\0' || pid == 0 || pid == 1 || pid == -1)
    return false;
  ret->pid = (pid_t)llabs(pid);
  return true;
}

static void read_memory(const char *line, PostmasterPid *ret) {
  int64_t key = 0;
  int64_t id = 0;
  const char *end = NULL;
  if (!read_number(line, UINT32_MAX, &key, &end) || *end != ' ' ||
      !read_number(end, INT_MAX, &id, &end) || *end != '\0' || key < 0 || id < 0)
    return;
  ret->has_memory = true;
  ret->memory_key = key;
  ret->memory_id = (int)id;
}

static bool read_line(int number, const char *line, PostmasterPid *ret) {
  if (number == LINE_PID)
    return read_pid(line, ret);
  if (number == LINE_DATA && strlen(line) < sizeof ret->data)
    memcpy(ret->data, line, strlen(line) + 1);
  if (number == LINE_MEMORY)
    read_memory(line, ret);
  if (number == LINE_STATUS)
    ret->is_ready = str_starts(line, "ready");
  return true;
}

bool postmaster_pid_decode(const char *text, size_t length, PostmasterPid *ret) {
  if (length > POSTMASTER_PID_LIMIT)
    return false;
  AUTO(str_free) char *copy = str_ndup(text, length);
  PostmasterPid found = {0};
  char *rest = copy;
  for (int number = LINE_PID; number <= LINE_STATUS && rest != NULL; number++) {
    const char *line = strsep(&rest, "\n");
    if (!read_line(number, line, &found))
      return false;
  }
  *ret = found;
  return true;
}

bool postmaster_pid_read(const char *path, PostmasterPid *ret, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;
  PostmasterPid none = {0};
  if (fd < 0 && errno != ENOENT && errno != ELOOP)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
    *ret = none;
    return true;
  }
  char text[POSTMASTER_PID_LIMIT];
  ssize_t length = read(fd, text, sizeof text);
  if (length < 0)
    return error_set_errno(err, errno, "could not read \"%s\"", path);
  if (!postmaster_pid_decode(text, (size_t)length, ret))
    *ret = none;
  return true;
}
