/* A client's life: what it holds, and how it ends. */
#include "proxy/client.h"

#include "core/clock.h"
#include "core/log.h"
#include "proxy/canceller.h"
#include "proxy/login.h"
#include "proxy/session.h"
#include "wire/error_response.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { REFUSED_LIMIT_MS = 2000 };

/* A client that has vanished is found out within three minutes: its session keeps a branch awake.
 */
static void set_socket_options(int fd) {
  static const struct {
    int level, name, value;
  } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                 {SOL_SOCKET, SO_KEEPALIVE, 1},
                 {IPPROTO_TCP, TCP_KEEPIDLE, 120},
                 {IPPROTO_TCP, TCP_KEEPINTVL, 15},
                 {IPPROTO_TCP, TCP_KEEPCNT, 4}};
  for (size_t at = 0; at < ARRAY_LENGTH(options); at++)
    (void)setsockopt(fd, options[at].level, options[at].name, &options[at].value,
                     sizeof options[at].value);
}

/* 63 random bits: some drivers take the process number for a signed one. */
static CancelKey new_key(void) {
  CancelKey key;
  do {
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
      abort();
    key.pid &= INT32_MAX;
  } while (key.pid == 0);
  return key;
}

/* Places */

static bool take_places(Client *client, Error *err) {
  Proxy *proxy = client->proxy;
  const Settings *settings = &proxy->settings;
  if (proxy->client_count > settings->clients)
    return error_set(err, ERROR_CONNECTIONS, "too many connections");
  if (!limits_take(proxy->limits, LIMIT_SOURCE, client->source_key, settings->clients_per_source))
    return error_set(err, ERROR_CONNECTIONS, "too many connections from %s", client->source);
  client->has_source = true;
  if (!limits_take(proxy->limits, LIMIT_LOGIN, client->source_key, settings->logins_per_source))
    return error_set(err, ERROR_CONNECTIONS, "too many logins at once from %s", client->source);
  client->has_login = true;
  return true;
}

static void give_place(Client *client, bool *has, LimitKind kind, const char *key) {
  if (*has)
    limits_give(client->proxy->limits, kind, key);
  *has = false;
}

void client_leave_login(Client *client) {
  give_place(client, &client->has_login, LIMIT_LOGIN, client->source_key);
}

bool client_take_principal(Client *client, const char *principal, Error *err) {
  client->principal = str_dup(principal);
  client->has_principal = limits_take(client->proxy->limits, LIMIT_PRINCIPAL, principal,
                                      client->proxy->settings.clients_per_principal);
  return client->has_principal ||
         error_set(err, ERROR_CONNECTIONS, "too many connections of \"%.80s\"", principal);
}

void client_leave_endpoint(Client *client) {
  if (client->route != NULL)
    give_place(client, &client->has_endpoint, LIMIT_ENDPOINT, client->route->endpoint);
  route_free(client->route);
  client->route = NULL;
}

bool client_take_endpoint(Client *client, Route *route, Error *err) {
  client_leave_endpoint(client);
  client->route = route;
  client->has_endpoint =
      limits_take(client->proxy->limits, LIMIT_ENDPOINT, route->endpoint,
                  route->connections_limit > 0 ? route->connections_limit : UINT_MAX);
  return client->has_endpoint ||
         error_set(err, ERROR_CONNECTIONS, "too many connections to branch \"%.80s\"",
                   route->branch);
}

/* Life */

void client_accept(Proxy *proxy, int fd, const struct sockaddr *address) {
  Client *client = mem_new(1, sizeof *client);
  Error failure = ERROR_INIT;
  set_socket_options(fd);
  client->proxy = proxy;
  client->stream = stream_new(proxy->base, fd);
  client->public_key = new_key();
  client->started_ms = client->active_ms = clock_monotonic_ms();
  source_text(address, client->source);
  source_key(address, client->source_key);
  TAILQ_INSERT_TAIL(&proxy->clients, client, link);
  proxy->client_count++;
  client->login = login_new(client);
  if (!take_places(client, &failure))
    client_refuse_told(client, &failure);
}

