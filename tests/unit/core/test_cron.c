/* Schedules: what is read and refused, and their times where the clocks change. */
#include "core/cron.h"
#include "core/str.h"
#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)

/* "2024-03-31T01:00" in UTC */
static int64_t utc(const char *text) {
  struct tm parts = {0};
  const char *end = strptime(text, "%Y-%m-%dT%H:%M", &parts);
  assert_non_null(end);
  assert_int_equal(*end, '\0');
  return (int64_t)timegm(&parts) * SECOND;
}

static Cron parse(const char *text) {
  Cron cron = {0};
  Error err = ERROR_INIT;
  if (!cron_parse(text, &cron, &err))
    fail_msg("%s", err.message);
  return cron;
}

static const struct {
  const char *text;
  const char *zone;
  const char *after;
  const char *next[3]; /* in UTC, one after the other */
} times[] = {
    /* plain */
    {"* * * * *", "UTC", "2024-01-01T00:00", {"2024-01-01T00:01", "2024-01-01T00:02"}},
    {"0 2 * * *", "UTC", "2024-01-01T02:00", {"2024-01-02T02:00", "2024-01-03T02:00"}},
    {"0 2 * * *", "UTC", "2024-01-01T01:59", {"2024-01-01T02:00"}},
    {"30 4 1,15 * *", "UTC", "2024-01-02T00:00", {"2024-01-15T04:30", "2024-02-01T04:30"}},
    {"*/20 8-9 * * *", "UTC", "2024-01-01T08:40", {"2024-01-01T09:00", "2024-01-01T09:20"}},
    {"5-15/5,59 0 * * *", "UTC", "2024-01-01T00:11", {"2024-01-01T00:15", "2024-01-01T00:59"}},
    {"0 0 31 * *", "UTC", "2024-01-31T00:00", {"2024-03-31T00:00", "2024-05-31T00:00"}},
    {"@hourly", "UTC", "2024-12-31T23:00", {"2025-01-01T00:00", "2025-01-01T01:00"}},
    {"@Daily", "UTC", "2024-02-28T12:00", {"2024-02-29T00:00", "2024-03-01T00:00"}},
    {"@midnight", "UTC", "2023-02-28T12:00", {"2023-03-01T00:00"}},
    {"@weekly", "UTC", "2024-01-01T00:00", {"2024-01-07T00:00", "2024-01-14T00:00"}},
    {"@monthly", "UTC", "2024-01-01T00:00", {"2024-02-01T00:00"}},
    {"@yearly", "UTC", "2024-01-01T00:00", {"2025-01-01T00:00", "2026-01-01T00:00"}},
    {"@annually", "UTC", "2024-01-01T00:01", {"2025-01-01T00:00"}},
    {"  0\t2  *   *  *  ", "UTC", "2024-01-01T02:00", {"2024-01-02T02:00"}},
    /* names, weekdays */
    {"0 0 * JAN,jul *", "UTC", "2024-01-31T00:00", {"2024-07-01T00:00"}},
    {"0 9 * * mon-fri", "UTC", "2024-01-05T09:00", {"2024-01-08T09:00"}},
    {"0 9 * * Fri-Sun",
     "UTC",
     "2024-01-01T00:00",
     {"2024-01-05T09:00", "2024-01-06T09:00", "2024-01-07T09:00"}},
    {"0 9 * * 7", "UTC", "2024-01-01T00:00", {"2024-01-07T09:00", "2024-01-14T09:00"}},
    {"0 9 * * 0", "UTC", "2024-01-01T00:00", {"2024-01-07T09:00", "2024-01-14T09:00"}},
    {"0 9 * * 5-7", "UTC", "2024-01-06T10:00", {"2024-01-07T09:00", "2024-01-12T09:00"}},
    {"0 9 * * */2",
     "UTC",
     "2024-01-01T00:00",
     {"2024-01-02T09:00", "2024-01-04T09:00", "2024-01-06T09:00"}},
    /* both days: either one; but with a * in front both */
    {"0 0 13 * fri",
     "UTC",
     "2024-09-01T00:00",
     {"2024-09-06T00:00", "2024-09-13T00:00", "2024-09-20T00:00"}},
    {"0 0 13 * fri", "UTC", "2024-10-12T00:00", {"2024-10-13T00:00"}},
    {"0 0 */13 * fri", "UTC", "2024-01-01T00:00", {"2024-03-01T00:00", "2024-06-14T00:00"}},
    {"0 0 30 2 mon", "UTC", "2024-02-01T00:00", {"2024-02-05T00:00", "2024-02-12T00:00"}},
    /* leap years */
    {"0 0 29 2 *", "UTC", "2024-02-29T00:00", {"2028-02-29T00:00", "2032-02-29T00:00"}},
    {"0 0 29 2 *", "UTC", "2096-02-29T00:00", {"2104-02-29T00:00"}},
    {"0 0 29 2 *", "UTC", "1999-01-01T00:00", {"2000-02-29T00:00", "2004-02-29T00:00"}},
    {"0 0 29 2 */6", "UTC", "2088-03-01T00:00", {"2116-02-29T00:00"}},
    /* zones */
    {"0 2 * * *", "Europe/Berlin", "2024-01-01T00:59", {"2024-01-01T01:00", "2024-01-02T01:00"}},
    {"0 2 * * *", "Europe/Berlin", "2024-07-01T00:00", {"2024-07-02T00:00"}},
    {"0 0 1 1 *", "Pacific/Auckland", "2024-01-01T00:00", {"2024-12-31T11:00"}},
    {"0 0 * * *", "Asia/Kolkata", "2024-01-01T00:00", {"2024-01-01T18:30"}},
    {"0 0 * * *", "America/New_York", "2024-01-01T00:00", {"2024-01-01T05:00"}},
    /* Berlin skips 2:00 to 3:00 on 2024-03-31, at 1:00 UTC */
    {"0 2 * * *", "Europe/Berlin", "2024-03-30T02:00", {"2024-03-31T01:00", "2024-04-01T00:00"}},
    {"30 2 * * *", "Europe/Berlin", "2024-03-30T02:00", {"2024-03-31T01:00", "2024-04-01T00:30"}},
    {"30 2 31 3 *", "Europe/Berlin", "2024-01-01T00:00", {"2024-03-31T01:00", "2025-03-31T00:30"}},
    {"*/30 * * * *",
     "Europe/Berlin",
     "2024-03-31T00:15",
     {"2024-03-31T00:30", "2024-03-31T01:00", "2024-03-31T01:30"}},
    {"0 3 * * *", "Europe/Berlin", "2024-03-31T00:00", {"2024-03-31T01:00", "2024-04-01T01:00"}},
    {"15 2,3 * * *",
     "Europe/Berlin",
     "2024-03-31T00:30",
     {"2024-03-31T01:00", "2024-03-31T01:15", "2024-04-01T00:15"}},
    /* and shows 2:00 to 3:00 twice on 2024-10-27, from 0:00 UTC and from 1:00 UTC */
    {"0 2 * * *", "Europe/Berlin", "2024-10-26T12:00", {"2024-10-27T00:00", "2024-10-28T01:00"}},
    {"30 2 * * *", "Europe/Berlin", "2024-10-27T00:30", {"2024-10-28T01:30"}},
    {"*/30 * * * *", "Europe/Berlin", "2024-10-27T00:00", {"2024-10-27T00:30", "2024-10-27T02:00"}},
    {"30 2 * * *", "Europe/Berlin", "2024-10-27T01:15", {"2024-10-28T01:30"}},
    {"0 3 * * *", "Europe/Berlin", "2024-10-27T00:00", {"2024-10-27T02:00"}},
    /* New York: 2024-03-10 7:00 UTC, 2024-11-03 from 5:00 UTC and from 6:00 UTC */
    {"30 2 * * *",
     "America/New_York",
     "2024-03-09T12:00",
     {"2024-03-10T07:00", "2024-03-11T06:30"}},
    {"0 1-3 * * *",
     "America/New_York",
     "2024-03-10T05:30",
     {"2024-03-10T06:00", "2024-03-10T07:00", "2024-03-11T05:00"}},
    {"30 1 * * *",
     "America/New_York",
     "2024-11-02T12:00",
     {"2024-11-03T05:30", "2024-11-04T06:30"}},
    {"0 * * * *", "America/New_York", "2024-11-03T04:30", {"2024-11-03T05:00", "2024-11-03T07:00"}},
    /* half an hour, midnight, and a day that there never was */
    {"15 2 * * *",
     "Australia/Lord_Howe",
     "2024-10-04T16:00",
     {"2024-10-05T15:30", "2024-10-06T15:15"}},
    {"0 0 * * *", "America/Santiago", "2024-09-07T12:00", {"2024-09-08T04:00", "2024-09-09T03:00"}},
    {"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00", {"2011-12-30T10:00", "2012-12-29T22:00"}},
    /* far away: the rule at the end of the zone's file */
    {"30 2 * * *", "Europe/Berlin", "2060-03-27T12:00", {"2060-03-28T01:00", "2060-03-29T00:30"}},
};

