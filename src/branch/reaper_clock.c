/* Looks for jumps of the wall clock. */
#include "branch/reaper_clock.h"

#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR_US (3600 * 1000000LL)

int64_t reaper_clock_jump(const ReaperRow *before, const ReaperRow *now) {
  int64_t wall = now->wall_us - before->wall_us;
  if (before->boot[0] == '\0')
    return 0;
  if (str_equal(before->boot, now->boot)) {
    int64_t jump = wall - (now->boottime_us - before->boottime_us);
    return llabs(jump) > HOUR_US ? jump : 0;
  }
  return wall < -HOUR_US || wall > 24 * HOUR_US ? wall : 0;
}

void reaper_clock_advance(ReaperRow *row, const ReaperRow *now, int64_t hold_us,
                          int64_t *ret_jump) {
  int64_t jump = reaper_clock_jump(row, now);
  bool same_boot = str_equal(row->boot, now->boot);
  bool was_held = reaper_clock_is_held(row);
  if (jump != 0) {
    row->jump_us = jump;
    row->jumped_at = now->wall_us;
    row->held_until_us = now->boottime_us + hold_us;
  } else if (was_held && !same_boot) {
    row->held_until_us = now->boottime_us + hold_us;
  } else if (was_held && now->boottime_us >= row->held_until_us) {
    row->held_until_us = 0;
  }
  (void)snprintf(row->boot, sizeof row->boot, "%s", now->boot);
  row->boottime_us = now->boottime_us;
  row->wall_us = now->wall_us;
  *ret_jump = jump;
}
