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

/* Lines of what can't be told by name. */
static void skip_nameless(const char **at) {
  while (**at == '!') {
    *at += strcspn(*at, "\n");
    *at += **at == '\n' ? 1 : 0;
  }
}

/* Takes the next line; false at the end, or at one that isn't such a line. */
static bool next_member(const char **at, Member *ret) {
  skip_nameless(at);
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

static const char column_word[] = "COLUMN ";
static const char of[] = " OF ";

/* Takes a name as quote_ident writes it, without its quotes. */
static char *take_name(const char **at) {
  Buffer name = {0};
  const char *text = *at;
  bool is_quoted = *text == '"';
  for (text += is_quoted ? 1 : 0; *text != '\0' && (is_quoted || *text != ' '); text++) {
    if (is_quoted && *text == '"' && *++text != '"')
      break;
    buffer_add(&name, text, 1);
  }
  *at = text;
  return buffer_steal(&name);
}

static void write_change(Build *build, const Member *member, const char *before,
                         const char *after) {
  AUTO_RELEASE(acl_release) Acl had = acl_parse(before);
  AUTO_RELEASE(acl_release) Acl has = acl_parse(after);
  AUTO(str_free) char *target = str_ndup(member->target, member->target_length);
  AUTO(str_free) char *column = NULL;
  const char *whole = target;
  if (str_starts(target, column_word)) {
    whole += strlen(column_word);
    column = take_name(&whole);
    whole += str_starts(whole, of) ? strlen(of) : 0;
  }
  AUTO(str_free) char *behind = str_format("ON %s", whole);
  grants_write(build, behind, column, &had, &has);
}

/* Whether each such line of one is one of the other. */
static bool has_nameless(const char *lines, const char *wanted) {
  const char *line;
  size_t length;
  while (next_line(&wanted, &line, &length) && line[0] == '!') {
    AUTO(str_free) char *one = str_ndup(line, length);
    if (strstr(lines, one) == NULL)
      return false;
  }
  return true;
}

void members_write(Build *build, const Object *extension, const char *before, const char *after) {
  Member member;
  Member other;
  if (!has_nameless(before, after) || !has_nameless(after, before))
    finding(build, extension, "grants on members whose names hold control characters");
  for (const char *at = after; next_member(&at, &member);)
    write_change(build, &member, find_member(before, &member, &other) ? other.now : member.came,
                 member.now);
  for (const char *at = before; next_member(&at, &member);)
    if (!find_member(after, &member, &other))
      write_change(build, &member, member.now, member.came);
}
