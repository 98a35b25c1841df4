/* Proves a client's password: SASL messages to and from the client, the verifier from boughd. */
#include "core/clock.h"
#include "proxy/login.h"
#include "proxy/session.h"

#include <string.h>

enum { VERIFIER_LIMIT_MS = 10000, REFUSAL_BEAT_MS = 250 };

enum { AUTH_OK = 0, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

static Progress refuse(Client *client, const Error *failure) {
  client_refuse_told(client, failure);
  return PROGRESS_GONE;
}

static void add_authentication(Buffer *out, uint32_t kind, const Buffer *data) {
  size_t start = message_begin(out, 'R');
  wire_add_u32(out, kind);
  buffer_add(out, data->text, data->length);
  message_end(out, start);
}

static bool send_authentication(Client *client, uint32_t kind, const Buffer *data) {
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  add_authentication(&out, kind, data);
  return client_send(client, &out);
}

static void judge(Client *client);

static void on_verifier(void *context, const json_t *result, const Error *failure) {
  Client *client = context;
  Error unreadable = ERROR_INIT;
  client->login->call = 0;
  if (failure != NULL)
    client_refuse(client, failure);
  else if (!verifier_read(result, &client->login->verifier, &unreadable))
    client_refuse(client, &unreadable);
  else
    judge(client);
}

static void ask_verifier(Client *client) {
  Login *login = client->login;
  login->asked_ms = clock_monotonic_ms();
  login->call = control_ask(client->proxy->control, "verifier",
                            json_pack("{s:s}", "user", login->startup.user), VERIFIER_LIMIT_MS,
                            on_verifier, client);
}

/* The challenge doesn't wait for the verifier, which comes while the client works on its proof. It
 * is asked for first: where cores are few, the client takes the one that this runs on. */
static Progress send_challenge(Client *client) {
  Login *login = client->login;
  const Proxy *proxy = client->proxy;
  char nonce[SCRAM_NONCE_SIZE];
  unsigned iterations = 0;
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  if (!login->first_read || !salts_known(proxy->salts))
    return PROGRESS_MORE;
  AUTO(str_free) char *salt = salts_of(proxy->salts, login->startup.user, &iterations);
  scram_nonce(nonce);
  scram_add_challenge(login->scram, nonce, salt, iterations, &text);
  login->phase = PHASE_FINAL;
  login->challenged_ms = clock_monotonic_ms();
  login->verifier =
      verifier_cache_find(proxy->verifiers, login->startup.user, login->challenged_ms);
  login->is_recent = login->verifier != NULL;
  if (!login->is_recent)
    ask_verifier(client);
  return send_authentication(client, AUTH_SASL_CONTINUE, &text) ? PROGRESS_AGAIN : PROGRESS_GONE;
}

static bool waits_for_challenge(const Client *client) {
  const Login *login = client->login;
  return login != NULL && login->phase == PHASE_FIRST && login->first_read;
}

void login_challenge_all(Proxy *proxy, const Error *failure) {
  Client *next = NULL;
  for (Client *client = TAILQ_FIRST(&proxy->clients); client != NULL; client = next) {
    next = TAILQ_NEXT(client, link); /* a client may be ended */
    if (!waits_for_challenge(client))
      continue;
    if (failure != NULL)
      client_refuse(client, failure);
    else if (send_challenge(client) == PROGRESS_AGAIN)
      login_advance(client);
  }
}

void password_start(Client *client) {
  Login *login = client->login;
  AUTO_RELEASE(buffer_release) Buffer mechanisms = {0};
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  size_t length = 0;
  const uint8_t *binding = tls_binding(client->proxy->tls, &length);
  login->scram = scram_new(client->stream->ssl != NULL ? binding : NULL, length);
  scram_add_mechanisms(login->scram, &mechanisms);
  startup_add_negotiation(&out, &login->startup);
  add_authentication(&out, AUTH_SASL, &mechanisms);
  login->phase = PHASE_FIRST;
  if (client_send(client, &out))
    login_advance(client);
}

/* Reading */

/* The next message, which must be one of SASL: a second startup packet starts with a zero byte. */
static Progress next_message(Client *client, Message *ret) {
  Login *login = client->login;
  Error failure = ERROR_INIT;
  if (login->input.length > 0 && login->input.text[0] != 'p') {
    (void)error_set(&failure, ERROR_PROTOCOL, "expected SASL response, got message type %d",
                    (unsigned char)login->input.text[0]);
    return refuse(client, &failure);
  }
  if (!message_read(login->input.text, login->input.length, SCRAM_MESSAGE_LIMIT, ret, &failure))
    return refuse(client, &failure);
  return ret->size > 0 ? PROGRESS_AGAIN : PROGRESS_MORE;
}

/* SASLInitialResponse: the mechanism's name, a length, the first message. */
static bool read_initial(Login *login, const Message *message, Error *err) {
  const char *end = memchr(message->body, '\0', message->length);
  size_t name = end != NULL ? (size_t)(end - message->body) + 1 : message->length;
  if (message->length - name < 4 || wire_u32(message->body + name) != message->length - name - 4)
    return error_set(err, ERROR_PROTOCOL, "malformed SASL response");
  return scram_read_first(login->scram, message->body, message->body + name + 4,
                          message->length - name - 4, err);
}

Progress password_read_first(Client *client) {
  Login *login = client->login;
  Message message;
  Error failure = ERROR_INIT;
  if (login->first_read)
    return PROGRESS_MORE; /* until it can be challenged, nothing is expected */
  Progress progress = next_message(client, &message);
  if (progress != PROGRESS_AGAIN)
    return progress;
  if (!read_initial(login, &message, &failure))
    return refuse(client, &failure);
  login_consume(login, message.size);
  login->first_read = true;
  return send_challenge(client);
}

/* Deciding */

static void pause_for(Client *client, int64_t wait_ms, event_callback_fn then) {
  struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
  if (client->login->pause != NULL)
    event_free(client->login->pause);
  client->login->pause = evtimer_new(client->proxy->base, then, client);
  (void)event_base_update_cache_time(client->proxy->base); /* from now on, not from its last wake */
  (void)event_add(client->login->pause, &wait);
}

static void on_refusal(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Client *client = context;
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_WRONG_PASSWORD,
                  "password authentication failed for user \"%.255s\"",
                  client->login->startup.user);
  client_refuse_told(client, &failure);
}

