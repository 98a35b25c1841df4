/* Questions to boughd and its answers, over a connection that may be lost at any time. */
#include "proxy/control.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/rpc.h"
#include "core/str.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>
#include <sys/queue.h>

enum {
  RETRY_FIRST_MS = 20,
  RETRY_LAST_MS = 1000,
  CHECK_EVERY_MS = 100,
  ABSENT_LIMIT_MS = 10000,
  MESSAGE_LIMIT = 1024 * 1024,
  KEPT_LIMIT = 20000, /* told calls that wait for boughd to come back */
  TRIES_LIMIT = 5,    /* of what is told, and failed there */
  TRY_AGAIN_MS = 1000,
};

typedef struct Call {
  TAILQ_ENTRY(Call) link;
  uint64_t id;
  json_t *message;
  bool kept; /* told: stays until it is answered */
  int64_t asked_ms;
  int64_t deadline_ms;
  int tries;        /* that failed */
  int64_t again_ms; /* when it is told again; 0: an answer is to come */
  ControlDone *done;
  void *context;
} Call;

struct Control {
  struct event_base *base;
  char *path;
  ControlHooks hooks;
  struct bufferevent *connection; /* NULL: lost */
  struct event *retry;
  struct event *check;
  int retry_ms;
  int64_t away_ms; /* since when there is no connection */
  uint64_t last_id;
  size_t kept;
  uint64_t lost;
  TAILQ_HEAD(, Call) calls;
};

static void start_retry(Control *control);

static void call_free(Control *control, Call *call) {
  TAILQ_REMOVE(&control->calls, call, link);
  control->kept -= call->kept ? 1 : 0;
  json_free(call->message);
  mem_free(call);
}

/* At once, before the client that it is about is answered: where cores are few, the client's next
 * step takes the core that the loop would write it from. What doesn't fit, and a connection that is
 * lost, the loop sees to. */
static void write_now(struct bufferevent *connection) {
  struct evbuffer *output = bufferevent_get_output(connection);
  (void)evbuffer_unfreeze(output, 1);
  (void)evbuffer_write(output, bufferevent_getfd(connection));
  (void)evbuffer_freeze(output, 1);
}

static void send_message(Control *control, const json_t *message) {
  size_t length = 0;
  AUTO(str_free) char *bytes = frame_encode(message, NULL, 0, &length);
  (void)bufferevent_write(control->connection, bytes, length);
  write_now(control->connection);
}

/* Answers */

static Call *find_call(Control *control, uint64_t id) {
  Call *call = NULL;
  TAILQ_FOREACH(call, &control->calls, link) {
    if (call->id == id)
      return call;
  }
  return NULL;
}

/* Ends the call before its owner hears of it, who may ask again at once. */
static void finish_call(Control *control, Call *call, const json_t *result, const Error *failure) {
  ControlDone *done = call->done;
  void *context = call->context;
  call_free(control, call);
  if (done != NULL)
    done(context, result, failure);
}

static void lose_connection(Control *control, const char *why);

/* What boughd has to know of the sessions that are open it must have taken. */
static void handle_hello(Control *control, const json_t *error) {
  if (error == NULL)
    control->retry_ms = RETRY_FIRST_MS;
  else
    lose_connection(control, json_string_or(error, "message", "did not take hello"));
}

static void fail_call(Control *control, Call *call, const json_t *error) {
  Error failure = ERROR_INIT;
  json_to_error(error, &failure);
  if (call->kept && call->done == NULL && ++call->tries < TRIES_LIMIT) {
    call->again_ms = clock_monotonic_ms() + TRY_AGAIN_MS;
    return;
  }
  if (call->kept && call->done == NULL) {
    control->lost++;
    log_error(&failure, "boughd was told in vain");
  }
  finish_call(control, call, NULL, &failure);
}

static void handle_answer(Control *control, const json_t *message) {
  const json_t *error = json_object_get(message, "error");
  const json_t *result = json_object_get(message, "result");
  uint64_t id = (uint64_t)json_integer_or(message, "id", 0);
  Call *call = find_call(control, id);
  if (id == 0)
    handle_hello(control, error);
  else if (call == NULL && result != NULL)
    control->hooks.late(control->hooks.context, result);
  else if (call != NULL && error != NULL)
    fail_call(control, call, error);
  else if (call != NULL)
    finish_call(control, call, result, NULL);
}

