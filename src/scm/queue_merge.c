/* Members of a queue whose run has passed are merged, with the right of who asked for it. */
#include "branch/audit.h"
#include "branch/branch.h"
#include "catalog/promotion.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "scm/disguise.h"
#include "scm/queue_turn.h"

#include <stdio.h>

static bool set_state(QueueTurn *turn, QueueRow *row, QueueState state, Error *err) {
  QueueState from = row->state;
  row->state = state;
  return queue_update(turn->context->catalog, row, from, err);
}

/* ---- the end of one ---- */

bool queue_end_merged(QueueTurn *turn, QueueRow *row, const ChangeRow *change, Error *err) {
  row->ended_at = clock_wall_us();
  (void)snprintf(row->merge_commit, sizeof row->merge_commit, "%s", change->merge_commit);
  turn->progressed = true;
  return failpoint_reach(FAILPOINT_QUEUE_MERGED, err) && set_state(turn, row, QUEUE_MERGED, err);
}

/* What can't be blamed on the change: tried again later, a few times. */
static bool is_trouble(ErrorCode code) {
  static const ErrorCode codes[] = {
      ERROR_AGENT_DOWN,   ERROR_RUNNER_DOWN,    ERROR_CATALOG_DOWN,   ERROR_IO,
      ERROR_INTERNAL,     ERROR_POOL_FULL,      ERROR_POOL_MISSING,   ERROR_BUSY,
      ERROR_BRANCH_BUSY,  ERROR_COMPUTE_FAILED, ERROR_STORAGE_FAILED, ERROR_COMPUTE_TIMEOUT,
      ERROR_COMPUTE_LOST, ERROR_CANCELLED,      ERROR_STARTING,       ERROR_POLICY_CHANGED};
  for (size_t at = 0; at < ARRAY_LENGTH(codes); at++)
    if (codes[at] == code)
      return true;
  return false;
}

/* The tier is where its run left it. */
static bool is_next(QueueTurn *turn, const QueueRow *row, bool *ret, Error *err) {
  char required[CHANGE_COMMIT_SIZE] = "";
  char base[GIT_OID_SIZE] = "";
  bool found = false;
  bool there = false;
  if (!queue_required_base(turn->context->catalog, row, required, &found, err) ||
      !forge_branch_head(turn->forge, turn->tier, base, &there, err))
    return false;
  *ret = found && there && str_equal(required, base);
  return true;
}

/* Its migrations are in the tier, or git has moved: it is tested no more, but gone on with. */
static bool has_stopped(QueueTurn *turn, const QueueRow *row, bool *ret, Error *err) {
  AUTO_RELEASE(promotion_row_release) PromotionRow promotion = {0};
  ChangeRow change;
  bool found = false;
  if (!change_get(turn->context->catalog, row->change, &change, err) ||
      !promotion_find_open(turn->context->catalog, change.branch, change.tier, &promotion, &found,
                           err))
    return false;
  *ret = found && promotion.state == PROMOTION_STOPPED;
  return true;
}

static bool may_merge(QueueTurn *turn, const QueueRow *row, bool *ret, Error *err) {
  return is_next(turn, row, ret, err) && (*ret || has_stopped(turn, row, ret, err));
}

static bool after_failure(QueueTurn *turn, QueueRow *row, const Error *failure, Error *err) {
  ChangeRow change;
  bool next = false;
  if (!change_get(turn->context->catalog, row->change, &change, err))
    return false;
  if (change.state == CHANGE_MERGED) /* what of the pair is left, the reaper or a second call has */
    return queue_end_merged(turn, row, &change, err);
  if (!may_merge(turn, row, &next, err))
    return false;
  if (!next)
    return queue_return(turn, row, err);
  row->attempts++;
  if (!is_trouble(failure->code) || row->attempts >= QUEUE_ATTEMPTS)
    return queue_refuse(turn, row, failure, err);
  return set_state(turn, row, QUEUE_PASSED, err);
}

/* ---- merging ---- */

/* As the one who asked: rights and approvals are those of now. */
static bool merge_as(QueueTurn *turn, const QueueRow *row, Error *err) {
  Context *context = turn->context;
  PrincipalRow asker;
  AUTO_RELEASE(disguise_release) Disguise disguise = {0};
  Step step = {.context = context,
               .project = turn->project,
               .feature = row->feature,
               .event = SCM_EVENT_MERGE,
               .forge = turn->forge,
               .has_change = true,
               .notes = json_object()};
  bool ok = principal_by_name(context->catalog, row->asked_by, &asker, err) &&
            change_get(context->catalog, row->change, &step.change, err);
  if (ok) {
    disguise_as(context, &asker, &disguise);
    audit_begin(context, &(AuditStart){.request = str_or_null(row->request)});
    audit_about(context, turn->project->id, step.change.branch);
    step.state = workflow_state(&step.change);
    ok = step_find_policy(&step, err) && guard_merge(&step, err) && step_merge(&step, err);
    audit_begin(context, &(AuditStart){.request = NULL});
  }
  json_free(step.notes);
  return ok;
}

bool queue_merge(QueueTurn *turn, QueueRow *row, Error *err) {
  Error failure = ERROR_INIT;
  ChangeRow change;
  bool next = false;
  if (!may_merge(turn, row, &next, err))
    return false;
  if (!next)
    return queue_return(turn, row, err);
  if (!set_state(turn, row, QUEUE_MERGING, err) || !failpoint_reach(FAILPOINT_QUEUE_MERGING, err))
    return false;
  if (!merge_as(turn, row, &failure))
    return after_failure(turn, row, &failure, err);
  return change_get(turn->context->catalog, row->change, &change, err) &&
         queue_end_merged(turn, row, &change, err);
}

/* ---- after a crash ---- */

static bool clean(QueueTurn *turn, const ChangeRow *change, Error *err) {
  Step step = {.context = turn->context, .forge = turn->forge, .change = *change};
  return action_clean(&step, err);
}

/* Its promotion is finished or taken back by the job that is there for that. */
bool queue_resume(QueueTurn *turn, QueueRow *row, Error *err) {
  AUTO_RELEASE(promotion_row_release) PromotionRow promotion = {0};
  ChangeRow change;
  bool found = false;
  if (!change_get(turn->context->catalog, row->change, &change, err))
    return false;
  if (change.state == CHANGE_MERGED)
    return clean(turn, &change, err) && queue_end_merged(turn, row, &change, err);
  if (!promotion_find_open(turn->context->catalog, change.branch, change.tier, &promotion, &found,
                           err))
    return false;
  if (found && promotion.state == PROMOTION_RUNNING)
    return true;
  turn->progressed = true;
  return set_state(turn, row, QUEUE_PASSED, err);
}
