/* Starts a worker process, with a pipe to it. */
#include "daemon/worker.h"

#include "core/forge_environment.h"
#include "core/io.h"
#include "core/process.h"
#include "core/service.h"
#include "core/str.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENVIRONMENT_LIMIT = 16 };

static void fill_environment(char *ret[ENVIRONMENT_LIMIT]) {
  static const char *const passed[] = {"BOUGH_FAILPOINT"};
  size_t count = 0;
  ret[count++] = str_dup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  ret[count++] = str_dup("LANG=C.UTF-8");
  ret[count++] = str_dup("TZ=UTC");
  count += service_pass_environment(passed, ARRAY_LENGTH(passed), ret + count);
  count +=
      service_pass_environment(forge_environment, ARRAY_LENGTH(forge_environment), ret + count);
  ret[count] = NULL;
}

static bool spawn(const Home *home, int input, pid_t *ret, Error *err) {
  char parent[16];
  (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
  char *environment[ENVIRONMENT_LIMIT];
  fill_environment(environment);
  ProcessOptions options = PROCESS_OPTIONS;
  options.input = input;
  options.output = STDERR_FILENO;
  options.environment = (const char *const *)environment;
  bool ok = process_spawn((const char *const[]){"/proc/self/exe", "--worker", "--parent", parent,
                                                "--home", home->root, NULL},
                          &options, false, ret, err);
  for (char **variable = environment; *variable != NULL; variable++)
    str_free(*variable);
  return ok;
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
