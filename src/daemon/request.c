/* A request of a client: who asks, what for, and the worker's answer to it. */
#include "daemon/daemon.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/name.h"
#include "core/str.h"
#include "daemon/audited.h"
#include "daemon/body.h"
#include "daemon/route.h"

#include <string.h>
#include <unistd.h>

/* One request of a client while a worker makes its answer. */
typedef struct Pending {
  Daemon *daemon;
  HttpExchange *exchange;
  bool stops; /* POST /v1/shutdown */
  bool stops_computes;
  bool is_text;
} Pending;

static json_t *describe_daemon(const Daemon *daemon) {
  const ClockLook now = clock_look();
  return json_pack(
      "{s:i, s:I, s:I, s:b, s:O, s:I, s:I, s:I, s:o, s:I}", "pid", (int)getpid(), "uptime_seconds",
      (json_int_t)((now.boot_us - daemon->started.boot_us) / 1000000), "clock_jump_us",
      (json_int_t)clock_jump_us(&daemon->started, &now), "ready", daemon->ready, "problems",
      daemon->problems, "workers", (json_int_t)dispatcher_workers(daemon->dispatcher), "pending",
      (json_int_t)dispatcher_pending(daemon->dispatcher), "watched",
      (json_int_t)supervisor_count(daemon->supervisor), "proxy",
      proxy_process_describe(daemon->proxy), "proxies",
      (json_int_t)proxy_link_count(daemon->proxies));
}

static void on_request_progress(void *context, const json_t *progress) {
  const Pending *pending = context;
  http_progress(pending->exchange, progress);
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
      daemon_stop_with_catalog(daemon);
    else
      daemon_stop(daemon);
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

void daemon_on_request(void *context, HttpExchange *exchange) {
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
    daemon_stop(daemon);
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
