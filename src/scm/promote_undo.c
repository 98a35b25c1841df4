/* Takes back a promotion that stopped half-way. */
#include "branch/audit.h"
#include "branch/operation.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/promotion.h"

#include <stdio.h>
#include <string.h>

bool promote_is_begun(Context *context, const char *branch_id, const char *to, bool *ret,
                      Error *err) {
  AUTO_RELEASE(promotion_row_release) PromotionRow row = {0};
  bool found = false;
  if (!promotion_find_open(context->catalog, branch_id, to, &row, &found, err))
    return false;
  *ret = found && row.state != PROMOTION_OPEN;
  return true;
}

/* The tier may stand for another branch by now. */
static bool find_target(Promotion *promotion, Error *err) {
  if (!promotion_find_tier(promotion->context, promotion->project, promotion->row.to_tier,
                           &promotion->target, err))
    return false;
  memcpy(promotion->row.target, promotion->target.id, sizeof promotion->row.target);
  return true;
}

static bool find(Promotion *promotion, const char *branch_id, const char *to, Error *err) {
  bool found = false;
  if (!promotion_find_open(promotion->context->catalog, branch_id, to, &promotion->row, &found,
                           err))
    return false;
  if (!found || promotion->row.state != PROMOTION_STOPPED)
    return error_set(err, ERROR_NOTHING_TO_DO, "nothing that goes to %s stopped half-way", to);
  return promotion_load(promotion, err) && find_target(promotion, err);
}

/* Without its migrations the code would be alone in the tier. */
static bool check_not_merged(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  bool contained = false;
  if (row->head[0] == '\0')
    return true;
  if (!forge_open(promotion->context, promotion->project, &promotion->forge, err) ||
      !forge_branch_contains(promotion->forge, row->to_tier, row->head, &contained, err))
    return false;
  if (!contained || !promotion->moves_git)
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "git has merged %.12s into %s already", row->head,
                  row->to_tier);
  return error_hint(err, "finish it: `bough scm doctor --fix finish-merge`");
}

static bool check_allowed(Promotion *promotion, Error *err) {
  audit_note(promotion->context, "change", json_string(promotion->row.change));
  return promotion_ask(promotion, err) && check_not_merged(promotion, err);
}

static bool start(Promotion *promotion, Error *err) {
  PromotionRow *row = &promotion->row;
  row->state = PROMOTION_RUNNING;
  row->finished_at = 0;
  memcpy(row->operation, promotion->operation.id, sizeof row->operation);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(promotion->context->catalog, &guard, err) &&
         access_confirm(promotion->context, err) && promotion_step(promotion, STEP_UNDOING, err) &&
         catalog_commit(&guard, err);
}

/* While it waited for its turn somebody else may have brought it to an end. */
static bool look_again(Promotion *promotion, const char *branch_id, const char *to, Error *err) {
  OperationRow operation = promotion->operation;
  Context *context = promotion->context;
  const ProjectRow *project = promotion->project;
  promotion->operation = (OperationRow){0};
  promotion_release(promotion);
  *promotion = (Promotion){.context = context, .project = project, .operation = operation};
  return find(promotion, branch_id, to, err) && check_allowed(promotion, err) &&
         start(promotion, err);
}

bool promote_undo(Context *context, const ProjectRow *project, const char *branch_id,
                  const char *to, json_t **ret, Error *err) {
  AUTO_RELEASE(promotion_release) Promotion promotion = {.context = context, .project = project};
  if (!find(&promotion, branch_id, to, err) || !check_allowed(&promotion, err) ||
      !promotion_begin(&promotion, UNDO_OPERATION, err))
    return false;
  if (!look_again(&promotion, branch_id, to, err)) {
    operation_fail(context, &promotion.operation, err);
    return false;
  }
  if (!promotion_undo(&promotion, err))
    return false;
  const PromotionRow *row = &promotion.row;
  *ret = json_pack("{s:s, s:s, s:s, s:s}", "promotion", row->id, "from", row->from_name, "to",
                   row->to_tier, "state", promotion_state_text(row->state));
  return true;
}
