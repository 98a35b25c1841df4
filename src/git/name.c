/* Which names of objects and branches are let be. */
#include "git/git.h"

#include "core/str.h"

#include <string.h>

bool git_oid_check(const char *text) {
  size_t length = text != NULL ? strspn(text, "0123456789abcdef") : 0;
  return (length == 40 || length == 64) && text[length] == '\0';
}

bool git_oid_is_zero(const char *oid) {
  return git_oid_check(oid) && strspn(oid, "0") == strlen(oid);
}

static bool is_part(const char *part, size_t length) {
  static const char lock[] = ".lock";
  size_t lock_length = sizeof lock - 1;
  return length > 0 && part[0] != '.' && part[0] != '-' && part[length - 1] != '.' &&
         (length < lock_length || memcmp(part + length - lock_length, lock, lock_length) != 0);
}

static bool is_branch(const char *name) {
  static const char allowed[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";
  size_t length = strlen(name);
  if (length == 0 || length >= GIT_NAME_SIZE || strspn(name, allowed) != length ||
      strstr(name, "..") != NULL || str_equal(name, "HEAD"))
    return false;
  for (const char *part = name;; part++) {
    size_t part_length = strcspn(part, "/");
    if (!is_part(part, part_length))
      return false;
    part += part_length;
    if (*part == '\0')
      return true;
  }
}

bool git_branch_check(const char *name, Error *err) {
  if (is_branch(name))
    return true;
  (void)error_set(err, ERROR_INVALID_NAME, "\"%.200s\" is no name for a git branch here", name);
  return error_hint(err, "letters, digits, \".\", \"_\", \"-\", and \"/\" between the parts");
}

const char *git_ref_branch(const char *ref) {
  static const char heads[] = "refs/heads/";
  if (!str_starts(ref, heads) || !is_branch(ref + sizeof heads - 1))
    return NULL;
  return ref + sizeof heads - 1;
}
