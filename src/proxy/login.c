/* Drives a client through the phases of its login. */
#include "proxy/login.h"

#include <string.h>

enum {
  DEADLINE_SECONDS = 30, /* until the password is proved; entry.c has its own */
  INPUT_LIMIT = 16 * 1024,
};

typedef Progress PhaseHandler(Client *client);

static PhaseHandler *const handlers[PHASE_COUNT_] = {
    [PHASE_OPENING] = opening_advance,
    [PHASE_TLS] = opening_handshake,
    [PHASE_FIRST] = password_read_first,
    [PHASE_FINAL] = password_read_final,
};

static void on_deadline(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Client *client = context;
  Error failure = ERROR_INIT;
  if (client->route != NULL) { /* it is let in, and its compute doesn't answer */
    (void)error_set(&failure, ERROR_COMPUTE_TIMEOUT, "the branch's postgres does not answer");
    (void)error_hint(&failure, "try again, and see `bough endpoint show`");
  } else {
    (void)error_set(&failure, ERROR_TIMEOUT, "the login took longer than %d seconds",
                    DEADLINE_SECONDS);
  }
  client_refuse_told(client, &failure);
}

void login_consume(Login *login, size_t length) {
  memmove(login->input.text, login->input.text + length, login->input.length - length);
  login->input.length -= length;
}

void login_advance(Client *client) {
  for (;;) {
    PhaseHandler *handler = handlers[client->login->phase];
    if (handler == NULL || handler(client) != PROGRESS_AGAIN)
      return;
  }
}

/* Reads what there is room for; false when the client was ended. */
static bool read_input(Client *client) {
  Login *login = client->login;
  char bytes[INPUT_LIMIT];
  size_t room = INPUT_LIMIT - login->input.length;
  if (room == 0)
    return true;
  ssize_t count = stream_read(client->stream, bytes, room);
  if (count == STREAM_END || count == STREAM_FAILED) {
    client_free(client, "client closed");
    return false;
  }
  if (count > 0)
    buffer_add(&login->input, bytes, (size_t)count);
  if (login->input.length == INPUT_LIMIT)
    stream_want_read(client->stream, false); /* enough until the server takes it */
  return true;
}

static void on_event(void *context, short what) {
  Client *client = context;
  Login *login = client->login;
  if (what == EV_WRITE)
    stream_want_write(client->stream, false);
  if (login->phase == PHASE_OPENING && login->input.length == 0 && !opening_peek(client))
    return;
  if (login->phase != PHASE_TLS && !read_input(client))
    return;
  login_advance(client);
}

Login *login_new(Client *client) {
  struct timeval limit = {.tv_sec = DEADLINE_SECONDS};
  Login *login = mem_new(1, sizeof *login);
  login->proxy = client->proxy;
  login->deadline = evtimer_new(client->proxy->base, on_deadline, client);
  (void)event_add(login->deadline, &limit);
  stream_listen(client->stream, on_event, client);
  stream_want_read(client->stream, true);
  return login;
}

void login_free(Login *login) {
  if (login == NULL)
    return;
  if (login->call != 0)
    control_forget(login->proxy->control, login->call);
  entry_forget(login);
  event_free(login->deadline);
  if (login->pause != NULL)
    event_free(login->pause);
  buffer_release(&login->input);
  buffer_release(&login->words);
  startup_release(&login->startup);
  options_release(&login->options);
  str_free(login->server_name_endpoint);
  scram_free(login->scram);
  verifier_free(login->verifier);
  str_free(login->token);
  target_release(&login->target);
  str_free(login->route_key);
  route_free(login->expected);
  mem_free(login);
}