static void test_times(void **state) {
  for (size_t row = 0; row < ARRAY_LENGTH(times); row++) {
    Cron cron = parse(times[row].text);
    int64_t time = utc(times[row].after);
    for (size_t at = 0; at < 3 && times[row].next[at] != NULL; at++) {
      int64_t next = 0;
      int64_t last = 0;
      assert_true(cron_next(&cron, times[row].zone, time, &next, NULL));
      if (next != utc(times[row].next[at]))
        fail_msg("row %zu, \"%s\": time %zu is %lld, not %s", row, times[row].text, at,
                 (long long)(next / SECOND), times[row].next[at]);
      assert_true(cron_last(&cron, times[row].zone, next, &last, NULL));
      assert_true(last == next);
      assert_true(cron_last(&cron, times[row].zone, next - 1, &last, NULL));
      assert_true(last <= time);
      time = next;
    }
  }
}

/* Another way to the same times: every minute of ten days is looked at, and what the clock shows
 * for the first time, or jumped over, is due. */
static void compare_minutes(const char *text, const char *zone, const char *from) {
  AUTO_RELEASE(zone_guard_release) ZoneGuard guard = {0};
  Cron cron = parse(text);
  int64_t start = utc(from);
  int64_t expected = 0;
  assert_true(cron_next(&cron, zone, start, &expected, NULL));
  assert_true(zone_enter(zone, &guard, NULL));
  int64_t shown = start / SECOND + zone_offset(start / SECOND); /* the latest local time so far */
  for (int64_t time = start + MINUTE; time < start + 14400 * MINUTE; time += MINUTE) {
    int64_t local = time / SECOND + zone_offset(time / SECOND);
    bool due = false;
    for (int64_t minute = shown + 60; minute <= local; minute += 60)
      due = due || ((cron.minutes >> minute / 60 % 60 & 1) != 0 &&
                    (cron.hours >> minute / 3600 % 24 & 1) != 0);
    shown = local > shown ? local : shown;
    if (due != (time == expected))
      fail_msg("\"%s\" in %s at %lld", text, zone, (long long)(time / SECOND));
    if (due)
      assert_true(cron_next(&cron, zone, time, &expected, NULL));
  }
}

