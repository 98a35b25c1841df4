/* clock_gettime in the units that we use. */
#include "core/clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_us(clockid_t id) {
  struct timespec now;
  (void)clock_gettime(id, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
  return read_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void) {
  return clock_monotonic_us() / 1000;
}

int64_t clock_boot_us(void) {
  return read_us(CLOCK_BOOTTIME);
}

int64_t clock_wall_us(void) {
  return read_us(CLOCK_REALTIME);
}

ClockLook clock_look(void) {
  return (ClockLook){.wall_us = clock_wall_us(), .boot_us = clock_boot_us()};
}

int64_t clock_jump_us(const ClockLook *before, const ClockLook *now) {
  return (now->wall_us - before->wall_us) - (now->boot_us - before->boot_us);
}

void clock_sleep_ms(int64_t milliseconds) {
  struct timespec rest = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
    ;
}
