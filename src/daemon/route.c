/* Finds the row of the table that a request means. */
#include "daemon/route.h"

#include "core/str.h"
#include "http/server.h"

#include <assert.h>
#include <string.h>

void route_match_release(RouteMatch *match) {
  str_free(match->project);
  str_free(match->branch);
  str_free(match->upload);
  str_free(match->name);
  str_free(match->token);
  *match = (RouteMatch){0};
}

static char **slot_for(RouteMatch *match, const char *placeholder) {
  switch (placeholder[1]) {
  case 'p':
    return &match->project;
  case 'b':
    return &match->branch;
  case 'n':
    return &match->name;
  case 't':
    return &match->token;
  default:
    return &match->upload;
  }
}

/* Names are UTF-8, or they can't be said in JSON. */
static bool is_text(const char *bytes) {
  AUTO(json_free) json_t *text = json_string(bytes);
  return text != NULL;
}

static bool fits(const char *pattern, const char *path, RouteMatch *match) {
  while (*pattern != '\0' || *path != '\0') {
    size_t pattern_length = strcspn(pattern, "/");
    size_t path_length = strcspn(path, "/");
    if (pattern[0] == '{') {
      char **slot = slot_for(match, pattern);
      str_free(*slot);
      *slot = http_unescape(path, path_length);
      if (*slot == NULL || path_length == 0 || !is_text(*slot))
        return false;
    } else if (pattern_length != path_length || strncmp(pattern, path, path_length) != 0) {
      return false;
    }
    pattern += pattern_length;
    path += path_length;
    if (*pattern != *path) /* one goes on, the other ends */
      return false;
    if (*pattern == '/') {
      pattern++;
      path++;
    }
  }
  return true;
}

bool route_match(const char *method, const char *path, RouteMatch *ret, Error *err) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++) {
    RouteMatch match = {.route = &routes[at]};
    if ((routes[at].flags & ROUTE_INTERNAL) == 0 && str_equal(routes[at].method, method) &&
        fits(routes[at].pattern, path, &match)) {
      *ret = match;
      return true;
    }
    route_match_release(&match);
  }
  return error_set(err, ERROR_NOTHING_TO_DO, "there is no %.8s %.200s", method, path);
}

const Route *route_job(const char *name) {
  size_t count = 0;
  const Route *routes = route_list(&count);
  for (size_t at = 0; at < count; at++)
    if ((routes[at].flags & ROUTE_INTERNAL) != 0 && str_equal(routes[at].pattern, name))
      return &routes[at];
  assert(false);
  return NULL;
}
