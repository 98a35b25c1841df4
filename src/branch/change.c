/* branch rename and protect: changes of the row alone. */
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/operation.h"
#include "core/failpoint.h"
#include "core/str.h"

#include <stdio.h>

bool branch_rename_recover(Context *context, const OperationRow *operation, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the name changed");
  return operation_finish(context->catalog, operation->id, &failure, err);
}

static bool check_not_protected(const BranchRow *branch, Error *err) {
  return !branch->is_protected ||
         error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", branch->name);
}

static bool change_name(Context *context, BranchRow *branch, const char *name,
                        const OperationRow *operation, Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!failpoint_reach(FAILPOINT_RENAME_RECORDED, err) ||
      !branch_get(context->catalog, branch->id, branch, err) || !check_not_protected(branch, err) ||
      !catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err))
    return false;
  (void)snprintf(branch->name, sizeof branch->name, "%s", name);
  return branch_update(context->catalog, branch, err) &&
         operation_finish(context->catalog, operation->id, NULL, err) &&
         catalog_commit(&guard, err);
}

bool branch_rename(Context *context, const ProjectRow *project, const char *name,
                   const char *new_name, json_t **ret, Error *err) {
  BranchRow branch;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!name_check("branch", new_name, err) || !branch_resolve(context, project, name, &branch, err))
    return false;
  const AccessQuestion question = {
      .action = ACTION_BRANCH_RENAME, .branch = &branch, .name = new_name};
  if (!check_not_protected(&branch, err) || !access_ask(context, &question, err) ||
      !operation_begin(context, "branch.rename", project->id, branch.id,
                       json_pack("{s:s, s:s}", "from", name, "to", new_name), &operation, err))
    return false;
  Error failure = ERROR_INIT;
  if (!change_name(context, &branch, new_name, &operation, &failure)) {
    operation_fail(context, &operation, &failure);
    *err = failure;
    return false;
  }
  json_t *description = NULL;
  if (!describe_branch(context, project, &branch, &description, err))
    return false;
  *ret = json_pack("{s:o}", "branch", description);
  return true;
}

/* Recorded as an operation, so that it can't slip into the middle of another one's. */
static bool change_protection(Context *context, BranchRow *branch, bool is_protected, Error *err) {
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !operation_begin(context, "branch.protect", branch->project, branch->id,
                       json_pack("{s:b}", "protected", is_protected), &operation, err) ||
      !branch_get(context->catalog, branch->id, branch, err))
    return false;
  branch->is_protected = is_protected;
  return branch_update(context->catalog, branch, err) &&
         operation_finish(context->catalog, operation.id, NULL, err) && catalog_commit(&guard, err);
}

/* What the policy protects only the policy unprotects. */
static bool check_not_declared(Context *context, const BranchRow *branch, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, branch->project, &policy, NULL, err))
    return false;
  const PolicyTier *tier = policy != NULL ? policy_tier(policy, branch->tier) : NULL;
  if (tier == NULL || !tier->is_protected)
    return true;
  (void)error_set(err, ERROR_BRANCH_PROTECTED, "the policy protects the tier \"%s\"", tier->name);
  return error_hint(err, "declare it otherwise, then `bough policy apply`");
}

bool branch_protect(Context *context, const ProjectRow *project, const char *name,
                    bool is_protected, json_t **ret, Error *err) {
  BranchRow branch;
  json_t *description = NULL;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !access_branch(context, ACTION_BRANCH_PROTECT, &branch, err) ||
      (!is_protected && !check_not_declared(context, &branch, err)) ||
      !change_protection(context, &branch, is_protected, err) ||
      !describe_branch(context, project, &branch, &description, err))
    return false;
  *ret = json_pack("{s:o}", "branch", description);
  return true;
}
