/* Answers the proxy as boughd would. */
#include "fake.h"

#include "hostile.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "core/str.h"
#include "wire/base64.h"
#include "wire/scram.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DELAYED_LIMIT = 512, POLL_MS = 5, CONNECTIONS_LIMIT = 4, WAIT_LIMIT_MS = 20000 };

static const struct {
  const char *name;
  const char *password;
  int64_t expires_us;
} tokens[] = {
    {"dev1", "secret-one", 0},
    {"dev1", "secret-two", 0},
    {"dev1", "secret-old", 1},
    {"dev2", "secret-dev2", 0},
};

typedef struct Delayed {
  json_t *answer;
  int64_t at_ms;
  int fd;
} Delayed;

struct Fake {
  char *path;
  char *directory;
  pthread_t thread;
  pthread_mutex_t mutex;
  atomic_bool stopping;
  atomic_int idle_ms;
  atomic_int connections_limit;
  int listener;
  int connections[CONNECTIONS_LIMIT]; /* -1: free */
  json_t *counts;
  json_t *lasts;
  json_t *ends;     /* by session */
  json_t *delays;   /* ms by method */
  json_t *failures; /* how many are left, by method */
  Delayed delayed[DELAYED_LIMIT];
  size_t delayed_count;
  unsigned sessions;
};

static json_t *base64_json(const void *bytes, size_t length) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  base64_add(&text, bytes, length);
  return json_string(text.text);
}

static const uint8_t secret[SCRAM_SECRET_SIZE] = "what all salts are made of here";

static json_t *answer_salts(void) {
  return json_pack("{s:o, s:i}", "secret", base64_json(secret, sizeof secret), "iterations", 4096);
}

static json_t *answer_verifier(const json_t *params) {
  uint8_t salt[SCRAM_SALT_SIZE];
  const char *user = json_string_or(params, "user", "");
  json_t *keys = json_array();
  scram_salt(secret, user, salt);
  for (size_t at = 0; at < ARRAY_LENGTH(tokens); at++) {
    ScramKey key;
    if (!str_equal(tokens[at].name, user) ||
        !scram_derive(tokens[at].password, salt, sizeof salt, 4096, &key, NULL))
      continue;
    (void)json_array_append_new(
        keys, json_pack("{s:s, s:o, s:o, s:I}", "token", "tok-1", "stored_key",
                        base64_json(key.stored_key, sizeof key.stored_key), "server_key",
                        base64_json(key.server_key, sizeof key.server_key), "expires_at_us",
                        (json_int_t)tokens[at].expires_us));
  }
  return json_pack("{s:s, s:o}", "principal", user, "keys", keys);
}

static json_t *route_failure(const char *branch) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_BRANCH_NOT_FOUND, "no branch \"%s\" can be seen", branch);
  return json_from_error(&failure);
}

/* Branch "main" leads to the cluster, "hostile" to what may listen beside it. */
static json_t *answer_route(Fake *fake, const json_t *params, json_t **ret_error) {
  const char *branch = json_string_or(params, "branch", NULL);
  bool is_hostile = str_equal(branch, "hostile");
  if (branch != NULL && !is_hostile && !str_equal(branch, "main")) {
    *ret_error = route_failure(branch);
    return NULL;
  }
  AUTO(str_free) char *fresh = str_format("ses-%u", ++fake->sessions);
  const char *role =
      str_equal(json_string_or(params, "principal", ""), "dev2") ? "bough_u_dev2" : "bough_u_dev1";
  return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i}", "session",
                   json_string_or(params, "session", fresh), "endpoint",
                   is_hostile ? "ep-hostile" : "ep-main", "branch", is_hostile ? branch : "main",
                   "socket_directory", fake->directory, "port", is_hostile ? HOSTILE_PORT : 5432,
                   "role", role, "idle_ms", (int)fake->idle_ms, "connections_limit",
                   (int)fake->connections_limit);
}

static void send_answer(int fd, const json_t *answer) {
  Error ignored = ERROR_INIT;
  (void)!frame_write(fd, answer, NULL, 0, &ignored); /* the proxy may have gone */
}

static void delay_answer(Fake *fake, int fd, json_t *answer, int64_t delay_ms) {
  if (fake->delayed_count < DELAYED_LIMIT)
    fake->delayed[fake->delayed_count++] = (Delayed){
        .answer = json_incref(answer), .at_ms = clock_monotonic_ms() + delay_ms, .fd = fd};
}

