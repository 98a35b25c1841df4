/* Opens sessions on computes. */
#include "proxy/server.h"

#include "wire/error_response.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  GREETING_LIMIT = 1024 * 1024, /* notices of a login's settings are the most of it */
  BACKLOG_RETRY_MS = 5,
};

struct Server {
  struct event_base *base;
  struct sockaddr_un address;
  Stream *stream;
  struct event *later; /* connects, where that failed at first */
  Buffer packet;
  size_t sent;
  bool authenticated;
  Buffer input;
  Buffer greeting;
  CancelKey public_key;
  CancelKey key;
  Error failure;
  ServerDone *done;
  void *context;
};

void server_free(Server *server) {
  if (server == NULL)
    return;
  stream_free(server->stream);
  event_free(server->later);
  buffer_release(&server->packet);
  buffer_release(&server->input);
  buffer_release(&server->greeting);
  mem_free(server);
}

Buffer *server_greeting(Server *server) {
  return &server->greeting;
}

const CancelKey *server_key(const Server *server) {
  return &server->key;
}

Stream *server_take_stream(Server *server) {
  return STEAL(server->stream);
}

/* The owner may free the server in done: nothing touches it afterwards. */
static void finish(Server *server, ServerOutcome outcome) {
  if (server->stream != NULL) {
    stream_want_read(server->stream, false);
    stream_want_write(server->stream, false);
  }
  server->done(server->context, outcome, outcome == SERVER_BROKEN ? &server->failure : NULL);
}

/* What postgres says */

typedef enum Step { STEP_ON, STEP_READY, STEP_AWAY, STEP_REFUSED, STEP_BROKEN } Step;

static Step broken(Server *server, const char *what) {
  (void)error_set(&server->failure, ERROR_COMPUTE_FAILED, "the branch's postgres %s", what);
  return STEP_BROKEN;
}

static void keep(Server *server, const Message *message) {
  buffer_add(&server->greeting, message->body - MESSAGE_HEADER_SIZE, message->size);
}

static Step take_authentication(Server *server, const Message *message) {
  if (message->length != 4 || wire_u32(message->body) != 0)
    return broken(server, "asked for a password, which the platform doesn't give");
  server->authenticated = true;
  keep(server, message);
  return STEP_ON;
}

/* A server that starts or stops is waited for; any other refusal is the client's to read. */
static Step take_error(Server *server, const Message *message) {
  ErrorResponse said;
  error_response_read(message->body, message->length, &said);
  if (str_equal(said.sqlstate, "57P03") || str_equal(said.sqlstate, "57P01") ||
      str_equal(said.sqlstate, "57P02"))
    return STEP_AWAY;
  buffer_clear(&server->greeting);
  keep(server, message);
  return STEP_REFUSED;
}

static Step take_key(Server *server, const Message *message) {
  if (!cancel_read_key(message, &server->key, &server->failure))
    return STEP_BROKEN;
  cancel_add_key(&server->greeting, &server->public_key);
  return STEP_ON;
}

static Step take_message(Server *server, const Message *message) {
  if (message->type == 'E')
    return take_error(server, message);
  if (message->type == 'R')
    return take_authentication(server, message);
  if (!server->authenticated && message->type != 'N' && message->type != 'v')
    return broken(server, "answered before it let the platform in");
  switch (message->type) {
  case 'K':
    return take_key(server, message);
  case 'v': /* was said to the client already */
    return STEP_ON;
  case 'S':
  case 'N':
    keep(server, message);
    return STEP_ON;
  case 'Z':
    keep(server, message);
    return STEP_READY;
  default:
    return broken(server, "sent a message that doesn't belong to the start of a session");
  }
}

