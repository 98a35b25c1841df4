/* bough-agent: owns the volumes and runs postgres on them, under the compute account. */
#include "agent/server.h"

#include "compute/compute.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/service.h"
#include "core/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  SYSTEM_MODE = 0750, /* for the control account, which is in the group */
  USER_MODE = 0700,
  SOCKET_MODE = 0660,
  PID_FILE_MODE = 0640,
  LOCK_WAIT_MS = 15 * 1000, /* the sessions of a killed predecessor end with it, but not at once */
};

static const char usage[] =
    "usage: bough-agent --home DIRECTORY\n"
    "Owns Bough's volumes and runs postgres on them. Started by `bough up` or systemd under the\n"
    "compute account.\n";

static bool check_account(const Home *home, Error *err) {
  if (geteuid() == home->compute.uid)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "bough-agent must run as \"%s\"", home->compute.name);
  return error_hint(err, "run `bough up`");
}

static bool make_directory(const Home *home, const char *path, Error *err) {
  mode_t mode = home->system_mode ? SYSTEM_MODE : USER_MODE;
  if (!io_make_directories(path, mode, err))
    return false;
  if (chmod(path, mode) != 0)
    return error_set_errno(err, errno, "could not set the mode of \"%s\"", path);
  return true;
}

/* Limits are worth having, not worth failing for. */
static void begin_limits(const Home *home) {
  bool delegated = false;
  Error failure = ERROR_INIT;
  if (!compute_limits_begin(home, &delegated, &failure))
    log_error(&failure, "computes run without limits by cgroup");
  else if (!delegated)
    log_info("no cgroup is delegated, computes run without limits by it");
}

static bool run(const char *root, Error *err) {
  AUTO(home_free) Home *home = NULL;
  AUTO_RELEASE(fd_release) int lock = -1;
  int listener = -1;
  if (!home_open(root, &home, err) || !check_account(home, err))
    return false;
  AUTO(str_free) char *directory = home_path(home, "agent");
  AUTO(str_free) char *lock_path = home_path(home, "agent/agent.lock");
  AUTO(str_free) char *pid_path = home_path(home, "agent/agent.pid");
  AUTO(str_free) char *socket_path = home_path(home, "agent/agent.sock");
  /* sessions inherit the lock: it is free when the last one of a predecessor has ended */
  if (!make_directory(home, directory, err) ||
      !lock_take(lock_path, LOCK_EXCLUSIVE, LOCK_WAIT_MS, &lock, err) ||
      !rpc_listen(socket_path, SOCKET_MODE, &listener, err) ||
      !service_write_pid(pid_path, PID_FILE_MODE, err))
    return false;
  log_info("version %s, for %s", BOUGH_VERSION, root);
  begin_limits(home);
  bool ok = server_run(home, listener, err);
  Error ignored = ERROR_INIT; /* stale ones do no harm */
  (void)!io_remove_file(socket_path, &ignored);
  (void)!io_remove_file(pid_path, &ignored);
  return ok;
}

int main(int argc, char **argv) {
  return service_main(argc, argv, "bough-agent", usage, run);
}