static void handle_message(Control *control, const json_t *message) {
  const char *push = json_string_or(message, "push", NULL);
  if (push != NULL)
    control->hooks.push(control->hooks.context, push, json_object_get(message, "params"));
  else
    handle_answer(control, message);
}

/* Connection */

static void lose_connection(Control *control, const char *why) {
  bufferevent_free(control->connection);
  control->connection = NULL;
  control->away_ms = clock_monotonic_ms();
  log_warning("boughd: %s", why);
  start_retry(control);
}

/* Reads one frame; false when there is no whole one yet, or the connection had to be given up. */
static bool read_message(Control *control, json_t **ret) {
  struct evbuffer *input = bufferevent_get_input(control->connection);
  unsigned char header[RPC_HEADER_SIZE];
  size_t length = 0;
  size_t blob = 0;
  Error failure = ERROR_INIT;
  if (evbuffer_copyout(input, header, sizeof header) < (ev_ssize_t)sizeof header)
    return false;
  if (!frame_decode_header(header, &length, &blob, &failure) || length > MESSAGE_LIMIT ||
      blob != 0) {
    lose_connection(control, "sent a message that is too large");
    return false;
  }
  if (evbuffer_get_length(input) < sizeof header + length)
    return false;
  (void)evbuffer_drain(input, sizeof header);
  AUTO(str_free) char *text = mem_new(length + 1, 1);
  (void)evbuffer_remove(input, text, length);
  if (json_parse(text, length, ret, &failure))
    return true;
  lose_connection(control, failure.message);
  return false;
}

static void on_readable(struct bufferevent *connection, void *context) {
  (void)connection;
  Control *control = context;
  while (control->connection != NULL) {
    AUTO(json_free) json_t *message = NULL;
    if (!read_message(control, &message))
      return;
    handle_message(control, message);
  }
}

static void on_event(struct bufferevent *connection, short what, void *context) {
  (void)connection;
  if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
    lose_connection(context, "the connection was closed");
}

static void send_call(Control *control, Call *call) {
  call->again_ms = 0;
  send_message(control, call->message);
}

static void say_hello(Control *control) {
  AUTO(json_free)
  json_t *hello = json_pack("{s:i, s:s, s:o}", "id", 0, "method", "hello", "params",
                            control->hooks.hello(control->hooks.context));
  send_message(control, hello);
  Call *call = NULL;
  TAILQ_FOREACH(call, &control->calls, link) {
    send_call(control, call);
  }
}

static bool try_connect(Control *control) {
  int fd = -1;
  if (!rpc_connect(control->path, &fd, NULL))
    return false;
  (void)evutil_make_socket_nonblocking(fd);
  control->connection = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(control->connection, on_readable, NULL, on_event, control);
  (void)bufferevent_enable(control->connection, EV_READ | EV_WRITE);
  log_info("connected to boughd");
  say_hello(control);
  return true;
}

static void on_retry(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Control *control = context;
  if (!try_connect(control))
    start_retry(control);
}

static void start_retry(Control *control) {
  struct timeval later = {.tv_sec = control->retry_ms / 1000,
                          .tv_usec = control->retry_ms % 1000 * 1000};
  (void)event_add(control->retry, &later);
  control->retry_ms = control->retry_ms * 2 < RETRY_LAST_MS ? control->retry_ms * 2 : RETRY_LAST_MS;
}

/* Limits of time */

static bool is_over(const Control *control, const Call *call, int64_t now, Error *ret) {
  int64_t since = call->asked_ms > control->away_ms ? call->asked_ms : control->away_ms;
  if (control->connection == NULL && now >= since + ABSENT_LIMIT_MS) {
    (void)error_set(ret, ERROR_STARTING, "Bough's control service does not answer");
    return !error_hint(ret, "try again, and see `bough status`");
  }
  return now >= call->deadline_ms &&
         !error_set(ret, ERROR_COMPUTE_TIMEOUT, "no answer within the time limit");
}

