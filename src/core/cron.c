/* Reads schedules, and finds their times in a zone. */
#include "core/cron.h"

#include "core/str.h"
#include "core/zone.h"

#include <string.h>
#include <strings.h>

/* 29 February on one weekday comes back after 40 years at the latest. */
enum { MINUTE = 60, HOUR = 3600, DAY = 86400, HORIZON_DAYS = 41 * 366, TEXT_LIMIT = 256 };
#define MICROSECONDS 1000000LL
#define LAST_TIME (253402300800LL * MICROSECONDS) /* the year 10000 */

typedef struct Field {
  const char *title;
  int least;
  int most;
  const char *names; /* of three letters each, the first is the least's */
} Field;

enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELDS };

static const Field fields[FIELDS] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};

static const struct {
  const char *name;
  const char *text;
} macros[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
              {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
              {"@annually", "0 0 1 1 *"}};

/* ---- reading ---- */

/* One field's text, read from the left. */
typedef struct Reader {
  const Field *field;
  const char *at;
  const char *end;
} Reader;

static bool refuse(const Reader *reader, const char *what, Error *err) {
  const Field *field = reader->field;
  (void)error_set(err, ERROR_USAGE, "%s: %s", field->title, what);
  if (field->names[0] != '\0')
    return error_hint(
        err, "write *, or %d to %d or the names %.3s to %s, as lists, ranges and steps",
        field->least, field->most, field->names, field->names + strlen(field->names) - 3);
  return error_hint(err, "write *, or %d to %d, as lists (1,2), ranges (1-5) and steps (*/5)",
                    field->least, field->most);
}

static bool take(Reader *reader, char wanted) {
  bool there = reader->at < reader->end && *reader->at == wanted;
  reader->at += there ? 1 : 0;
  return there;
}

static bool read_number(Reader *reader, int *ret, Error *err) {
  const char *start = reader->at;
  int number = 0;
  for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
    number = number < 1000 ? number * 10 + (*reader->at - '0') : number;
  if (reader->at == start)
    return refuse(reader, "a number is missing", err);
  *ret = number;
  return true;
}

static bool read_name(Reader *reader, int *ret) {
  const char *names = reader->field->names;
  for (size_t at = 0; names[at] != '\0'; at += 3)
    if (reader->end - reader->at >= 3 && strncasecmp(reader->at, names + at, 3) == 0) {
      reader->at += 3;
      *ret = (int)(at / 3) + reader->field->least;
      return true;
    }
  return false;
}

static bool read_value(Reader *reader, int *ret, Error *err) {
  int value = 0;
  if (!read_name(reader, &value) && !read_number(reader, &value, err))
    return false;
  if (value < reader->field->least || value > reader->field->most)
    return refuse(reader, "a value is out of range", err);
  *ret = value;
  return true;
}

static bool read_range(Reader *reader, int *ret_first, int *ret_last, Error *err) {
  const Field *field = reader->field;
  bool is_weekday = field == &fields[FIELD_WEEKDAY];
  if (take(reader, '*')) {
    *ret_first = field->least;
    *ret_last = is_weekday ? 6 : field->most;
    return true;
  }
  int first = 0;
  if (!read_value(reader, &first, err))
    return false;
  int last = first;
  if (take(reader, '-') && !read_value(reader, &last, err))
    return false;
  if (is_weekday && last == 0 && first > 0)
    last = 7; /* fri-sun */
  if (last < first)
    return refuse(reader, "a range ends before it starts", err);
  *ret_first = first;
  *ret_last = last;
  return true;
}

/* A step beyond the range, or of a single value, is never what was meant. */
static bool read_step(Reader *reader, int span, int *ret, Error *err) {
  int step = 1;
  if (!take(reader, '/')) {
    *ret = step;
    return true;
  }
  if (!read_number(reader, &step, err))
    return false;
  if (step < 1 || step > span)
    return refuse(reader, "a step is larger than its range, or 0", err);
  *ret = step;
  return true;
}

static bool read_item(Reader *reader, uint64_t *bits, Error *err) {
  int first = 0;
  int last = 0;
  int step = 0;
  if (!read_range(reader, &first, &last, err) || !read_step(reader, last - first, &step, err))
    return false;
  bool is_weekday = reader->field == &fields[FIELD_WEEKDAY];
  for (int value = first; value <= last; value += step)
    *bits |= UINT64_C(1) << (is_weekday ? value % 7 : value);
  return true;
}

static bool read_field(const Field *field, const char *text, size_t length, uint64_t *ret,
                       Error *err) {
  Reader reader = {field, text, text + length};
  uint64_t bits = 0;
  do {
    if (!read_item(&reader, &bits, err))
      return false;
  } while (take(&reader, ','));
  if (reader.at < reader.end)
    return refuse(&reader, "it can't be read", err);
  *ret = bits;
  return true;
}

static int month_days(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool has_bit(uint64_t bits, int bit) {
  return (bits >> bit & 1) != 0;
}

static bool ever_comes(const Cron *cron) {
  if (cron->either_day)
    return true;
  for (int month = 1; month <= 12; month++)
    for (int day = 1; has_bit(cron->months, month) && day <= month_days(2000, month); day++)
      if (has_bit(cron->days, day))
        return true;
  return false;
}

static bool read_fields(const char *text, Cron *ret, Error *err) {
  static const char blanks[] = " \t";
  uint64_t bits[FIELDS] = {0};
  bool starred[FIELDS] = {false};
  const char *at = text + strspn(text, blanks);
  for (size_t field = 0; field < FIELDS; field++) {
    size_t length = strcspn(at, blanks);
    if (length == 0)
      return error_set(err, ERROR_USAGE, "it has %zu of five fields", field);
    starred[field] = at[0] == '*';
    if (!read_field(&fields[field], at, length, &bits[field], err))
      return false;
    at += length;
    at += strspn(at, blanks);
  }
  if (*at != '\0')
    return error_set(err, ERROR_USAGE, "it has more than five fields");
  *ret = (Cron){.minutes = bits[FIELD_MINUTE],
                .hours = (uint32_t)bits[FIELD_HOUR],
                .days = (uint32_t)bits[FIELD_DAY],
                .months = (uint32_t)bits[FIELD_MONTH],
                .weekdays = (uint32_t)bits[FIELD_WEEKDAY],
                .either_day = !starred[FIELD_DAY] && !starred[FIELD_WEEKDAY]};
  return true;
}

static const char *expand(const char *text) {
  for (size_t at = 0; at < ARRAY_LENGTH(macros); at++)
    if (strcasecmp(text, macros[at].name) == 0)
      return macros[at].text;
  return text;
}

static bool read_schedule(const char *text, Cron *ret, Error *err) {
  Cron cron = {0};
  const char *expanded = expand(text);
  if (strlen(text) > TEXT_LIMIT)
    return error_set(err, ERROR_USAGE, "it is longer than %d characters", TEXT_LIMIT);
  if (expanded[0] == '@') {
    (void)error_set(err, ERROR_USAGE, "there is no such word");
    return error_hint(err, "write @hourly, @daily, @weekly, @monthly, @yearly, or five fields");
  }
  if (!read_fields(expanded, &cron, err))
    return false;
  if (!ever_comes(&cron))
    return error_set(err, ERROR_USAGE, "no month that it names has such a day");
  *ret = cron;
  return true;
}

bool cron_parse(const char *text, Cron *ret, Error *err) {
  return read_schedule(text, ret, err) || error_prefix(err, "\"%.80s\" is no schedule", text);
}

/* ---- times ---- */

typedef struct Date {
  int64_t year;
  int month;
  int day;
} Date;

/* Of a day counted from 1970-01-01. The arithmetic counts years from March on, so that the leap day
 * is the last one, in eras of 400 years. */
static Date date_of(int64_t day_number) {
  int64_t shifted = day_number + 719468; /* since 0000-03-01 */
  int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t of_era = shifted - era * 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  int64_t march_month = (5 * of_year + 2) / 153;
  int month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
  return (Date){.year = year + era * 400 + (month <= 2 ? 1 : 0),
                .month = month,
                .day = (int)(of_year - (153 * march_month + 2) / 5 + 1)};
}

static bool is_day(const Cron *cron, int64_t day_number) {
  Date date = date_of(day_number);
  int weekday = (int)((day_number + 4) % 7); /* 1970 began on a Thursday */
  bool of_month = has_bit(cron->days, date.day);
  bool of_week = has_bit(cron->weekdays, weekday);
  return has_bit(cron->months, date.month) &&
         (cron->either_day ? of_month || of_week : of_month && of_week);
}

static bool is_minute(const Cron *cron, int minute_of_day) {
  return has_bit(cron->hours, minute_of_day / 60) && has_bit(cron->minutes, minute_of_day % 60);
}

static bool find_after(const Cron *cron, int64_t day, int64_t after, int64_t *ret) {
  for (int minute = 0; minute < DAY / MINUTE; minute++) {
    if (!is_minute(cron, minute))
      continue;
    int64_t time = zone_resolve(day * DAY + minute * (int64_t)MINUTE) * MICROSECONDS;
    if (time > after) {
      *ret = time;
      return true;
    }
  }
  return false;
}

static bool find_until(const Cron *cron, int64_t day, int64_t until, int64_t *ret) {
  for (int minute = DAY / MINUTE - 1; minute >= 0; minute--) {
    if (!is_minute(cron, minute))
      continue;
    int64_t time = zone_resolve(day * DAY + minute * (int64_t)MINUTE) * MICROSECONDS;
    if (time <= until) {
      *ret = time;
      return true;
    }
  }
  return false;
}

static bool enter(const char *zone, int64_t time, ZoneGuard *ret, Error *err) {
  if (time < 0 || time >= LAST_TIME)
    return error_set(err, ERROR_USAGE, "a time outside of the years 1970 to 9999");
  return zone_enter(zone, ret, err);
}

static int64_t local_day(int64_t time) {
  int64_t seconds = time / MICROSECONDS;
  int64_t local = seconds + zone_offset(seconds);
  return local >= 0 ? local / DAY : -1;
}

bool cron_next(const Cron *cron, const char *zone, int64_t after, int64_t *ret, Error *err) {
  AUTO_RELEASE(zone_guard_release) ZoneGuard guard = {0};
  if (!enter(zone, after, &guard, err))
    return false;
  int64_t first = local_day(after);
  for (int64_t day = first >= 0 ? first : 0; day < first + HORIZON_DAYS; day++)
    if (is_day(cron, day) && find_after(cron, day, after, ret))
      return true;
  return error_set(err, ERROR_INTERNAL, "a schedule that never comes again");
}

bool cron_last(const Cron *cron, const char *zone, int64_t until, int64_t *ret, Error *err) {
  AUTO_RELEASE(zone_guard_release) ZoneGuard guard = {0};
  if (!enter(zone, until, &guard, err))
    return false;
  for (int64_t day = local_day(until) + 1; day >= 0; day--)
    if (is_day(cron, day) && find_until(cron, day, until, ret))
      return true;
  return error_set(err, ERROR_USAGE, "there is no such time since 1970");
}
