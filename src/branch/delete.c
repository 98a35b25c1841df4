/* branch delete and project delete: once recorded they only go forward. Children live on; the row
 * stays as a tombstone for their lineage. */
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/operation.h"
#include "branch/statement.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>

enum { VOLUME_LOCK_MS = 120 * 1000 };

static bool remove_rows(Context *context, BranchRow *branch, const char *operation, Error *err) {
  EndpointRow endpoint;
  branch->state = ROW_DELETED;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) ||
      !branch_update(context->catalog, branch, err))
    return false;
  Error missing = ERROR_INIT;
  if (endpoint_of_branch(context->catalog, branch->id, &endpoint, &missing) &&
      !endpoint_delete(context->catalog, endpoint.id, err))
    return false;
  return (operation == NULL || operation_finish(context->catalog, operation, NULL, err)) &&
         catalog_commit(&guard, err);
}

/* Forks of this volume that are under way end first; then nobody can start it any more. */
static bool remove_volume(Context *context, const BranchRow *branch, Error *err) {
  EndpointRow endpoint;
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!endpoint_of_branch(context->catalog, branch->id, &endpoint, err) ||
      !volume_lock(context, branch->volume, LOCK_EXCLUSIVE, VOLUME_LOCK_MS, &lock, err) ||
      !statement_collect_last(context, branch->volume, err) ||
      !agent_call(context->agent, "volume.delete",
                  json_pack("{s:s, s:s}", "volume", branch->volume, "endpoint", endpoint.id), NULL,
                  err))
    return false;
  volume_lock_forget(context, branch->volume);
  return true;
}

/* All that is left to do for a branch in state deleting; may be repeated. operation: finished with
 * it, NULL: the caller's. */
static bool finish_delete(Context *context, BranchRow *branch, const char *operation, Error *err) {
  return failpoint_reach(FAILPOINT_DELETE_RECORDED, err) &&
         endpoint_stop(context, branch->id, true, NULL, err) &&
         failpoint_reach(FAILPOINT_DELETE_STOPPED, err) && remove_volume(context, branch, err) &&
         failpoint_reach(FAILPOINT_DELETE_REMOVED, err) &&
         remove_rows(context, branch, operation, err);
}

bool branch_delete_recover(Context *context, const OperationRow *operation, Error *err) {
  BranchRow branch;
  if (!branch_get(context->catalog, operation->branch, &branch, err))
    return false;
  if (branch.state == ROW_DELETED)
    return operation_finish(context->catalog, operation->id, NULL, err);
  return finish_delete(context, &branch, operation->id, err);
}

/* From here on the name is free and the branch can't be opened. expired: only if its time is over.
 */
static bool record(Context *context, BranchRow *branch, bool expired, OperationRow *operation,
                   Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !operation_begin(context, "branch.delete", branch->project, branch->id, NULL, operation,
                       err) ||
      !branch_get(context->catalog, branch->id, branch, err) ||
      (expired &&
       (!expiry_check_over(branch, err) || !expiry_record(context, branch, "deleted", err))))
    return false;
  if (branch->is_protected)
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", branch->name);
  if (branch->tier[0] != '\0')
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" stands for the tier \"%s\"",
                     branch->name, branch->tier);
  branch->state = ROW_DELETING;
  return branch_update(context->catalog, branch, err) && catalog_commit(&guard, err);
}

/* The server's own job: nobody is asked. That its time is over, and that it is neither protected
 * nor a tier's, is looked at in the transaction that begins the end. */
bool branch_delete_expired(Context *context, const char *id, Error *err) {
  BranchRow branch;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  return branch_get(context->catalog, id, &branch, err) &&
         record(context, &branch, true, &operation, err) &&
         finish_delete(context, &branch, operation.id, err);
}

static bool is_going(const BranchRow *branch) {
  return branch->state == ROW_DELETED || branch->state == ROW_DELETING;
}

