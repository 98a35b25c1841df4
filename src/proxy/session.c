/* Reports sessions, and ends them where boughd or their limits say so. */
#include "proxy/session.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/str.h"
#include "proxy/listener.h"
#include "proxy/login.h"

#include <string.h>
#include <unistd.h>

enum {
  TELL_LIMIT_MS = 0, /* nobody waits for it */
  REPORT_EVERY = 1000 / SESSIONS_TICK_MS,
  SWEEP_EVERY = 10000 / SESSIONS_TICK_MS,
  UNTOLD_LIMIT = 1000, /* reports that wait already: the next ones are left out */
  UNTOLD_KINDS = 1000, /* sources and codes of refusals, within a second */
  GRACE_LIMIT_MS = 3600 * 1000,
};

/* Text that a client sent or that was cut may be no UTF-8, which JSON must be. */
static json_t *text_json(const char *text) {
  json_t *value = json_string(text);
  if (value != NULL)
    return value;
  AUTO(str_free) char *clean = str_dup(text);
  for (char *c = clean; *c != '\0'; c++)
    if (*c < ' ' || *c > '~')
      *c = '?';
  return json_string(clean);
}

/* Telling */

json_t *sessions_hello(const Proxy *proxy) {
  json_t *sessions = json_array();
  const Client *client = NULL;
  TAILQ_FOREACH(client, &proxy->clients, link) {
    if (client->session != NULL && client->route != NULL)
      (void)json_array_append_new(sessions, json_pack("{s:s, s:s, s:s}", "session", client->session,
                                                      "principal", client->principal, "endpoint",
                                                      client->route->endpoint));
  }
  route_cache_forget(proxy->routes, NULL); /* an invalidation may have been missed */
  verifier_cache_forget(proxy->verifiers, NULL);
  return json_pack("{s:i, s:s, s:s, s:o}", "pid", (int)getpid(), "version", BOUGH_VERSION, "boot",
                   proxy->boot, "sessions", sessions);
}

static RelayCounts counts_of(const Client *client) {
  return client->relay != NULL ? relay_counts(client->relay) : (RelayCounts){0};
}

static void tell_end(const Proxy *proxy, const char *session, RelayCounts counts,
                     int64_t duration_ms, const char *reason) {
  ends_add(proxy->ends,
           json_pack("{s:s, s:I, s:I, s:I, s:o}", "session", session, "bytes_in",
                     (json_int_t)counts.in, "bytes_out", (json_int_t)counts.out, "duration_ms",
                     (json_int_t)duration_ms, "reason", text_json(reason)));
}

void session_tell_end(const Client *client, const char *reason) {
  tell_end(client->proxy, client->session, counts_of(client),
           clock_monotonic_ms() - client->started_ms, reason != NULL ? reason : "");
}

void session_tell_unused(const Proxy *proxy, const char *session) {
  tell_end(proxy, session, (RelayCounts){0}, 0, "client closed before it was let in");
}

static json_t *describe_refusal(const Client *client, const Error *failure) {
  const char *user = client->login->startup.user;
  return json_pack("{s:s, s:s, s:s, s:o, s:i}", "user", user != NULL ? user : "", "source",
                   client->source, "code", error_info(failure->code)->code, "message",
                   text_json(failure->message), "count", 1);
}

uint64_t session_tell_refused(Client *client, const Error *failure, int limit_ms,
                              ControlDone *done) {
  return control_tell(client->proxy->control, "refused", describe_refusal(client, failure),
                      limit_ms, done, client);
}

void session_note_refused(Client *client, const Error *failure) {
  json_t *untold = client->proxy->untold;
  AUTO(str_free)
  char *key = str_format("%s %s", client->source_key, error_info(failure->code)->code);
  json_t *same = json_object_get(untold, key);
  if (same != NULL)
    (void)json_object_set_new(same, "count", json_integer(json_integer_or(same, "count", 0) + 1));
  else if (json_object_size(untold) < UNTOLD_KINDS)
    (void)json_object_set_new(untold, key, describe_refusal(client, failure));
}

static void tell_untold(Proxy *proxy) {
  const char *key = NULL;
  json_t *refusal = NULL;
  json_object_foreach(proxy->untold, key, refusal) {
    (void)control_tell(proxy->control, "refused", json_incref(refusal), TELL_LIMIT_MS, NULL, NULL);
  }
  (void)json_object_clear(proxy->untold);
}

/* Ticks */

/* Of a session that moved bytes since it was last reported. */
static void add_report(json_t *list, Client *client) {
  RelayCounts now = counts_of(client);
  if (client->session == NULL || (now.in == client->reported.in && now.out == client->reported.out))
    return;
  client->reported = now;
  (void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:b}", "session", client->session,
                                              "bytes_in", (json_int_t)now.in, "bytes_out",
                                              (json_int_t)now.out, "active", true));
}

static void report(Proxy *proxy) {
  AUTO(json_free) json_t *list = json_array();
  Client *client = NULL;
  if (control_untold(proxy->control) > UNTOLD_LIMIT)
    return;
  TAILQ_FOREACH(client, &proxy->clients, link) {
    add_report(list, client);
  }
  if (json_array_size(list) == 0)
    return;
  json_t *params =
      json_pack("{s:s, s:I, s:I, s:O}", "boot", proxy->boot, "seq", (json_int_t)++proxy->reports,
                "lost", (json_int_t)control_take_lost(proxy->control), "sessions", list);
  (void)control_tell(proxy->control, "sessions.report", params, TELL_LIMIT_MS, NULL, NULL);
}

