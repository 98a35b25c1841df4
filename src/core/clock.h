/* Time: monotonic for durations and limits, never the wall clock, which may jump. */
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_boot_us(void); /* since the machine was started, its sleep included */
int64_t clock_wall_us(void); /* microseconds since 1970, for what people read */
void clock_sleep_ms(int64_t milliseconds);