/* Whoever took the change into its tier, or gave it up, was asked for that. */
bool branch_delete_ended(Context *context, const char *id, Error *err) {
  BranchRow branch;
  Error failure = ERROR_INIT;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!branch_get(context->catalog, id, &branch, err))
    return false;
  if (is_going(&branch))
    return true;
  if (record(context, &branch, false, &operation, &failure))
    return finish_delete(context, &branch, operation.id, err);
  if (failure.code == ERROR_BRANCH_BUSY && branch_get(context->catalog, id, &branch, err) &&
      is_going(&branch)) /* another worker was at it at the same moment */
    return true;
  *err = failure;
  return false;
}

static bool delete_one(Context *context, BranchRow *branch, json_t *deleted, Error *err) {
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  AUTO(json_free) json_t *name = json_string(branch->name);
  if (!access_branch(context, ACTION_BRANCH_DELETE, branch, err) ||
      !record(context, branch, false, &operation, err) ||
      !finish_delete(context, branch, operation.id, err))
    return false;
  (void)json_array_append(deleted, name);
  return true;
}

static bool delete_descendants(Context *context, const BranchRow *rows, size_t count,
                               const char *parent, int depth, json_t *deleted, Error *err) {
  if (depth > 1000)
    return error_set(err, ERROR_CATALOG_INVALID, "the lineage of branches is a circle");
  for (size_t at = 0; at < count; at++) {
    BranchRow child = rows[at];
    if (!str_equal(child.parent, parent) || child.state == ROW_DELETED)
      continue;
    if (!access_branch(context, ACTION_BRANCH_DELETE, &child, err) ||
        !delete_descendants(context, rows, count, child.id, depth + 1, deleted, err) ||
        !delete_one(context, &child, deleted, err))
      return false;
  }
  return true;
}

static bool delete_below(Context *context, const BranchRow *branch, json_t *deleted, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  if (!branch_list(context->catalog, branch->project, false, &rows, &count, &invalid, err))
    return false;
  bool ok = delete_descendants(context, rows, count, branch->id, 0, deleted, err);
  mem_free(rows);
  return ok;
}

bool branch_delete(Context *context, const ProjectRow *project, const char *name, bool recursive,
                   json_t **ret, Error *err) {
  BranchRow branch;
  if (!branch_resolve(context, project, name, &branch, err))
    return false;
  if (str_equal(branch.id, project->root_branch)) {
    (void)error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is the root of project \"%s\"",
                    branch.name, project->name);
    return error_hint(err, "`bough project delete %s` removes the project", project->name);
  }
  AUTO(json_free) json_t *deleted = json_array();
  if ((recursive && !delete_below(context, &branch, deleted, err)) ||
      !delete_one(context, &branch, deleted, err))
    return false;
  *ret = json_pack("{s:O}", "deleted", deleted);
  return true;
}

static bool delete_all(Context *context, const char *project, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  if (!branch_list(context->catalog, project, true, &rows, &count, &invalid, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++)
    if (rows[at].state != ROW_DELETED)
      ok = finish_delete(context, &rows[at], NULL, err);
  mem_free(rows);
  return ok;
}

bool project_delete_recover(Context *context, const OperationRow *operation, Error *err) {
  ProjectRow project = {0};
  if (!delete_all(context, operation->project, err) ||
      !project_get(context->catalog, operation->project, &project, err))
    return false;
  project.state = ROW_DELETED;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  bool ok = catalog_begin(context->catalog, &guard, err) &&
            project_update(context->catalog, &project, err) &&
            operation_finish(context->catalog, operation->id, NULL, err) &&
            catalog_commit(&guard, err);
  project_row_release(&project);
  return ok;
}

bool project_delete(Context *context, const ProjectRow *project, Error *err) {
  BranchRow root;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  ProjectRow row = *project;
  row.state = ROW_DELETING;
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = project->id};
  if (!access_ask(context, &question, err) ||
      !branch_get(context->catalog, project->root_branch, &root, err))
    return false;
  if (root.is_protected)
    return error_set(err, ERROR_BRANCH_PROTECTED, "the root branch \"%s\" is protected", root.name);
  {
    AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
    if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
        !operation_begin(context, "project.delete", project->id, root.id, NULL, &operation, err) ||
        !project_update(context->catalog, &row, err) || !catalog_commit(&guard, err))
      return false;
  }
  return project_delete_recover(context, &operation, err);
}
