/* The data path: read, write, and hold back where a side is slow. */
#include "proxy/relay.h"

#include "core/clock.h"
#include "wire/error_response.h"

#include <string.h>

enum {
  CHUNK_SIZE = 64 * 1024,
  ROUNDS = 4,            /* chunks in a row before other sessions get their turn */
  FINISH_LIMIT_MS = 500, /* for a border between messages to come */
  LAST_WORDS_MS = 10000, /* for a client to read what its server left behind */
};

static char chunk[CHUNK_SIZE];

/* One direction. */
typedef struct Pump {
  Stream *from;
  Stream *to;
  char *held; /* what `to` hasn't taken; NULL when it has taken all */
  size_t held_at;
  size_t held_length;
  uint64_t bytes;
} Pump;

struct Relay {
  Pump up;   /* client to server */
  Pump down; /* server to client */
  MessageWalk walk;
  bool goodbye;   /* the client's last bytes were those of Terminate */
  bool ending;    /* only what is held for the client is left to do */
  bool finishing; /* relay_finish was called */
  Buffer words;   /* its ErrorResponse, until it was sent */
  RelayEnd end;
  bool client_gone;   /* its connection has ended */
  struct event timer; /* while ending or finishing */
  RelayDone *done;
  void *context;
};

static const char terminate[] = {'X', 0, 0, 0, 4};

static void finish(Relay *relay, RelayEnd end) {
  relay->done(relay->context, end);
}

static void client_lost(Relay *relay) {
  relay->client_gone = true;
  finish(relay, RELAY_CLIENT_GONE);
}

/* Holding */

static void hold(Pump *pump, const char *bytes, size_t length) {
  size_t kept = pump->held_length - pump->held_at;
  char *all = mem_new(kept + length, 1);
  if (kept > 0)
    memcpy(all, pump->held + pump->held_at, kept);
  memcpy(all + kept, bytes, length);
  mem_free(pump->held);
  pump->held = all;
  pump->held_at = 0;
  pump->held_length = kept + length;
  stream_want_read(pump->from, false);
  stream_want_write(pump->to, true);
}

static bool pump_write(Pump *pump, const char *bytes, size_t length) {
  pump->bytes += length;
  ssize_t count = pump->held != NULL ? 0 : stream_write(pump->to, bytes, length);
  if (count == STREAM_FAILED)
    return false;
  if ((size_t)count < length)
    hold(pump, bytes + count, length - (size_t)count);
  return true;
}

/* Sends on what was held; false when the other side is gone. */
static bool pump_flush(Pump *pump) {
  if (pump->held == NULL) {
    stream_want_write(pump->to, false);
    return true;
  }
  ssize_t count =
      stream_write(pump->to, pump->held + pump->held_at, pump->held_length - pump->held_at);
  if (count == STREAM_FAILED)
    return false;
  pump->held_at += (size_t)count;
  if (pump->held_at < pump->held_length)
    return true;
  mem_free(STEAL(pump->held));
  pump->held_at = pump->held_length = 0;
  stream_want_write(pump->to, false);
  return true;
}

/* Ends */

static void start_timer(Relay *relay, int delay_ms) {
  struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
  (void)event_add(&relay->timer, &delay);
}

/* Nothing is read any more; done is told when the client has what is held for it. */
static void start_ending(Relay *relay, RelayEnd end) {
  relay->ending = true;
  relay->end = end;
  stream_want_read(relay->up.from, false);
  stream_want_read(relay->down.from, false);
  stream_want_write(relay->up.to, false);
  start_timer(relay, relay->down.held != NULL ? LAST_WORDS_MS : 0);
}

static void server_ended(Relay *relay) {
  Error lost = ERROR_INIT;
  bool said_why = message_walk_type(&relay->walk) == 'E';
  if (relay->finishing || said_why || relay->goodbye) {
    start_ending(relay, relay->finishing ? RELAY_FINISHED
                        : said_why       ? RELAY_SERVER_GONE
                                         : RELAY_CLIENT_GONE);
    return;
  }
  if (message_walk_at_boundary(&relay->walk)) {
    AUTO_RELEASE(buffer_release) Buffer words = {0};
    (void)error_set(&lost, ERROR_COMPUTE_LOST, "the branch's postgres went away unexpectedly");
    (void)error_hint(&lost, "connect again");
    error_response_add(&words, &lost);
    (void)pump_write(&relay->down, words.text, words.length);
  }
  start_ending(relay, RELAY_SERVER_LOST);
}

/* Sends the last words if this is a border; true when the relay is ending. */
static bool say_words(Relay *relay) {
  if (!message_walk_at_boundary(&relay->walk))
    return false;
  (void)pump_write(&relay->down, relay->words.text, relay->words.length);
  start_ending(relay, RELAY_FINISHED);
  return true;
}

/* Up */

