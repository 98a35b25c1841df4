/* boughd: opens the API and lives on its loop. */
#include "core/clock.h"
#include "core/home.h"
#include "core/io.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/name.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/str.h"
#include "daemon/audited.h"
#include "daemon/body.h"
#include "daemon/dispatch.h"
#include "daemon/periodic.h"
#include "daemon/proxy_link.h"
#include "daemon/proxy_process.h"
#include "daemon/route.h"
#include "daemon/supervise.h"
#include "daemon/tcp.h"
#include "daemon/worker.h"
#include "http/server.h"

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
  IDLE_TICKS = 2,
  MEASURE_TICKS = 15,
  DRAIN_SECONDS = 60, /* for running jobs when boughd is told to stop */
  PROXY_END_MS = 5000,
  FAREWELL_MS = 200, /* for the last answers to leave */
};

typedef struct Daemon {
  Home *home;
  struct event_base *base;
  Dispatcher *dispatcher;
  Supervisor *supervisor;
  HttpServer *api;
  TcpApi *tcp; /* NULL: not asked for */
  ProxyLink *proxies;
  ProxyProcess *proxy;
  bool looking_for_idle;
  bool sealing;
  Periodic *periodic;
  struct event *tick;
  struct event *signals[2];
  bool ticking;
  unsigned ticks;
  bool stopping;          /* new requests are refused */
  bool draining;          /* running ones are waited for */
  int64_t proxy_limit_ms; /* until when the proxy's end is waited for */
  int64_t started_monotonic_us;
  int64_t started_wall_us;
  json_t *problems; /* what recovery could not put right, for doctor */
  bool ready;
} Daemon;

/* One request of a client while a worker makes its answer. */
typedef struct Pending {
  Daemon *daemon;
  HttpExchange *exchange;
  bool stops; /* POST /v1/shutdown */
  bool stops_computes;
  bool is_text;
} Pending;

static json_t *describe_daemon(const Daemon *daemon) {
  int64_t monotonic = clock_monotonic_us() - daemon->started_monotonic_us;
  int64_t wall = clock_wall_us() - daemon->started_wall_us;
  return json_pack("{s:i, s:I, s:I, s:b, s:O, s:I, s:I, s:I, s:o, s:I}", "pid", (int)getpid(),
                   "uptime_seconds", (json_int_t)(monotonic / 1000000), "clock_jump_us",
                   (json_int_t)(wall - monotonic), "ready", daemon->ready, "problems",
                   daemon->problems, "workers", (json_int_t)dispatcher_workers(daemon->dispatcher),
                   "pending", (json_int_t)dispatcher_pending(daemon->dispatcher), "watched",
                   (json_int_t)supervisor_count(daemon->supervisor), "proxy",
                   proxy_process_describe(daemon->proxy), "proxies",
                   (json_int_t)proxy_link_count(daemon->proxies));
}

/* Stopping */

static void on_farewell(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  const Daemon *daemon = context;
  (void)event_base_loopexit(daemon->base, NULL);
}

static void exit_soon(Daemon *daemon) {
  struct timeval soon = {.tv_usec = FAREWELL_MS * 1000};
  (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_farewell, daemon, &soon);
}

static void on_drain(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  static int waited;
  Daemon *daemon = context;
  if (dispatcher_running(daemon->dispatcher) == 0 || ++waited > DRAIN_SECONDS * 10) {
    exit_soon(daemon);
    return;
  }
  struct timeval again = {.tv_usec = 100 * 1000};
  (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_drain, daemon, &again);
}

/* New requests are refused from now on, running ones end; computes and catalog go on. */
static void stop(Daemon *daemon) {
  if (daemon->draining)
    return;
  daemon->stopping = true;
  daemon->draining = true;
  log_info("stopping");
  http_server_stop_accepting(daemon->api);
  proxy_link_stop(daemon->proxies);
  (void)event_del(daemon->tick);
  on_drain(-1, 0, daemon);
}

static void on_signal(evutil_socket_t signal_number, short events, void *context) {
  (void)signal_number;
  (void)events;
  stop(context);
}

static void on_catalog_stopped(void *context, const json_t *result, const Error *failure) {
  (void)result;
  if (failure != NULL)
    log_error(failure, "could not stop the catalog");
  stop(context);
}

/* Requests */

static void on_request_progress(void *context, const json_t *progress) {
  const Pending *pending = context;
  http_progress(pending->exchange, progress);
}

static void on_proxy_look(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Daemon *daemon = context;
  struct timeval again = {.tv_usec = 50 * 1000};
  if (!proxy_process_is_gone(daemon->proxy) && clock_monotonic_ms() < daemon->proxy_limit_ms)
    (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_proxy_look, daemon, &again);
  else
    dispatcher_submit(daemon->dispatcher, route_job("catalog-stop"), json_object(), NULL, 0, NULL,
                      on_catalog_stopped, daemon);
}