/* On the beat, counted from the challenge: how long it took to look a name up, or that one didn't
 * have to, would tell who is known here. */
static void refuse_password(Client *client) {
  int64_t elapsed = clock_monotonic_ms() - client->login->challenged_ms;
  pause_for(client, REFUSAL_BEAT_MS - elapsed % REFUSAL_BEAT_MS, on_refusal);
}

static char *user_key(const Client *client) {
  return str_format("%s %s", client->source_key, client->login->startup.user);
}

static void accept_password(Client *client, const ScramKey *key) {
  Login *login = client->login;
  AUTO(str_free) char *both = user_key(client);
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  throttle_give(client->proxy->limits, THROTTLE_SOURCE, client->source_key);
  throttle_give(client->proxy->limits, THROTTLE_USER, both);
  scram_add_final(login->scram, key, &text);
  if (!login->is_recent)
    verifier_cache_put(client->proxy->verifiers, login->startup.user, login->verifier,
                       login->asked_ms);
  (void)event_del(login->deadline);
  client_leave_login(client);
  if (send_authentication(client, AUTH_SASL_FINAL, &text))
    entry_start(client);
}

static void decide(Client *client) {
  Login *login = client->login;
  const char *token = NULL;
  const ScramKey *key = NULL;
  if (!verifier_match(login->verifier, login->scram, clock_wall_us(), &token, &key)) {
    refuse_password(client);
    return;
  }
  login->token = str_dup(token);
  accept_password(client, key);
}

static void on_pause_over(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  decide(context);
}

static int64_t throttle(Client *client) {
  Limits *limits = client->proxy->limits;
  int64_t now = clock_monotonic_ms();
  AUTO(str_free) char *both = user_key(client);
  int64_t source_wait = throttle_take_ms(limits, THROTTLE_SOURCE, client->source_key, now);
  int64_t user_wait = source_wait < 0 ? -1 : throttle_take_ms(limits, THROTTLE_USER, both, now);
  if (source_wait >= 0 && user_wait < 0)
    throttle_give(limits, THROTTLE_SOURCE, client->source_key);
  return source_wait < 0 || user_wait < 0 ? -1 : source_wait > user_wait ? source_wait : user_wait;
}

static bool fits(const Login *login) {
  const char *token = NULL;
  const ScramKey *key = NULL;
  return verifier_match(login->verifier, login->scram, clock_wall_us(), &token, &key);
}

/* There may be a token more by now. */
static void ask_again(Client *client) {
  client->login->is_recent = false;
  verifier_free(STEAL(client->login->verifier));
  ask_verifier(client);
}

/* When both are there, the client's proof and its verifier: what counts as a failure until it is
 * none must not wait for boughd, or many who log in at once are taken for somebody who guesses.
 * Right and wrong ones wait alike, or the wait would tell. */
static void judge(Client *client) {
  Error failure = ERROR_INIT;
  const Login *login = client->login;
  if (!login->proved || login->verifier == NULL)
    return;
  if (login->is_recent && !fits(login)) {
    ask_again(client);
    return;
  }
  int64_t wait = throttle(client);
  if (wait < 0) {
    (void)error_set(&failure, ERROR_CONNECTIONS, "too many failed logins from %s", client->source);
    (void)error_hint(&failure, "wait a few seconds");
    client_refuse_told(client, &failure);
  } else if (wait == 0) {
    decide(client);
  } else {
    pause_for(client, wait, on_pause_over);
  }
}

Progress password_read_final(Client *client) {
  Login *login = client->login;
  Message message;
  Error failure = ERROR_INIT;
  Progress progress = next_message(client, &message);
  if (progress != PROGRESS_AGAIN)
    return progress;
  if (!scram_read_final(login->scram, message.body, message.length, &failure))
    return refuse(client, &failure);
  login_consume(login, message.size);
  login->phase = PHASE_WAIT;
  login->proved = true;
  judge(client);
  return PROGRESS_GONE;
}
