/* What a client of the API sends: a method and a path on the first line, a body behind it. Goes
 * through the same readers as in boughd: JSON, routes, escapes, names. */
#include "core/json.h"
#include "core/name.h"
#include "daemon/route.h"
#include "fuzz.h"

#include <string.h>

/* Patterns of each shape that boughd's own table has. */
const Route *route_list(size_t *ret_count) {
  static const Route routes[] = {
      {.method = "GET", .pattern = "/v1/status"},
      {.method = "GET", .pattern = "/v1/projects/{p}"},
      {.method = "POST", .pattern = "/v1/projects/{p}/branches/{b}/endpoint/start"},
      {.method = "PUT", .pattern = "/v1/uploads/{u}"},
      {.method = "POST", .pattern = "recover", .flags = ROUTE_INTERNAL},
  };
  *ret_count = ARRAY_LENGTH(routes);
  return routes;
}

static void check_name(const char *name) {
  if (name == NULL || !name_check("branch", name, NULL))
    return;
  HOLDS(strlen(name) <= NAME_MAX_LENGTH && strpbrk(name, "/.'\"\\ %") == NULL && name[0] != '-');
}

static void read_path(char *line) {
  char *method = strsep(&line, " ");
  AUTO_RELEASE(route_match_release) RouteMatch match = {0};
  if (line == NULL || !route_match(method, line, &match, NULL))
    return;
  HOLDS((match.route->flags & ROUTE_INTERNAL) == 0);
  check_name(match.project);
  check_name(match.branch);
  check_name(match.upload);
}

static void read_body(const char *body, size_t length) {
  AUTO(json_free) json_t *value = NULL;
  if (!json_parse(body, length, &value, NULL))
    return;
  const char *name = NULL;
  if (json_is_object(value) && json_get_string(value, "name", &name, NULL))
    check_name(name);
  AUTO(str_free) char *text = json_text(value);
  AUTO(json_free) json_t *again = NULL;
  HOLDS(json_parse(text, strlen(text), &again, NULL) && json_equal(value, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  const uint8_t *end = length > 0 ? memchr(bytes, '\n', length) : NULL;
  size_t line_length = end != NULL ? (size_t)(end - bytes) : length;
  AUTO(str_free) char *line = fuzz_text(bytes, line_length);
  read_path(line);
  if (end != NULL)
    read_body((const char *)end + 1, length - line_length - 1);
  return 0;
}