/* The proxy before the catalog: it has the ends of its sessions recorded. */
static void end_proxy_and_catalog(Daemon *daemon) {
  daemon->proxy_limit_ms = clock_monotonic_ms() + PROXY_END_MS;
  proxy_process_end(daemon->proxy);
  on_proxy_look(-1, 0, daemon);
}

static void on_request_done(void *context, const json_t *result, const Error *failure) {
  Pending *pending = context;
  Daemon *daemon = pending->daemon;
  if (pending->is_text && failure == NULL)
    http_answer_text(pending->exchange, "text/plain; version=0.0.4",
                     json_string_or(result, "text", ""));
  else
    http_answer(pending->exchange, result, failure);
  if (pending->stops && failure == NULL) {
    if (pending->stops_computes)
      end_proxy_and_catalog(daemon);
    else
      stop(daemon);
  } else if (pending->stops) {
    daemon->stopping = false;
  }
  mem_free(pending);
}

/* A principal's token says who asks, also where the kernel would. */
static bool identify(const Daemon *daemon, const HttpExchange *exchange, json_t *message,
                     Error *err) {
  static const char scheme[] = "Bearer bough_";
  const char *header = http_header(exchange, "Authorization");
  bool has_token = header != NULL && str_starts(header, scheme);
  unsigned uid = 0;
  int pid = 0;
  if (has_token)
    (void)json_object_set_new(message, "bearer", json_string(strchr(header, ' ') + 1));
  if (http_peer(exchange, &uid, &pid) ||
      (daemon->tcp != NULL && tcp_api_authenticate(daemon->tcp, exchange, &uid))) {
    (void)json_object_set_new(message, "uid", json_integer(uid));
    return true;
  }
  if (has_token)
    return true;
  (void)error_set(err, ERROR_UNAUTHENTICATED, "no valid token");
  return error_hint(err, "send `Authorization: Bearer TOKEN`, see --token-file");
}

static bool read_body(HttpExchange *exchange, const Route *route, json_t *message,
                      const char **ret_blob, size_t *ret_length, Error *err) {
  size_t length = 0;
  const char *body = http_body(exchange, &length);
  if ((route->flags & ROUTE_RAW) != 0) {
    *ret_blob = body;
    *ret_length = length;
    return true;
  }
  json_t *object = NULL;
  if (length == 0)
    return true;
  if (!json_parse(body, length, &object, err))
    return false;
  (void)json_object_set_new(message, "body", object);
  return json_is_object(object) ? body_check(object, err)
                                : error_set(err, ERROR_USAGE, "the body must be an object");
}

static void set_text(json_t *message, const char *key, const char *text) {
  if (text != NULL)
    (void)json_object_set_new(message, key, json_string(text));
}

/* A request's name, for the answer, the log and the audit; and where it comes from. */
static void name_request(HttpExchange *exchange, json_t *message) {
  char request[ID_SIZE];
  unsigned uid = 0;
  int pid = 0;
  id_new("req", request);
  http_set_header(exchange, "X-Request-Id", request);
  AUTO(str_free)
  char *source = http_peer(exchange, &uid, &pid) ? str_format("uid:%u", uid) : str_dup("127.0.0.1");
  set_text(message, "request", request);
  set_text(message, "source", source);
}

/* What no worker has seen is recorded before it is answered. */
typedef struct Refusal {
  HttpExchange *exchange;
  Error failure;
} Refusal;

static void on_refusal_recorded(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Refusal *refusal = context;
  if (failure != NULL)
    log_error(failure, "could not record a refusal");
  http_answer(refusal->exchange, NULL, &refusal->failure);
  mem_free(refusal);
}

static void refuse(Daemon *daemon, HttpExchange *exchange, const RouteMatch *match,
                   const json_t *message, const Error *failure) {
  const Audited audited =
      match->route != NULL ? audited_find(match->route) : (Audited){.action = "request"};
  log_info("%s refused: %s", json_string_or(message, "request", "-"), failure->message);
  Refusal *refusal = mem_new(1, sizeof *refusal);
  *refusal = (Refusal){.exchange = exchange, .failure = *failure};
  dispatcher_submit(daemon->dispatcher, route_job("audit-refusal"),
                    json_pack("{s:{s:s, s:O, s:O, s:o}}", "body", "action", audited.action,
                              "request", json_object_get(message, "request"), "source",
                              json_object_get(message, "source"), "error",
                              json_from_error(failure)),
                    NULL, 0, NULL, on_refusal_recorded, refusal);
}