void client_free(Client *client, const char *reason) {
  Proxy *proxy = client->proxy;
  if (client->session != NULL)
    session_tell_end(client, reason);
  login_free(client->login);
  relay_free(client->relay);
  stream_free(client->stream);
  client_leave_login(client);
  give_place(client, &client->has_source, LIMIT_SOURCE, client->source_key);
  if (client->principal != NULL)
    give_place(client, &client->has_principal, LIMIT_PRINCIPAL, client->principal);
  client_leave_endpoint(client);
  TAILQ_REMOVE(&proxy->clients, client, link);
  proxy->client_count--;
  str_free(client->principal);
  str_free(client->session);
  str_free(client->end_reason);
  mem_free(client);
}

bool client_send(Client *client, const Buffer *bytes) {
  ssize_t count = stream_write(client->stream, bytes->text, bytes->length);
  if (count == (ssize_t)bytes->length)
    return true;
  client_free(client, "client doesn't read");
  return false;
}

void client_refuse(Client *client, const Error *failure) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  const Buffer *words = &client->login->words;
  if (words->length == 0)
    error_response_add(&bytes, failure);
  else
    buffer_add(&bytes, words->text, words->length);
  if (client->login->phase != PHASE_TLS)
    (void)stream_write(client->stream, bytes.text, bytes.length);
  stream_close_gently(STEAL(client->stream));
  client_free(client, error_info(failure->code)->code);
}

static void on_told(void *context, const json_t *result, const Error *ignored) {
  (void)result;
  (void)ignored;
  Client *client = context;
  client->login->call = 0;
  Error failure = client->login->failure;
  client_refuse(client, &failure);
}

/* A flood of nonsense must not become a flood of records. */
static bool may_tell(const Client *client) {
  return throttle_take_ms(client->proxy->limits, THROTTLE_REPORT, client->source_key,
                          clock_monotonic_ms()) >= 0;
}

void client_refuse_told(Client *client, const Error *failure) {
  Login *login = client->login;
  entry_forget(login);
  if (login->call != 0)
    control_forget(client->proxy->control, login->call);
  login->call = 0;
  (void)event_del(login->deadline);
  if (login->pause != NULL)
    (void)event_del(login->pause);
  if (!may_tell(client)) {
    session_note_refused(client, failure);
    client_refuse(client, failure);
    return;
  }
  login->failure = *failure;
  login->phase = login->phase == PHASE_TLS ? PHASE_TLS : PHASE_WAIT;
  stream_want_read(client->stream, false);
  login->call = session_tell_refused(client, failure, REFUSED_LIMIT_MS, on_told);
}

/* Relay */

static void on_relay_done(void *context, RelayEnd end) {
  static const char *const reasons[] = {[RELAY_CLIENT_GONE] = "client closed",
                                        [RELAY_SERVER_GONE] = "postgres closed",
                                        [RELAY_SERVER_LOST] = "compute-lost",
                                        [RELAY_FINISHED] = "ended by the platform"};
  Client *client = context;
  if (end == RELAY_FINISHED) /* a statement that still runs must not go on without its session */
    canceller_send(client->proxy->base, client->route->socket, &client->server_key, NULL);
  if (end == RELAY_SERVER_LOST)
    route_cache_forget(client->proxy->routes, client->route->endpoint);
  client_free(client, end == RELAY_FINISHED && client->end_reason != NULL ? client->end_reason
                                                                          : reasons[end]);
}

void client_start_relay(Client *client, Stream *server, const Buffer *greeting,
                        const CancelKey *server_key) {
  client->server_key = *server_key;
  client->relay = relay_new(STEAL(client->stream), server, greeting, &client->login->input,
                            on_relay_done, client);
  client->active_ms = clock_monotonic_ms();
  login_free(STEAL(client->login));
}

void client_end(Client *client, ErrorCode code, const char *reason) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, code, "%.300s", reason);
  char *kept = str_dup(reason); /* reason may be end_reason itself */
  str_free(client->end_reason);
  client->end_reason = kept;
  if (client->relay != NULL)
    relay_finish(client->relay, &failure);
  else
    client_refuse(client, &failure);
}
