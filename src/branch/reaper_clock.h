/* Whether the wall clock can be believed: it is what people's times are written in, and it can be
 * set. Held against the clock that counts since the machine was started, which can't. Pure. */
#pragma once

#include "catalog/expiry.h"

/* How far (microseconds, negative: back) the wall clock jumped between the last look and now, where
 * that is more than an hour. Over a restart of the machine the other clock says nothing: then a day
 * ahead, or any hour back, counts. 0: it didn't. */
int64_t reaper_clock_jump(const ReaperRow *before, const ReaperRow *now);

/* Takes a look into account: the row becomes what is to be kept of it. A jump holds the reaper for
 * hold_us. now: boot, boottime_us and wall_us alone. *ret_jump: what was found just now, or 0. */
void reaper_clock_advance(ReaperRow *row, const ReaperRow *now, int64_t hold_us, int64_t *ret_jump);

static inline bool reaper_clock_is_held(const ReaperRow *row) {
  return row->held_until_us != 0;
}