static bool read_request(Daemon *daemon, HttpExchange *exchange, json_t *message, RouteMatch *match,
                         const char **ret_blob, size_t *ret_length, Error *err) {
  if (daemon->stopping)
    return error_set(err, ERROR_BUSY, "boughd is stopping");
  if (!identify(daemon, exchange, message, err) ||
      !route_match(http_method(exchange), http_path(exchange), match, err) ||
      !read_body(exchange, match->route, message, ret_blob, ret_length, err))
    return false;
  set_text(message, "project", match->project);
  set_text(message, "branch", match->branch);
  set_text(message, "upload", match->upload);
  set_text(message, "name", match->name);
  set_text(message, "token", match->token);
  (void)json_object_set_new(message, "query", http_query(exchange));
  if ((match->route->flags & ROUTE_NO_CATALOG) != 0)
    (void)json_object_set_new(message, "daemon", describe_daemon(daemon));
  return true;
}

static void on_http(void *context, HttpExchange *exchange) {
  Daemon *daemon = context;
  AUTO_RELEASE(route_match_release) RouteMatch match = {0};
  AUTO(json_free) json_t *message = json_object();
  const char *blob = NULL;
  size_t length = 0;
  Error failure = ERROR_INIT;
  name_request(exchange, message);
  if (!read_request(daemon, exchange, message, &match, &blob, &length, &failure)) {
    refuse(daemon, exchange, &match, message, &failure);
    return;
  }
  if (str_equal(match.route->pattern, "/v1/shutdown") && !daemon->ready) {
    http_answer(exchange, NULL, NULL); /* nothing was begun that would have to end first */
    stop(daemon);
    return;
  }
  Pending *pending = mem_new(1, sizeof *pending);
  pending->daemon = daemon;
  pending->exchange = exchange;
  pending->stops = str_equal(match.route->pattern, "/v1/shutdown");
  pending->stops_computes =
      pending->stops && json_bool_or(json_object_get(message, "body"), "computes", false);
  pending->is_text = (match.route->flags & ROUTE_TEXT) != 0;
  if (pending->stops) /* computes that are being stopped are not to be revived */
    daemon->stopping = true;
  if (pending->stops_computes) /* an import would start its own anew, and go on for hours */
    dispatcher_cancel_long(daemon->dispatcher);
  dispatcher_submit(daemon->dispatcher, match.route, json_incref(message), blob, length,
                    on_request_progress, on_request_done, pending);
}

/* Jobs of boughd's own */

static void keep_problems(Daemon *daemon, const json_t *result) {
  size_t at = 0;
  json_t *text = NULL;
  json_array_foreach(json_object_get(result, "problems"), at, text) {
    log_warning("recovery: %s", json_string_value(text));
    (void)json_array_append(daemon->problems, text);
  }
}

static void on_recovered(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  if (failure != NULL)
    log_error(failure, "recovery");
  else
    keep_problems(daemon, result);
}

static void on_started(void *context, const json_t *result, const Error *failure);

static void submit_start(Daemon *daemon) {
  dispatcher_submit(daemon->dispatcher, route_job("start"), json_object(), NULL, 0, NULL,
                    on_started, daemon);
}

static void on_start_again(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  submit_start(context);
}

/* Until recovery has been through, nothing is changed: rows and reality may differ. */
static void on_started(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  if (failure != NULL) {
    struct timeval later = {.tv_sec = 2};
    log_error(failure, "could not start");
    (void)json_array_clear(daemon->problems);
    (void)json_array_append_new(daemon->problems, json_string(failure->message));
    (void)event_base_once(daemon->base, -1, EV_TIMEOUT, on_start_again, daemon, &later);
    return;
  }
  (void)json_array_clear(daemon->problems);
  keep_problems(daemon, result);
  daemon->ready = true;
  log_info("ready");
  dispatcher_set_ready(daemon->dispatcher);
}

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

static void on_lost(void *context) {
  Daemon *daemon = context;
  dispatcher_submit(daemon->dispatcher, route_job("recover"), json_object(), NULL, 0, NULL,
                    on_recovered, daemon);
}

typedef struct Revival {
  Daemon *daemon;
  char *endpoint;
} Revival;

static void on_revived(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Revival *revival = context;
  if (failure != NULL) {
    log_error(failure, "could not start endpoint %s again", revival->endpoint);
    if (failure->code != ERROR_CATALOG_INVALID)
      supervisor_retry(revival->daemon->supervisor, revival->endpoint);
  }
  str_free(revival->endpoint);
  mem_free(revival);
}

