/* The socket that proxies ask on. */
#include "daemon/proxy_link.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/name.h"
#include "core/rpc.h"
#include "core/str.h"
#include "daemon/away.h"
#include "daemon/frame_in.h"
#include "daemon/wake.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
  MESSAGE_LIMIT = 1024 * 1024,
  BACKLOG = 16,
  WAKES_LIMIT = 10, /* of one question: somebody suspends what is being woken */
};

typedef struct Peer { /* one connection of a proxy */
  TAILQ_ENTRY(Peer) link;
  ProxyLink *owner;
  uint64_t serial;
  struct bufferevent *pipe;
  char boot[BOOT_SIZE]; /* "": hasn't said hello */
  int pid;
  int64_t next_report;
} Peer;

struct ProxyLink {
  struct event_base *base;
  Dispatcher *dispatcher;
  ProxyLinkHooks hooks;
  struct evconnlistener *listener;
  Wakes *wakes;
  int64_t settled_ms; /* until then proxies may not have found their way back */
  uint64_t last_serial;
  TAILQ_HEAD(, Peer) peers;
  Away *away;
};

/* ---- questions ---- */

typedef enum MethodKind { METHOD_PLAIN, METHOD_ROUTE, METHOD_HELLO, METHOD_REPORT } MethodKind;

static const struct Method {
  const char *name;
  const char *job;
  MethodKind kind;
} methods[] = {
    {"hello", "session-hello", METHOD_HELLO},
    {"salts", "session-salts", METHOD_PLAIN},
    {"verifier", "session-verifier", METHOD_PLAIN},
    {"route", "session-route", METHOD_ROUTE},
    {"sessions.end", "sessions-end", METHOD_PLAIN},
    {"sessions.report", "session-report", METHOD_REPORT},
    {"refused", "session-refused", METHOD_PLAIN},
};

/* A question while its answer is made. The connection may be gone by then: it is found by its
 * serial. */
typedef struct Ask {
  ProxyLink *owner;
  uint64_t peer;
  int64_t id;
  const struct Method *method;
  json_t *params;
  int wakes;              /* how often it waited for a compute */
  char endpoint[ID_SIZE]; /* that one */
  Error failure;          /* what is answered once it is on record */
} Ask;

static void ask_free(Ask *ask) {
  json_free(ask->params);
  mem_free(ask);
}

static Peer *find_peer(const ProxyLink *link, uint64_t serial) {
  Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    if (peer->serial == serial)
      return peer;
  }
  return NULL;
}

static void send_message(const Peer *peer, const json_t *message) {
  size_t length = 0;
  AUTO(str_free) char *bytes = frame_encode(message, NULL, 0, &length);
  (void)bufferevent_write(peer->pipe, bytes, length);
}

/* Nobody hears of this session: the proxy asks again when it is back. */
static void end_unheard(const Ask *ask, const json_t *result);

static void answer(Ask *ask, const json_t *result, const Error *failure) {
  const Peer *peer = find_peer(ask->owner, ask->peer);
  AUTO(json_free) json_t *nothing = json_object();
  AUTO(json_free)
  json_t *message = failure != NULL ? json_pack("{s:I, s:o}", "id", (json_int_t)ask->id, "error",
                                                json_from_error(failure))
                                    : json_pack("{s:I, s:O}", "id", (json_int_t)ask->id, "result",
                                                result != NULL ? result : nothing);
  if (peer != NULL)
    send_message(peer, message);
  else
    end_unheard(ask, result);
  ask_free(ask);
}

static void submit(Ask *ask, JobDone *done) {
  dispatcher_submit(ask->owner->dispatcher, route_job(ask->method->job),
                    json_pack("{s:O}", "body", ask->params), NULL, 0, NULL, done, ask);
}

static void on_unheard_ended(void *context, const json_t *result, const Error *failure) {
  (void)context;
  (void)result;
  if (failure != NULL)
    log_error(failure, "could not end a session that nobody has");
}

static void end_unheard(const Ask *ask, const json_t *result) {
  const char *session = json_string_or(result, "session", NULL);
  if (ask->method->kind == METHOD_ROUTE && session != NULL)
    dispatcher_submit(ask->owner->dispatcher, route_job("sessions-end"),
                      json_pack("{s:{s:[{s:s, s:s}]}}", "body", "sessions", "session", session,
                                "reason", "the proxy was away when it was let in"),
                      NULL, 0, NULL, on_unheard_ended, NULL);
}

static void on_answered(void *context, const json_t *result, const Error *failure) {
  answer(context, result, failure);
}

/* ---- routes ---- */

