/* The route of schema diffs. */
#include "daemon/api_diff.h"

#include "branch/branch.h"
#include "branch/diff.h"
#include "core/str.h"

bool get_diff(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  DiffRequest diff = {.branch = request->branch,
                      .against = json_string_or(request->query, "against", NULL),
                      .database = json_string_or(request->query, "database", NULL),
                      .format = json_string_or(request->query, "format", NULL),
                      .color = str_equal(json_string_or(request->query, "color", ""), "1"),
                      .concurrently =
                          str_equal(json_string_or(request->query, "concurrently", ""), "1"),
                      .full = str_equal(json_string_or(request->query, "full", ""), "1")};
  ProjectRow project = {0};
  if (!project_resolve(context, request->project, &project, err))
    return false;
  bool ok = branch_diff(context, &project, &diff, ret, err);
  project_row_release(&project);
  return ok;
}
