/* The routes of branches and their endpoints. */
#include "daemon/api_branch.h"

#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/repoint.h"
#include "branch/show.h"
#include "core/clock.h"
#include "core/str.h"
#include "daemon/with_project.h"

bool get_branches(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_branches(context, &project, ret, err));
}

bool post_branches(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  BranchRequest branch = {.parent = json_string_or(request->body, "parent", NULL),
                          .kind = json_string_or(request->body, "kind", NULL),
                          .ttl = json_string_or(request->body, "ttl", NULL),
                          .start = json_bool_or(request->body, "start", false)};
  if (!json_get_string(request->body, "name", &branch.name, err))
    return false;
  WITH_PROJECT(branch_create(context, &project, &branch, ret, err));
}

bool get_branch(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_branch(context, &project, request->branch, ret, err));
}

bool delete_branch(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  bool recursive = str_equal(json_string_or(request->query, "recursive", "0"), "1");
  WITH_PROJECT(branch_delete(context, &project, request->branch, recursive, ret, err));
}

bool post_reset(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(branch_reset(context, &project, request->branch, ret, err));
}

bool post_rename(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *name = NULL;
  if (!json_get_string(request->body, "name", &name, err))
    return false;
  WITH_PROJECT(branch_rename(context, &project, request->branch, name, ret, err));
}

bool post_protect(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const json_t *wish = json_object_get(request->body, "protected");
  if (!json_is_boolean(wish))
    return error_set(err, ERROR_USAGE, "\"protected\" must be true or false");
  WITH_PROJECT(branch_protect(context, &project, request->branch, json_is_true(wish), ret, err));
}

bool get_url(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_url(context, &project, request->branch, ret, err));
}

bool get_endpoints(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_endpoints(context, &project, ret, err));
}

bool get_endpoint(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_endpoint(context, &project, request->branch, ret, err));
}

static bool start_or_suspend(Context *context, const ProjectRow *project, const char *name,
                             bool start, json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  BranchRow branch;
  EndpointRow endpoint;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !access_branch(context, ACTION_ENDPOINT_MANAGE, &branch, err) ||
      !(start ? endpoint_start_asked(context, branch.id, &endpoint, err)
              : endpoint_stop_asked(context, branch.id, &endpoint, err)))
    return false;
  *ret = json_pack("{s:o, s:f}", "endpoint", describe_endpoint(&endpoint, branch.name),
                   "duration_ms", (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

bool post_start(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(start_or_suspend(context, &project, request->branch, true, ret, err));
}

bool post_suspend(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(start_or_suspend(context, &project, request->branch, false, ret, err));
}

bool post_repoint(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *to = NULL;
  const char *grace = json_string_or(request->body, "grace", NULL);
  if (!json_get_string(request->body, "to", &to, err))
    return false;
  WITH_PROJECT(branch_repoint(context, &project, request->branch, to, grace, ret, err));
}
