/* branch reset: a new volume from the parent's present state takes the place of the old one; id,
 * name and connection string stay. Of a tier that another branch has replaced meanwhile, that one
 * is the parent. */
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/fork.h"
#include "branch/operation.h"
#include "branch/pool.h"
#include "branch/statement.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>

enum { VOLUME_LOCK_MS = 60 * 1000 };

/* What stands now for what parent stood for until it was replaced. */
static bool find_successor(Context *context, const BranchRow *parent, BranchRow *ret,
                           bool *ret_found, Error *err) {
  ProjectRow project = {0};
  if (!tier_branch(context->catalog, parent->project, parent->stood_for, ret, ret_found, err))
    return false;
  if (*ret_found)
    return true;
  if (!project_get(context->catalog, parent->project, &project, err))
    return false;
  bool ok = branch_get(context->catalog, project.root_branch, ret, err);
  *ret_found = ok && str_equal(ret->name, parent->stood_for);
  project_row_release(&project);
  return ok;
}

bool branch_reset_source(Context *context, const BranchRow *branch, BranchRow *ret, Error *err) {
  BranchRow parent;
  BranchRow successor;
  bool found = false;
  if (!branch_get(context->catalog, branch->parent, &parent, err) ||
      (parent.stood_for[0] != '\0' && !find_successor(context, &parent, &successor, &found, err)))
    return false;
  *ret = found && !str_equal(successor.id, branch->id) ? successor : parent;
  return true;
}

/* *source is what its content will be. */
static bool check(Context *context, const BranchRow *branch, BranchRow *source, Error *err) {
  if (!expiry_check_open(branch, err))
    return false;
  if (branch->is_protected)
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", branch->name);
  if (branch->parent[0] == '\0')
    return error_set(err, ERROR_BRANCH_HAS_NO_PARENT, "branch \"%s\" has no parent to reset to",
                     branch->name);
  if (branch->state != ROW_READY && branch->state != ROW_FAILED)
    return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s", branch->name,
                     row_state_text(branch->state));
  if (!branch_reset_source(context, branch, source, err) || !expiry_check_open(source, err))
    return false;
  if (source->state != ROW_READY)
    return error_set(err, ERROR_BRANCH_HAS_NO_PARENT, "the parent \"%s\" of branch \"%s\" is %s",
                     source->name, branch->name, row_state_text(source->state));
  const AccessQuestion question = {.action = ACTION_BRANCH_RESET,
                                   .branch = branch,
                                   .source = str_equal(source->id, branch->parent) ? NULL : source};
  return access_ask(context, &question, err) && pool_check_room(context, err);
}

/* Nobody may start the old volume, or fork from it, while the branch changes over. */
static bool swap(Context *context, BranchRow *branch, const BranchRow *source, const char *volume,
                 const ForkResult *fork, bool *ret_was_wanted, Error *err) {
  EndpointRow endpoint;
  if (!endpoint_of_branch(context->catalog, branch->id, &endpoint, err))
    return false;
  bool was_wanted = endpoint.wanted && endpoint_is_alive(&endpoint);
  if (!endpoint_stop(context, branch->id, true, &endpoint, err) ||
      !failpoint_reach(FAILPOINT_RESET_STOPPED, err))
    return false;
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!volume_lock(context, branch->volume, LOCK_EXCLUSIVE, VOLUME_LOCK_MS, &lock, err) ||
      !endpoint_of_branch(context->catalog, branch->id, &endpoint, err))
    return false;
  if (endpoint_is_alive(&endpoint))
    return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" was started during its reset",
                     branch->name);
  (void)snprintf(branch->volume, sizeof branch->volume, "%s", volume);
  bool moves = !str_equal(branch->parent, source->id);
  (void)snprintf(branch->parent, sizeof branch->parent, "%s", source->id);
  (void)snprintf(branch->parent_name, sizeof branch->parent_name, "%s", source->name);
  branch->state = ROW_READY;
  branch->error[0] = '\0';
  branch->generation++;
  branch->forked_at = clock_wall_us();
  branch_take_fork(branch, fork);
  endpoint.error[0] = '\0'; /* of what is left behind */
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !branch_update(context->catalog, branch, err) ||
      !endpoint_update(context->catalog, &endpoint, err) ||
      (moves && !branch_put_behind(context->catalog, branch->id, err)) ||
      !catalog_commit(&guard, err))
    return false;
  *ret_was_wanted = was_wanted;
  return true;
}

static bool drop_volume(Context *context, const char *volume, Error *err) {
  if (!statement_collect_last(context, volume, err) ||
      !agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", volume), NULL, err))
    return false;
  volume_lock_forget(context, volume);
  return true;
}

bool branch_reset_recover(Context *context, const OperationRow *operation, Error *err) {
  BranchRow branch;
  const char *old_volume = NULL;
  const char *new_volume = NULL;
  if (!branch_get(context->catalog, operation->branch, &branch, err) ||
      !json_get_string(operation->params, "old", &old_volume, err) ||
      !json_get_string(operation->params, "new", &new_volume, err))
    return false;
  bool swapped = str_equal(branch.volume, new_volume);
  Error failure = ERROR_INIT;
  if (!swapped)
    (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the branch changed");
  return drop_volume(context, swapped ? old_volume : new_volume, err) &&
         operation_finish(context->catalog, operation->id, swapped ? NULL : &failure, err);
}

static bool carry_out(Context *context, BranchRow *branch, const BranchRow *source,
                      const OperationRow *operation, bool *ret_was_wanted, Error *err) {
  const char *volume = json_string_or(operation->params, "new", "");
  AUTO(str_free) char *old_volume = str_dup(branch->volume);
  ForkResult fork;
  return failpoint_reach(FAILPOINT_RESET_RECORDED, err) &&
         fork_volume(context, source->id, volume, &fork, err) &&
         failpoint_reach(FAILPOINT_RESET_COPIED, err) &&
         swap(context, branch, source, volume, &fork, ret_was_wanted, err) &&
         failpoint_reach(FAILPOINT_RESET_SWAPPED, err) && drop_volume(context, old_volume, err) &&
         operation_finish(context->catalog, operation->id, NULL, err);
}

bool branch_reset(Context *context, const ProjectRow *project, const char *name, json_t **ret,
                  Error *err) {
  int64_t started = clock_monotonic_us();
  BranchRow branch;
  BranchRow source;
  char volume[ID_SIZE];
  id_new("vol", volume);
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!branch_resolve(context, project, name, &branch, err) ||
      !check(context, &branch, &source, err) ||
      !operation_begin(context, "branch.reset", project->id, branch.id,
                       json_pack("{s:s, s:s}", "old", branch.volume, "new", volume), &operation,
                       err))
    return false;
  Error failure = ERROR_INIT;
  bool was_wanted = false;
  /* read again under the operation: from here on nobody else changes the branch */
  if (!branch_get(context->catalog, branch.id, &branch, &failure) ||
      !check(context, &branch, &source, &failure) ||
      !carry_out(context, &branch, &source, &operation, &was_wanted, &failure)) {
    Error second = ERROR_INIT; /* recovery goes on where this stops */
    (void)!branch_reset_recover(context, &operation, &second);
    *err = failure;
    return false;
  }
  EndpointRow endpoint;
  json_t *description = NULL;
  if ((was_wanted && !endpoint_start(context, branch.id, &endpoint, err)) ||
      !describe_branch(context, project, &branch, &description, err))
    return false;
  *ret = json_pack("{s:o, s:[], s:f}", "branch", description, "notes", "duration_ms",
                   (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}