static bool is_idle_too_long(Client *client, int64_t now) {
  if (client->relay == NULL || client->route->idle_ms == 0)
    return false;
  RelayCounts counts = counts_of(client);
  if (counts.in != client->seen.in || counts.out != client->seen.out)
    client->active_ms = now;
  client->seen = counts;
  return now - client->active_ms > client->route->idle_ms;
}

/* May free the client. */
static void look_after(Client *client, int64_t now) {
  if (client->end_at_ms != 0 && now >= client->end_at_ms) {
    client->end_at_ms = 0;
    client_end(client, ERROR_SHUTDOWN, client->end_reason);
  } else if (is_idle_too_long(client, now)) {
    client_end(client, ERROR_SESSION_IDLE, "the session was idle for too long");
  }
}

/* Calls act for each client, which it may free. */
static void for_each(Proxy *proxy, void (*act)(Client *client, int64_t now), int64_t now) {
  Client *next = NULL;
  for (Client *client = TAILQ_FIRST(&proxy->clients); client != NULL; client = next) {
    next = TAILQ_NEXT(client, link);
    act(client, now);
  }
}

static void end_for_good(Client *client, int64_t now) {
  (void)now;
  client_end(client, ERROR_SHUTDOWN, "Bough's proxy is stopped");
}

static void drain_on(Proxy *proxy, int64_t now) {
  if (now >= proxy->drain_until_ms)
    for_each(proxy, end_for_good, now);
  bool told = control_untold(proxy->control) + ends_waiting(proxy->ends) == 0 ||
              now >= proxy->drain_until_ms + 1000;
  if (proxy->client_count == 0 && told)
    (void)event_base_loopexit(proxy->base, NULL);
}

void sessions_tick(Proxy *proxy) {
  int64_t now = clock_monotonic_ms();
  proxy->ticks++;
  salts_want(proxy->salts);
  for_each(proxy, look_after, now);
  if (proxy->ticks % REPORT_EVERY == 0) {
    report(proxy);
    tell_untold(proxy);
    verifier_cache_sweep(proxy->verifiers, now);
  }
  if (proxy->ticks % SWEEP_EVERY == 0)
    limits_sweep(proxy->limits, now);
  if (proxy->drain_until_ms != 0)
    drain_on(proxy, now);
}

void sessions_drain(Proxy *proxy, int64_t limit_ms) {
  int64_t until = clock_monotonic_ms() + limit_ms;
  if (proxy->drain_until_ms != 0 && until >= proxy->drain_until_ms)
    return;
  log_info("draining %zu clients", proxy->client_count);
  proxy->drain_until_ms = until;
  listener_free(proxy->listener);
  proxy->listener = NULL;
}

/* Pushes */

static bool matches(const char *wanted, const char *has) {
  return wanted == NULL || str_equal(wanted, has);
}

static bool is_meant(const Client *client, const json_t *params) {
  const char *principal = json_string_or(params, "principal", NULL);
  const char *endpoint = json_string_or(params, "endpoint", NULL);
  const char *session = json_string_or(params, "session", NULL);
  if (principal == NULL && endpoint == NULL && session == NULL)
    return false; /* a mistake should not end everybody's session */
  return matches(principal, client->principal) && matches(session, client->session) &&
         matches(endpoint, client->route != NULL ? client->route->endpoint : NULL);
}

static void push_terminate(Proxy *proxy, const json_t *params) {
  int64_t grace = json_integer_or(params, "grace_ms", 0);
  int64_t now = clock_monotonic_ms();
  int64_t at = now + (grace < 0 ? 0 : grace > GRACE_LIMIT_MS ? GRACE_LIMIT_MS : grace);
  const char *principal = json_string_or(params, "principal", NULL);
  if (principal != NULL)
    verifier_cache_forget(proxy->verifiers, principal);
  Client *client = NULL;
  TAILQ_FOREACH(client, &proxy->clients, link) {
    if (!is_meant(client, params) || (client->end_at_ms != 0 && client->end_at_ms <= at))
      continue;
    client->end_at_ms = at;
    str_free(client->end_reason);
    client->end_reason =
        str_dup(json_string_or(params, "reason", "terminating connection by the platform"));
  }
  for_each(proxy, look_after, now);
}

static void push_invalidate(Proxy *proxy, const json_t *params) {
  route_cache_forget(proxy->routes, json_string_or(params, "endpoint", NULL));
}

static void push_drain(Proxy *proxy, const json_t *params) {
  sessions_drain(proxy, json_integer_or(params, "limit_ms", 0));
}

void sessions_push(Proxy *proxy, const char *name, const json_t *params) {
  static const struct {
    const char *name;
    void (*act)(Proxy *proxy, const json_t *params);
  } pushes[] = {
      {"invalidate", push_invalidate},
      {"terminate", push_terminate},
      {"drain", push_drain},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(pushes); at++)
    if (str_equal(name, pushes[at].name)) {
      pushes[at].act(proxy, params);
      return;
    }
  log_warning("boughd pushes \"%.40s\", which is not known here", name);
}
