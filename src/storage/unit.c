/* The systemd mount unit that brings a pool back after a reboot. */
#include "storage/storage.h"

#include "core/str.h"
#include "storage/mount.h"

#include <ctype.h>
#include <string.h>

enum { UNIT_NAME_LIMIT = 255 };

/* systemd's rule for paths: slashes become '-', and every byte but letters, digits, ':', '_' and a
 * '.' that isn't first becomes \xNN. */
static char *escape_path(const char *path) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  const char *at = path + strspn(path, "/");
  if (*at == '\0')
    return str_dup("-");
  while (*at != '\0') {
    size_t slashes = strspn(at, "/");
    if (slashes > 0 && at[slashes] != '\0')
      buffer_add_text(&name, "-");
    else if (slashes == 0 && ((isascii(*at) && isalnum((unsigned char)*at)) || *at == ':' ||
                              *at == '_' || (*at == '.' && name.length > 0)))
      buffer_add(&name, at, 1);
    else if (slashes == 0)
      buffer_add_format(&name, "\\x%02x", (unsigned)(unsigned char)*at);
    at += slashes > 0 ? slashes : 1;
  }
  return buffer_steal(&name);
}

/* Characters that mean something to systemd's reader, or end a line, have no business in these
 * paths. */
static bool check_path(const char *path, Error *err) {
  bool valid = path != NULL && path[0] == '/';
  for (const char *at = path; valid && *at != '\0'; at++)
    valid = (unsigned char)*at >= 0x20 && *at != 0x7f && strchr("\\\"'", *at) == NULL;
  return valid || error_set(err, ERROR_INVALID_NAME, "a mount unit can't hold the path \"%.200s\"",
                            path != NULL ? path : "");
}

/* A '%' would start one of systemd's specifiers. */
static char *double_percent(const char *text) {
  AUTO_RELEASE(buffer_release) Buffer doubled = {0};
  buffer_add_text(&doubled, "");
  for (const char *at = text; *at != '\0'; at++)
    buffer_add(&doubled, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
  return buffer_steal(&doubled);
}

bool pool_mount_unit(const PoolPlan *plan, char **ret_name, char **ret_text, Error *err) {
  const char *source = plan->image != NULL ? plan->image : plan->device;
  if (source == NULL)
    return error_set(err, ERROR_USAGE, "a pool in a directory needs no mount unit");
  if (!check_path(source, err) || !check_path(plan->mount_point, err))
    return false;
  AUTO(str_free) char *escaped = escape_path(plan->mount_point);
  if (strlen(escaped) + strlen(".mount") > UNIT_NAME_LIMIT)
    return error_set(err, ERROR_INVALID_NAME, "the path \"%.200s\" is too long for a mount unit",
                     plan->mount_point);
  AUTO(str_free) char *what = double_percent(source);
  AUTO(str_free) char *where = double_percent(plan->mount_point);
  *ret_name = str_format("%s.mount", escaped);
  *ret_text = str_format("[Unit]\n"
                         "Description=Storage pool of Bough\n"
                         "RequiresMountsFor=\"%s\"\n"
                         "\n"
                         "[Mount]\n"
                         "What=%s\n"
                         "Where=%s\n"
                         "Type=btrfs\n"
                         "Options=%s" MOUNT_OPTIONS "\n"
                         "\n"
                         "[Install]\n"
                         "WantedBy=multi-user.target\n",
                         what, what, where, plan->image != NULL ? "loop," : "");
  return true;
}
