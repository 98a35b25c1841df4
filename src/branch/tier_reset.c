/* The reset of a tier: a repoint to a new branch of its parent, with what the parent lacks. */
#include "branch/tier_reset.h"

#include "branch/access.h"
#include "branch/branch.h"
#include "branch/repoint.h"
#include "branch/webhook.h"
#include "catalog/policy.h"
#include "catalog/schedule.h"
#include "core/clock.h"
#include "core/str.h"

enum { GRACE_MS = 2000 };

typedef struct Run {
  const TierReset *reset;
  BranchRow old;
  BranchRow source;
  json_t *applied;
} Run;

static void run_release(Run *run) {
  json_free(run->applied);
}

static bool prepare(void *arg, Context *context, const BranchRow *next, Error *err) {
  Run *run = arg;
  const TierReset *reset = run->reset;
  return reset->apply == NULL ||
         reset->apply(context, reset->project, &run->old, next, &run->applied, err);
}

/* Together with the move: a run that is done can't be done twice. */
static bool moved(void *arg, Context *context, const char *operation, Error *err) {
  const Run *run = arg;
  const TierReset *reset = run->reset;
  return schedule_set_finished(context->catalog, reset->project->id, reset->tier, clock_wall_us(),
                               operation, NULL, err) &&
         webhook_queue(
             context, "schedule.done",
             json_pack("{s:s, s:s}", "project", reset->project->name, "tier", reset->tier), err);
}

static bool find_tier(Context *context, const ProjectRow *project, const char *tier, BranchRow *ret,
                      Error *err) {
  bool found = false;
  if (!tier_branch(context->catalog, project->id, tier, ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_BRANCH_NOT_FOUND, "no branch stands for the tier \"%s\"", tier);
}

static bool may_reset(Context *context, Run *run, Error *err) {
  const TierReset *reset = run->reset;
  const AccessQuestion question = {
      .action = ACTION_BRANCH_RESET, .branch = &run->old, .source = &run->source};
  return find_tier(context, reset->project, reset->tier, &run->old, err) &&
         find_tier(context, reset->project, reset->parent, &run->source, err) &&
         access_ask(context, &question, err);
}

bool tier_reset_check(Context *context, const TierReset *reset, Error *err) {
  Run run = {.reset = reset};
  return may_reset(context, &run, err);
}

bool tier_reset(Context *context, const TierReset *reset, json_t **ret, Error *err) {
  AUTO_RELEASE(run_release) Run run = {.reset = reset};
  const RepointPlan plan = {.project = reset->project,
                            .old = &run.old,
                            .source = &run.source,
                            .operation = "tier.reset",
                            .grace_ms = GRACE_MS,
                            .keep_us = reset->keep_us,
                            .prepare = prepare,
                            .moved = moved,
                            .arg = &run};
  if (!may_reset(context, &run, err) || !repoint_carry_out(context, &plan, ret, err))
    return false;
  (void)json_object_set_new(*ret, "applied",
                            run.applied != NULL ? json_incref(run.applied) : json_array());
  return true;
}
