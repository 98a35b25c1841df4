/* Accepts, forks, reaps. It knows of each session its process and a leash: a socket pair over which
 * the session can ask for the end of all older ones (method hello), and which ends with it.
 *
 * The end of a session by SIGKILL is also the end of the programs that it runs, and of what these
 * have started (the half of pg_basebackup that streams the log): all are of the session's own POSIX
 * session. Servers are not. */
#include "agent/server.h"

#include "agent/session.h"
#include "compute/compute.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/str.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  SESSIONS_MAX = 64, /* boughd has a few workers, and each has one */
  STOP_LIMIT_MS = 10 * 1000,
  END_POLL_MS = 2,
  LOG_ROUND_MS = 60 * 1000,
  LOG_LIMIT = 16 * 1024 * 1024,
  POLL_SIGNALS = 0,
  POLL_LISTENER = 1,
  POLL_LEASHES = 2,
};

typedef struct Child {
  pid_t pid;
  int leash;
} Child;

typedef struct Server {
  const Home *home;
  int listener; /* -1: no longer accepting */
  int signals;
  Child children[SESSIONS_MAX]; /* oldest first */
  size_t count;
  int64_t deadline; /* of stopping; 0: it goes on */
  int64_t next_log_round;
} Server;

static void remove_child(Server *server, size_t at) {
  fd_release(&server->children[at].leash);
  server->count--;
  for (; at < server->count; at++)
    server->children[at] = server->children[at + 1];
}

static void forget(Server *server, pid_t pid) {
  for (size_t at = 0; at < server->count; at++)
    if (server->children[at].pid == pid) {
      remove_child(server, at);
      return;
    }
}

static void reap(Server *server) {
  pid_t pid = 0;
  while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
    forget(server, pid);
}

/* Kills what a session has started; whether any of it lives. Zombies are for whoever inherited
 * them. */
static bool kill_programs(pid_t session) {
  bool found = false;
  DIR *directory = opendir("/proc");
  if (directory == NULL)
    return false;
  for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && pid != session && getsid(pid) == session && process_start_time(pid) != 0)
      found = kill(pid, SIGKILL) == 0 || found;
  }
  (void)closedir(directory);
  return found;
}

/* The session's process has ended and isn't reaped: its number can't be anybody else's yet. */
static void end_programs(pid_t session) {
  int64_t deadline = clock_monotonic_ms() + STOP_LIMIT_MS;
  while (kill_programs(session) && clock_monotonic_ms() < deadline)
    clock_sleep_ms(END_POLL_MS);
}

