/* What the proxy makes of a compute that speaks nonsense: its client is told, and nobody else
 * notices. */
#include "hostile.h"
#include "pq.h"

#include "core/clock.h"
#include "core/str.h"
#include "wire/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { LIMIT_MS = 20000 };

#define AT_HOSTILE "dbname=app@hostile sslmode=disable"

static Stand *stand;
static Hostile *hostile;

static int set_up(void **state) {
  stand = stand_try(NULL);
  if (stand == NULL)
    return 0;
  hostile = hostile_new(stand->cluster->root);
  return 0;
}

static int tear_down(void **state) {
  hostile_free(hostile);
  stand_free(stand);
  return 0;
}

#define BYTES(literal) literal, sizeof literal - 1
#define LET_IN "R\0\0\0\x08\0\0\0\0"

/* A head, then so many letters, all of that so many times. */
static const struct {
  const char *what;
  const char *head;
  size_t length;
  size_t letters;
  size_t times;
  const char *error;
} words[] = {
    {"wishes for SCRAM", BYTES("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), 0, 1,
     "57P03: the branch's postgres asked for a password"},
    {"a nonce of 10 kB", BYTES("R\0\0\x27\x1a\0\0\0\x0br="), 10000, 1,
     "57P03: the branch's postgres asked for a password"},
    {"a wish for a password in plain text", BYTES("R\0\0\0\x08\0\0\0\3"), 0, 1,
     "57P03: the branch's postgres asked for a password"},
    {"half an authentication", BYTES("R\0\0\0\6\0\0"), 0, 1,
     "57P03: the branch's postgres asked for a password"},
    {"a message of length 3", BYTES("N\0\0\0\3"), 0, 1, "08P01: a message of invalid length 3"},
    {"a message of length 2^32 - 1", BYTES("N\xff\xff\xff\xff"), 0, 1,
     "08P01: a message of invalid length 4294967295"},
    {"a notice of 2 MiB", BYTES("N\0\x20\0\0"), 100, 1, "08P01: a message of invalid length"},
    {"a short key", BYTES(LET_IN "K\0\0\0\x08\0\0\0\1"), 0, 1, "08P01: a cancel key of 4 bytes"},
    {"a long key", BYTES(LET_IN "K\0\0\0\x10\0\0\0\1"), 8, 1, "08P01: a cancel key of 12 bytes"},
    {"more than 1 MiB of notices", BYTES("N\0\0\4\4"), 1024, 1100,
     "57P03: the branch's postgres sent too much at the start of a session"},
    {"rows before the login", BYTES("D\0\0\0\6\0\0"), 0, 1,
     "57P03: the branch's postgres answered before it let the platform in"},
    {"ready before the login", BYTES("Z\0\0\0\5I"), 0, 1,
     "57P03: the branch's postgres answered before it let the platform in"},
    {"rows after the login", BYTES(LET_IN "D\0\0\0\6\0\0"), 0, 1,
     "57P03: the branch's postgres sent a message that doesn't belong"},
    {"a prompt for COPY", BYTES(LET_IN "G\0\0\0\7\0\0\0"), 0, 1,
     "57P03: the branch's postgres sent a message that doesn't belong"},
    {"words behind its readiness", BYTES(LET_IN "Z\0\0\0\5I"), 1, 1,
     "57P03: the branch's postgres went on speaking when it was ready"},
    {"text that is no protocol", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), 0, 1,
     "08P01: a message of invalid length"},
};

static void prepare(size_t row) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  for (size_t at = 0; at < words[row].times; at++) {
    buffer_add(&bytes, words[row].head, words[row].length);
    for (size_t letter = 0; letter < words[row].letters; letter++)
      buffer_add_text(&bytes, "x");
  }
  hostile_set_words(hostile, &bytes);
}

static void expect_well(void) {
  AUTO(pq_finish) PGconn *connection = pq_open(stand, "dbname=app@main");
  pq_expect(connection, "SELECT current_user", "bough_u_dev1");
  assert_int_equal(waitpid(stand->proxy, NULL, WNOHANG), 0); /* still the same process */
}

