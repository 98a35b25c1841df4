/* Promotions whose worker was killed: taken back before they touched the tier, finished behind
 * that. */
#include "branch/branch.h"
#include "branch/operation.h"
#include "core/process.h"
#include "core/str.h"
#include "scm/promotion.h"

#include <unistd.h>

enum { OPERATIONS_LIMIT = 100000 };

/* ---- what becomes of it ---- */

static bool drop_named(Promotion *promotion, const char *name, Error *err) {
  BranchRow branch;
  Error failure = ERROR_INIT;
  if (name[0] == '\0')
    return true;
  if (branch_find(promotion->context->catalog, promotion->row.project, name, &branch, &failure))
    return branch_delete_ended(promotion->context, branch.id, err);
  if (failure.code == ERROR_BRANCH_NOT_FOUND)
    return true;
  *err = failure;
  return false;
}

static bool take_back(Promotion *promotion, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before %s was touched",
                  promotion->row.to_tier);
  if (!drop_named(promotion, promotion->copy_name, err) ||
      (!promotion->resumes && !drop_named(promotion, promotion->snapshot_name, err)))
    return false;
  if (!promotion->resumes)
    promotion->row.snapshot[0] = '\0';
  return promotion_end(promotion, promotion->resumes ? PROMOTION_STOPPED : PROMOTION_OPEN, &failure,
                       err);
}

static bool is_over(const PromotionRow *row) {
  return row->state != PROMOTION_RUNNING;
}

static bool touches_tier(const PromotionRow *row) {
  return !str_equal(row->step, STEP_RECORDED) && !str_equal(row->step, STEP_SNAPSHOT) &&
         !str_equal(row->step, STEP_MEASURED);
}

static bool take_over(Promotion *promotion, Error *err) {
  OperationRow *operation = &promotion->operation;
  operation->worker_pid = (int)getpid();
  operation->worker_start = (int64_t)process_start_time(getpid());
  return operation_update(promotion->context->catalog, operation, err);
}

/* Killed before its row said that it runs: nothing was begun. */
static bool end_early(Promotion *promotion, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before it began");
  return operation_finish(promotion->context->catalog, promotion->operation.id, &failure, err);
}

static bool load(Promotion *promotion, Error *err) {
  return promotion_of_operation(promotion->context->catalog, promotion->operation.id,
                                &promotion->row, err) &&
         promotion_load(promotion, err);
}

static bool go_on(Promotion *promotion, Error *err) {
  Error failure = ERROR_INIT;
  if (!take_over(promotion, err))
    return false;
  if (!load(promotion, &failure)) {
    if (failure.code == ERROR_NOTHING_TO_DO)
      return end_early(promotion, err);
    *err = failure;
    return false;
  }
  if (is_over(&promotion->row))
    return operation_finish(promotion->context->catalog, promotion->operation.id, NULL, err);
  if (str_equal(promotion->row.step, STEP_UNDOING))
    return promotion_undo(promotion, err);
  if (!touches_tier(&promotion->row))
    return take_back(promotion, err);
  return drop_named(promotion, promotion->copy_name, err) && promotion_run(promotion, err);
}

static void tell(const Promotion *promotion, const Error *failure, json_t *events) {
  const PromotionRow *row = &promotion->row;
  AUTO(str_free)
  char *text = failure == NULL ? str_format("promotion %s to %s: %s", row->id, row->to_tier,
                                            promotion_state_text(row->state))
                               : str_format("promotion of operation %s: %s",
                                            promotion->operation.id, failure->message);
  (void)json_array_append_new(events, json_line(text));
}

/* The row of the operation is taken over. */
static void continue_one(Context *context, OperationRow *operation, json_t *events) {
  ProjectRow project = {0};
  Error failure = ERROR_INIT;
  AUTO_RELEASE(promotion_release)
  Promotion promotion = {.context = context, .project = &project, .operation = *operation};
  *operation = (OperationRow){0};
  bool ok = project_get(context->catalog, promotion.operation.project, &project, &failure) &&
            go_on(&promotion, &failure);
  tell(&promotion, ok ? NULL : &failure, events);
  project_row_release(&project);
}

bool promote_continue(Context *context, json_t **ret_events, Error *err) {
  OperationRow *rows = NULL;
  size_t count = 0;
  json_t *events = NULL;
  if (!operation_list(context->catalog, true, OPERATIONS_LIMIT, &rows, &count, err))
    return false;
  events = json_array();
  for (size_t at = count; at > 0; at--) { /* the oldest first */
    OperationRow *row = &rows[at - 1];
    bool is_one = str_equal(row->kind, PROMOTE_OPERATION) || str_equal(row->kind, UNDO_OPERATION);
    if (is_one && operation_is_orphan(row))
      continue_one(context, row, events);
    operation_row_release(row);
  }
  mem_free(rows);
  *ret_events = events;
  return true;
}
