/* An expired branch that others were forked from: closed and out of the way, until they have gone.
 * Its data stays, because what was forked from it is explained by it. */
#include "branch/branch.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/operation.h"
#include "branch/previous.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"

#include <stdio.h>

static bool record(Context *context, const char *id, BranchRow *branch, OperationRow *operation,
                   Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return branch_get(context->catalog, id, branch, err) &&
         catalog_begin(context->catalog, &guard, err) &&
         operation_begin(context, "branch.retire", branch->project, branch->id, NULL, operation,
                         err) &&
         branch_get(context->catalog, id, branch, err) && expiry_check_over(branch, err) &&
         catalog_commit(&guard, err);
}

/* From here on its name is free, and nobody is let in. */
static bool close_branch(Context *context, BranchRow *branch, Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) ||
      !expiry_record(context, branch, "closed until its children have gone", err))
    return false;
  branch->expired_at = clock_wall_us();
  previous_name(branch->name, branch->name);
  return branch_update(context->catalog, branch, err) && catalog_commit(&guard, err);
}

/* All that is left to do; may be repeated. */
static bool carry_out(Context *context, BranchRow *branch, const OperationRow *operation,
                      Error *err) {
  return failpoint_reach(FAILPOINT_RETIRE_RECORDED, err) &&
         (branch->expired_at != 0 || close_branch(context, branch, err)) &&
         failpoint_reach(FAILPOINT_RETIRE_CLOSED, err) &&
         endpoint_stop(context, branch->id, true, NULL, err) &&
         operation_finish(context->catalog, operation->id, NULL, err);
}

/* One that has not been closed yet is left to the next look. */
bool branch_retire_recover(Context *context, const OperationRow *operation, Error *err) {
  BranchRow branch;
  Error failure = ERROR_INIT;
  if (!branch_get(context->catalog, operation->branch, &branch, err))
    return false;
  if (branch.expired_at != 0)
    return endpoint_stop(context, branch.id, true, NULL, err) &&
           operation_finish(context->catalog, operation->id, NULL, err);
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the branch was closed");
  return operation_finish(context->catalog, operation->id, &failure, err);
}

bool branch_retire(Context *context, const char *id, Error *err) {
  BranchRow branch;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!record(context, id, &branch, &operation, err))
    return false;
  Error failure = ERROR_INIT;
  if (carry_out(context, &branch, &operation, &failure))
    return true;
  Error second = ERROR_INIT; /* recovery goes on where this stops */
  (void)!branch_retire_recover(context, &operation, &second);
  *err = failure;
  return false;
}