static void nonsense_is_told_and_ends_the_session(void **state) {
  if (stand == NULL)
    skip();
  expect_well();
  for (size_t at = 0; at < ARRAY_LENGTH(words); at++) {
    prepare(at);
    int64_t start = clock_monotonic_ms();
    AUTO(pq_finish) PGconn *connection = pq_try(stand, "dev1", "secret-one", AT_HOSTILE);
    if (PQstatus(connection) != CONNECTION_BAD ||
        strstr(PQerrorMessage(connection), words[at].error) == NULL)
      fail_msg("%s: expected \"%s\": %s", words[at].what, words[at].error,
               PQerrorMessage(connection));
    assert_true(clock_monotonic_ms() - start < LIMIT_MS);
    AUTO(str_free) char *session = fake_last_session(stand->fake);
    AUTO(json_free) json_t *end = fake_wait_end(stand->fake, session);
    assert_non_null(end); /* and boughd knows */
    expect_well();
  }
}

static PGconn *start_at_hostile(void) {
  AUTO(str_free)
  char *conninfo =
      str_format("host=127.0.0.1 port=%d user=dev1 password=secret-one " AT_HOSTILE, stand->port);
  return PQconnectStart(conninfo);
}

static void expect_waiting(PGconn *connection, int64_t deadline) {
  if (PQconnectPoll(connection) == PGRES_POLLING_FAILED)
    fail_msg("%s", PQerrorMessage(connection));
  assert_true(clock_monotonic_ms() < deadline);
  clock_sleep_ms(5);
}

static void set_refusal(void) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  size_t start = message_begin(&bytes, 'E');
  buffer_add(&bytes, BYTES("SFATAL\0C28000\0Mnobody comes in\0\0"));
  message_end(&bytes, start);
  hostile_set_words(hostile, &bytes);
}

/* It may be starting, or stopping: it is asked again, until it says something. */
static void who_closes_at_once_is_asked_again(void **state) {
  static const Buffer nothing = {0};
  if (stand == NULL)
    skip();
  hostile_set_words(hostile, &nothing);
  size_t before = hostile_count(hostile);
  AUTO(pq_finish) PGconn *connection = start_at_hostile();
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  while (hostile_count(hostile) < before + 3)
    expect_waiting(connection, deadline);
  expect_well();
  set_refusal();
  while (PQconnectPoll(connection) != PGRES_POLLING_FAILED) {
    assert_true(clock_monotonic_ms() < deadline);
    clock_sleep_ms(5);
  }
  assert_non_null(strstr(PQerrorMessage(connection), "nobody comes in"));
  expect_well();
}

/* A client needn't wait for it, and takes its connection along. */
static void who_is_silent_is_left_by_its_client(void **state) {
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  if (stand == NULL)
    skip();
  buffer_add(&bytes, BYTES(LET_IN));
  hostile_set_words(hostile, &bytes);
  size_t connections = hostile_count(hostile);
  size_t routes = fake_count(stand->fake, "route");
  PGconn *connection = start_at_hostile();
  int64_t deadline = clock_monotonic_ms() + LIMIT_MS;
  while (hostile_count(hostile) == connections || fake_count(stand->fake, "route") == routes)
    expect_waiting(connection, deadline);
  AUTO(str_free) char *session = fake_last_session(stand->fake);
  expect_well();
  set_refusal();
  PQfinish(connection);
  AUTO(json_free) json_t *end = fake_wait_end(stand->fake, session);
  assert_string_equal(json_string_or(end, "reason", ""), "client closed");
  pq_expect_refusal(stand, "dev1", "secret-one", AT_HOSTILE, "nobody comes in"); /* it is free */
}

/* The client is held for its compute, but not for ever. */
static void who_never_comes_is_given_up(void **state) {
  static const Buffer nothing = {0};
  AUTO_RELEASE(buffer_release) Buffer bytes = {0};
  if (stand == NULL)
    skip();
  stand_configure(stand, json_pack("{s:i}", "wake_seconds", 1), NULL);
  hostile_set_words(hostile, &nothing);
  pq_expect_refusal(stand, "dev1", "secret-one", AT_HOSTILE,
                    "57P03: the branch's postgres does not take connections");
  buffer_add(&bytes, BYTES(LET_IN));
  hostile_set_words(hostile, &bytes);
  pq_expect_refusal(stand, "dev1", "secret-one", AT_HOSTILE,
                    "57P03: the branch's postgres does not answer");
  expect_well();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nonsense_is_told_and_ends_the_session),
      cmocka_unit_test(who_closes_at_once_is_asked_again),
      cmocka_unit_test(who_is_silent_is_left_by_its_client),
      cmocka_unit_test(who_never_comes_is_given_up),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
