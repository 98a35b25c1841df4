/* Names of branches that had to give up theirs. */
#include "branch/previous.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
  STEM_LENGTH = 41, /* of a name that a time is put behind */
  ENDING_LENGTH = 4,
};

/* The time alone could be taken by somebody who knows when it will be needed. */
void previous_name(char ret[NAME_MAX_LENGTH + 1], const char *name) {
  time_t now = (time_t)(clock_wall_us() / 1000000);
  struct tm parts;
  char when[sizeof "20260131-120000"];
  char random[ID_SIZE];
  char text[NAME_MAX_LENGTH + 1];
  (void)gmtime_r(&now, &parts);
  (void)strftime(when, sizeof when, "%Y%m%d-%H%M%S", &parts);
  id_new("br", random);
  (void)snprintf(text, sizeof text, "%.*s-%s-%.*s", STEM_LENGTH, name, when, ENDING_LENGTH,
                 random + sizeof "br-" - 1);
  memcpy(ret, text, sizeof text);
}
