/* The last steps of a child before it is postgres. */
#include "compute/server.h"

#include "compute/cgroup.h"
#include "core/clock.h"
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  OPEN_FILES = 65536,
  HOLD_TRIES = 50, /* somebody may be in the middle of server_holds */
  HOLD_AGAIN_MS = 10,
};

static int open_directory(const char *data, int flags) {
  return open(data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | flags);
}

/* Not close-on-exec: the open directory, and with it the lock, passes to postgres and all its
 * children and ends with the last of them. */
static bool hold(const char *data, Error *err) {
  int fd = open_directory(data, 0);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", data);
  for (int tries = 0; tries < HOLD_TRIES; tries++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
      return true;
    clock_sleep_ms(HOLD_AGAIN_MS);
  }
  return error_set(err, ERROR_BRANCH_BUSY, "another server runs on \"%s\"", data);
}

bool server_holds(const char *data, bool *ret, Error *err) {
  AUTO_RELEASE(fd_release) int fd = open_directory(data, O_CLOEXEC);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", data);
  bool free = flock(fd, LOCK_SH | LOCK_NB) == 0;
  if (!free && errno != EWOULDBLOCK)
    return error_set_errno(err, errno, "could not lock \"%s\"", data);
  *ret = !free;
  return true;
}

/* A branch's memory is nobody else's: no core files. */
static bool set_limits(Error *err) {
  struct rlimit files;
  struct rlimit none = {0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
    return error_set_errno(err, errno, "could not set limits");
  files.rlim_cur = files.rlim_max < OPEN_FILES ? files.rlim_max : OPEN_FILES;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0)
    return error_set_errno(err, errno, "could not set limits");
  return true;
}

/* Only upwards is allowed to everybody: a failure to lower it leaves the process a likelier victim.
 */
static void set_oom_score(int score) {
  AUTO_RELEASE(fd_release) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  char text[16];
  int length = snprintf(text, sizeof text, "%d", score);
  if (fd >= 0)
    (void)!write(fd, text, (size_t)length);
}

bool server_prepare(void *context) {
  const ServerPrepare *prepare = context;
  Error failure = ERROR_INIT;
  int level = 0;
  set_oom_score(prepare->oom_score_adj);
  if (cgroup_enter(prepare->group, &failure) && hold(prepare->data, &failure) &&
      set_limits(&failure) && confine(&prepare->confinement, &level, &failure))
    return true;
  (void)dprintf(STDERR_FILENO, "bough: %s\n", failure.message);
  return false;
}
