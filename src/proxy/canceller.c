/* One short connection for each cancel request. */
#include "proxy/canceller.h"

#include "core/str.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 5, BACKLOG_RETRY_MS = 10, BACKLOG_RETRIES = 100 };

typedef struct Canceller {
  struct sockaddr_un address;
  CancelKey key;
  Stream *client; /* NULL: nobody waits */
  Stream *server; /* NULL: not yet connected */
  struct event *timer;
  int retries;
} Canceller;

static void canceller_free(Canceller *canceller) {
  stream_free(canceller->client);
  stream_free(canceller->server);
  event_free(canceller->timer);
  mem_free(canceller);
}

/* Postgres says nothing and closes; whatever comes, it has heard. */
static void on_event(void *context, short what) {
  (void)what;
  canceller_free(context);
}

static void set_timer(Canceller *canceller, int milliseconds) {
  struct timeval wait = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  (void)event_add(canceller->timer, &wait);
}

/* A new socket's buffer has room for sixteen bytes. */
static void send_request(Canceller *canceller, int fd) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  cancel_add_request(&bytes, &canceller->key);
  canceller->server = stream_new(event_get_base(canceller->timer), fd);
  stream_listen(canceller->server, on_event, canceller);
  if (stream_write(canceller->server, bytes.text, bytes.length) != (ssize_t)bytes.length) {
    canceller_free(canceller);
    return;
  }
  stream_want_read(canceller->server, true);
  set_timer(canceller, LIMIT_SECONDS * 1000);
}

static void try_connect(Canceller *canceller) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const struct sockaddr *address = (const struct sockaddr *)&canceller->address;
  if (fd >= 0 && connect(fd, address, sizeof canceller->address) == 0) {
    send_request(canceller, fd);
    return;
  }
  bool full = fd >= 0 && errno == EAGAIN;
  if (fd >= 0)
    (void)close(fd);
  if (full && canceller->retries++ < BACKLOG_RETRIES)
    set_timer(canceller, BACKLOG_RETRY_MS);
  else
    canceller_free(canceller);
}

static void on_timer(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Canceller *canceller = context;
  if (canceller->server != NULL)
    canceller_free(canceller);
  else
    try_connect(canceller);
}

void canceller_send(struct event_base *base, const char *socket, const CancelKey *key,
                    Stream *client) {
  Canceller *canceller = mem_new(1, sizeof *canceller);
  canceller->address.sun_family = AF_UNIX;
  (void)snprintf(canceller->address.sun_path, sizeof canceller->address.sun_path, "%s", socket);
  canceller->key = *key;
  canceller->client = client;
  canceller->timer = evtimer_new(base, on_timer, canceller);
  if (client != NULL) {
    stream_want_read(client, false);
    stream_want_write(client, false);
  }
  try_connect(canceller);
}