static void end_session(pid_t session) {
  siginfo_t ended;
  (void)kill(session, SIGKILL);
  while (waitid(P_PID, (id_t)session, &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  end_programs(session);
  while (waitpid(session, NULL, 0) < 0 && errno == EINTR)
    ;
}

/* They may be in the middle of a step for a boughd that was killed; the one that says hello goes
 * through the operations and repeats or undoes such steps, so nobody else may still be at them. */
static void end_first(Server *server, size_t count) {
  for (; count > 0; count--) {
    end_session(server->children[0].pid);
    remove_child(server, 0);
  }
}

/* At the end of a leash its session is about to be reaped. */
static void answer_leash(Server *server, pid_t pid) {
  size_t at = 0;
  while (at < server->count && server->children[at].pid != pid)
    at++;
  if (at == server->count)
    return;
  char message = 0;
  int leash = server->children[at].leash;
  if (recv(leash, &message, sizeof message, MSG_DONTWAIT) != (ssize_t)sizeof message)
    return;
  if (at > 0)
    log_info("a new boughd: ending %zu sessions of an earlier one", at);
  end_first(server, at);
  (void)!send(leash, &message, sizeof message, MSG_NOSIGNAL);
}

/* In the child: nothing of the server but the own leash is kept. Never returns. */
__attribute__((noreturn)) static void become_session(Server *server, pid_t agent, int connection,
                                                     int leash) {
  sigset_t none;
  Error failure = ERROR_INIT;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != agent)
    _exit(0);
  (void)setsid(); /* what it runs is known by that, see end_programs */
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  fd_release(&server->listener);
  fd_release(&server->signals);
  while (server->count > 0)
    remove_child(server, server->count - 1);
  Session session = {.root = server->home->root, .agent = agent, .leash = leash};
  bool ok = session_run(&session, connection, &failure);
  if (!ok)
    log_error(&failure, "a session ended");
  _exit(ok ? 0 : 1);
}

static bool start_session(Server *server, int connection, Error *err) {
  int pair[2];
  pid_t agent = getpid();
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return error_set_errno(err, errno, "could not start a session");
  AUTO_RELEASE(fd_release) int ours = pair[0];
  AUTO_RELEASE(fd_release) int theirs = pair[1];
  pid_t pid = fork();
  if (pid < 0)
    return error_set_errno(err, errno, "could not start a session");
  if (pid == 0) {
    fd_release(&ours);
    become_session(server, agent, connection, theirs);
  }
  server->children[server->count++] = (Child){.pid = pid, .leash = ours};
  ours = -1;
  return true;
}

static bool check_caller(const Server *server, int connection, Error *err) {
  unsigned uid = 0;
  int pid = 0;
  if (!rpc_peer(connection, &uid, &pid, err))
    return false;
  if (uid != server->home->control.uid && uid != 0)
    return error_set(err, ERROR_FORBIDDEN, "account %u may not call bough-agent", uid);
  if (server->count == SESSIONS_MAX)
    return error_set(err, ERROR_BUSY, "bough-agent has %d sessions already", SESSIONS_MAX);
  return true;
}

/* Whatever is called, this is the answer. */
static void refuse(int connection, const Error *failure) {
  AUTO(json_free) json_t *answer = json_pack("{s:o}", "error", json_from_error(failure));
  Error ignored = ERROR_INIT;
  (void)!frame_write(connection, answer, NULL, 0, &ignored);
  log_error(failure, "refused a connection");
}

static void accept_connection(Server *server) {
  Error failure = ERROR_INIT;
  AUTO_RELEASE(fd_release) int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    return; /* it has gone again, or descriptors ran out: poll comes back */
  if (!check_caller(server, connection, &failure) || !start_session(server, connection, &failure))
    refuse(connection, &failure);
}

static void begin_stop(Server *server) {
  log_info("stopping; computes go on running");
  fd_release(&server->listener);
  server->deadline = clock_monotonic_ms() + STOP_LIMIT_MS;
  for (size_t at = 0; at < server->count; at++)
    (void)kill(server->children[at].pid, SIGTERM);
}

static void take_signal(Server *server) {
  struct signalfd_siginfo info;
  if (read(server->signals, &info, sizeof info) != (ssize_t)sizeof info)
    return;
  if (info.ssi_signo == SIGCHLD)
    reap(server);
  else if (server->deadline == 0)
    begin_stop(server);
}

/* Servers write their own logs and never look at their size. */
static void rotate_logs(Server *server) {
  AUTO(str_free) char *computes = home_path(server->home, "compute");
  DIR *directory = opendir(computes);
  server->next_log_round = clock_monotonic_ms() + LOG_ROUND_MS;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    Error failure = ERROR_INIT;
    AUTO(str_free) char *path = path_join(computes, entry->d_name);
    if (id_check("vol", entry->d_name) && !compute_log_rotate(path, LOG_LIMIT, &failure))
      log_error(&failure, "could not rotate a log");
  }
  if (directory != NULL)
    (void)closedir(directory);
}

static int next_timeout(const Server *server) {
  int64_t next = server->deadline > 0 ? server->deadline : server->next_log_round;
  int64_t rest = next - clock_monotonic_ms();
  return rest > 0 ? (int)rest : 0;
}

static void run_once(Server *server) {
  struct pollfd polls[POLL_LEASHES + SESSIONS_MAX];
  pid_t pids[SESSIONS_MAX];
  size_t count = server->count;
  polls[POLL_SIGNALS] = (struct pollfd){.fd = server->signals, .events = POLLIN};
  polls[POLL_LISTENER] = (struct pollfd){.fd = server->listener, .events = POLLIN};
  for (size_t at = 0; at < count; at++) {
    polls[POLL_LEASHES + at] = (struct pollfd){.fd = server->children[at].leash, .events = POLLIN};
    pids[at] = server->children[at].pid;
  }
  if (poll(polls, POLL_LEASHES + count, next_timeout(server)) < 0)
    return;
  /* by pid: an answer may end sessions and shift the array */
  for (size_t at = 0; at < count; at++)
    if ((polls[POLL_LEASHES + at].revents & POLLIN) != 0)
      answer_leash(server, pids[at]);
  if (polls[POLL_SIGNALS].revents != 0)
    take_signal(server);
  if (polls[POLL_LISTENER].revents != 0 && server->listener >= 0)
    accept_connection(server);
  if (clock_monotonic_ms() >= server->next_log_round)
    rotate_logs(server);
}

static bool watch_signals(Server *server, Error *err) {
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGCHLD);
  (void)sigaddset(&signals, SIGTERM);
  (void)sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
    return error_set_errno(err, errno, "could not block signals");
  server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (server->signals < 0)
    return error_set_errno(err, errno, "could not watch signals");
  return true;
}

bool server_run(const Home *home, int listener, Error *err) {
  Server server = {.home = home, .listener = listener, .signals = -1};
  if (!watch_signals(&server, err))
    return false;
  while (server.deadline == 0 || (server.count > 0 && clock_monotonic_ms() < server.deadline)) {
    run_once(&server);
    reap(&server); /* one SIGCHLD may stand for several ends */
  }
  end_first(&server, server.count);
  fd_release(&server.signals);
  return true;
}