static void on_refused(void *context, const json_t *result, const Error *failure) {
  (void)result;
  Ask *ask = context;
  const Error told = failure != NULL ? *failure : ask->failure;
  answer(ask, NULL, &told);
}

/* Who decides on a route records what it refuses; that there is no compute comes out here. */
static void refuse(Ask *ask, const Error *failure) {
  ask->failure = *failure;
  dispatcher_submit(ask->owner->dispatcher, route_job("session-refused"),
                    json_pack("{s:{s:O*, s:O*, s:s, s:s, s:s, s:i}}", "body", "principal",
                              json_object_get(ask->params, "principal"), "source",
                              json_object_get(ask->params, "source"), "endpoint", ask->endpoint,
                              "code", error_info(failure->code)->code, "message", failure->message,
                              "count", 1),
                    NULL, 0, NULL, on_refused, ask);
}

static void on_routed(void *context, const json_t *result, const Error *failure);

static void on_awake(void *context, const Error *failure) {
  Ask *ask = context;
  if (failure != NULL)
    refuse(ask, failure);
  else if (find_peer(ask->owner, ask->peer) == NULL)
    ask_free(ask);
  else
    submit(ask, on_routed);
}

static void on_routed(void *context, const json_t *result, const Error *failure) {
  Ask *ask = context;
  const char *asleep = json_string_or(result, "wake", NULL);
  if (failure != NULL || asleep == NULL) {
    answer(ask, result, failure);
    return;
  }
  if (++ask->wakes > WAKES_LIMIT) {
    Error tired = ERROR_INIT;
    (void)error_set(&tired, ERROR_COMPUTE_FAILED,
                    "the branch's compute goes to sleep again and again");
    refuse(ask, &tired);
    return;
  }
  (void)snprintf(ask->endpoint, sizeof ask->endpoint, "%s", asleep);
  wakes_wait(ask->owner->wakes, asleep, json_string_or(ask->params, "principal", ""), on_awake,
             ask);
}

/* ---- hello and reports ---- */

static void take_hello(Peer *peer, const json_t *params) {
  peer->pid = (int)json_integer_or(params, "pid", 0);
  (void)snprintf(peer->boot, sizeof peer->boot, "%s", json_string_or(params, "boot", ""));
  peer->next_report = away_return(peer->owner->away, peer->boot);
  log_info("proxy %d is connected (version %s)", peer->pid, json_string_or(params, "version", "?"));
  peer->owner->hooks.said(peer->owner->hooks.context, peer->pid);
}

/* Numbers that are missing between two reports. One that comes twice is none. */
static void count_gap(Peer *peer, json_t *params) {
  int64_t number = json_integer_or(params, "seq", 0);
  int64_t gap =
      peer->next_report > 0 && number > peer->next_report ? number - peer->next_report : 0;
  if (number >= peer->next_report)
    peer->next_report = number + 1;
  (void)json_object_set_new(params, "gap", json_integer(gap));
}

/* ---- connections ---- */

static void peer_free(Peer *peer) {
  TAILQ_REMOVE(&peer->owner->peers, peer, link);
  bufferevent_free(peer->pipe);
  mem_free(peer);
}

static void lose_peer(Peer *peer, const char *why) {
  log_info("proxy %d: %s", peer->pid, why);
  if (peer->boot[0] != '\0')
    away_add(peer->owner->away, peer->boot, peer->next_report);
  peer_free(peer);
}

static const struct Method *find_method(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(methods); at++)
    if (str_equal(methods[at].name, name))
      return &methods[at];
  return NULL;
}

/* Another version's proxy, which is drained, may ask what this one doesn't know. */
static void answer_unknown(const Peer *peer, const json_t *message) {
  Error unknown = ERROR_INIT;
  (void)error_set(&unknown, ERROR_USAGE, "there is no such question");
  AUTO(json_free)
  json_t *answer = json_pack("{s:I, s:o}", "id", (json_int_t)json_integer_or(message, "id", 0),
                             "error", json_from_error(&unknown));
  send_message(peer, answer);
}

/* False when the peer was given up. */
static bool take_question(Peer *peer, const json_t *message) {
  const struct Method *method = find_method(json_string_or(message, "method", ""));
  json_t *params = json_object_get(message, "params");
  bool is_hello = method != NULL && method->kind == METHOD_HELLO;
  if (!json_is_object(params) || is_hello == (peer->boot[0] != '\0')) {
    lose_peer(peer, "asked what isn't answered");
    return false;
  }
  if (method == NULL) {
    answer_unknown(peer, message);
    return true;
  }
  if (is_hello)
    take_hello(peer, params);
  if (method->kind == METHOD_REPORT)
    count_gap(peer, params);
  (void)json_object_set_new(params, "boot", json_string(peer->boot));
  Ask *ask = mem_new(1, sizeof *ask);
  *ask = (Ask){.owner = peer->owner,
               .peer = peer->serial,
               .id = json_integer_or(message, "id", 0),
               .method = method,
               .params = json_incref(params)};
  submit(ask, method->kind == METHOD_ROUTE ? on_routed : on_answered);
  return true;
}