static void note_goodbye(Relay *relay, const char *bytes, size_t length) {
  relay->goodbye = length >= sizeof terminate &&
                   memcmp(bytes + length - sizeof terminate, terminate, sizeof terminate) == 0;
}

/* Reads up to a chunk; STREAM_AGAIN also when there is nothing for this side to do any more. */
static ssize_t pump_read(Pump *pump) {
  return pump->from->wants_read ? stream_read(pump->from, chunk, sizeof chunk) : STREAM_AGAIN;
}

/* Whether the socket may hold more than what one read has returned. */
static bool may_have_more(const Pump *pump, ssize_t count) {
  return count == CHUNK_SIZE || pump->from->ssl != NULL;
}

static void pump_up(Relay *relay) {
  for (int round = 0; round < ROUNDS; round++) {
    ssize_t count = pump_read(&relay->up);
    if (count == STREAM_AGAIN)
      return;
    if (count == STREAM_END || count == STREAM_FAILED) {
      client_lost(relay);
      return;
    }
    note_goodbye(relay, chunk, (size_t)count);
    if (!pump_write(&relay->up, chunk, (size_t)count)) {
      stream_want_read(relay->up.from, false); /* postgres has gone: its last words come first */
      return;
    }
    if (!may_have_more(&relay->up, count))
      return;
  }
}

/* Down */

/* While finishing, only up to the next border. */
static bool pass_down(Relay *relay, size_t length) {
  size_t passed = length;
  if (relay->finishing)
    passed = message_walk(&relay->walk, chunk, length);
  else
    message_walk_all(&relay->walk, chunk, length);
  return pump_write(&relay->down, chunk, passed);
}

static void pump_down(Relay *relay) {
  for (int round = 0; round < ROUNDS; round++) {
    ssize_t count = pump_read(&relay->down);
    if (count == STREAM_AGAIN)
      return;
    if (count == STREAM_END || count == STREAM_FAILED) {
      server_ended(relay);
      return;
    }
    if (!pass_down(relay, (size_t)count)) {
      client_lost(relay);
      return;
    }
    if (relay->finishing && say_words(relay))
      return;
    if (!may_have_more(&relay->down, count))
      return;
  }
}

/* Events */

static void on_client(void *context, short what) {
  Relay *relay = context;
  if (what == EV_READ) {
    pump_up(relay);
    return;
  }
  if (!pump_flush(&relay->down))
    client_lost(relay);
  else if (relay->down.held == NULL && relay->ending)
    finish(relay, relay->end);
  else if (relay->down.held == NULL)
    stream_want_read(relay->down.from, true);
}

static void on_server(void *context, short what) {
  Relay *relay = context;
  if (what == EV_READ) {
    pump_down(relay);
    return;
  }
  if (!pump_flush(&relay->up)) { /* likewise */
    mem_free(STEAL(relay->up.held));
    stream_want_write(relay->up.to, false);
  } else if (relay->up.held == NULL && !relay->finishing) {
    stream_want_read(relay->up.from, true);
  }
}

static void on_timer(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Relay *relay = context;
  finish(relay, relay->ending ? relay->end : RELAY_FINISHED);
}

Relay *relay_new(Stream *client, Stream *server, const Buffer *greeting, const Buffer *input,
                 RelayDone *done, void *context) {
  Relay *relay = mem_new(1, sizeof *relay);
  relay->up = (Pump){.from = client, .to = server};
  relay->down = (Pump){.from = server, .to = client};
  relay->done = done;
  relay->context = context;
  (void)evtimer_assign(&relay->timer, event_get_base(&client->readable), on_timer, relay);
  stream_listen(client, on_client, relay);
  stream_listen(server, on_server, relay);
  stream_want_read(client, true);
  stream_want_read(server, true);
  message_walk_all(&relay->walk, greeting->text, greeting->length);
  if (!pump_write(&relay->down, greeting->text, greeting->length) ||
      (input->length > 0 && !pump_write(&relay->up, input->text, input->length))) {
    relay->client_gone = true;
    start_ending(relay, RELAY_CLIENT_GONE);
  }
  return relay;
}

void relay_free(Relay *relay) {
  if (relay == NULL)
    return;
  if (relay->client_gone)
    stream_free(relay->up.from);
  else
    stream_close_gently(relay->up.from);
  stream_free(relay->up.to);
  mem_free(relay->up.held);
  mem_free(relay->down.held);
  buffer_release(&relay->words);
  (void)event_del(&relay->timer);
  mem_free(relay);
}

void relay_finish(Relay *relay, const Error *reason) {
  if (relay->ending || relay->finishing)
    return;
  relay->finishing = true;
  error_response_add(&relay->words, reason);
  stream_want_read(relay->up.from, false);
  if (!say_words(relay))
    start_timer(relay, FINISH_LIMIT_MS);
}

RelayCounts relay_counts(const Relay *relay) {
  return (RelayCounts){.in = relay->up.bytes, .out = relay->down.bytes};
}
