/* Names of branches that had to give up theirs. */
#include "branch/previous.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STEM_LENGTH = 46 }; /* of a name that a time is put behind */

void previous_name(char ret[NAME_MAX_LENGTH + 1], const char *name) {
  time_t now = (time_t)(clock_wall_us() / 1000000);
  struct tm parts;
  char when[sizeof "20260131-120000"];
  char text[NAME_MAX_LENGTH + 1];
  (void)gmtime_r(&now, &parts);
  (void)strftime(when, sizeof when, "%Y%m%d-%H%M%S", &parts);
  (void)snprintf(text, sizeof text, "%.*s-%s", STEM_LENGTH, name, when);
  memcpy(ret, text, sizeof text);
}
