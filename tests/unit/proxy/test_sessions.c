/* Real sessions through the real proxy to a real postgres. */
#include "pq.h"

#include "core/clock.h"
#include "core/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
  BIG = 64 * 1024 * 1024,
  BEAT_MS = 240, /* of refusals; the proxy's timers are a few milliseconds early or late */
};

static Stand *stand;

static int set_up(void **state) {
  stand = stand_try(NULL);
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

static PGconn *try_connect(const char *user, const char *password, const char *rest) {
  return pq_try(stand, user, password, rest);
}

static PGconn *open_session(const char *rest) {
  return pq_open(stand, rest);
}

static void expect_refusal(const char *user, const char *password, const char *rest,
                           const char *text) {
  pq_expect_refusal(stand, user, password, rest, text);
}

static void one_session(const char *rest) {
  AUTO(pq_finish) PGconn *connection = open_session(rest);
  pq_expect(connection, "SELECT current_user || ' ' || current_database()", "bough_u_dev1 app");
}

static void plain_and_tls(void **state) {
  one_session("dbname=app@main sslmode=disable");
  one_session("dbname=app@main sslmode=require channel_binding=disable");
  one_session("dbname=app@main sslmode=require channel_binding=require");
  expect_refusal("dev1", "secret-one", "dbname=app@main sslmode=disable channel_binding=require",
                 "channel binding");
  one_session("dbname=app options=endpoint=ep-main");
}

#define BY_NAME "host=ep-abcdefghijkl.example.org hostaddr=127.0.0.1 dbname=app sslmode=require "

static void server_names_name_endpoints(void **state) {
  one_session(BY_NAME);
  AUTO(json_free) json_t *route = fake_last(stand->fake, "route");
  assert_string_equal(json_string_or(route, "endpoint", ""), "ep-abcdefghijkl");
  assert_null(json_object_get(route, "branch"));
  expect_refusal("dev1", "secret-one", BY_NAME "options=endpoint=ep-mnopqrstuvwx",
                 "the server name says endpoint \"ep-abcdefghijkl\", the options say "
                 "\"ep-mnopqrstuvwx\"");
}

static void every_token_of_a_principal(void **state) {
  AUTO(pq_finish) PGconn *connection = try_connect("dev1", "secret-two", "dbname=app@main");
  assert_int_equal(PQstatus(connection), CONNECTION_OK);
}

static void settings_reach_the_session(void **state) {
  AUTO(pq_finish)
  PGconn *connection = open_session("dbname=app@main application_name=tester "
                                    "options='-c geqo=off -c DateStyle=ISO,\\\\ DMY'");
  pq_expect(connection, "SHOW application_name", "tester");
  pq_expect(connection, "SHOW geqo", "off");
  pq_expect(connection, "SHOW DateStyle", "ISO, DMY");
  assert_string_equal(PQparameterStatus(connection, "server_encoding"), "UTF8");
}

static void wrong_passwords(void **state) {
  size_t told = fake_count(stand->fake, "refused");
  /* over TLS libpq would try a second time without */
  size_t routes = fake_count(stand->fake, "route");
  expect_refusal("dev2", "wrong", "dbname=app@main sslmode=disable",
                 "password authentication failed for user \"dev2\"");
  assert_int_equal(fake_count(stand->fake, "refused"), told + 1);
  expect_refusal("nobody", "wrong", "dbname=app@main sslmode=disable",
                 "password authentication failed for user \"nobody\"");
  expect_refusal("dev1", "secret-old", "dbname=app@main sslmode=disable",
                 "password authentication failed");
  assert_int_equal(fake_count(stand->fake, "refused"), told + 3);
  assert_int_equal(fake_count(stand->fake, "route"), routes); /* nobody was woken */
}

/* The client is challenged before boughd has said who it may be. */
static void verifiers_may_come_late(void **state) {
  fake_set_delay_ms(stand->fake, "verifier", 300);
  int64_t start = clock_monotonic_ms();
  PGconn *connection = try_connect("dev2", "secret-dev2", "dbname=app@main");
  assert_int_equal(PQstatus(connection), CONNECTION_OK);
  PQfinish(connection);
  assert_true(clock_monotonic_ms() - start >= 300);
  expect_refusal("dev2", "wrong", "dbname=app@main sslmode=disable",
                 "password authentication failed for user \"dev2\"");
  fake_set_delay_ms(stand->fake, "verifier", 0);
}

static void forget_dev1(void) {
  fake_push(stand->fake, "terminate", json_pack("{s:s, s:i}", "principal", "dev1", "grace_ms", 0));
}

/* Who has just logged in is let in by what was asked for then; who fails there is asked for anew.
 */
static void verifiers_are_kept_for_a_moment(void **state) {
  forget_dev1(); /* read in front of the client's first message, as is each push below */
  one_session("dbname=app@main");
  size_t asked = fake_count(stand->fake, "verifier");
  one_session("dbname=app@main");
  assert_int_equal(fake_count(stand->fake, "verifier"), asked);
  expect_refusal("dev1", "wrong", "dbname=app@main sslmode=disable", "password");
  assert_int_equal(fake_count(stand->fake, "verifier"), asked + 1);
  forget_dev1();
  one_session("dbname=app@main");
  assert_int_equal(fake_count(stand->fake, "verifier"), asked + 2);
}

static int64_t refusal_ms(const char *user) {
  int64_t start = clock_monotonic_ms();
  expect_refusal(user, "wrong", "dbname=app@main sslmode=disable", "password");
  return clock_monotonic_ms() - start;
}

/* However long it takes to find out, and whether one had to: with 100 ms to each question, who is
 * known from a moment ago, known, and not known at all is refused on the same beat. */
static void refusals_tell_nothing_by_their_time(void **state) {
  one_session("dbname=app@main");
  fake_set_delay_ms(stand->fake, "verifier", 100);
  assert_true(refusal_ms("dev1") >= BEAT_MS);
  assert_true(refusal_ms("dev2") >= BEAT_MS);
  assert_true(refusal_ms("stranger") >= BEAT_MS);
  fake_set_delay_ms(stand->fake, "verifier", 0);
  assert_true(refusal_ms("dev1") >= BEAT_MS);
}

static void failing_again_and_again_slows_down_only_that_user(void **state) {
  for (int at = 0; at < 8; at++)
    expect_refusal("guess", "wrong", "dbname=app@main sslmode=disable", "password");
  int64_t start = clock_monotonic_ms();
  expect_refusal("guess", "wrong", "dbname=app@main sslmode=disable", "password");
  assert_true(clock_monotonic_ms() - start > 500);
  start = clock_monotonic_ms();
  one_session("dbname=app@main");
  assert_true(clock_monotonic_ms() - start < 500);
}

static void wrong_names(void **state) {
  expect_refusal("dev1", "secret-one", "dbname=app", "no branch is named");
  expect_refusal("dev1", "secret-one", "dbname=app@Upper", "invalid branch name");
  expect_refusal("dev1", "secret-one", "dbname=app@other", "no branch \"other\"");
  expect_refusal("dev1", "secret-one", "dbname=nothing@main",
                 "database \"nothing\" does not exist");
  expect_refusal("dev1", "secret-one", "dbname=app@main options='endpoint=ep-a -c endpoint=ep-b'",
                 "two endpoints");
}

static void sessions_are_told(void **state) {
  PGconn *connection = open_session("dbname=app@main application_name=told");
  AUTO(str_free) char *session = fake_last_session(stand->fake);
  AUTO(json_free) json_t *route = fake_last(stand->fake, "route");
  assert_string_equal(json_string_or(route, "principal", ""), "dev1");
  assert_string_equal(json_string_or(route, "branch", ""), "main");
  assert_string_equal(json_string_or(route, "application_name", ""), "told");
  assert_string_equal(json_string_or(route, "source", ""), "127.0.0.1");
  pq_expect(connection, "SELECT 1", "1");
  PQfinish(connection);
  AUTO(json_free) json_t *end = fake_wait_end(stand->fake, session);
  assert_string_equal(json_string_or(end, "reason", ""), "client closed");
  assert_true(json_integer_or(end, "bytes_out", 0) > 100);
}

static void cancel_reaches_the_statement(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  char text[256];
  PGcancel *cancel = PQgetCancel(connection);
  int64_t start = clock_monotonic_ms();
  assert_int_equal(PQsendQuery(connection, "SELECT pg_sleep(20)"), 1);
  clock_sleep_ms(200);
  assert_int_equal(PQcancel(cancel, text, sizeof text), 1);
  AUTO(pq_clear) PGresult *result = PQgetResult(connection);
  assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014");
  assert_true(clock_monotonic_ms() - start < 5000);
  PQfreeCancel(cancel);
}

/* The number that the server knows its process by stays behind the proxy. */
static void keys_are_the_proxys_own(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  AUTO(str_free) char *pid = pq_ask(connection, "SELECT pg_backend_pid()");
  assert_int_not_equal(atoi(pid), PQbackendPID(connection));
}

static void big_rows_pass_both_ways(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main sslmode=disable");
  AUTO(pq_finish) PGconn *tls = open_session("dbname=app@main sslmode=require");
  AUTO(str_free) char *big = mem_new(BIG + 1, 1);
  memset(big, 'x', BIG);
  big[BIG / 2] = 'y';
  const char *const values[] = {big};
  for (int at = 0; at < 2; at++) {
    AUTO(pq_clear)
    PGresult *result =
        PQexecParams(at == 0 ? connection : tls, "SELECT $1::text", 1, NULL, values, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    assert_int_equal(PQgetlength(result, 0, 0), BIG);
    assert_string_equal(PQgetvalue(result, 0, 0), big);
  }
}

static void copy_both_ways(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  AUTO(str_free) char *line = mem_new(1024 * 1024 + 1, 1);
  memset(line, 'z', 1024 * 1024);
  line[1024 * 1024 - 1] = '\n';
  pq_run(connection, "CREATE TEMP TABLE lines (line text)");
  AUTO(pq_clear) PGresult *in = PQexec(connection, "COPY lines FROM STDIN");
  assert_int_equal(PQresultStatus(in), PGRES_COPY_IN);
  for (int at = 0; at < 64; at++)
    assert_int_equal(PQputCopyData(connection, line, 1024 * 1024), 1);
  assert_int_equal(PQputCopyEnd(connection, NULL), 1);
  AUTO(pq_clear) PGresult *done = PQgetResult(connection);
  assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
  assert_null(PQgetResult(connection));
  AUTO(pq_clear) PGresult *out = PQexec(connection, "COPY lines TO STDOUT");
  assert_int_equal(PQresultStatus(out), PGRES_COPY_OUT);
  size_t total = 0;
  char *row = NULL;
  for (int count; (count = PQgetCopyData(connection, &row, 0)) > 0;) {
    total += (size_t)count;
    PQfreemem(row);
  }
  assert_int_equal(total, 64 * 1024 * 1024);
}

static void notifications_arrive(void **state) {
  AUTO(pq_finish) PGconn *listener = open_session("dbname=app@main");
  AUTO(pq_finish) PGconn *speaker = open_session("dbname=app@main sslmode=disable");
  PGnotify *notification = NULL;
  pq_run(listener, "LISTEN here");
  pq_run(speaker, "NOTIFY here, 'hello'");
  int64_t deadline = clock_monotonic_ms() + 5000;
  while ((notification = PQnotifies(listener)) == NULL) {
    assert_true(clock_monotonic_ms() < deadline);
    clock_sleep_ms(5);
    assert_int_equal(PQconsumeInput(listener), 1);
  }
  assert_string_equal(notification->extra, "hello");
  PQfreemem(notification);
}

/* A client that doesn't read holds back its server, not the proxy's memory. */
static void a_slow_client_costs_only_itself(void **state) {
  AUTO(pq_finish) PGconn *slow = open_session("dbname=app@main sslmode=disable");
  long before = stand_proxy_memory(stand);
  assert_int_equal(PQsendQuery(slow, "SELECT repeat('x', 1000) FROM generate_series(1, 200000)"),
                   1);
  clock_sleep_ms(1000);
  assert_true(stand_proxy_memory(stand) - before < 2048);
  one_session("dbname=app@main");
  AUTO(pq_clear) PGresult *result = PQgetResult(slow);
  assert_int_equal(PQntuples(result), 200000);
}

static void one_wake_holds_many_clients(void **state) {
  enum { MANY = 60 };
  PGconn *connections[MANY];
  size_t done = 0;
  if (stand == NULL)
    skip();
  fake_set_delay_ms(stand->fake, "route", 1000);
  fake_set_delay_ms(stand->fake, "verifier", 300); /* proofs that wait for it are no failures */
  AUTO(str_free)
  char *conninfo = str_format("host=127.0.0.1 port=%d user=dev1 password=secret-one "
                              "dbname=app@main sslmode=disable",
                              stand->port);
  bool finished[MANY] = {false};
  for (size_t at = 0; at < MANY; at++)
    connections[at] = PQconnectStart(conninfo);
  int64_t deadline = clock_monotonic_ms() + 20000;
  while (done < MANY && clock_monotonic_ms() < deadline) {
    for (size_t at = 0; at < MANY; at++) {
      PostgresPollingStatusType status =
          finished[at] ? PGRES_POLLING_ACTIVE : PQconnectPoll(connections[at]);
      if (status == PGRES_POLLING_FAILED)
        fail_msg("%s", PQerrorMessage(connections[at]));
      finished[at] = finished[at] || status == PGRES_POLLING_OK;
      done += status == PGRES_POLLING_OK ? 1 : 0;
    }
    clock_sleep_ms(5);
  }
  fake_set_delay_ms(stand->fake, "route", 0);
  fake_set_delay_ms(stand->fake, "verifier", 0);
  assert_int_equal(done, MANY);
  for (size_t at = 0; at < MANY; at++)
    PQfinish(connections[at]);
}

/* boughd began a session for a client that didn't wait for it. */
static void a_client_that_leaves_while_held_ends_its_session(void **state) {
  fake_set_delay_ms(stand->fake, "route", 500);
  size_t ends = fake_count(stand->fake, "sessions.end");
  size_t routes = fake_count(stand->fake, "route");
  AUTO(str_free)
  char *conninfo = str_format("host=127.0.0.1 port=%d user=dev2 password=secret-dev2 "
                              "dbname=app@main sslmode=disable",
                              stand->port);
  PGconn *connection = PQconnectStart(conninfo);
  while (fake_count(stand->fake, "route") == routes) {
    assert_int_not_equal(PQconnectPoll(connection), PGRES_POLLING_FAILED);
    clock_sleep_ms(2);
  }
  PQfinish(connection);
  fake_set_delay_ms(stand->fake, "route", 0);
  assert_true(fake_wait(stand->fake, "sessions.end", ends));
}

static void note_sqlstate(void *context, const PGresult *result) {
  char *state = context;
  const char *given = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  (void)snprintf(state, 6, "%s", given != NULL ? given : "");
}

/* libpq takes an error between queries for a notice. */
static void expect_told(PGconn *connection, const char *sqlstate, int within_ms) {
  char state[6] = "";
  (void)PQsetNoticeReceiver(connection, note_sqlstate, state);
  int64_t deadline = clock_monotonic_ms() + within_ms;
  while (PQconsumeInput(connection) == 1) {
    PGnotify *none = PQnotifies(connection); /* makes libpq read what has come */
    PQfreemem(none);
    if (clock_monotonic_ms() > deadline)
      fail_msg("the session did not end in %d ms", within_ms);
    clock_sleep_ms(5);
  }
  assert_string_equal(state, sqlstate);
}

static void termination_by_the_platform(void **state) {
  AUTO(pq_finish) PGconn *meant = try_connect("dev2", "secret-dev2", "dbname=app@main");
  AUTO(pq_finish) PGconn *other = open_session("dbname=app@main");
  assert_int_equal(PQstatus(meant), CONNECTION_OK);
  fake_push(stand->fake, "terminate",
            json_pack("{s:s, s:i, s:s}", "principal", "dev2", "grace_ms", 0, "reason",
                      "the principal was removed"));
  expect_told(meant, "57P01", 1000);
  pq_expect(other, "SELECT 1", "1");
}

static void termination_of_a_running_statement(void **state) {
  AUTO(pq_finish) PGconn *meant = try_connect("dev2", "secret-dev2", "dbname=app@main");
  AUTO(pq_finish) PGconn *other = open_session("dbname=app@main");
  assert_int_equal(PQsendQuery(meant, "SELECT pg_sleep(30)"), 1);
  clock_sleep_ms(200);
  fake_push(stand->fake, "terminate",
            json_pack("{s:s, s:i, s:s}", "principal", "dev2", "grace_ms", 200, "reason", "gone"));
  AUTO(pq_clear) PGresult *result = PQgetResult(meant);
  assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57P01");
  int64_t deadline = clock_monotonic_ms() + 3000;
  AUTO(str_free) char *left = NULL;
  do { /* and it doesn't go on in the server */
    assert_true(clock_monotonic_ms() < deadline);
    str_free(left);
    left = pq_ask(other, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bough_u_dev2'");
  } while (!str_equal(left, "0"));
}

static void termination_in_the_middle_of_rows(void **state) {
  AUTO(pq_finish) PGconn *meant = try_connect("dev2", "secret-dev2", "dbname=app@main");
  assert_int_equal(PQsendQuery(meant, "SELECT repeat('x', 100000) FROM generate_series(1, 100000)"),
                   1);
  assert_int_equal(PQsetSingleRowMode(meant), 1);
  fake_push(stand->fake, "terminate", json_pack("{s:s, s:i}", "principal", "dev2", "grace_ms", 0));
  int64_t start = clock_monotonic_ms();
  PGresult *result = NULL;
  ExecStatusType status = PGRES_SINGLE_TUPLE;
  while (status == PGRES_SINGLE_TUPLE && (result = PQgetResult(meant)) != NULL) {
    status = PQresultStatus(result);
    PQclear(result);
  }
  assert_int_equal(status, PGRES_FATAL_ERROR);
  assert_true(clock_monotonic_ms() - start < 2000);
}

static void idle_sessions_end_when_told_so(void **state) {
  fake_set_idle_ms(stand->fake, 700);
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  fake_set_idle_ms(stand->fake, 0);
  for (int at = 0; at < 10; at++) {
    pq_expect(connection, "SELECT 1", "1");
    clock_sleep_ms(120);
  }
  expect_told(connection, "57P05", 3000);
}

static void sessions_live_through_a_restart_of_boughd(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  size_t hellos = fake_count(stand->fake, "hello");
  fake_stop(stand->fake);
  pq_expect(connection, "SELECT 1", "1");
  AUTO(str_free)
  char *conninfo = str_format("host=127.0.0.1 port=%d user=dev1 password=secret-one "
                              "dbname=app@main sslmode=disable",
                              stand->port);
  AUTO(pq_finish) PGconn *waiting = PQconnectStart(conninfo);
  for (int at = 0; at < 50; at++) {
    assert_int_not_equal(PQconnectPoll(waiting), PGRES_POLLING_FAILED);
    clock_sleep_ms(10);
  }
  fake_start(stand->fake);
  assert_true(fake_wait(stand->fake, "hello", hellos));
  AUTO(json_free) json_t *hello = fake_last(stand->fake, "hello");
  assert_int_equal(json_array_size(json_object_get(hello, "sessions")), 1);
  int64_t deadline = clock_monotonic_ms() + 5000;
  while (PQconnectPoll(waiting) != PGRES_POLLING_OK) {
    if (PQstatus(waiting) == CONNECTION_BAD || clock_monotonic_ms() > deadline)
      fail_msg("the login did not go on: %s", PQerrorMessage(waiting));
    clock_sleep_ms(5);
  }
  pq_expect(connection, "SELECT 2", "2");
}

/* kill -9 of one server process makes postgres end all sessions and recover. */
static void a_killed_server_is_told_at_once(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  AUTO(str_free) char *pid = pq_ask(connection, "SELECT pg_backend_pid()");
  assert_int_equal(kill((pid_t)atoi(pid), SIGKILL), 0);
  expect_told(connection, "08006", 1000);
  one_session("dbname=app@main"); /* waits for the recovery */
}

static void statements_of_a_killed_server_fail(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  AUTO(str_free) char *pid = pq_ask(connection, "SELECT pg_backend_pid()");
  assert_int_equal(PQsendQuery(connection, "SELECT pg_sleep(20)"), 1);
  clock_sleep_ms(100);
  assert_int_equal(kill((pid_t)atoi(pid), SIGKILL), 0);
  AUTO(pq_clear) PGresult *result = PQgetResult(connection);
  assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "08006");
  one_session("dbname=app@main");
}

static void clients_wait_for_a_server_that_restarts(void **state) {
  if (stand == NULL)
    skip();
  one_session("dbname=app@main"); /* so that the route is cached */
  cluster_stop(stand->cluster);
  AUTO(str_free)
  char *conninfo = str_format("host=127.0.0.1 port=%d user=dev1 password=secret-one "
                              "dbname=app@main sslmode=disable",
                              stand->port);
  AUTO(pq_finish) PGconn *waiting = PQconnectStart(conninfo);
  for (int at = 0; at < 50; at++) {
    assert_int_not_equal(PQconnectPoll(waiting), PGRES_POLLING_FAILED);
    clock_sleep_ms(10);
  }
  cluster_start(stand->cluster, NULL);
  int64_t deadline = clock_monotonic_ms() + 10000;
  while (PQconnectPoll(waiting) != PGRES_POLLING_OK) {
    if (PQstatus(waiting) == CONNECTION_BAD || clock_monotonic_ms() > deadline)
      fail_msg("%s", PQerrorMessage(waiting));
    clock_sleep_ms(5);
  }
}

static void another_proxy_takes_over(void **state) {
  AUTO(pq_finish) PGconn *old = open_session("dbname=app@main");
  pid_t first = stand->proxy;
  fake_push(stand->fake, "drain", json_pack("{s:i}", "limit_ms", 20000));
  clock_sleep_ms(200);
  fake_set_delay_ms(stand->fake, "salts", 300); /* its first clients wait for their challenge */
  stand->proxy = stand_start_proxy(stand);
  pq_expect(old, "SELECT 1", "1");
  one_session("dbname=app@main");
  PQfinish(STEAL(old)); /* which is what the first one waits for */
  assert_int_equal(stand_wait_proxy(stand, first), 0);
  one_session("dbname=app@main");
}

static void draining_ends_at_its_limit(void **state) {
  AUTO(pq_finish) PGconn *connection = open_session("dbname=app@main");
  pid_t pid = stand->proxy;
  fake_push(stand->fake, "drain", json_pack("{s:i}", "limit_ms", 300));
  expect_told(connection, "57P01", 2000);
  assert_int_equal(stand_wait_proxy(stand, pid), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_and_tls),
      cmocka_unit_test(server_names_name_endpoints),
      cmocka_unit_test(every_token_of_a_principal),
      cmocka_unit_test(settings_reach_the_session),
      cmocka_unit_test(wrong_passwords),
      cmocka_unit_test(verifiers_may_come_late),
      cmocka_unit_test(failing_again_and_again_slows_down_only_that_user),
      cmocka_unit_test(verifiers_are_kept_for_a_moment),
      cmocka_unit_test(refusals_tell_nothing_by_their_time),
      cmocka_unit_test(wrong_names),
      cmocka_unit_test(sessions_are_told),
      cmocka_unit_test(cancel_reaches_the_statement),
      cmocka_unit_test(keys_are_the_proxys_own),
      cmocka_unit_test(big_rows_pass_both_ways),
      cmocka_unit_test(copy_both_ways),
      cmocka_unit_test(notifications_arrive),
      cmocka_unit_test(a_slow_client_costs_only_itself),
      cmocka_unit_test(one_wake_holds_many_clients),
      cmocka_unit_test(a_client_that_leaves_while_held_ends_its_session),
      cmocka_unit_test(termination_by_the_platform),
      cmocka_unit_test(termination_of_a_running_statement),
      cmocka_unit_test(termination_in_the_middle_of_rows),
      cmocka_unit_test(idle_sessions_end_when_told_so),
      cmocka_unit_test(sessions_live_through_a_restart_of_boughd),
      cmocka_unit_test(a_killed_server_is_told_at_once),
      cmocka_unit_test(statements_of_a_killed_server_fail),
      cmocka_unit_test(clients_wait_for_a_server_that_restarts),
      cmocka_unit_test(another_proxy_takes_over),
      cmocka_unit_test(draining_ends_at_its_limit),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
