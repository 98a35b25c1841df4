/* The route of the linter with a branch. */
#include "daemon/api_lint.h"

#include "branch/branch.h"
#include "branch/lint.h"

bool post_lint(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  LintRequest lint = {.branch = request->branch,
                      .database = json_string_or(request->body, "database", NULL),
                      .files = json_object_get(request->body, "files"),
                      .all = json_bool_or(request->body, "all", false),
                      .idempotent = json_bool_or(request->body, "idempotent", false)};
  ProjectRow project = {0};
  if (!json_is_array(lint.files))
    return error_set(err, ERROR_USAGE, "\"files\" must be a list");
  if (!project_resolve(context, request->project, &project, err))
    return false;
  bool ok = branch_lint(context, &project, &lint, ret, err);
  project_row_release(&project);
  return ok;
}
