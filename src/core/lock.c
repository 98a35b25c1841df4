/* flock with a time limit. */
#include "core/lock.h"

#include "core/clock.h"
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

bool lock_take(const char *path, LockMode mode, int timeout_ms, int *ret, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open lock \"%s\"", path);
  int64_t deadline = clock_monotonic_ms() + timeout_ms;
  while (flock(fd, (mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return error_set_errno(err, errno, "could not lock \"%s\"", path);
    if (clock_monotonic_ms() >= deadline)
      return error_set(err, ERROR_BRANCH_BUSY, "another operation holds \"%s\"", path);
    clock_sleep_ms(2);
  }
  *ret = fd;
  fd = -1;
  return true;
}
