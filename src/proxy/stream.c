/* Reads and writes sockets, plain or through OpenSSL. */
#include "proxy/stream.h"

#include "core/clock.h"
#include "core/str.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_SECONDS = 2, LINGER_BYTES = 1024 * 1024 };

static void on_readable(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Stream *stream = context;
  stream->on_event(stream->context, EV_READ);
}

static void on_writable(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Stream *stream = context;
  short what = stream->read_needs_write ? EV_READ : EV_WRITE;
  stream->read_needs_write = false;
  stream->on_event(stream->context, what);
}

Stream *stream_new(struct event_base *base, int fd) {
  Stream *stream = mem_new(1, sizeof *stream);
  stream->fd = fd;
  (void)event_assign(&stream->readable, base, fd, EV_READ | EV_PERSIST, on_readable, stream);
  (void)event_assign(&stream->writable, base, fd, EV_WRITE | EV_PERSIST, on_writable, stream);
  return stream;
}

void stream_free(Stream *stream) {
  if (stream == NULL)
    return;
  (void)event_del(&stream->readable);
  (void)event_del(&stream->writable);
  SSL_free(stream->ssl);
  if (stream->fd >= 0)
    (void)close(stream->fd);
  mem_free(stream);
}

void stream_listen(Stream *stream, StreamEvent *handler, void *context) {
  stream->on_event = handler;
  stream->context = context;
}

static void want(struct event *event, bool *state, bool wanted) {
  if (*state == wanted)
    return;
  *state = wanted;
  (void)(wanted ? event_add(event, NULL) : event_del(event));
}

/* What OpenSSL has decrypted already makes no event of the socket's. */
static void look_into_tls(Stream *stream) {
  if (stream->wants_read && stream->ssl != NULL && SSL_pending(stream->ssl) > 0)
    event_active(&stream->readable, EV_READ, 0);
}

void stream_want_read(Stream *stream, bool wanted) {
  want(&stream->readable, &stream->wants_read, wanted);
  look_into_tls(stream);
}

void stream_want_write(Stream *stream, bool wanted) {
  want(&stream->writable, &stream->wants_write, wanted);
}

static ssize_t plain_result(ssize_t count) {
  if (count >= 0)
    return count;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? STREAM_AGAIN : STREAM_FAILED;
}

static ssize_t tls_read(Stream *stream, void *bytes, size_t capacity) {
  size_t count = 0;
  ERR_clear_error();
  int result = SSL_read_ex(stream->ssl, bytes, capacity, &count);
  if (result == 1) {
    look_into_tls(stream);
    return (ssize_t)count;
  }
  switch (SSL_get_error(stream->ssl, result)) {
  case SSL_ERROR_WANT_WRITE:
    stream->read_needs_write = true;
    stream_want_write(stream, true);
    return STREAM_AGAIN;
  case SSL_ERROR_WANT_READ:
    return STREAM_AGAIN;
  case SSL_ERROR_ZERO_RETURN:
    return STREAM_END;
  default:
    return STREAM_FAILED;
  }
}

ssize_t stream_read(Stream *stream, void *bytes, size_t capacity) {
  if (stream->ssl != NULL)
    return tls_read(stream, bytes, capacity);
  return plain_result(recv(stream->fd, bytes, capacity, 0));
}

/* One record at a time, until the socket is full. */
static ssize_t tls_write(Stream *stream, const char *bytes, size_t length) {
  size_t done = 0;
  while (done < length) {
    size_t count = 0;
    ERR_clear_error();
    int result = SSL_write_ex(stream->ssl, bytes + done, length - done, &count);
    if (result == 1) {
      done += count;
      continue;
    }
    int reason = SSL_get_error(stream->ssl, result);
    if (reason != SSL_ERROR_WANT_WRITE && reason != SSL_ERROR_WANT_READ)
      return STREAM_FAILED;
    break;
  }
  return (ssize_t)done;
}

ssize_t stream_write(Stream *stream, const void *bytes, size_t length) {
  if (stream->ssl != NULL)
    return tls_write(stream, bytes, length);
  ssize_t count = plain_result(send(stream->fd, bytes, length, MSG_NOSIGNAL));
  return count == STREAM_AGAIN ? 0 : count;
}

/* The last seconds of a connection. */
typedef struct Farewell {
  struct event *event;
  size_t discarded;
  int64_t deadline_ms;
} Farewell;

static void farewell_free(Farewell *farewell) {
  int fd = event_get_fd(farewell->event);
  event_free(farewell->event);
  (void)close(fd);
  mem_free(farewell);
}

static void on_farewell(evutil_socket_t fd, short events, void *context) {
  Farewell *farewell = context;
  static char scratch[16 * 1024];
  if ((events & EV_READ) == 0 || clock_monotonic_ms() > farewell->deadline_ms) {
    farewell_free(farewell);
    return;
  }
  ssize_t count = plain_result(recv(fd, scratch, sizeof scratch, 0));
  farewell->discarded += count > 0 ? (size_t)count : 0;
  if (count == STREAM_END || count == STREAM_FAILED || farewell->discarded > LINGER_BYTES)
    farewell_free(farewell);
}

void stream_close_gently(Stream *stream) {
  struct event_base *base = event_get_base(&stream->readable);
  int fd = stream->fd;
  if (stream->ssl != NULL) {
    ERR_clear_error();
    (void)SSL_shutdown(stream->ssl);
  }
  (void)event_del(&stream->readable);
  (void)event_del(&stream->writable);
  stream->fd = -1;
  stream_free(stream);
  (void)shutdown(fd, SHUT_WR);
  Farewell *farewell = mem_new(1, sizeof *farewell);
  struct timeval limit = {.tv_sec = LINGER_SECONDS};
  farewell->deadline_ms = clock_monotonic_ms() + LINGER_SECONDS * 1000;
  farewell->event = event_new(base, fd, EV_READ | EV_PERSIST, on_farewell, farewell);
  (void)event_add(farewell->event, &limit);
}
