/* Builds the answers of the API from rows. */
#include "branch/describe.h"

#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "core/url.h"
#include "pg/platform.h"

#include <stdio.h>
#include <time.h>

enum { PROXY_PORT_DEFAULT = 6432 };

json_t *describe_time(int64_t microseconds) {
  if (microseconds == 0)
    return json_null();
  time_t seconds = (time_t)(microseconds / 1000000);
  struct tm parts;
  (void)gmtime_r(&seconds, &parts);
  char day[32];
  (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  AUTO(str_free) char *text = str_format("%s.%03dZ", day, (int)(microseconds % 1000000 / 1000));
  return json_string(text);
}

static json_t *text_or_null(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

json_t *describe_project(Context *context, const ProjectRow *row) {
  BranchRow root = {0};
  Error ignored = ERROR_INIT; /* a project that is being made may have none yet */
  (void)!branch_get(context->catalog, row->root_branch, &root, &ignored);
  json_t *object =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", row->id, "name", row->name, "state",
                row_state_text(row->state), "root_branch", root.name, "created_by", row->created_by,
                "created_at", describe_time(row->created_at));
  for (const char *const *key = (const char *const[]){"databases", "source", "error", NULL};
       *key != NULL; key++) {
    json_t *value = json_object_get(row->details, *key);
    (void)json_object_set(object, *key, value != NULL ? value : json_null());
  }
  return object;
}

/* A row that says running while the process is gone is told as it is. */
static const char *present_state(const EndpointRow *row) {
  if (row->state == ENDPOINT_RUNNING && !endpoint_is_alive(row))
    return endpoint_state_text(ENDPOINT_STOPPED);
  return endpoint_state_text(row->state);
}

json_t *describe_endpoint(const EndpointRow *row, const char *branch_name) {
  bool alive = endpoint_is_alive(row);
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:o, s:I, s:o}", "id", row->id, "branch",
                   branch_name, "state", present_state(row), "pid",
                   alive ? json_integer(row->pid) : json_null(), "started_at",
                   alive ? describe_time(row->started_at) : json_null(), "failures", row->failures,
                   "error", text_or_null(row->error), "wakes", (json_int_t)row->wakes, "active_at",
                   describe_time(row->active_at));
}

/* Its end, and whether that is near enough to be announced. */
static void describe_end(const BranchRow *branch, json_t *object) {
  int64_t rest = branch->expires_at - clock_wall_us();
  bool ends = branch->expires_at != 0;
  bool near = ends && rest <= expiry_notice_us(branch->created_at, branch->expires_at);
  (void)json_object_set_new(object, "expires_at", describe_time(branch->expires_at));
  (void)json_object_set_new(object, "expires_in_seconds",
                            ends ? json_integer(rest > 0 ? rest / 1000000 : 0) : json_null());
  (void)json_object_set_new(object, "expiring", json_boolean(near));
  (void)json_object_set_new(object, "expired_at", describe_time(branch->expired_at));
}

json_t *describe_branch_with(const ProjectRow *project, const BranchRow *branch,
                             const EndpointRow *endpoint) {
  char lsn[LSN_TEXT_SIZE];
  lsn_format(branch->fork_lsn, lsn);
  bool forked = branch->parent[0] != '\0';
  int64_t age = (clock_wall_us() - branch->created_at) / 1000000;
  json_t *object = json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:i, s:s, s:o, s:o, s:I, s:o, s:{s:s, s:s}, s:o}",
      "id", branch->id, "name", branch->name, "project", project->name, "kind", branch->kind,
      "state", row_state_text(branch->state), "parent", text_or_null(branch->parent_name),
      "protected", branch->is_protected, "clean", branch->clean, "generation", branch->generation,
      "created_by", branch->created_by, "created_at", describe_time(branch->created_at),
      "forked_at", describe_time(branch->forked_at), "age_seconds", (json_int_t)(age > 0 ? age : 0),
      "fork",
      forked ? json_pack("{s:i, s:s}", "timeline", (int)branch->fork_timeline, "lsn", lsn)
             : json_null(),
      "endpoint", "id", endpoint->id, "state", present_state(endpoint), "error",
      text_or_null(branch->error));
  (void)json_object_set_new(object, "parent_id", text_or_null(branch->parent));
  describe_end(branch, object);
  return object;
}

bool describe_branch(Context *context, const ProjectRow *project, const BranchRow *branch,
                     json_t **ret, Error *err) {
  EndpointRow endpoint;
  if (!endpoint_of_branch(context->catalog, branch->id, &endpoint, err))
    return false;
  *ret = describe_branch_with(project, branch, &endpoint);
  return true;
}

const char *describe_database(const ProjectRow *project) {
  return json_string_or(project->details, "default_database", "app");
}

bool describe_proxy(const Context *context, const char **ret_host, int *ret_port) {
  const json_t *proxy = json_object_get(context->home->config, "proxy");
  if (!json_bool_or(proxy, "enabled", true))
    return false;
  *ret_host = json_string_or(proxy, "host", "localhost");
  *ret_port = (int)json_integer_or(proxy, "port", PROXY_PORT_DEFAULT);
  return true;
}

/* Several projects may have a branch of that name: then its endpoint tells them apart. */
static bool is_unique(Context *context, const BranchRow *branch) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  Error ignored = ERROR_INIT; /* the longer form is right in any case */
  if (!branch_list_named(context->catalog, branch->name, &rows, &count, &invalid, &ignored))
    return false;
  mem_free(rows);
  return count == 1;
}

const char *describe_place(Context *context, const BranchRow *branch, const json_t *description) {
  return is_unique(context, branch)
             ? branch->name
             : json_string_or(json_object_get(description, "endpoint"), "id", branch->name);
}

char *describe_url(Context *context, const ProjectRow *project, const BranchRow *branch,
                   const json_t *description) {
  const char *host = NULL;
  int port = 0;
  Buffer url = {0};
  if (!describe_proxy(context, &host, &port))
    return describe_socket_url(context, project, description);
  buffer_add_text(&url, "postgresql://");
  url_add_encoded(&url, context->caller.name);
  buffer_add_format(&url, "@%s:%d/", host, port);
  url_add_encoded(&url, describe_database(project));
  buffer_add_format(&url, "@%s", describe_place(context, branch, description));
  return buffer_steal(&url);
}

char *describe_socket_url(Context *context, const ProjectRow *project, const json_t *description) {
  const json_t *endpoint = json_object_get(description, "endpoint");
  AUTO(str_free)
  char *directory = path_join(context->home->run, json_string_or(endpoint, "id", ""));
  Buffer url = {0};
  buffer_add_text(&url, "postgresql:///");
  url_add_encoded(&url, describe_database(project));
  buffer_add_text(&url, "?host=");
  url_add_encoded(&url, directory);
  buffer_add_format(&url, "&port=%d&user=", PLATFORM_PORT);
  url_add_encoded(&url, context->home->login_role);
  return buffer_steal(&url);
}
