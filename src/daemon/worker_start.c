/* Starts a worker process, with a pipe to it. */
#include "daemon/worker.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool spawn(const Home *home, int input, pid_t *ret, Error *err) {
  char parent[16];
  (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
  const char *failpoint = getenv("BOUGH_FAILPOINT");
  AUTO(str_free)
  char *variable = failpoint != NULL ? str_format("BOUGH_FAILPOINT=%s", failpoint) : NULL;
  const char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "LANG=C.UTF-8", "TZ=UTC", variable, NULL};
  ProcessOptions options = PROCESS_OPTIONS;
  options.input = input;
  options.output = STDERR_FILENO;
  options.environment = environment;
  return process_spawn((const char *const[]){"/proc/self/exe", "--worker", "--parent", parent,
                                             "--home", home->root, NULL},
                       &options, false, ret, err);
}

bool worker_start(const Home *home, pid_t *ret_pid, int *ret_pipe, Error *err) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error_set_errno(err, errno, "no socket for a worker");
  AUTO_RELEASE(fd_release) int theirs = ends[1];
  AUTO_RELEASE(fd_release) int ours = ends[0];
  if (!spawn(home, theirs, ret_pid, err))
    return false;
  *ret_pipe = ours;
  ours = -1;
  return true;
}
