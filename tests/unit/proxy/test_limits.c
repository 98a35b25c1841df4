/* How many sessions there may be, and how fast somebody may be wrong, as clients see it. */
#include "pq.h"
#include "raw.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
  PER_PRINCIPAL = 3,
  PER_SOURCE = 5,
  PER_ENDPOINT = 2,
  LIMIT_MS = 20000,
  GUESSES = 14, /* as one user: the last one waits for nine seconds, see THROTTLE_USER */
  NAMES = 95,   /* one guess each: the last one waits likewise, see THROTTLE_SOURCE */
  GUESSES_LIMIT = 60,
};

static Stand *stand;

static int set_up(void **state) {
  stand = stand_try(json_pack("{s:i, s:i}", "clients_per_principal", PER_PRINCIPAL,
                              "clients_per_source", PER_SOURCE));
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

/* Limits */

static PGconn *open_as(const char *principal) {
  AUTO(str_free)
  char *password = str_format("secret-%s", str_equal(principal, "dev1") ? "one" : principal);
  return pq_try(stand, principal, password, "dbname=app@main sslmode=disable");
}

/* Waits for a place: somebody may have just left, which the proxy hasn't seen yet. */
static PGconn *open_patiently(const char *principal) {
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  PGconn *connection = open_as(principal);
  while (PQstatus(connection) != CONNECTION_OK) {
    if (clock_monotonic_ms() > deadline)
      fail_msg("%s", PQerrorMessage(connection));
    PQfinish(connection);
    clock_sleep_ms(10);
    connection = open_as(principal);
  }
  return connection;
}

static void expect_full(const char *principal, const char *text) {
  AUTO(pq_finish) PGconn *connection = open_as(principal);
  assert_int_equal(PQstatus(connection), CONNECTION_BAD);
  if (strstr(PQerrorMessage(connection), text) == NULL)
    fail_msg("expected \"%s\": %s", text, PQerrorMessage(connection));
}

static void sessions_per_endpoint(void **state) {
  if (stand == NULL)
    skip();
  fake_set_connections_limit(stand->fake, PER_ENDPOINT);
  AUTO(pq_finish) PGconn *one = open_patiently("dev1");
  AUTO(pq_finish) PGconn *two = open_patiently("dev2");
  expect_full("dev1", "53300: too many connections to branch \"main\"");
  expect_full("dev2", "53300: too many connections to branch \"main\"");
  pq_expect(one, "SELECT 1", "1");
  PQfinish(STEAL(one));
  one = open_patiently("dev2");
  expect_full("dev1", "53300: too many connections to branch \"main\"");
  fake_set_connections_limit(stand->fake, 0);
}

static void sessions_per_principal(void **state) {
  AUTO(pq_finish) PGconn *one = open_patiently("dev1");
  AUTO(pq_finish) PGconn *two = open_patiently("dev1");
  AUTO(pq_finish) PGconn *three = open_patiently("dev1");
  expect_full("dev1", "53300: too many connections of \"dev1\"");
  AUTO(pq_finish) PGconn *other = open_patiently("dev2");
  expect_full("dev1", "53300: too many connections of \"dev1\"");
  PQfinish(STEAL(two));
  two = open_patiently("dev1");
}

static void clients_per_source(void **state) {
  PGconn *sessions[PER_SOURCE];
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  Message message = {0};
  for (size_t at = 0; at < PER_SOURCE; at++)
    sessions[at] = open_patiently(at < PER_PRINCIPAL ? "dev1" : "dev2");
  expect_full("dev2", "53300: too many connections from 127.0.0.1");
  raw_expect_error(raw_connect(stand->port), "53300"); /* before it has said anything */
  AUTO_RELEASE(fd_release) int elsewhere = raw_connect_from("127.0.0.2", stand->port);
  raw_send_startup(elsewhere, "app@main");
  assert_true(raw_read_message(elsewhere, &said, &message));
  assert_int_equal(message.type, 'R');
  PQfinish(sessions[PER_SOURCE - 1]);
  sessions[PER_SOURCE - 1] = open_patiently("dev2");
  for (size_t at = 0; at < PER_SOURCE; at++)
    PQfinish(sessions[at]);
}

/* Throttles */

static int guess(const char *source, const char *user) {
  int fd = raw_connect_from(source, stand->port);
  raw_prove(fd, user, "wrong", "app@main");
  return fd;
}

static bool has_answer(int fd, int within_ms) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  return poll(&one, 1, within_ms) == 1;
}

/* Goes on guessing until it isn't even waited any more. */
static void guess_until_refused(const char *source, const char *user) {
  int fds[GUESSES_LIMIT];
  size_t count = 0;
  do {
    assert_true(count < GUESSES_LIMIT);
    fds[count] = guess(source, user);
  } while (!has_answer(fds[count++], 100));
  raw_expect_error(fds[count - 1], "53300");
  while (--count > 0)
    (void)close(fds[count - 1]);
}

static void expect_let_in(const char *source, const char *user, const char *password) {
  AUTO_RELEASE(buffer_release) Buffer said = {0};
  AUTO_RELEASE(fd_release) int fd = raw_connect_from(source, stand->port);
  Message message = {0};
  raw_prove(fd, user, password, "app@main");
  assert_true(raw_read_message(fd, &said, &message));
  assert_int_equal(message.type, 'R');
}

/* A user is slowed where somebody guesses its password, not elsewhere, and nobody else is there. */
static void guesses_at_one_user(void **state) {
  int fds[GUESSES];
  if (stand == NULL)
    skip();
  stand_configure(stand, NULL, NULL);
  for (size_t at = 0; at < GUESSES; at++)
    fds[at] = guess("127.0.0.2", "dev1");
  raw_expect_error(fds[0], "28P01");
  expect_let_in("127.0.0.1", "dev1", "secret-one");
  expect_let_in("127.0.0.2", "dev2", "secret-dev2");
  assert_false(has_answer(fds[GUESSES - 1], 0));
  guess_until_refused("127.0.0.2", "dev1");
  expect_let_in("127.0.0.1", "dev1", "secret-one");
  for (size_t at = 1; at < GUESSES; at++)
    (void)close(fds[at]);
}

/* Neither does it help to guess at a name only once: the source is slowed, and no other one. */
static void guesses_at_many_users(void **state) {
  int fds[NAMES];
  if (stand == NULL)
    skip();
  for (size_t at = 0; at < NAMES; at++) {
    AUTO(str_free) char *name = str_format("name-%zu", at);
    fds[at] = guess("127.0.0.3", name);
  }
  raw_expect_error(fds[0], "28P01");
  expect_let_in("127.0.0.1", "dev1", "secret-one");
  assert_false(has_answer(fds[NAMES - 1], 0));
  for (size_t at = 1; at < NAMES; at++)
    (void)close(fds[at]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sessions_per_endpoint), cmocka_unit_test(sessions_per_principal),
      cmocka_unit_test(clients_per_source),    cmocka_unit_test(guesses_at_one_user),
      cmocka_unit_test(guesses_at_many_users),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
