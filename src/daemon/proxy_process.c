/* Looks after bough-proxy. */
#include "daemon/proxy_process.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/process.h"
#include "core/program.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PORT_DEFAULT = 6432,
  PID_FILE_LIMIT = 4096,
  FIRST_DELAY_MS = 100,
  LONGEST_DELAY_MS = 10 * 1000,
  CALM_MS = 60 * 1000, /* one that lived this long begins anew */
  DRAIN_MS = 3600 * 1000,
  LOG_LIMIT = 8 * 1024 * 1024,
  ENVIRONMENT_LIMIT = 8,
};

/* One process, watched by its pidfd. */
typedef struct Watched {
  int pid; /* 0: none */
  uint64_t start_time;
  int pidfd;
  struct event *ended;
} Watched;

struct ProxyProcess {
  const Home *home;
  struct event_base *base;
  ProxyProcessHooks hooks;
  Watched present;
  bool present_said; /* it serves */
  Watched old;       /* of another program; drained when the present one has said hello */
  struct event *again;
  int64_t delay_ms;
  int64_t started_ms;
  bool is_ended; /* told to end, or not wanted at all */
  Error failure; /* why there is none */
};

static int port_of(const ProxyProcess *process) {
  return (int)json_integer_or(json_object_get(process->home->config, "proxy"), "port",
                              PORT_DEFAULT);
}

/* ---- watching ---- */

static void unwatch(Watched *watched) {
  if (watched->ended != NULL)
    event_free(watched->ended);
  fd_release(&watched->pidfd);
  *watched = (Watched){.pidfd = -1};
}

static void try_again(ProxyProcess *process) {
  struct timeval delay = {.tv_sec = process->delay_ms / 1000,
                          .tv_usec = process->delay_ms % 1000 * 1000};
  (void)event_add(process->again, &delay);
  int64_t doubled = process->delay_ms * 2;
  process->delay_ms = doubled < LONGEST_DELAY_MS ? doubled : LONGEST_DELAY_MS;
}

static void on_present_ended(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  ProxyProcess *process = context;
  log_warning("proxy %d has ended", process->present.pid);
  unwatch(&process->present);
  process->present_said = false;
  if (clock_monotonic_ms() - process->started_ms > CALM_MS)
    process->delay_ms = FIRST_DELAY_MS;
  if (!process->is_ended)
    try_again(process);
}

static void on_old_ended(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  ProxyProcess *process = context;
  log_info("the old proxy %d has ended", process->old.pid);
  unwatch(&process->old);
}

static bool watch(ProxyProcess *process, Watched *watched, int pid, uint64_t start_time,
                  event_callback_fn on_end) {
  int pidfd = process_open_pidfd(pid);
  if (pidfd < 0)
    return false;
  *watched = (Watched){.pid = pid, .start_time = start_time, .pidfd = pidfd};
  watched->ended = event_new(process->base, pidfd, EV_READ, on_end, process);
  (void)event_add(watched->ended, NULL);
  return true;
}

/* ---- starting ---- */

/* The port is shared by processes of one account (SO_REUSEPORT), so that a new proxy can take over
 * from an old one. Another installation's must not be taken for that. */
static bool check_port(const ProxyProcess *process, Error *err) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port_of(process)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int yes = 1;
  AUTO_RELEASE(fd_release) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (process->old.pid > 0)
    return true;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
    return true;
  (void)error_set_errno(err, errno, "could not listen on port %d", port_of(process));
  return error_hint(err, "choose another one: `bough down`, `bough up --port PORT`");
}