static void on_readable(struct bufferevent *pipe, void *context) {
  Peer *peer = context;
  for (;;) {
    AUTO(json_free) json_t *message = NULL;
    Error failure = ERROR_INIT;
    if (!frame_take(bufferevent_get_input(pipe), MESSAGE_LIMIT, &message, &failure)) {
      if (failure.code != ERROR_NONE)
        lose_peer(peer, failure.message);
      return;
    }
    if (!take_question(peer, message))
      return;
  }
}

static void on_event(struct bufferevent *pipe, short events, void *context) {
  (void)pipe;
  (void)events;
  lose_peer(context, "the connection was closed");
}

static bool is_ours(int fd) {
  unsigned uid = 0;
  int pid = 0;
  return rpc_peer(fd, &uid, &pid, NULL) && uid == (unsigned)geteuid();
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *context) {
  (void)listener;
  (void)address;
  (void)length;
  ProxyLink *link = context;
  if (!is_ours(fd)) {
    log_warning("somebody else than the control account wanted to be the proxy");
    (void)close(fd);
    return;
  }
  Peer *peer = mem_new(1, sizeof *peer);
  peer->owner = link;
  peer->serial = ++link->last_serial;
  (void)evutil_make_socket_nonblocking(fd);
  peer->pipe = bufferevent_socket_new(link->base, fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(peer->pipe, on_readable, NULL, on_event, peer);
  (void)bufferevent_enable(peer->pipe, EV_READ | EV_WRITE);
  TAILQ_INSERT_TAIL(&link->peers, peer, link);
}

/* ---- for boughd ---- */

void proxy_link_push(ProxyLink *link, const json_t *message) {
  const Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    send_message(peer, message);
  }
}

void proxy_link_push_to(ProxyLink *link, int pid, const json_t *message) {
  const Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    if (peer->pid == pid)
      send_message(peer, message);
  }
}

void proxy_link_forget_failure(ProxyLink *link, const char *endpoint) {
  wakes_forget_failure(link->wakes, endpoint);
}

json_t *proxy_link_boots(const ProxyLink *link) {
  if (clock_monotonic_ms() < link->settled_ms)
    return json_null();
  json_t *boots = json_array();
  const Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    (void)json_array_append_new(boots, json_string(peer->boot));
  }
  away_list(link->away, boots);
  return boots;
}

size_t proxy_link_count(const ProxyLink *link) {
  size_t count = 0;
  const Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    count += peer->boot[0] != '\0';
  }
  return count;
}

bool proxy_link_open(const Home *home, struct event_base *base, Dispatcher *dispatcher,
                     const ProxyLinkHooks *hooks, ProxyLink **ret, Error *err) {
  AUTO(str_free) char *path = home_path(home, "locks/proxy.sock");
  int fd = -1;
  if (!rpc_listen(path, 0600, &fd, err))
    return false;
  ProxyLink *link = mem_new(1, sizeof *link);
  link->base = base;
  link->dispatcher = dispatcher;
  link->hooks = *hooks;
  link->settled_ms = clock_monotonic_ms() + AWAY_MS;
  link->wakes = wakes_new(dispatcher);
  TAILQ_INIT(&link->peers);
  link->away = away_new();
  (void)evutil_make_socket_nonblocking(fd);
  link->listener = evconnlistener_new(base, on_accept, link, LEV_OPT_CLOSE_ON_FREE, BACKLOG, fd);
  if (link->listener == NULL) {
    proxy_link_free(link);
    return error_set(err, ERROR_INTERNAL, "could not listen for the proxy");
  }
  *ret = link;
  return true;
}

void proxy_link_stop(ProxyLink *link) {
  if (link->listener != NULL)
    evconnlistener_free(link->listener);
  link->listener = NULL;
  Peer *peer = NULL;
  TAILQ_FOREACH(peer, &link->peers, link) {
    (void)bufferevent_disable(peer->pipe, EV_READ);
  }
}

void proxy_link_free(ProxyLink *link) {
  if (link == NULL)
    return;
  proxy_link_stop(link);
  while (!TAILQ_EMPTY(&link->peers))
    peer_free(TAILQ_FIRST(&link->peers));
  away_free(link->away);
  wakes_free(link->wakes);
  mem_free(link);
}
