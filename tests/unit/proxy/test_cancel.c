/* Who may cancel what: only the whole key of a session hits it, and guessing costs the guesser. */
#include "pq.h"
#include "raw.h"

#include "core/clock.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  GUESSES = 40,    /* twice as many as are free, see THROTTLE_CANCEL */
  ROUNDS = 10,     /* a machine that stalls pays off a guess meanwhile */
  SETTLE_MS = 250, /* a signal that was sent has arrived by then */
  LIMIT_MS = 20000,
};

static const char guesser[] = "127.0.0.2";
static const char owner[] = "127.0.0.1";

static Stand *stand;

typedef struct Sleeper {
  PGconn *connection;
  CancelKey key;
  char *pid; /* of its server process */
} Sleeper;

static int set_up(void **state) {
  stand = stand_try(NULL);
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

static bool is_asleep(PGconn *watcher, const Sleeper *sleeper) {
  AUTO(str_free)
  char *sql = str_format("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", sleeper->pid);
  AUTO(str_free) char *event = pq_ask(watcher, sql);
  return str_equal(event, "PgSleep");
}

static void fall_asleep(Sleeper *sleeper, PGconn *watcher) {
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  assert_int_equal(PQsendQuery(sleeper->connection, "SELECT pg_sleep(300)"), 1);
  while (!is_asleep(watcher, sleeper)) {
    assert_true(clock_monotonic_ms() < deadline);
    clock_sleep_ms(5);
  }
}

static Sleeper sleeper_new(PGconn *watcher) {
  Sleeper sleeper = {0};
  sleeper.connection = pq_open_key(stand, "dbname=app@main", &sleeper.key);
  sleeper.pid = pq_ask(sleeper.connection, "SELECT pg_backend_pid()");
  fall_asleep(&sleeper, watcher);
  return sleeper;
}

static void sleeper_release(Sleeper *sleeper) {
  PQfinish(sleeper->connection);
  str_free(sleeper->pid);
}

/* Waits for the end of its statement. */
static void expect_cancelled(const Sleeper *sleeper) {
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  while (PQconsumeInput(sleeper->connection) == 1 && PQisBusy(sleeper->connection) == 1) {
    if (clock_monotonic_ms() > deadline)
      fail_msg("the statement was not cancelled");
    clock_sleep_ms(5);
  }
  AUTO(pq_clear) PGresult *result = PQgetResult(sleeper->connection);
  assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
  assert_null(PQgetResult(sleeper->connection));
}

static void send_cancel(int fd, CancelKey key) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  cancel_add_request(&bytes, &key);
  raw_send(fd, bytes.text, bytes.length);
}

/* Returns when the proxy has done with it: what it passed on has reached postgres. */
static void cancel_from(const char *source, CancelKey key) {
  int fd = raw_connect_from(source, stand->port);
  send_cancel(fd, key);
  raw_expect_close(fd);
}

static void only_the_whole_key_cancels(void **state) {
  char text[256] = "";
  AUTO(pq_finish) PGconn *watcher = pq_open(stand, "dbname=app@main");
  AUTO_RELEASE(sleeper_release) Sleeper a = sleeper_new(watcher);
  AUTO_RELEASE(sleeper_release) Sleeper b = sleeper_new(watcher);
  const CancelKey wrong[] = {
      {a.key.pid, b.key.secret},     {b.key.pid, a.key.secret},
      {b.key.pid, b.key.secret ^ 1}, {(uint32_t)atoi(b.pid), b.key.secret},
      {(uint32_t)atoi(a.pid), 0},    {0, 0},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(wrong); at++)
    cancel_from(owner, wrong[at]);
  clock_sleep_ms(SETTLE_MS);
  assert_true(is_asleep(watcher, &a));
  assert_true(is_asleep(watcher, &b));
  PGcancel *cancel = PQgetCancel(b.connection);
  assert_int_equal(PQcancel(cancel, text, sizeof text), 1);
  PQfreeCancel(cancel);
  expect_cancelled(&b);
  assert_true(is_asleep(watcher, &a));
  fall_asleep(&b, watcher);
  cancel_from(owner, a.key); /* so the ones above were sent rightly, too */
  expect_cancelled(&a);
  assert_true(is_asleep(watcher, &b));
}

/* The key of a session that has gone is nobody's. */
static void keys_end_with_their_session(void **state) {
  AUTO(pq_finish) PGconn *watcher = pq_open(stand, "dbname=app@main");
  AUTO_RELEASE(sleeper_release) Sleeper a = sleeper_new(watcher);
  CancelKey key = {0};
  PGconn *gone = pq_open_key(stand, "dbname=app@main", &key);
  AUTO(str_free) char *session = fake_last_session(stand->fake);
  PQfinish(gone);
  AUTO(json_free) json_t *end = fake_wait_end(stand->fake, session);
  assert_non_null(end);
  cancel_from(owner, key);
  clock_sleep_ms(SETTLE_MS);
  assert_true(is_asleep(watcher, &a));
}

/* All at once, with the right key of one at the end; and then the owner cancels another. True when
 * the first one slept on. */
static bool guess_and_fail(const Sleeper *meant, const Sleeper *other, PGconn *watcher) {
  int fds[GUESSES + 1];
  for (size_t at = 0; at <= GUESSES; at++)
    fds[at] = raw_connect_from(guesser, stand->port);
  int own = raw_connect_from(owner, stand->port);
  for (size_t at = 0; at < GUESSES; at++)
    send_cancel(fds[at], (CancelKey){.pid = meant->key.pid, .secret = (uint32_t)at});
  send_cancel(fds[GUESSES], meant->key);
  send_cancel(own, other->key);
  for (size_t at = 0; at <= GUESSES; at++)
    raw_expect_close(fds[at]);
  raw_expect_close(own);
  expect_cancelled(other);
  clock_sleep_ms(SETTLE_MS);
  return is_asleep(watcher, meant);
}

static void guessing_shuts_out_the_guesser_only(void **state) {
  AUTO(pq_finish) PGconn *watcher = pq_open(stand, "dbname=app@main");
  AUTO_RELEASE(sleeper_release) Sleeper a = sleeper_new(watcher);
  AUTO_RELEASE(sleeper_release) Sleeper b = sleeper_new(watcher);
  cancel_from(guesser, a.key); /* where a key comes from doesn't matter by itself */
  expect_cancelled(&a);
  fall_asleep(&a, watcher);
  int round = 0;
  while (!guess_and_fail(&a, &b, watcher)) {
    assert_true(++round < ROUNDS);
    expect_cancelled(&a);
    fall_asleep(&a, watcher);
    fall_asleep(&b, watcher);
  }
  cancel_from(owner, a.key);
  expect_cancelled(&a);
}

/* Hits cost nothing: more of them than guesses are free. */
static void cancels_that_hit_are_not_counted(void **state) {
  CancelKey key = {0};
  AUTO(pq_finish) PGconn *idle = pq_open_key(stand, "dbname=app@main", &key);
  AUTO(pq_finish) PGconn *watcher = pq_open(stand, "dbname=app@main");
  AUTO_RELEASE(sleeper_release) Sleeper a = sleeper_new(watcher);
  for (int at = 0; at < GUESSES; at++)
    cancel_from("127.0.0.3", key);
  pq_expect(idle, "SELECT 1", "1");
  cancel_from("127.0.0.3", a.key);
  expect_cancelled(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_whole_key_cancels),
      cmocka_unit_test(keys_end_with_their_session),
      cmocka_unit_test(guessing_shuts_out_the_guesser_only),
      cmocka_unit_test(cancels_that_hit_are_not_counted),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
