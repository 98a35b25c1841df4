/* Units of sizes. */
#include "core/size.h"

#include "core/str.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  int64_t factor;
} units[] = {
    {"", 1},
    {"B", 1},
    {"K", 1LL << 10},
    {"KiB", 1LL << 10},
    {"M", 1LL << 20},
    {"MiB", 1LL << 20},
    {"G", 1LL << 30},
    {"GiB", 1LL << 30},
    {"T", 1LL << 40},
    {"TiB", 1LL << 40},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
};

bool size_parse(const char *text, int64_t *ret, Error *err) {
  size_t digits = strspn(text, "0123456789");
  long long number = digits > 0 && digits < 16 ? strtoll(text, NULL, 10) : 0;
  for (size_t at = 0; at < ARRAY_LENGTH(units) && number > 0; at++)
    if (str_equal(units[at].name, text + digits) && number <= INT64_MAX / units[at].factor) {
      *ret = number * units[at].factor;
      return true;
    }
  (void)error_set(err, ERROR_USAGE, "\"%.80s\" is no size", text);
  return error_hint(err, "write 512MiB, 20GiB or 20GB");
}
