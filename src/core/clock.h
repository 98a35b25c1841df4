/* Time: monotonic for durations and limits, never the wall clock, which may jump. */
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_boot_us(void); /* since the machine was started, its sleep included */
int64_t clock_wall_us(void); /* microseconds since 1970, for what people read */
/* Both clocks at one moment. */
typedef struct ClockLook {
  int64_t wall_us;
  int64_t boot_us;
} ClockLook;

ClockLook clock_look(void);
/* How far (microseconds, negative: back) the wall clock was set between two looks on one start of
 * the machine: what it advanced beyond the time that passed, the machine's sleep included. Pure. */
int64_t clock_jump_us(const ClockLook *before, const ClockLook *now);

void clock_sleep_ms(int64_t milliseconds);