static bool is_to_fail(Fake *fake, const char *method, json_t **ret_error) {
  int64_t left = json_integer_or(fake->failures, method, 0);
  Error failure = ERROR_INIT;
  if (left == 0)
    return false;
  (void)json_object_set_new(fake->failures, method, json_integer(left - 1));
  (void)error_set(&failure, ERROR_CATALOG_DOWN, "the system catalog doesn't answer");
  *ret_error = json_from_error(&failure);
  return true;
}

static void answer(Fake *fake, int fd, const json_t *message) {
  const char *method = json_string_or(message, "method", "");
  const json_t *params = json_object_get(message, "params");
  json_t *failure = NULL;
  json_t *result = NULL;
  if (is_to_fail(fake, method, &failure))
    result = NULL;
  else if (str_equal(method, "salts"))
    result = answer_salts();
  else if (str_equal(method, "verifier"))
    result = answer_verifier(params);
  else if (str_equal(method, "route"))
    result = answer_route(fake, params, &failure);
  else
    result = json_object();
  json_int_t id = (json_int_t)json_integer_or(message, "id", -1);
  AUTO(json_free)
  json_t *whole = failure != NULL ? json_pack("{s:I, s:o}", "id", id, "error", failure)
                                  : json_pack("{s:I, s:o}", "id", id, "result", result);
  int64_t delay_ms = json_integer_or(fake->delays, method, 0);
  if (delay_ms > 0)
    delay_answer(fake, fd, whole, delay_ms);
  else
    send_answer(fd, whole);
}

static void remember(Fake *fake, const json_t *message) {
  const char *method = json_string_or(message, "method", "");
  int64_t count = json_integer_or(fake->counts, method, 0);
  (void)json_object_set_new(fake->counts, method, json_integer(count + 1));
  (void)json_object_set(fake->lasts, method, json_object_get(message, "params"));
}

static void remember_ends(Fake *fake, const json_t *message) {
  size_t at = 0;
  json_t *end = NULL;
  json_array_foreach(json_object_get(json_object_get(message, "params"), "sessions"), at, end) {
    (void)json_object_set(fake->ends, json_string_or(end, "session", ""), end);
  }
}

static void send_delayed(Fake *fake) {
  int64_t now = clock_monotonic_ms();
  size_t left = 0;
  for (size_t at = 0; at < fake->delayed_count; at++) {
    Delayed *one = &fake->delayed[at];
    if (one->at_ms > now) {
      fake->delayed[left++] = *one;
      continue;
    }
    send_answer(one->fd, one->answer);
    json_free(one->answer);
  }
  fake->delayed_count = left;
}

static void serve(Fake *fake, int *fd) {
  AUTO_RELEASE(frame_release) Frame frame = {0};
  bool end = false;
  Error err = ERROR_INIT;
  if (!frame_read(*fd, &frame, &end, &err) || end) {
    (void)close(*fd);
    *fd = -1;
    return;
  }
  (void)pthread_mutex_lock(&fake->mutex);
  remember(fake, frame.message);
  if (str_equal(json_string_or(frame.message, "method", ""), "sessions.end"))
    remember_ends(fake, frame.message);
  answer(fake, *fd, frame.message);
  (void)pthread_mutex_unlock(&fake->mutex);
}

static void take_connection(Fake *fake) {
  int fd = accept(fake->listener, NULL, NULL);
  for (size_t at = 0; fd >= 0 && at < CONNECTIONS_LIMIT; at++)
    if (fake->connections[at] < 0) {
      fake->connections[at] = fd;
      return;
    }
}

static void *run(void *context) {
  Fake *fake = context;
  while (!fake->stopping) {
    struct pollfd fds[CONNECTIONS_LIMIT + 1] = {{.fd = fake->listener, .events = POLLIN}};
    for (size_t at = 0; at < CONNECTIONS_LIMIT; at++)
      fds[at + 1] = (struct pollfd){.fd = fake->connections[at], .events = POLLIN};
    (void)poll(fds, CONNECTIONS_LIMIT + 1, POLL_MS);
    if ((fds[0].revents & POLLIN) != 0)
      take_connection(fake);
    for (size_t at = 0; at < CONNECTIONS_LIMIT; at++)
      if (fds[at + 1].fd >= 0 && fds[at + 1].revents != 0)
        serve(fake, &fake->connections[at]);
    (void)pthread_mutex_lock(&fake->mutex);
    send_delayed(fake);
    (void)pthread_mutex_unlock(&fake->mutex);
  }
  return NULL;
}

void fake_start(Fake *fake) {
  Error err = ERROR_INIT;
  fake->stopping = false;
  if (!rpc_listen(fake->path, 0666, &fake->listener, &err)) {
    (void)fprintf(stderr, "%s\n", err.message);
    abort();
  }
  if (pthread_create(&fake->thread, NULL, run, fake) != 0)
    abort();
}

