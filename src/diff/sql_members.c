/* Grants on what extensions brought along: lines of sql/extension.sql as GRANT and REVOKE. */
#include "diff/sql_acl.h"
#include "diff/sql_build.h"

#include <string.h>

static const char instead[] = " instead of ";
static const char on[] = " on ";

/* One line: borrowed places in it. */
typedef struct Member {
  const char *now, *came; /* aclitem[] as text; what follows them isn't read */
  const char *target;     /* "FUNCTION public.f(integer)": PostgreSQL's own words */
  size_t target_length;
} Member;

/* Where an array that begins at text ends; roles stand in it quoted. */
static const char *array_end(const char *text) {
  bool is_quoted = false;
  for (; *text != '\0' && *text != '\n'; text++) {
    if (*text == '"')
      is_quoted = !is_quoted;
    else if (*text == '\\' && text[1] != '\0')
      text++;
    else if (*text == '}' && !is_quoted)
      return text + 1;
  }
  return NULL;
}

/* Takes the next line; false at the end, or at one that isn't such a line. */
static bool next_member(const char **at, Member *ret) {
  const char *now_end = **at == '{' ? array_end(*at) : NULL;
  if (now_end == NULL || !str_starts(now_end, instead))
    return false;
  const char *came = now_end + strlen(instead);
  const char *came_end = *came == '{' ? array_end(came) : NULL;
  if (came_end == NULL || !str_starts(came_end, on))
    return false;
  const char *target = came_end + strlen(on);
  *ret = (Member){*at, came, target, strcspn(target, "\n")};
  *at = target + ret->target_length;
  *at += **at == '\n' ? 1 : 0;
  return true;
}

static bool find_member(const char *lines, const Member *wanted, Member *ret) {
  while (next_member(&lines, ret))
    if (ret->target_length == wanted->target_length &&
        memcmp(ret->target, wanted->target, wanted->target_length) == 0)
      return true;
  return false;
}

static void write_change(Build *build, const Member *member, const char *before,
                         const char *after) {
  AUTO_RELEASE(acl_release) Acl had = acl_parse(before);
  AUTO_RELEASE(acl_release) Acl has = acl_parse(after);
  AUTO(str_free) char *behind = str_format("ON %.*s", (int)member->target_length, member->target);
  grants_write(build, behind, &had, &has);
}

void members_write(Build *build, const char *before, const char *after) {
  Member member;
  Member other;
  for (const char *at = after; next_member(&at, &member);)
    write_change(build, &member, find_member(before, &member, &other) ? other.now : member.came,
                 member.now);
  for (const char *at = before; next_member(&at, &member);)
    if (!find_member(after, &member, &other))
      write_change(build, &member, member.now, member.came);
}
