/* The reaper's clock, the moment of the announcement, the signature of messages. */
#include "branch/expiry.h"
#include "branch/reaper_clock.h"
#include "branch/webhook.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND 1000000LL
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define START (1700000000 * SECOND)

static ReaperRow at(const char *boot, int64_t boottime, int64_t wall) {
  ReaperRow row = {.boottime_us = boottime, .wall_us = START + wall};
  (void)snprintf(row.boot, sizeof row.boot, "%s", boot);
  return row;
}

static const struct {
  const char *boot_before, *boot_now;
  int64_t boottime_before, wall_before, boottime_now, wall_now;
  int64_t jump;
} jumps[] = {
    {"", "a", 0, 0, 5 * HOUR, 90 * DAY, 0}, /* the first look of all */
    {"a", "a", 0, 0, 2 * SECOND, 2 * SECOND, 0},
    {"a", "a", 0, 0, 30 * DAY, 30 * DAY, 0}, /* boughd was down, or the machine slept */
    {"a", "a", 0, 0, 2 * SECOND, 2 * SECOND + HOUR, 0},
    {"a", "a", 0, 0, 2 * SECOND, 3 * SECOND + HOUR, HOUR + SECOND},
    {"a", "a", 0, 0, 2 * SECOND, SECOND - HOUR, -HOUR - SECOND},
    {"a", "a", 0, 0, 2 * SECOND, 2 * SECOND - HOUR, 0},
    {"a", "a", 0, 0, 30 * DAY, 60 * DAY, 30 * DAY},
    {"a", "a", 0, 0, 30 * DAY, 0, -30 * DAY},
    {"a", "b", 9 * DAY, 0, 60 * SECOND, 60 * SECOND, 0}, /* the machine was started anew */
    {"a", "b", 9 * DAY, 0, 60 * SECOND, 20 * HOUR, 0},
    {"a", "b", 9 * DAY, 0, 60 * SECOND, 25 * HOUR, 25 * HOUR},
    {"a", "b", 9 * DAY, 0, 60 * SECOND, -2 * HOUR, -2 * HOUR},
    {"a", "b", 9 * DAY, 0, 60 * SECOND, -60 * SECOND, 0},
};

static void test_jumps(void **state) {
  for (size_t row = 0; row < ARRAY_LENGTH(jumps); row++) {
    ReaperRow before =
        at(jumps[row].boot_before, jumps[row].boottime_before, jumps[row].wall_before);
    ReaperRow now = at(jumps[row].boot_now, jumps[row].boottime_now, jumps[row].wall_now);
    if (reaper_clock_jump(&before, &now) != jumps[row].jump)
      fail_msg("row %zu: %lld", row, (long long)reaper_clock_jump(&before, &now));
  }
}

static void advance(ReaperRow *row, const char *boot, int64_t boottime, int64_t wall,
                    int64_t expected_jump, bool expected_held) {
  ReaperRow now = at(boot, boottime, wall);
  int64_t jump = 0;
  reaper_clock_advance(row, &now, HOUR, &jump);
  assert_true(jump == expected_jump);
  assert_int_equal(reaper_clock_is_held(row), expected_held);
  assert_true(row->boottime_us == boottime && row->wall_us == START + wall);
  assert_string_equal(row->boot, boot);
}

static void test_hold(void **state) {
  ReaperRow row = {0};
  advance(&row, "a", HOUR, 0, 0, false);
  advance(&row, "a", HOUR + 2 * SECOND, 2 * SECOND, 0, false);
  advance(&row, "a", HOUR + 4 * SECOND, 5 * HOUR, 5 * HOUR - 4 * SECOND, true);
  assert_true(row.jumped_at == START + 5 * HOUR);
  advance(&row, "a", HOUR + 6 * SECOND, 5 * HOUR + 2 * SECOND, 0, true);
  advance(&row, "a", 2 * HOUR + 3 * SECOND, 6 * HOUR, 0, true);
  advance(&row, "a", 2 * HOUR + 4 * SECOND, 6 * HOUR + SECOND, 0, false);
  assert_true(row.jump_us == 5 * HOUR - 4 * SECOND); /* for those who look later */
  advance(&row, "a", 2 * HOUR + 6 * SECOND, SECOND, -6 * HOUR - 2 * SECOND, true);
  /* corrected meanwhile: that is a jump again, and held anew */
  advance(&row, "a", 3 * HOUR, 7 * HOUR, 6 * HOUR + 5 * SECOND, true);
}

static void test_hold_over_a_restart_of_the_machine(void **state) {
  ReaperRow row = {0};
  advance(&row, "a", 9 * HOUR, 0, 0, false);
  advance(&row, "a", 9 * HOUR + SECOND, 3 * HOUR, 3 * HOUR - SECOND, true);
  advance(&row, "b", SECOND, 3 * HOUR + SECOND, 0, true);
  advance(&row, "b", HOUR, 4 * HOUR, 0, true);
  advance(&row, "b", HOUR + SECOND, 4 * HOUR + SECOND, 0, false);
}

static void test_notice(void **state) {
  assert_true(expiry_notice_us(START, START + 8 * HOUR) == 2 * HOUR);
  assert_true(expiry_notice_us(START, START + 4 * DAY) == DAY);
  assert_true(expiry_notice_us(START, START + 30 * DAY) == DAY);
  assert_true(expiry_notice_us(START, START) == 0);
}

/* openssl dgst -sha256 -hmac key, over "1700000000.{}" */
static void test_signature(void **state) {
  AUTO(str_free) char *text = webhook_signature("key", 3, 1700000000, "{}");
  AUTO(str_free) char *other = webhook_signature("key", 3, 1700000001, "{}");
  assert_string_equal(text,
                      "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
  assert_string_not_equal(text, other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_jumps),
      cmocka_unit_test(test_hold),
      cmocka_unit_test(test_hold_over_a_restart_of_the_machine),
      cmocka_unit_test(test_notice),
      cmocka_unit_test(test_signature),
  };
  return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
