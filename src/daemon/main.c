/* boughd: opens the API, puts its parts together and lives on its loop. */
#include "daemon/daemon.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/service.h"
#include "core/str.h"
#include "daemon/route.h"
#include "daemon/worker.h"

#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  CLIENT_IDLE_SECONDS = 60,
  TICK_SECONDS = 1,
};

/* What the parts tell each other */

static void on_watch(void *context, const json_t *process) {
  const Daemon *daemon = context;
  supervisor_watch(daemon->supervisor, process);
  proxy_link_forget_failure(daemon->proxies, json_string_or(process, "endpoint", ""));
}

static void on_push(void *context, const json_t *message) {
  const Daemon *daemon = context;
  proxy_link_push(daemon->proxies, message);
}

static void on_proxy_said(void *context, int pid) {
  const Daemon *daemon = context;
  proxy_process_said(daemon->proxy, pid);
}

static void on_proxy_drain(void *context, int pid, int64_t limit_ms) {
  const Daemon *daemon = context;
  AUTO(json_free)
  json_t *message =
      json_pack("{s:s, s:{s:I}}", "push", "drain", "params", "limit_ms", (json_int_t)limit_ms);
  proxy_link_push_to(daemon->proxies, pid, message);
}

static void on_signal(evutil_socket_t signal_number, short events, void *context) {
  (void)signal_number;
  (void)events;
  daemon_stop(context);
}

/* Start */

static bool write_pid(const Home *home, Error *err) {
  AUTO(str_free) char *path = home_path(home, "locks/boughd.pid");
  return service_write_pid(path, 0644, err);
}

static bool open_api(Daemon *daemon, Error *err) {
  AUTO(str_free) char *path = home_path(daemon->home, "boughd.sock");
  int fd = -1;
  return rpc_listen(path, 0666, &fd, err) &&
         http_server_new(daemon->base, fd, CLIENT_IDLE_SECONDS, daemon_on_request, daemon,
                         &daemon->api, err) &&
         tcp_api_open(daemon->home, daemon->base, CLIENT_IDLE_SECONDS, daemon_on_request, daemon,
                      &daemon->tcp, err) &&
         git_link_open(daemon->home, daemon->base, daemon->dispatcher, &daemon->git, err);
}

static void add_signals(Daemon *daemon) {
  static const int signals[] = {SIGTERM, SIGINT};
  for (size_t at = 0; at < ARRAY_LENGTH(signals); at++) {
    daemon->signals[at] = evsignal_new(daemon->base, signals[at], on_signal, daemon);
    (void)event_add(daemon->signals[at], NULL);
  }
  (void)signal(SIGPIPE, SIG_IGN);
  (void)signal(SIGCHLD, SIG_IGN); /* workers are watched by their pipes; nobody waits for them */
}

static bool daemon_run(Daemon *daemon, Error *err) {
  const struct timeval every = {.tv_sec = TICK_SECONDS};
  const DispatchHooks hooks = {
      .watch = on_watch, .push = on_push, .lost = daemon_on_lost, .context = daemon};
  const ProxyLinkHooks link_hooks = {.said = on_proxy_said, .context = daemon};
  const ProxyProcessHooks process_hooks = {.drain = on_proxy_drain, .context = daemon};
  daemon->dispatcher = dispatcher_new(daemon->base, daemon->home, &hooks);
  daemon->periodic = periodic_new(daemon->dispatcher);
  daemon->supervisor = supervisor_new(daemon->base, daemon_on_revive, daemon);
  if (!write_pid(daemon->home, err) ||
      !proxy_link_open(daemon->home, daemon->base, daemon->dispatcher, &link_hooks,
                       &daemon->proxies, err))
    return false;
  daemon->proxy = proxy_process_new(daemon->home, daemon->base, &process_hooks);
  if (!open_api(daemon, err))
    return false;
  add_signals(daemon);
  daemon->tick = event_new(daemon->base, -1, EV_PERSIST, daemon_on_tick, daemon);
  (void)event_add(daemon->tick, &every);
  daemon_begin(daemon);
  log_info("listening");
  (void)event_base_dispatch(daemon->base);
  return true;
}

static void free_event(struct event *event) {
  if (event != NULL)
    event_free(event);
}

static void daemon_release(Daemon *daemon) {
  free_event(daemon->tick);
  for (size_t at = 0; at < ARRAY_LENGTH(daemon->signals); at++)
    free_event(daemon->signals[at]);
  git_link_free(daemon->git);
  tcp_api_free(daemon->tcp);
  http_server_free(daemon->api);
  proxy_process_free(daemon->proxy);
  proxy_link_free(daemon->proxies);
  dispatcher_free(daemon->dispatcher);
  periodic_free(daemon->periodic);
  supervisor_free(daemon->supervisor);
  json_free(daemon->problems);
  home_free(daemon->home);
  if (daemon->base != NULL)
    event_base_free(daemon->base);
}

static int daemon_main(const char *root) {
  log_start("boughd");
  Error failure = ERROR_INIT;
  AUTO_RELEASE(daemon_release)
  Daemon daemon = {.problems = json_array(), .started = clock_look()};
  AUTO_RELEASE(fd_release) int lock = -1;
  (void)umask(0027);
  if (!home_open(root, &daemon.home, &failure)) {
    log_error(&failure, "could not read the settings");
    return error_info(failure.code)->exit_status;
  }
  AUTO(str_free) char *path = home_path(daemon.home, "locks/boughd");
  if (!lock_take(path, LOCK_EXCLUSIVE, 0, &lock, &failure)) {
    log_error(&failure, "another boughd serves \"%s\"", root);
    return 2;
  }
  daemon.base = event_base_new();
  if (!daemon_run(&daemon, &failure)) {
    log_error(&failure, "could not start");
    return 3;
  }
  log_info("stopped");
  return 0;
}

static int print_routes(void) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++) {
    if ((routes[at].flags & ROUTE_INTERNAL) != 0)
      continue;
    AUTO(json_free)
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:i}", "method", routes[at].method, "path", routes[at].pattern,
                  "summary", routes[at].summary, "timeout", routes[at].limit_seconds);
    AUTO(str_free) char *text = json_text(line);
    (void)puts(text);
  }
  return 0;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"home", required_argument, NULL, 'h'},   {"worker", no_argument, NULL, 'w'},
      {"parent", required_argument, NULL, 'p'}, {"print-routes", no_argument, NULL, 'r'},
      {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0}};
  AUTO(str_free) char *root = home_default_root();
  bool worker = false;
  int parent = 0;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
    case 'h':
      str_free(root);
      root = str_dup(optarg);
      break;
    case 'w':
      worker = true;
      break;
    case 'p':
      parent = atoi(optarg);
      break;
    case 'r':
      return print_routes();
    case 'v':
      return printf("boughd %s\n", BOUGH_VERSION) < 0;
    default:
      return 1;
    }
  }
  return worker ? worker_main(root, parent) : daemon_main(root);
}
