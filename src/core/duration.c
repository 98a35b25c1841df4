/* Reads spans of time. */
#include "core/duration.h"

#include <errno.h>
#include <stdlib.h>

#define LONGEST (3650LL * 86400)

static int64_t unit_seconds(char unit) {
  static const struct {
    char unit;
    int64_t seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  for (size_t at = 0; at < ARRAY_LENGTH(units); at++)
    if (units[at].unit == unit)
      return units[at].seconds;
  return 0;
}

bool duration_parse(const char *text, int64_t *ret, Error *err) {
  char *end = NULL;
  errno = 0;
  long long number = text[0] >= '0' && text[0] <= '9' ? strtoll(text, &end, 10) : 0;
  int64_t unit = end != NULL && end[0] != '\0' && end[1] == '\0' ? unit_seconds(end[0]) : 0;
  if (errno == 0 && unit > 0 && number > 0 && number <= LONGEST / unit) {
    *ret = number * unit;
    return true;
  }
  (void)error_set(err, ERROR_USAGE, "\"%.40s\" is no span of time", text);
  return error_hint(err, "write 90s, 30m, 12h or 7d, up to 3650d");
}
