/* From the names that people use to rows that they may use. */
#include "branch/access.h"
#include "branch/branch.h"
#include "core/str.h"

static bool only_project(Context *context, ProjectRow *ret, Error *err) {
  ProjectRow *projects = NULL;
  size_t count = 0;
  if (!project_list(context->catalog, &projects, &count, err))
    return false;
  bool ok = count == 1;
  if (ok)
    *ret = projects[0];
  else if (count == 0) {
    (void)error_set(err, ERROR_PROJECT_NOT_FOUND, "there is no project yet");
    (void)error_hint(err, "make one: `bough project create demo --sample inventory`");
  } else {
    (void)error_set(err, ERROR_PROJECT_AMBIGUOUS, "there are %zu projects", count);
    (void)error_hint(err, "name one with --project or BOUGH_PROJECT");
  }
  for (size_t at = ok ? 1 : 0; at < count; at++)
    project_row_release(&projects[at]);
  mem_free(projects);
  return ok;
}

bool project_resolve(Context *context, const char *name, ProjectRow *ret, Error *err) {
  if (str_equal(name, "-"))
    return only_project(context, ret, err);
  return name_check("project", name, err) && project_find(context->catalog, name, ret, err);
}

bool branch_resolve(Context *context, const ProjectRow *project, const char *name, BranchRow *ret,
                    Error *err) {
  BranchRow row;
  if (!name_check("branch", name, err) ||
      !branch_find(context->catalog, project->id, name, &row, err))
    return false;
  if (!access_sees(context, &row)) /* branch_find's words: others' names are not told */
    return error_set(err, ERROR_BRANCH_NOT_FOUND,
                     "branch \"%.80s\" does not exist in project \"%.80s\"", name, project->name);
  *ret = row;
  return true;
}
