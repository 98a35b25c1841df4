/* The clock, and sizes as people write them. */
#include "core/clock.h"
#include "core/size.h"
#include "core/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

static void test_monotonic(void **state) {
  int64_t last = clock_monotonic_us();
  for (int round = 0; round < 10000; round++) {
    int64_t now = clock_monotonic_us();
    assert_true(now >= last);
    last = now;
  }
  assert_in_range(clock_monotonic_ms() - last / 1000, 0, 5000);
}

static void test_wall(void **state) {
  int64_t seconds = (int64_t)time(NULL);
  assert_in_range(clock_wall_us() / 1000000 - seconds + 1, 0, 10);
}

/* Both clocks in seconds, from before to now. */
static const struct {
  int64_t wall_before, boot_before, wall_now, boot_now, jump;
} jumps[] = {
    {1700000000, 500, 1700000000, 500, 0},
    {1700000000, 500, 1700086400, 86900, 0}, /* a day, asleep or not */
    {1700000000, 500, 1700000040, 510, 30},  /* set ahead */
    {1700000000, 500, 1699999980, 510, -30}, /* set back, below where it began */
    {1700000000, 500, 1700000004, 510, -6},  /* set back, and past its beginning again */
    {100, 500, 1700000100, 510, 1699999990}, /* a machine that woke in 1970, then heard the time */
    {1700000000, 500, 1700086390, 86890, 0},
};

static void test_jump(void **state) {
  for (size_t row = 0; row < ARRAY_LENGTH(jumps); row++) {
    ClockLook before = {jumps[row].wall_before * 1000000, jumps[row].boot_before * 1000000};
    ClockLook now = {jumps[row].wall_now * 1000000, jumps[row].boot_now * 1000000};
    if (clock_jump_us(&before, &now) != jumps[row].jump * 1000000)
      fail_msg("row %zu: %lld", row, (long long)clock_jump_us(&before, &now));
  }
}

static void test_look(void **state) {
  ClockLook before = clock_look();
  clock_sleep_ms(20);
  ClockLook now = clock_look();
  assert_true(now.boot_us - before.boot_us >= 20000);
  assert_true(before.wall_us > 1600000000LL * 1000000);
}

static void on_alarm(int number) {
}

static void test_sleep_is_not_cut_by_signals(void **state) {
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval often = {.it_interval = {.tv_usec = 5000}, .it_value = {.tv_usec = 5000}};
  const struct itimerval never = {0};
  assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  int64_t started = clock_monotonic_us();
  clock_sleep_ms(60);
  int64_t slept = clock_monotonic_us() - started;
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
  assert_in_range(slept, 60000, 5000000);
}

static const struct {
  const char *text;
  int64_t bytes; /* 0: refused */
} sizes[] = {
    {"1", 1},
    {"7B", 7},
    {"1K", 1024},
    {"512MiB", 512LL << 20},
    {"5G", 5LL << 30},
    {"20GB", 20000000000},
    {"1TiB", 1LL << 40},
    {"3kB", 3000},
    {"8388607T", 8388607LL << 40},
    {"8388608T", 0},
    {"0", 0},
    {"", 0},
    {"G", 0},
    {"-1", 0},
    {"+1", 0},
    {" 1", 0},
    {"1 G", 0},
    {"1g", 0},
    {"1.5G", 0},
    {"0x10", 0},
    {"999999999999999", 999999999999999},
    {"9999999999999999", 0},
    {"1GiBs", 0},
};

static void test_sizes(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(sizes); at++) {
    int64_t bytes = 0;
    Error err = ERROR_INIT;
    assert_int_equal(size_parse(sizes[at].text, &bytes, &err), sizes[at].bytes > 0);
    assert_true(bytes == sizes[at].bytes);
    assert_int_equal(err.code, sizes[at].bytes > 0 ? ERROR_NONE : ERROR_USAGE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_monotonic),
      cmocka_unit_test(test_wall),
      cmocka_unit_test(test_jump),
      cmocka_unit_test(test_look),
      cmocka_unit_test(test_sleep_is_not_cut_by_signals),
      cmocka_unit_test(test_sizes),
  };
  return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
