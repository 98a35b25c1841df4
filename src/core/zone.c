/* Local time of a named zone, and back. */
#include "core/zone.h"

#include "core/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DATABASE "/usr/share/zoneinfo/"

enum { DAY = 86400 };

/* Plain words between slashes: no way out of the database, no leap-second variants ("right/"). */
static bool has_form(const char *name) {
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
  size_t length = strlen(name);
  return length >= 1 && length <= ZONE_NAME_MAX && strspn(name, allowed) == length &&
         name[0] != '/' && !str_starts(name, "right/");
}

static bool is_in_database(const char *name) {
  AUTO(str_free) char *path = str_format(DATABASE "%s", name);
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool zone_check(const char *name, Error *err) {
  if (has_form(name) && is_in_database(name))
    return true;
  (void)error_set(err, ERROR_USAGE, "\"%.80s\" is no time zone that this machine knows", name);
  return error_hint(err, "write a name of the IANA database, such as Europe/Berlin or UTC");
}

bool zone_enter(const char *name, ZoneGuard *ret, Error *err) {
  if (!zone_check(name, err))
    return false;
  const char *before = getenv("TZ");
  *ret = (ZoneGuard){.entered = true, .before = before != NULL ? str_dup(before) : NULL};
  AUTO(str_free) char *value = str_format(":" DATABASE "%s", name);
  if (setenv("TZ", value, 1) != 0)
    abort(); /* no memory */
  tzset();
  return true;
}

void zone_guard_release(ZoneGuard *guard) {
  if (!guard->entered)
    return;
  if (guard->before == NULL)
    (void)unsetenv("TZ");
  else if (setenv("TZ", guard->before, 1) != 0)
    abort(); /* no memory */
  tzset();
  str_free(guard->before);
  *guard = (ZoneGuard){0};
}

int64_t zone_offset(int64_t time) {
  time_t seconds = (time_t)time;
  struct tm parts = {0};
  (void)localtime_r(&seconds, &parts);
  return parts.tm_gmtoff;
}

/* The second from which on the offset is another than at low; high has another. */
static int64_t find_change(int64_t low, int64_t high) {
  int64_t before = zone_offset(low);
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    if (zone_offset(middle) == before)
      low = middle;
    else
      high = middle;
  }
  return high;
}

int64_t zone_resolve(int64_t local) {
  int64_t before = zone_offset(local - DAY);
  int64_t after = zone_offset(local + DAY);
  int64_t larger = before > after ? before : after;
  int64_t smaller = before > after ? after : before;
  if (zone_offset(local - larger) == larger)
    return local - larger;
  if (zone_offset(local - smaller) == smaller)
    return local - smaller;
  return find_change(local - larger, local - smaller);
}