static void test_every_minute_around_a_change(void **state) {
  static const char *const zones[][2] = {
      {"Europe/Berlin", "2024-03-28T00:00"},       {"Europe/Berlin", "2024-10-24T00:00"},
      {"America/New_York", "2024-03-07T00:00"},    {"America/New_York", "2024-10-31T00:00"},
      {"Australia/Lord_Howe", "2024-04-03T00:00"}, {"America/Santiago", "2024-09-05T00:00"},
      {"Africa/Casablanca", "2024-03-08T00:00"}};
  static const char *const texts[] = {"*/7 * * * *", "0 2 * * *", "30 1-3 * * *", "59 23 * * *"};
  for (size_t zone = 0; zone < ARRAY_LENGTH(zones); zone++)
    for (size_t text = 0; text < ARRAY_LENGTH(texts); text++)
      compare_minutes(texts[text], zones[zone][0], zones[zone][1]);
}

static const struct {
  const char *text;
  const char *words; /* of the message */
} refused[] = {
    {"", "0 of five fields"},
    {"   ", "0 of five fields"},
    {"* * * *", "4 of five fields"},
    {"* * * * * *", "more than five"},
    {"60 * * * *", "minute: a value is out of range"},
    {"* 24 * * *", "hour: a value"},
    {"* * 0 * *", "day of the month: a value"},
    {"* * 32 * *", "day of the month: a value"},
    {"* * * 0 *", "month: a value"},
    {"* * * 13 *", "month: a value"},
    {"* * * * 8", "day of the week: a value"},
    {"-1 * * * *", "minute: a number is missing"},
    {"1- * * * *", "a number is missing"},
    {"1, * * * *", "a number is missing"},
    {",1 * * * *", "a number is missing"},
    {"5-1 * * * *", "ends before it starts"},
    {"*/0 * * * *", "a step"},
    {"*/60 * * * *", "a step"},
    {"5/2 * * * *", "a step"},
    {"1-5/9 * * * *", "a step"},
    {"*/ * * * *", "a number is missing"},
    {"** * * * *", "can't be read"},
    {"1-2-3 * * * *", "can't be read"},
    {"1.5 * * * *", "can't be read"},
    {"* * * january *", "month: it can't be read"},
    {"* * * * mo", "a number is missing"},
    {"jan * * * *", "minute: a number"},
    {"99999999999999999999 * * * *", "out of range"},
    {"@reboot", "no such word"},
    {"@", "no such word"},
    {"0 0 30 2 *", "no month"},
    {"0 0 31 2,4,6,9,11 *", "no month"},
    {"0 0 31 4 */2", "no month"},
    {"0 2 * * *\n", "can't be read"},
};