static Step take_messages(Server *server) {
  size_t at = 0;
  Step step = STEP_ON;
  while (step == STEP_ON) {
    Message message;
    if (!message_read(server->input.text + at, server->input.length - at, GREETING_LIMIT, &message,
                      &server->failure))
      return STEP_BROKEN;
    if (message.size == 0)
      break;
    step = take_message(server, &message);
    at += message.size;
    if (server->greeting.length > GREETING_LIMIT)
      return broken(server, "sent too much at the start of a session");
  }
  if (step == STEP_READY && at != server->input.length)
    return broken(server, "went on speaking when it was ready");
  memmove(server->input.text, server->input.text + at, server->input.length - at);
  server->input.length -= at;
  return step;
}

static void read_more(Server *server) {
  char bytes[16 * 1024];
  static const ServerOutcome outcomes[] = {[STEP_READY] = SERVER_READY,
                                           [STEP_AWAY] = SERVER_AWAY,
                                           [STEP_REFUSED] = SERVER_REFUSED,
                                           [STEP_BROKEN] = SERVER_BROKEN};
  ssize_t count = stream_read(server->stream, bytes, sizeof bytes);
  if (count == STREAM_AGAIN)
    return;
  if (count == STREAM_END || count == STREAM_FAILED) {
    finish(server, SERVER_AWAY);
    return;
  }
  buffer_add(&server->input, bytes, (size_t)count);
  Step step = take_messages(server);
  if (step != STEP_ON)
    finish(server, outcomes[step]);
}

/* Connecting */

/* Sends what there is room for; false when postgres has gone. */
static bool send_packet(Server *server) {
  ssize_t count = stream_write(server->stream, server->packet.text + server->sent,
                               server->packet.length - server->sent);
  if (count == STREAM_FAILED)
    return false;
  server->sent += (size_t)count;
  stream_want_write(server->stream, server->sent < server->packet.length);
  stream_want_read(server->stream, true);
  return true;
}

static void on_event(void *context, short what) {
  Server *server = context;
  if (what == EV_READ)
    read_more(server);
  else if (!send_packet(server))
    finish(server, SERVER_AWAY);
}

static void do_later(Server *server, int delay_ms) {
  struct timeval delay = {.tv_usec = delay_ms * 1000};
  (void)event_add(server->later, &delay);
}

typedef enum Reached {
  REACHED,
  REACHED_FULL, /* postgres's queue is */
  REACHED_NOBODY,
  REACHED_NOT, /* failure is set */
} Reached;

/* Unix sockets connect at once or not at all: EAGAIN says that postgres's queue is full. */
static Reached reach(Server *server) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    (void)error_set_errno(&server->failure, errno, "could not make a socket");
    return REACHED_NOT;
  }
  if (connect(fd, (const struct sockaddr *)&server->address, sizeof server->address) != 0) {
    bool full = errno == EAGAIN;
    (void)close(fd);
    return full ? REACHED_FULL : REACHED_NOBODY;
  }
  server->stream = stream_new(server->base, fd);
  stream_listen(server->stream, on_event, server);
  return send_packet(server) ? REACHED : REACHED_NOBODY;
}

static void try_connect(Server *server) {
  stream_free(STEAL(server->stream));
  switch (reach(server)) {
  case REACHED:
    return;
  case REACHED_FULL:
    do_later(server, BACKLOG_RETRY_MS);
    return;
  case REACHED_NOBODY:
    finish(server, SERVER_AWAY);
    return;
  case REACHED_NOT:
    finish(server, SERVER_BROKEN);
    return;
  }
}

static void on_later(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  try_connect(context);
}

Server *server_open(struct event_base *base, const char *socket, Buffer *packet,
                    const CancelKey *public_key, ServerDone *done, void *context) {
  Server *server = mem_new(1, sizeof *server);
  server->base = base;
  server->address.sun_family = AF_UNIX;
  (void)snprintf(server->address.sun_path, sizeof server->address.sun_path, "%s", socket);
  server->packet = *packet;
  *packet = (Buffer){0};
  server->public_key = *public_key;
  server->done = done;
  server->context = context;
  server->later = evtimer_new(base, on_later, server);
  if (reach(server) != REACHED) /* again, for done never comes from inside here */
    event_active(server->later, EV_TIMEOUT, 0);
  return server;
}
