/* The way to the branch: boughd names the compute and wakes it, postgres lets the session in. */
#include "core/clock.h"
#include "proxy/login.h"
#include "proxy/session.h"

enum {
  RETRY_FIRST_MS = 20,
  RETRY_LAST_MS = 500,
};

/* A question for a route outlives its client: boughd has recorded a session by then. */
struct RouteAsk {
  Proxy *proxy;
  Client *client; /* NULL: gone */
};

static void ask_route(Client *client);

static void refuse(Client *client, ErrorCode code, const char *text, const char *hint) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, code, "%s", text);
  (void)error_hint(&failure, "%s", hint);
  client_refuse_told(client, &failure);
}

/* Server */

static void on_server(void *context, ServerOutcome outcome, const Error *failure);

static void forget_server(Login *login) {
  server_free(STEAL(login->server));
  route_free(STEAL(login->expected));
  login->server_done = false;
}

static void open_server(Client *client, const Route *route) {
  Login *login = client->login;
  AUTO_RELEASE(buffer_release) Buffer packet = {0};
  forget_server(login);
  startup_add(&packet, &login->startup, route->role, route->database, login->options.rest);
  login->expected = route_copy(route);
  login->server = server_open(client->proxy->base, route->socket, &packet, &client->public_key,
                              on_server, client);
}

static void on_retry(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  ask_route(context);
}

/* The compute is not there although boughd said so a moment ago: it has stopped since. */
static void retry(Client *client) {
  Login *login = client->login;
  forget_server(login);
  route_cache_forget(client->proxy->routes, client->route->endpoint);
  if (clock_monotonic_ms() + login->retry_ms >= login->give_up_ms) {
    refuse(client, ERROR_COMPUTE_TIMEOUT, "the branch's postgres does not take connections",
           "try again, and see `bough endpoint show`");
    return;
  }
  struct timeval wait = {.tv_usec = login->retry_ms * 1000};
  if (login->pause != NULL)
    event_free(login->pause);
  login->pause = evtimer_new(client->proxy->base, on_retry, client);
  (void)event_add(login->pause, &wait);
  login->retry_ms = login->retry_ms * 2 < RETRY_LAST_MS ? login->retry_ms * 2 : RETRY_LAST_MS;
}

static void start_relay(Client *client) {
  Login *login = client->login;
  AUTO_RELEASE(buffer_release) Buffer greeting = *server_greeting(login->server);
  *server_greeting(login->server) = (Buffer){0};
  const CancelKey key = *server_key(login->server);
  client_start_relay(client, server_take_stream(login->server), &greeting, &key);
}

/* Postgres has its own reason, such as a database that isn't there. */
static void pass_refusal(Client *client) {
  Error failure = ERROR_INIT;
  Login *login = client->login;
  login->words = *server_greeting(login->server);
  *server_greeting(login->server) = (Buffer){0};
  (void)error_set(&failure, ERROR_SQL, "the branch's postgres refused the session");
  client_refuse_told(client, &failure);
}

/* Goes on when both are there: boughd's answer and what postgres said. */
static void join(Client *client) {
  Login *login = client->login;
  if (client->route == NULL || !login->server_done)
    return;
  Error failure = login->failure;
  switch (login->server_outcome) {
  case SERVER_READY:
    start_relay(client);
    return;
  case SERVER_AWAY:
    retry(client);
    return;
  case SERVER_REFUSED:
    pass_refusal(client);
    return;
  case SERVER_BROKEN:
    client_refuse_told(client, &failure);
    return;
  }
}

static void on_server(void *context, ServerOutcome outcome, const Error *failure) {
  Client *client = context;
  Login *login = client->login;
  login->server_done = true;
  login->server_outcome = outcome;
  if (failure != NULL)
    login->failure = *failure;
  join(client);
}

/* Route */

/* A compute that takes the connection and says nothing would hold its client for ever. */
static void limit_silence(Client *client) {
  int64_t left = client->login->give_up_ms - clock_monotonic_ms();
  struct timeval limit = {.tv_sec = left > 0 ? left / 1000 + 1 : 1};
  (void)event_add(client->login->deadline, &limit);
}

