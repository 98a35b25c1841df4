/* One connected socket, plain or under TLS, that never blocks. Holds no data of its own, so that an
 * idle one costs little. */
#pragma once

#include "core/base.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <sys/types.h>

/* what: EV_READ or EV_WRITE. The stream may be freed by it. Who has nothing to write when it can be
 * written stops wanting that. */
typedef void StreamEvent(void *context, short what);

typedef struct Stream {
  int fd;
  SSL *ssl; /* NULL: plain */
  StreamEvent *on_event;
  void *context;
  bool wants_read;
  bool wants_write;
  bool read_needs_write; /* TLS has something of its own to say before it can read on */
  struct event readable;
  struct event writable;
} Stream;

/* Takes the descriptor over. */
Stream *stream_new(struct event_base *base, int fd);
void stream_free(Stream *stream); /* closes; NULL is fine */

/* Who hears of events from now on. */
void stream_listen(Stream *stream, StreamEvent *on_event, void *context);
void stream_want_read(Stream *stream, bool wanted);
void stream_want_write(Stream *stream, bool wanted);

enum { STREAM_END = 0, STREAM_AGAIN = -1, STREAM_FAILED = -2 };

/* Bytes read, or one of the above. */
ssize_t stream_read(Stream *stream, void *bytes, size_t capacity);
/* Bytes written, fewer than length when the socket takes no more; or STREAM_FAILED. */
ssize_t stream_write(Stream *stream, const void *bytes, size_t length);

/* Says good-bye and closes once the other side has, or after two seconds: closing at once with
 * unread bytes would reset the connection, and the last message would be lost. */
void stream_close_gently(Stream *stream);