static bool open_log(const Home *home, int *ret, Error *err) {
  AUTO(str_free) char *path = home_path(home, "logs/proxy.log");
  AUTO(str_free) char *previous = str_format("%s.1", path);
  struct stat entry;
  if (lstat(path, &entry) == 0 && entry.st_size > LOG_LIMIT && rename(path, previous) != 0)
    return error_set_errno(err, errno, "could not rename \"%s\"", path);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (fd < 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  *ret = fd;
  return true;
}

static bool spawn(const Home *home, pid_t *ret, Error *err) {
  static const char *const passed[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
  const char *environment[ENVIRONMENT_LIMIT] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC"};
  char *owned[ARRAY_LENGTH(passed)] = {NULL};
  size_t count = 3;
  AUTO(str_free) char *program = NULL;
  AUTO_RELEASE(fd_release) int log = -1;
  if (!program_path("bough-proxy", &program, err) || !open_log(home, &log, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(passed); at++)
    if (getenv(passed[at]) != NULL)
      environment[count++] = owned[at] = str_format("%s=%s", passed[at], getenv(passed[at]));
  ProcessOptions options = PROCESS_OPTIONS;
  options.output = log;
  options.environment = environment;
  bool ok = process_spawn((const char *const[]){program, "--home", home->root, NULL}, &options,
                          true, ret, err);
  for (size_t at = 0; at < ARRAY_LENGTH(passed); at++)
    str_free(owned[at]);
  return ok;
}

static void start(ProxyProcess *process) {
  pid_t pid = 0;
  Error failure = ERROR_INIT;
  process->started_ms = clock_monotonic_ms();
  if (!check_port(process, &failure) || !spawn(process->home, &pid, &failure)) {
    if (!str_equal(failure.message, process->failure.message)) /* once is enough in the log */
      log_error(&failure, "the proxy");
    process->failure = failure;
    try_again(process);
    return;
  }
  error_clear(&process->failure);
  if (!watch(process, &process->present, pid, process_start_time(pid), on_present_ended))
    try_again(process); /* it has ended already */
  else
    log_info("started proxy %d", (int)pid);
}

static void on_again(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  ProxyProcess *process = context;
  if (!process->is_ended && process->present.pid == 0)
    start(process);
}

/* ---- finding ---- */

static bool read_pid(const Home *home, int *ret_pid, uint64_t *ret_start_time) {
  AUTO(str_free) char *path = home_path(home, "locks/proxy.pid");
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *note = NULL;
  size_t length = 0;
  int64_t pid = 0;
  int64_t start_time = 0;
  Error ignored = ERROR_INIT; /* no file, no process */
  if (!io_exists(path) || !io_read_file(path, PID_FILE_LIMIT, &text, &length, &ignored) ||
      !json_parse(text, length, &note, &ignored) ||
      !json_get_integer(note, "pid", &pid, &ignored) ||
      !json_get_integer(note, "start_time", &start_time, &ignored) || pid <= 1 || start_time <= 0 ||
      process_start_time((pid_t)pid) != (uint64_t)start_time)
    return false;
  *ret_pid = (int)pid;
  *ret_start_time = (uint64_t)start_time;
  return true;
}

/* Whether it is the program that would be started now: an upgrade puts another file in its place.
 */
static bool is_present_program(int pid) {
  AUTO(str_free) char *link = str_format("/proc/%d/exe", pid);
  AUTO(str_free) char *program = NULL;
  struct stat running;
  struct stat installed;
  return program_path("bough-proxy", &program, NULL) && stat(link, &running) == 0 &&
         stat(program, &installed) == 0 && running.st_dev == installed.st_dev &&
         running.st_ino == installed.st_ino;
}

static void find_or_start(ProxyProcess *process) {
  int pid = 0;
  uint64_t start_time = 0;
  bool found = read_pid(process->home, &pid, &start_time);
  bool same = found && is_present_program(pid);
  if (same && watch(process, &process->present, pid, start_time, on_present_ended)) {
    log_info("found proxy %d", pid);
    process->started_ms = clock_monotonic_ms();
    return;
  }
  if (found && !same && watch(process, &process->old, pid, start_time, on_old_ended))
    log_info("proxy %d is of another version and will be drained", pid);
  start(process);
}

/* ---- for boughd ---- */

ProxyProcess *proxy_process_new(const Home *home, struct event_base *base,
                                const ProxyProcessHooks *hooks) {
  ProxyProcess *process = mem_new(1, sizeof *process);
  process->home = home;
  process->base = base;
  process->hooks = *hooks;
  process->present.pidfd = process->old.pidfd = -1;
  process->delay_ms = FIRST_DELAY_MS;
  process->again = evtimer_new(base, on_again, process);
  process->is_ended = !json_bool_or(json_object_get(home->config, "proxy"), "enabled", true);
  if (!process->is_ended)
    find_or_start(process);
  return process;
}

void proxy_process_free(ProxyProcess *process) {
  if (process == NULL)
    return;
  unwatch(&process->present);
  unwatch(&process->old);
  event_free(process->again);
  mem_free(process);
}

void proxy_process_said(ProxyProcess *process, int pid) {
  if (pid == process->present.pid) {
    process->delay_ms = FIRST_DELAY_MS;
    process->present_said = true;
  }
  /* whichever of the two is here first: the old one is told when both are */
  if (process->old.pid > 0 && process->present_said)
    process->hooks.drain(process->hooks.context, process->old.pid, DRAIN_MS);
}

static void end_one(const Watched *watched) {
  Error ignored = ERROR_INIT; /* it is gone already */
  if (watched->pid > 0)
    (void)!process_signal(watched->pid, watched->start_time, SIGTERM, &ignored);
}

void proxy_process_end(ProxyProcess *process) {
  process->is_ended = true;
  (void)event_del(process->again);
  end_one(&process->present);
  end_one(&process->old);
}

bool proxy_process_is_gone(const ProxyProcess *process) {
  return process->present.pid == 0 && process->old.pid == 0;
}

json_t *proxy_process_describe(const ProxyProcess *process) {
  bool runs = process->present.pid > 0;
  const char *state = runs ? "up" : process->is_ended ? "off" : "down";
  json_t *object = json_pack("{s:s, s:i}", "state", state, "port", port_of(process));
  if (runs)
    (void)json_object_set_new(object, "pid", json_integer(process->present.pid));
  if (!runs && process->failure.code != ERROR_NONE)
    (void)json_object_set_new(object, "error", json_from_error(&process->failure));
  return object;
}
