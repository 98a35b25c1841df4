/* bough-runner: runs the commands that users declare, under the command account, each in a process
 * of its own that ends with its connection. */
#include "core/home.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/service.h"
#include "core/str.h"
#include "runner/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  JOBS_MAX = 16,
  SYSTEM_MODE = 0750, /* for the control account, which is in the group */
  USER_MODE = 0700,
  SOCKET_MODE = 0660,
  PID_FILE_MODE = 0640,
  LOCK_WAIT_MS = 15 * 1000,
};

static const char usage[] =
    "usage: bough-runner --home DIRECTORY\n"
    "Runs the commands that policies declare. Started by `bough up` or systemd under the command\n"
    "account.\n";

typedef struct Runner {
  const Home *home;
  int listener;
  int signals;
  int leash[2]; /* nobody writes to it: its end is the runner's end */
  size_t jobs;
} Runner;

static bool check_account(const Home *home, Error *err) {
  if (geteuid() == home->command.uid)
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "bough-runner must run as \"%s\"", home->command.name);
  return error_hint(err, "run `bough up`");
}

static bool make_directory(const Home *home, const char *path, mode_t system_mode, Error *err) {
  mode_t mode = home->system_mode ? system_mode : USER_MODE;
  if (!io_make_directories(path, mode, err))
    return false;
  return chmod(path, mode) == 0 ||
         error_set_errno(err, errno, "could not set the mode of \"%s\"", path);
}

static bool open_signals(int *ret, Error *err) {
  static const int handled[] = {SIGCHLD, SIGTERM, SIGINT};
  sigset_t signals;
  (void)sigemptyset(&signals);
  for (size_t at = 0; at < ARRAY_LENGTH(handled); at++)
    (void)sigaddset(&signals, handled[at]);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 ||
      (*ret = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
    return error_set_errno(err, errno, "could not watch signals");
  return true;
}

/* In the child: only what the job needs is kept. */
__attribute__((noreturn)) static void become_job(const Runner *runner, int connection) {
  sigset_t none;
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  (void)close(runner->listener);
  (void)close(runner->signals);
  (void)close(runner->leash[1]);
  _exit(job_serve(runner->home, connection, runner->leash[0]));
}

static bool is_boughd(const Runner *runner, int connection) {
  unsigned uid = 0;
  int pid = 0;
  Error failure = ERROR_INIT;
  return rpc_peer(connection, &uid, &pid, &failure) && uid == runner->home->control.uid;
}

static void accept_one(Runner *runner) {
  AUTO_RELEASE(fd_release) int connection = accept4(runner->listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    return;
  if (!is_boughd(runner, connection)) {
    log_warning("refused a caller that isn't boughd");
    return;
  }
  if (runner->jobs == JOBS_MAX) {
    log_warning("refused a job: %d run already", (int)JOBS_MAX);
    return;
  }
  pid_t pid = fork();
  if (pid == 0)
    become_job(runner, connection);
  if (pid > 0)
    runner->jobs++;
}

static void reap(Runner *runner) {
  while (waitpid(-1, NULL, WNOHANG) > 0)
    runner->jobs--;
}

/* True when it is time to end. */
static bool take_signals(Runner *runner) {
  struct signalfd_siginfo info;
  bool ends = false;
  while (read(runner->signals, &info, sizeof info) == (ssize_t)sizeof info)
    ends = ends || info.ssi_signo != SIGCHLD;
  reap(runner);
  return ends;
}

static void serve(Runner *runner) {
  struct pollfd pollers[] = {{.fd = runner->signals, .events = POLLIN},
                             {.fd = runner->listener, .events = POLLIN}};
  for (;;) {
    if (poll(pollers, ARRAY_LENGTH(pollers), -1) < 0 && errno != EINTR)
      return;
    if (pollers[0].revents != 0 && take_signals(runner))
      return;
    if (pollers[1].revents != 0)
      accept_one(runner);
  }
}

/* Jobs see the end of the leash, kill what they started and clear it away. */
static void end_jobs(Runner *runner) {
  fd_release(&runner->leash[1]);
  while (runner->jobs > 0 && waitpid(-1, NULL, 0) > 0)
    runner->jobs--;
}

static bool prepare(const Home *home, int *ret_lock, int *ret_listener, Error *err) {
  AUTO(str_free) char *directory = home_path(home, "runner");
  AUTO(str_free) char *jobs = home_path(home, "runner/jobs");
  AUTO(str_free) char *lock = home_path(home, "runner/runner.lock");
  AUTO(str_free) char *socket = home_path(home, "runner/runner.sock");
  AUTO(str_free) char *pid = home_path(home, "runner/runner.pid");
  /* jobs inherit the lock: it is free when the last one of a predecessor has cleared away */
  return make_directory(home, directory, SYSTEM_MODE, err) &&
         lock_take(lock, LOCK_EXCLUSIVE, LOCK_WAIT_MS, ret_lock, err) &&
         io_remove_tree(jobs, err) && make_directory(home, jobs, USER_MODE, err) &&
         rpc_listen(socket, SOCKET_MODE, ret_listener, err) &&
         service_write_pid(pid, PID_FILE_MODE, err);
}

static void clear_away(const Home *home) {
  static const char *const files[] = {"runner/runner.sock", "runner/runner.pid"};
  Error ignored = ERROR_INIT; /* stale ones do no harm */
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++) {
    AUTO(str_free) char *path = home_path(home, "%s", files[at]);
    (void)!io_remove_file(path, &ignored);
  }
}

static bool run(const char *root, Error *err) {
  AUTO(home_free) Home *home = NULL;
  AUTO_RELEASE(fd_release) int lock = -1;
  Runner runner = {.listener = -1, .signals = -1, .leash = {-1, -1}};
  if (!home_open(root, &home, err) || !check_account(home, err) ||
      !prepare(home, &lock, &runner.listener, err) || !open_signals(&runner.signals, err))
    return false;
  if (pipe2(runner.leash, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  runner.home = home;
  log_info("version %s, for %s", BOUGH_VERSION, root);
  serve(&runner);
  fd_release(&runner.listener);
  end_jobs(&runner);
  clear_away(home);
  return true;
}

int main(int argc, char **argv) {
  return service_main(argc, argv, "bough-runner", usage, run);
}