static void on_revive(void *context, const char *endpoint) {
  Daemon *daemon = context;
  if (daemon->stopping)
    return;
  Revival *revival = mem_new(1, sizeof *revival);
  *revival = (Revival){.daemon = daemon, .endpoint = str_dup(endpoint)};
  dispatcher_submit(daemon->dispatcher, route_job("revive"),
                    json_pack("{s:{s:s}}", "body", "endpoint", endpoint), NULL, 0, NULL, on_revived,
                    revival);
}

static void log_events(const json_t *result) {
  size_t at = 0;
  const json_t *event = NULL;
  json_array_foreach(json_object_get(result, "events"), at, event) {
    log_warning("%s", json_string_value(event));
  }
}

static void on_ticked(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->ticking = false;
  if (failure != NULL && failure->code != ERROR_POOL_MISSING)
    log_error(failure, "looking after the pool");
  log_events(result);
}

static void on_looked(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->looking_for_idle = false;
  if (failure != NULL)
    log_error(failure, "looking for idle computes");
  log_events(result);
}

/* Apart from the tick: stopping a compute may take a while. */
static void look_for_idle(Daemon *daemon) {
  if (daemon->looking_for_idle || daemon->ticks % IDLE_TICKS != 0)
    return;
  daemon->looking_for_idle = true;
  dispatcher_submit(daemon->dispatcher, route_job("idle"),
                    json_pack("{s:{s:o}}", "body", "boots", proxy_link_boots(daemon->proxies)),
                    NULL, 0, NULL, on_looked, daemon);
}

static void on_sealed(void *context, const json_t *result, const Error *failure) {
  Daemon *daemon = context;
  daemon->sealing = false;
  if (failure != NULL)
    log_error(failure, "looking after the audit");
  log_events(result);
}

static void look_after_audit(Daemon *daemon) {
  if (daemon->sealing)
    return;
  daemon->sealing = true;
  dispatcher_submit(daemon->dispatcher, route_job("audit"), json_object(), NULL, 0, NULL, on_sealed,
                    daemon);
}

static void on_tick(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Daemon *daemon = context;
  if (!daemon->ready || daemon->stopping)
    return;
  look_after_audit(daemon);
  if (daemon->home->pool_path == NULL)
    return;
  daemon->ticks++;
  look_for_idle(daemon);
  periodic_tick(daemon->periodic);
  if (daemon->ticking)
    return;
  daemon->ticking = true;
  dispatcher_submit(daemon->dispatcher, route_job("tick"),
                    json_pack("{s:{s:b}}", "body", "measure", daemon->ticks % MEASURE_TICKS == 0),
                    NULL, 0, NULL, on_ticked, daemon);
}

/* Start */

static bool write_pid(const Home *home, Error *err) {
  AUTO(str_free)
  char *text = str_format("{\"pid\":%d,\"start_time\":%llu}\n", (int)getpid(),
                          (unsigned long long)process_start_time(getpid()));
  AUTO(str_free) char *path = home_path(home, "locks/boughd.pid");
  return io_write_file(path, text, strlen(text), 0644, err);
}

static bool open_api(Daemon *daemon, Error *err) {
  AUTO(str_free) char *path = home_path(daemon->home, "boughd.sock");
  int fd = -1;
  return rpc_listen(path, 0666, &fd, err) &&
         http_server_new(daemon->base, fd, CLIENT_IDLE_SECONDS, on_http, daemon, &daemon->api,
                         err) &&
         tcp_api_open(daemon->home, daemon->base, CLIENT_IDLE_SECONDS, on_http, daemon,
                      &daemon->tcp, err);
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
      .watch = on_watch, .push = on_push, .lost = on_lost, .context = daemon};
  const ProxyLinkHooks link_hooks = {.said = on_proxy_said, .context = daemon};
  const ProxyProcessHooks process_hooks = {.drain = on_proxy_drain, .context = daemon};
  daemon->dispatcher = dispatcher_new(daemon->base, daemon->home, &hooks);
  daemon->periodic = periodic_new(daemon->dispatcher);
  daemon->supervisor = supervisor_new(daemon->base, on_revive, daemon);
  if (!write_pid(daemon->home, err) ||
      !proxy_link_open(daemon->home, daemon->base, daemon->dispatcher, &link_hooks,
                       &daemon->proxies, err))
    return false;
  daemon->proxy = proxy_process_new(daemon->home, daemon->base, &process_hooks);
  if (!open_api(daemon, err))
    return false;
  add_signals(daemon);
  daemon->tick = event_new(daemon->base, -1, EV_PERSIST, on_tick, daemon);
  (void)event_add(daemon->tick, &every);
  submit_start(daemon);
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
  Daemon daemon = {.problems = json_array(),
                   .started_monotonic_us = clock_monotonic_us(),
                   .started_wall_us = clock_wall_us()};
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
