/* The first packets: TLS or not, a cancel request, or the start of a login. */
#include "proxy/canceller.h"
#include "proxy/login.h"

#include "core/clock.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

enum { TLS_HANDSHAKE = 0x16 };

static Progress refuse(Client *client, const Error *failure) {
  client_refuse_told(client, failure);
  return PROGRESS_GONE;
}

static Progress refuse_protocol(Client *client, const char *text) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_PROTOCOL, "%s", text);
  return refuse(client, &failure);
}

/* TLS */

static bool start_tls(Client *client) {
  client->stream->ssl = tls_accept(client->proxy->tls, client->stream->fd);
  if (client->stream->ssl == NULL) {
    client_free(client, NULL);
    return false;
  }
  client->login->phase = PHASE_TLS;
  return true;
}

bool opening_peek(Client *client) {
  unsigned char first = 0;
  if (client->stream->ssl != NULL || recv(client->stream->fd, &first, 1, MSG_PEEK) != 1 ||
      first != TLS_HANDSHAKE)
    return true;
  client->login->at_once = true;
  return start_tls(client);
}

static Progress finish_handshake(Client *client) {
  Login *login = client->login;
  const SSL *ssl = client->stream->ssl;
  login->phase = PHASE_OPENING;
  if (login->at_once && !tls_has_alpn(ssl))
    return refuse_protocol(client, "TLS without SSLRequest needs ALPN \"postgresql\"");
  login->server_name_endpoint = target_endpoint_of_server_name(
      SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), client->proxy->settings.domain);
  return PROGRESS_MORE;
}

Progress opening_handshake(Client *client) {
  SSL *ssl = client->stream->ssl;
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  if (result == 1)
    return finish_handshake(client);
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return PROGRESS_MORE;
  case SSL_ERROR_WANT_WRITE:
    stream_want_write(client->stream, true);
    return PROGRESS_MORE;
  default: /* gently, so that the alert arrives */
    stream_close_gently(STEAL(client->stream));
    client_free(client, NULL);
    return PROGRESS_GONE;
  }
}

/* One byte of an answer. What came behind the request was sent before it could be read: by somebody
 * in the middle, who wants it to be taken for what comes under encryption. */
static bool answer_wish(Client *client, char answer) {
  Login *login = client->login;
  if (login->input.length > 8) {
    (void)refuse_protocol(client, "received unencrypted data after encryption request");
    return false;
  }
  buffer_clear(&login->input);
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  buffer_add(&bytes, &answer, 1);
  return client_send(client, &bytes);
}

static Progress wish_tls(Client *client) {
  if (client->stream->ssl != NULL)
    return refuse_protocol(client, "TLS is asked for twice");
  return answer_wish(client, 'S') && start_tls(client) ? PROGRESS_MORE : PROGRESS_GONE;
}

static Progress wish_gss(Client *client) {
  if (client->stream->ssl != NULL || client->login->asked_gss)
    return refuse_protocol(client, "GSS encryption is asked for at the wrong time");
  client->login->asked_gss = true;
  return answer_wish(client, 'N') ? PROGRESS_MORE : PROGRESS_GONE;
}

/* Cancel */

static const Client *find_by_key(const Proxy *proxy, const CancelKey *key) {
  const Client *client = NULL;
  const Client *found = NULL;
  TAILQ_FOREACH(client, &proxy->clients, link) {
    if (client->relay != NULL && mem_equal_constant_time(&client->public_key, key, sizeof *key))
      found = client;
  }
  return found;
}

/* Nothing is answered, as the protocol has it; whoever guesses is soon not even looked at. */
static Progress cancel(Client *client) {
  Proxy *proxy = client->proxy;
  const CancelKey key = client->login->startup.cancel;
  bool may = throttle_take_ms(proxy->limits, THROTTLE_CANCEL, client->source_key,
                              clock_monotonic_ms()) >= 0;
  const Client *session = may ? find_by_key(proxy, &key) : NULL;
  if (session != NULL) {
    throttle_give(proxy->limits, THROTTLE_CANCEL, client->source_key);
    canceller_send(proxy->base, session->route->socket, &session->server_key,
                   STEAL(client->stream));
  }
  client_free(client, NULL);
  return PROGRESS_GONE;
}

/* Session */

static Progress start_session(Client *client) {
  Login *login = client->login;
  Error failure = ERROR_INIT;
  if (client->proxy->settings.tls_required && client->stream->ssl == NULL) {
    (void)error_set(&failure, ERROR_UNAUTHENTICATED, "connections without TLS are refused");
    (void)error_hint(&failure, "use sslmode=require or stronger");
    return refuse(client, &failure);
  }
  if (!options_read(login->startup.options, &login->options, &failure))
    return refuse(client, &failure);
  password_start(client);
  return PROGRESS_GONE; /* it may be; and nothing can have come yet */
}

static Progress take_packet(Client *client) {
  switch (client->login->startup.kind) {
  case STARTUP_SSL:
    return wish_tls(client);
  case STARTUP_GSS:
    return wish_gss(client);
  case STARTUP_CANCEL:
    return cancel(client);
  case STARTUP_SESSION:
    return start_session(client);
  }
  return PROGRESS_GONE;
}

Progress opening_advance(Client *client) {
  Login *login = client->login;
  Error failure = ERROR_INIT;
  size_t size = 0;
  if (!startup_size(login->input.text, login->input.length, &size, &failure))
    return refuse(client, &failure);
  if (size == 0 || login->input.length < size)
    return PROGRESS_MORE;
  if (!startup_read(login->input.text, size, &login->startup, &failure))
    return refuse(client, &failure);
  if (login->startup.kind == STARTUP_SESSION)
    login_consume(login, size);
  return take_packet(client);
}
