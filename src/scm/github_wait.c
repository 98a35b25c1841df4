/* What the headers of GitHub's answers ask for: to wait, and where the next page is. */
#include "scm/github_api.h"

#include "core/str.h"

#include <stdlib.h>
#include <string.h>

enum {
  UNTOLD_MS = 60 * 1000, /* what GitHub asks for where it names no time */
  LONGEST_S = 24 * 3600,
  FORBIDDEN = 403,
  TOO_MANY = 429,
  FAILED = 500,
};

/* Whole seconds; -1: no number. */
static int64_t seconds(const char *text) {
  char *end = NULL;
  if (*text < '0' || *text > '9')
    return -1;
  long long value = strtoll(text, &end, 10);
  return *end == '\0' ? value : -1;
}

static int64_t in_ms(int64_t wait_s) {
  return wait_s < 0 ? 0 : (wait_s < LONGEST_S ? wait_s : LONGEST_S) * 1000;
}

/* Until the limit is filled again, by GitHub's clock where it tells the time. */
static int64_t until_reset(const HttpReply *reply, int64_t now_s) {
  int64_t reset = seconds(http_reply_header(reply, "x-ratelimit-reset"));
  int64_t theirs = http_time(http_reply_header(reply, "date"));
  return reset < 0 ? UNTOLD_MS : in_ms(reset - (theirs >= 0 ? theirs : now_s) + 1);
}

static bool is_secondary(const HttpReply *reply) {
  return strcasestr(reply->body, "secondary rate limit") != NULL ||
         strcasestr(reply->body, "abuse detection") != NULL;
}

int64_t github_wait_ms(const HttpReply *reply, int64_t now_s) {
  bool may_be_limit = reply->status == FORBIDDEN || reply->status == TOO_MANY;
  const char *after = http_reply_header(reply, "retry-after");
  if (!may_be_limit && reply->status < FAILED)
    return -1;
  if (*after != '\0')
    return seconds(after) >= 0 ? in_ms(seconds(after)) : UNTOLD_MS;
  if (!may_be_limit)
    return -1;
  if (str_equal(http_reply_header(reply, "x-ratelimit-remaining"), "0"))
    return until_reset(reply, now_s);
  return reply->status == TOO_MANY || is_secondary(reply) ? UNTOLD_MS : -1;
}

/* `<URL>; rel="next", <URL>; rel="last"`: one element, up to the comma behind its parameters. */
static bool is_next(const char *parameters, size_t length) {
  AUTO(str_free) char *text = str_ndup(parameters, length);
  return strstr(text, "rel=\"next\"") != NULL || strstr(text, "rel=next") != NULL;
}

char *github_next_link(const char *link) {
  for (const char *open = strchr(link, '<'); open != NULL; open = strchr(open, '<')) {
    const char *close = strchr(open, '>');
    if (close == NULL)
      return NULL;
    size_t length = strcspn(close, ",");
    if (is_next(close, length))
      return str_ndup(open + 1, (size_t)(close - open) - 1);
    open = close + length;
  }
  return NULL;
}
