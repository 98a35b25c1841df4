/* Named time zones of the IANA database (/usr/share/zoneinfo), read by the C library.
 *
 * The C library knows one zone at a time, for the whole process: between enter and release it is
 * that one. For programs of one thread, which ours are. */
#pragma once

#include "core/base.h"
#include "core/error.h"

enum { ZONE_NAME_MAX = 63 };

/* "Europe/Berlin", "UTC": ERROR_USAGE for a name that the database of this machine doesn't have. */
CHECKED bool zone_check(const char *name, Error *err);

typedef struct ZoneGuard {
  bool entered;
  char *before; /* TZ as it was, NULL for unset */
} ZoneGuard;

/* AUTO_RELEASE(zone_guard_release) ZoneGuard guard = {0}; zone_enter(name, &guard, err) */
CHECKED bool zone_enter(const char *name, ZoneGuard *ret, Error *err);
void zone_guard_release(ZoneGuard *guard);

/* Seconds east of Greenwich that the zone in force has at that time (seconds since 1970). */
int64_t zone_offset(int64_t time);

/* When the zone's clocks show local (seconds since 1970 as if it were UTC): the first time where
 * they show it twice, and where they skip it the moment in which they do. Never falls while local
 * rises. */
int64_t zone_resolve(int64_t local);
