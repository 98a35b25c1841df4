/* What boughd hears late, or doesn't take at once. */
#include "pq.h"
#include "stand.h"

#include "core/clock.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Stand *stand;

static int set_up(void **state) {
  stand = stand_try(json_pack("{s:i}", "wake_seconds", 1));
  return 0;
}

static int tear_down(void **state) {
  stand_free(stand);
  return 0;
}

static PGconn *try_connect(void) {
  return pq_try(stand, "dev1", "secret-one", "dbname=app@main sslmode=disable");
}

/* Waits for the end of a session that is told with this reason. */
static bool is_ended(const char *reason) {
  int64_t deadline = clock_monotonic_ms() + 20000;
  while (clock_monotonic_ms() < deadline) {
    AUTO(json_free) json_t *told = fake_last(stand->fake, "sessions.end");
    size_t at = 0;
    const json_t *end = NULL;
    json_array_foreach(json_object_get(told, "sessions"), at, end) {
      if (str_equal(json_string_or(end, "reason", ""), reason))
        return true;
    }
    clock_sleep_ms(10);
  }
  return false;
}

/* boughd lets a session in after its client was told that it takes too long: nobody has it. */
static void a_route_that_comes_too_late_is_given_back(void **state) {
  AUTO(pq_finish) PGconn *first = try_connect();
  assert_int_equal(PQstatus(first), CONNECTION_OK);
  fake_set_delay_ms(stand->fake, "route", 4000);
  size_t refused = fake_count(stand->fake, "refused");
  AUTO(pq_finish) PGconn *late = try_connect();
  assert_int_equal(PQstatus(late), CONNECTION_BAD);
  assert_non_null(strstr(PQerrorMessage(late), "time limit"));
  assert_int_equal(fake_count(stand->fake, "refused"), refused + 1); /* before it heard of it */
  fake_set_delay_ms(stand->fake, "route", 0);
  assert_true(is_ended("client closed before it was let in"));
}

/* Its server is ready long before, since the way there is known: boughd's word is waited for. */
static void nobody_is_let_in_before_it_is_on_record(void **state) {
  AUTO(pq_finish) PGconn *first = try_connect();
  assert_int_equal(PQstatus(first), CONNECTION_OK);
  fake_set_delay_ms(stand->fake, "route", 700);
  int64_t start = clock_monotonic_ms();
  AUTO(pq_finish) PGconn *second = try_connect();
  assert_int_equal(PQstatus(second), CONNECTION_OK);
  assert_true(clock_monotonic_ms() - start >= 700);
  fake_set_delay_ms(stand->fake, "route", 0);
}

static void an_end_that_boughd_fails_to_take_is_told_again(void **state) {
  fake_set_failures(stand->fake, "sessions.end", 2);
  size_t told = fake_count(stand->fake, "sessions.end");
  PGconn *connection = try_connect();
  assert_int_equal(PQstatus(connection), CONNECTION_OK);
  PQfinish(connection);
  for (size_t at = 0; at < 3; at++)
    assert_true(fake_wait(stand->fake, "sessions.end", told + at));
}

/* Without it boughd doesn't know what is open: the next connection says it again. */
static void a_hello_that_fails_is_said_again(void **state) {
  if (stand == NULL)
    skip();
  size_t said = fake_count(stand->fake, "hello");
  fake_set_failures(stand->fake, "hello", 1);
  fake_stop(stand->fake);
  fake_start(stand->fake);
  for (size_t at = 0; at < 2; at++)
    assert_true(fake_wait(stand->fake, "hello", said + at));
  AUTO(pq_finish) PGconn *connection = try_connect();
  assert_int_equal(PQstatus(connection), CONNECTION_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_route_that_comes_too_late_is_given_back),
      cmocka_unit_test(nobody_is_let_in_before_it_is_on_record),
      cmocka_unit_test(an_end_that_boughd_fails_to_take_is_told_again),
      cmocka_unit_test(a_hello_that_fails_is_said_again),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
