/* Schedules as crontab(5) writes them: minute, hour, day of the month, month, day of the week.
 *
 * Each field is * or a list of values and ranges, all with an optional step: "0", "1,15",
 * "mon-fri", "8-18/2". Months and weekdays have English names of three letters; 0 and 7 are
 * Sunday. As in crontab(5), where both days are given (neither starts with *) either one is
 * enough. @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually stand for their
 * five fields.
 *
 * A schedule is local time of a zone. What falls into an hour that the clocks skip runs once, in
 * the moment in which they do; what falls into one that they show twice runs once, the first time.
 * No second of this depends on the machine's own zone or clock. */
#pragma once

#include "core/base.h"
#include "core/error.h"

typedef struct Cron { /* a bit per value */
  uint64_t minutes;
  uint32_t hours;
  uint32_t days;
  uint32_t months;
  uint32_t weekdays; /* 0: Sunday */
  bool either_day;
} Cron;

/* ERROR_USAGE, naming the field, also for one that never comes (30 February). */
CHECKED bool cron_parse(const char *text, Cron *ret, Error *err);

/* The first time after after, and the last that isn't after until; microseconds since 1970.
 * ERROR_USAGE for a zone that isn't known or times outside of the years 1970 to 9999. */
CHECKED bool cron_next(const Cron *cron, const char *zone, int64_t after, int64_t *ret, Error *err);
CHECKED bool cron_last(const Cron *cron, const char *zone, int64_t until, int64_t *ret, Error *err);