/* One call at a time, since its owner may add and remove others. */
static bool expire_one(Control *control, int64_t now) {
  Call *call = NULL;
  TAILQ_FOREACH(call, &control->calls, link) {
    Error failure = ERROR_INIT;
    if (call->done == NULL || !is_over(control, call, now, &failure))
      continue;
    ControlDone *done = call->done;
    void *owner = call->context;
    call->done = NULL;
    if (!call->kept)
      call_free(control, call);
    done(owner, NULL, &failure);
    return true;
  }
  return false;
}

static void tell_again(Control *control, int64_t now) {
  Call *call = NULL;
  TAILQ_FOREACH(call, &control->calls, link) {
    if (control->connection != NULL && call->again_ms != 0 && now >= call->again_ms)
      send_call(control, call);
  }
}

static void on_check(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  Control *control = context;
  int64_t now = clock_monotonic_ms();
  tell_again(control, now);
  while (expire_one(control, now))
    continue;
}

/* Calls */

/* Makes room among what is told: the oldest that nobody waits for. */
static void drop_oldest(Control *control) {
  Call *call = NULL;
  TAILQ_FOREACH(call, &control->calls, link) {
    if (call->kept && call->done == NULL) {
      control->lost++;
      call_free(control, call);
      return;
    }
  }
}

static uint64_t add_call(Control *control, const char *method, json_t *params, bool kept,
                         int limit_ms, ControlDone *done, void *context) {
  if (kept && control->kept >= KEPT_LIMIT)
    drop_oldest(control);
  Call *call = mem_new(1, sizeof *call);
  int64_t now = clock_monotonic_ms();
  *call = (Call){.id = ++control->last_id,
                 .kept = kept,
                 .asked_ms = now,
                 .deadline_ms = now + limit_ms,
                 .done = done,
                 .context = context};
  call->message =
      json_pack("{s:I, s:s, s:o}", "id", (json_int_t)call->id, "method", method, "params", params);
  TAILQ_INSERT_TAIL(&control->calls, call, link);
  control->kept += kept ? 1 : 0;
  if (control->connection != NULL)
    send_message(control, call->message);
  return call->id;
}

uint64_t control_ask(Control *control, const char *method, json_t *params, int limit_ms,
                     ControlDone *done, void *context) {
  return add_call(control, method, params, false, limit_ms, done, context);
}

uint64_t control_tell(Control *control, const char *method, json_t *params, int limit_ms,
                      ControlDone *done, void *context) {
  return add_call(control, method, params, true, limit_ms, done, context);
}

void control_forget(Control *control, uint64_t id) {
  Call *call = find_call(control, id);
  if (call == NULL)
    return;
  call->done = NULL;
  if (!call->kept)
    call_free(control, call);
}

size_t control_untold(const Control *control) {
  return control->kept;
}

uint64_t control_take_lost(Control *control) {
  uint64_t lost = control->lost;
  control->lost = 0;
  return lost;
}

Control *control_new(struct event_base *base, const char *path, const ControlHooks *hooks) {
  Control *control = mem_new(1, sizeof *control);
  control->base = base;
  control->path = str_dup(path);
  control->hooks = *hooks;
  control->retry_ms = RETRY_FIRST_MS;
  TAILQ_INIT(&control->calls);
  control->retry = evtimer_new(base, on_retry, control);
  control->check = event_new(base, -1, EV_PERSIST, on_check, control);
  struct timeval every = {.tv_usec = CHECK_EVERY_MS * 1000};
  (void)event_add(control->check, &every);
  struct timeval now = {0};
  (void)event_add(control->retry, &now);
  return control;
}

void control_free(Control *control) {
  if (control == NULL)
    return;
  while (!TAILQ_EMPTY(&control->calls))
    call_free(control, TAILQ_FIRST(&control->calls));
  if (control->connection != NULL)
    bufferevent_free(control->connection);
  event_free(control->retry);
  event_free(control->check);
  str_free(control->path);
  mem_free(control);
}