static void take_route(Client *client, const json_t *result) {
  Login *login = client->login;
  Route *route = NULL;
  Error failure = ERROR_INIT;
  str_free(client->session);
  client->session = str_dup(json_string_or(result, "session", ""));
  if (!route_read(result, login->target.database, &route, &failure) ||
      !client_take_endpoint(client, route, &failure)) {
    client_refuse_told(client, &failure);
    return;
  }
  route_cache_put(client->proxy->routes, login->route_key, route, clock_monotonic_ms());
  if (login->server == NULL || !route_same(login->expected, route) ||
      (login->server_done && login->server_outcome != SERVER_READY))
    open_server(client, route); /* the guess was wrong, or came too early */
  limit_silence(client);
  join(client);
}

/* What boughd refuses it has recorded; that it hasn't answered in time it can't know. */
static bool is_ours(const Client *client, const Error *failure) {
  return failure->code == ERROR_STARTING || (failure->code == ERROR_COMPUTE_TIMEOUT &&
                                             clock_monotonic_ms() >= client->login->give_up_ms);
}

static void on_route(void *context, const json_t *result, const Error *failure) {
  RouteAsk *ask = context;
  Client *client = ask->client;
  const char *session = json_string_or(result, "session", NULL);
  if (client == NULL && session != NULL)
    session_tell_unused(ask->proxy, session);
  mem_free(ask);
  if (client == NULL)
    return;
  client->login->ask = NULL;
  if (failure == NULL)
    take_route(client, result);
  else if (is_ours(client, failure))
    client_refuse_told(client, failure);
  else
    client_refuse(client, failure);
}

static void ask_route(Client *client) {
  Login *login = client->login;
  int64_t left = login->give_up_ms - clock_monotonic_ms();
  json_t *params = json_pack(
      "{s:s, s:s, s:s, s:s*, s:s*, s:s, s:s, s:s, s:b, s:s*, s:b}", "principal", client->principal,
      "token", login->token, "user", login->startup.user, "endpoint", login->target.endpoint,
      "branch", login->target.branch, "database", login->target.database, "source", client->source,
      "application_name", login->startup.application_name, "tls", client->stream->ssl != NULL,
      "session", client->session, "retry", client->session != NULL);
  RouteAsk *ask = mem_new(1, sizeof *ask);
  *ask = (RouteAsk){.proxy = client->proxy, .client = client};
  login->ask = ask;
  (void)control_ask(client->proxy->control, "route", params, left > 1 ? (int)left : 1, on_route,
                    ask);
}

static bool resolve(Client *client, Error *err) {
  Login *login = client->login;
  if (!client_take_principal(client, verifier_principal(login->verifier), err) ||
      !target_resolve(login->server_name_endpoint, login->options.endpoint, login->startup.database,
                      &login->target, err))
    return false;
  const Target *target = &login->target;
  login->route_key = str_format("%s\n%s\n%s\n%s", client->principal,
                                target->endpoint != NULL ? target->endpoint : "",
                                target->branch != NULL ? target->branch : "", target->database);
  return true;
}

void entry_start(Client *client) {
  Login *login = client->login;
  Error failure = ERROR_INIT;
  login->phase = PHASE_WAIT;
  if (!resolve(client, &failure)) {
    client_refuse_told(client, &failure);
    return;
  }
  int64_t now = clock_monotonic_ms();
  login->give_up_ms = now + (int64_t)client->proxy->settings.wake_seconds * 1000;
  login->retry_ms = RETRY_FIRST_MS;
  const Route *guess = route_cache_find(client->proxy->routes, login->route_key, now);
  if (guess != NULL)
    open_server(client, guess); /* which takes longer than the answer */
  ask_route(client);
}

void entry_forget(Login *login) {
  if (login->ask != NULL)
    login->ask->client = NULL;
  login->ask = NULL;
  forget_server(login);
}