void fake_stop(Fake *fake) {
  fake->stopping = true;
  (void)pthread_join(fake->thread, NULL);
  fd_release(&fake->listener);
  (void)unlink(fake->path);
  for (size_t at = 0; at < CONNECTIONS_LIMIT; at++) {
    fd_release(&fake->connections[at]);
    fake->connections[at] = -1;
  }
  for (size_t at = 0; at < fake->delayed_count; at++)
    json_free(fake->delayed[at].answer);
  fake->delayed_count = 0;
}

Fake *fake_new(const char *path, const char *socket_directory) {
  Fake *fake = mem_new(1, sizeof *fake);
  fake->path = str_dup(path);
  fake->directory = str_dup(socket_directory);
  fake->counts = json_object();
  fake->lasts = json_object();
  fake->ends = json_object();
  fake->delays = json_object();
  fake->failures = json_object();
  for (size_t at = 0; at < CONNECTIONS_LIMIT; at++)
    fake->connections[at] = -1;
  (void)pthread_mutex_init(&fake->mutex, NULL);
  fake_start(fake);
  return fake;
}

void fake_free(Fake *fake) {
  if (fake == NULL)
    return;
  if (!fake->stopping)
    fake_stop(fake);
  json_free(fake->counts);
  json_free(fake->lasts);
  json_free(fake->ends);
  json_free(fake->delays);
  json_free(fake->failures);
  str_free(fake->path);
  str_free(fake->directory);
  (void)pthread_mutex_destroy(&fake->mutex);
  mem_free(fake);
}

void fake_set_delay_ms(Fake *fake, const char *method, int delay_ms) {
  (void)pthread_mutex_lock(&fake->mutex);
  (void)json_object_set_new(fake->delays, method, json_integer(delay_ms));
  (void)pthread_mutex_unlock(&fake->mutex);
}

void fake_set_failures(Fake *fake, const char *method, int count) {
  (void)pthread_mutex_lock(&fake->mutex);
  (void)json_object_set_new(fake->failures, method, json_integer(count));
  (void)pthread_mutex_unlock(&fake->mutex);
}

void fake_set_idle_ms(Fake *fake, int idle_ms) {
  fake->idle_ms = idle_ms;
}

void fake_set_connections_limit(Fake *fake, int limit) {
  fake->connections_limit = limit;
}

void fake_push(Fake *fake, const char *name, json_t *params) {
  AUTO(json_free) json_t *message = json_pack("{s:s, s:o}", "push", name, "params", params);
  (void)pthread_mutex_lock(&fake->mutex);
  for (size_t at = 0; at < CONNECTIONS_LIMIT; at++)
    if (fake->connections[at] >= 0)
      send_answer(fake->connections[at], message);
  (void)pthread_mutex_unlock(&fake->mutex);
}

size_t fake_count(Fake *fake, const char *method) {
  (void)pthread_mutex_lock(&fake->mutex);
  int64_t count = json_integer_or(fake->counts, method, 0);
  (void)pthread_mutex_unlock(&fake->mutex);
  return (size_t)count;
}

json_t *fake_last(Fake *fake, const char *method) {
  (void)pthread_mutex_lock(&fake->mutex);
  json_t *params = json_deep_copy(json_object_get(fake->lasts, method));
  (void)pthread_mutex_unlock(&fake->mutex);
  return params;
}

bool fake_wait(Fake *fake, const char *method, size_t count) {
  int64_t deadline = clock_monotonic_ms() + WAIT_LIMIT_MS;
  while (fake_count(fake, method) <= count) {
    if (clock_monotonic_ms() > deadline)
      return false;
    clock_sleep_ms(5);
  }
  return true;
}

char *fake_last_session(Fake *fake) {
  (void)pthread_mutex_lock(&fake->mutex);
  char *session = str_format("ses-%u", fake->sessions);
  (void)pthread_mutex_unlock(&fake->mutex);
  return session;
}

static json_t *copy_end(Fake *fake, const char *session) {
  (void)pthread_mutex_lock(&fake->mutex);
  json_t *end = json_deep_copy(json_object_get(fake->ends, session));
  (void)pthread_mutex_unlock(&fake->mutex);
  return end;
}

json_t *fake_wait_end(Fake *fake, const char *session) {
  int64_t deadline = clock_monotonic_ms() + WAIT_LIMIT_MS;
  json_t *end = NULL;
  while ((end = copy_end(fake, session)) == NULL && clock_monotonic_ms() < deadline)
    clock_sleep_ms(5);
  return end;
}
