/* Starts postgres on a data directory, confined to it. */
#include "compute/compute.h"

#include "compute/cgroup.h"
#include "compute/conf.h"
#include "compute/leftovers.h"
#include "compute/postmaster_pid.h"
#include "compute/server.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PRIVATE_MODE = 0700,
  SOCKET_MODE = 0750, /* the compute account's group: the control account is in it */
  LOG_LIMIT = 16 * 1024 * 1024,
  LOG_TAIL = 600,
  READY_POLL_MS = 2,
};

/* The directory is made when missing, and must be ours: a socket directory may lie below /tmp. */
static bool make_directory(const char *path, mode_t mode, Error *err) {
  struct stat status;
  if (!io_make_directories(path, mode, err))
    return false;
  if (lstat(path, &status) != 0)
    return error_set_errno(err, errno, "could not look at \"%s\"", path);
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
    return error_set(err, ERROR_IO, "\"%s\" is no directory of this account", path);
  if ((status.st_mode & 07777) != mode && chmod(path, mode) != 0)
    return error_set_errno(err, errno, "could not set the mode of \"%s\"", path);
  return true;
}

static bool open_log(const char *directory, int *ret, Error *err) {
  AUTO(str_free) char *path = path_join(directory, "postgres.log");
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  *ret = fd;
  return true;
}

/* What a branch may reach over TCP: nothing. It is a copy of strangers' data and code, and must not
 * phone out. "computes": {"network": true} in config.json allows it, for postgres_fdw and the like.
 * Before the branch is clean it holds either way. */
static bool may_use_network(const Home *home, const ComputeSpec *spec) {
  return !spec->first_start &&
         json_bool_or(json_object_get(home->config, "computes"), "network", false);
}

static bool launch(const Home *home, const ComputeSpec *spec, char **arguments, int log,
                   ComputeProcess *ret, Error *err) {
  AUTO(str_free) char *group = NULL;
  if (!cgroup_make(home, spec, &group, err))
    return false;
  ServerPrepare prepare = {
      .data = spec->data,
      .group = group,
      .oom_score_adj = spec->oom_score_adj,
      .confinement =
          {
              .writable =
                  (const char *const[]){spec->data, spec->wal, spec->socket_directory, NULL},
              /* written by us only: a server can't change who may connect to it */
              .readable = (const char *const[]){spec->directory, NULL},
              .executable = (const char *const[]){arguments[0], NULL},
              .network = may_use_network(home, spec),
          },
  };
  ProcessOptions options = PROCESS_OPTIONS;
  options.output = log;
  options.directory = spec->data;
  options.prepare = server_prepare;
  options.context = &prepare;
  ComputeProcess process = {0};
  if (!process_spawn((const char *const *)arguments, &options, true, &process.pid, err))
    return false;
  process.start_time = process_start_time(process.pid);
  if (process.start_time == 0) {
    AUTO(str_free) char *tail = compute_log_tail(spec->directory, LOG_TAIL);
    return error_set(err, ERROR_COMPUTE_FAILED, "postgres ended at once: %s", tail);
  }
  *ret = process;
  return true;
}

/* Files, directories and arguments. A log that grew too long is put aside first. */
static bool make_ready(const Home *home, const ComputeSpec *spec, char ***ret_arguments,
                       int *ret_log, Error *err) {
  Control control;
  return make_directory(spec->directory, PRIVATE_MODE, err) &&
         make_directory(spec->socket_directory, SOCKET_MODE, err) &&
         leftovers_clear_socket(spec->socket_directory, err) &&
         control_read(spec->data, &control, err) && conf_write(home, spec, &control, err) &&
         conf_arguments(home, spec, &control, ret_arguments, err) &&
         compute_log_rotate(spec->directory, LOG_LIMIT, err) &&
         open_log(spec->directory, ret_log, err);
}

bool compute_start(const Home *home, const ComputeSpec *spec, ComputeProcess *ret, Error *err) {
  ComputeProcess running = {0};
  if (!compute_find(spec->data, &running, err))
    return false;
  if (running.pid > 0) {
    *ret = running;
    return true;
  }
  AUTO(conf_arguments_free) char **arguments = NULL;
  AUTO_RELEASE(fd_release) int log = -1;
  return leftovers_kill(spec->data, err) && leftovers_clear(spec->data, err) &&
         make_ready(home, spec, &arguments, &log, err) &&
         launch(home, spec, arguments, log, ret, err);
}

bool compute_configure(const Home *home, const ComputeSpec *spec, Error *err) {
  ComputeProcess running = {0};
  Control control;
  return compute_find(spec->data, &running, err) && control_read(spec->data, &control, err) &&
         conf_write(home, spec, &control, err) &&
         (running.pid == 0 || process_signal(running.pid, running.start_time, SIGHUP, err));
}

void compute_wait_ready(const ComputeSpec *spec, const ComputeProcess *process, int limit_ms) {
  AUTO(str_free) char *path = path_join(spec->data, "postmaster.pid");
  int64_t deadline = clock_monotonic_ms() + limit_ms;
  while (clock_monotonic_ms() < deadline &&
         process_start_time(process->pid) == process->start_time) {
    PostmasterPid found = {0};
    if (postmaster_pid_read(path, &found, NULL) && found.pid == process->pid && found.is_ready)
      return;
    clock_sleep_ms(READY_POLL_MS);
  }
}

bool compute_remove(const Home *home, const ComputeSpec *spec, Error *err) {
  cgroup_remove(home, spec);
  return io_remove_tree(spec->directory, err) &&
         (spec->socket_directory == NULL || io_remove_tree(spec->socket_directory, err));
}