static void test_refused(void **state) {
  for (size_t row = 0; row < ARRAY_LENGTH(refused); row++) {
    Cron cron = {0};
    Error err = ERROR_INIT;
    if (cron_parse(refused[row].text, &cron, &err))
      fail_msg("\"%s\" was taken", refused[row].text);
    assert_int_equal(err.code, ERROR_USAGE);
    if (strstr(err.message, refused[row].words) == NULL)
      fail_msg("\"%s\": %s", refused[row].text, err.message);
  }
}

static void test_too_long(void **state) {
  Cron cron = {0};
  char text[400];
  memset(text, '1', sizeof text);
  for (size_t at = 1; at < sizeof text; at += 2)
    text[at] = ',';
  memcpy(text + sizeof text - 10, "1 * * * *", 10);
  assert_false(cron_parse(text, &cron, NULL));
}

static void test_zones(void **state) {
  static const char *const good[] = {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia",
                                     "Etc/GMT+5"};
  static const char *const bad[] = {"",
                                    "Europe",
                                    "Europe/Atlantis",
                                    "/etc/passwd",
                                    "../../etc/passwd",
                                    "Europe/../UTC",
                                    "right/UTC",
                                    "zone.tab",
                                    "Europe/Berlin "};
  Error err = ERROR_INIT;
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++)
    assert_true(zone_check(good[at], &err));
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    error_clear(&err);
    assert_false(zone_check(bad[at], &err));
    assert_int_equal(err.code, ERROR_USAGE);
  }
}

static void test_zone_is_put_back(void **state) {
  assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
  tzset();
  Cron cron = parse("@daily");
  int64_t next = 0;
  assert_true(cron_next(&cron, "Europe/Berlin", 0, &next, NULL));
  assert_string_equal(getenv("TZ"), "Asia/Tokyo");
  assert_int_equal(zone_offset(0), 9 * 3600);
  assert_int_equal(unsetenv("TZ"), 0);
  assert_true(cron_next(&cron, "Europe/Berlin", 0, &next, NULL));
  assert_null(getenv("TZ"));
}

static void test_bounds(void **state) {
  Cron cron = parse("0 0 29 2 *");
  int64_t time = 0;
  Error err = ERROR_INIT;
  assert_false(cron_next(&cron, "UTC", -1, &time, &err));
  assert_false(cron_next(&cron, "UTC", INT64_MAX, &time, &err));
  assert_false(cron_next(&cron, "Nowhere", 0, &time, &err));
  assert_false(cron_last(&cron, "UTC", 0, &time, &err));
  assert_true(cron_next(&cron, "Pacific/Honolulu", 0, &time, &err));
  assert_true(time == utc("1972-02-29T10:00"));
  assert_true(cron_next(&cron, "UTC", utc("9999-12-31T23:59"), &time, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times),   cmocka_unit_test(test_every_minute_around_a_change),
      cmocka_unit_test(test_refused), cmocka_unit_test(test_too_long),
      cmocka_unit_test(test_zones),   cmocka_unit_test(test_zone_is_put_back),
      cmocka_unit_test(test_bounds),
  };
  return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
