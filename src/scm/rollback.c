/* Takes a tier back to a snapshot: its name and endpoint move to a new branch of that. */
#include "scm/rollback.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "branch/describe.h"
#include "branch/repoint.h"
#include "catalog/policy.h"
#include "catalog/promotion.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/rollback_count.h"

#include <stdio.h>
#include <string.h>

#define SECOND_US 1000000LL

typedef struct Rollback {
  Context *context;
  const ProjectRow *project;
  BranchRow tier;       /* stands for it now */
  SnapshotRow snapshot; /* that it goes back to */
  BranchRow source;     /* the snapshot's branch */
  int64_t keep_us;
} Rollback;

/* ---- who and what ---- */

static bool find_tier(Rollback *rollback, const char *tier, Error *err) {
  bool found = false;
  if (!tier_branch(rollback->context->catalog, rollback->project->id, tier, &rollback->tier, &found,
                   err))
    return false;
  return found ||
         error_set(err, ERROR_BRANCH_NOT_FOUND, "no branch stands for a tier \"%.63s\"", tier);
}

static bool refuse_nothing(const char *tier, const char *to, Error *err) {
  if (to == NULL)
    (void)error_set(err, ERROR_NOTHING_TO_DO,
                    "there is no promotion to %.63s whose snapshot is kept", tier);
  else
    (void)error_set(err, ERROR_BRANCH_NOT_FOUND, "\"%.63s\" is no snapshot of %.63s that is kept",
                    to, tier);
  return error_hint(err, "`bough promotion list` shows what there is");
}

static bool find_snapshot(Rollback *rollback, const char *to, Error *err) {
  Catalog *catalog = rollback->context->catalog;
  const char *project = rollback->project->id;
  const char *tier = rollback->tier.tier;
  AUTO_RELEASE(promotion_row_release) PromotionRow last = {0};
  BranchRow branch;
  bool found = false;
  if (to == NULL) {
    if (!promotion_find_last(catalog, project, tier, &last, &found, err))
      return false;
    if (!found)
      return refuse_nothing(tier, to, err);
    if (!branch_get(catalog, last.snapshot, &branch, err))
      return false;
    to = branch.name;
  }
  if (!snapshot_find(catalog, project, tier, to, &rollback->snapshot, &found, err))
    return false;
  return (found || refuse_nothing(tier, to, err)) &&
         branch_get(catalog, rollback->snapshot.branch, &rollback->source, err);
}

static bool find_keep(Rollback *rollback, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(rollback->context, rollback->project->id, &policy, NULL, err))
    return false;
  rollback->keep_us = policy_keep_snapshots(policy) * SECOND_US;
  return true;
}

static bool ask(Rollback *rollback, Error *err) {
  const AccessQuestion question = {
      .action = ACTION_ROLLBACK, .project = rollback->project->id, .name = rollback->tier.tier};
  bool ok = access_ask(rollback->context, &question, err);
  audit_about(rollback->context, rollback->project->id, rollback->tier.id);
  return ok;
}

static bool find(Context *context, const ProjectRow *project, const char *tier, const char *to,
                 Rollback *ret, Error *err) {
  *ret = (Rollback){.context = context, .project = project};
  return find_tier(ret, tier, err) && ask(ret, err) && find_snapshot(ret, to, err) &&
         find_keep(ret, err);
}

/* What was looked at: the same snapshot, and the same branch that goes. */
static char *token_of(const Rollback *rollback) {
  return str_format("%s.%s", rollback->tier.id, rollback->source.id);
}

/* ---- what would be lost ---- */

/* A log is the volume's: a tier that was reset or repointed since has another one. What a rollback
 * left is compared with what took its place, which began at its own fork. */
static bool count(Rollback *rollback, json_t **ret, int64_t *ret_all, Error *err) {
  const SnapshotRow *snapshot = &rollback->snapshot;
  if (!str_equal(snapshot->volume, rollback->tier.volume))
    return error_set(err, ERROR_UNSUPPORTED,
                     "%s was built anew since: the log of what stood then isn't its own",
                     rollback->tier.tier);
  Lsn since = snapshot->is_abandoned ? rollback->tier.fork_lsn : rollback->source.fork_lsn;
  return rollback_count(rollback->context, rollback->project, &rollback->tier, since, ret, ret_all,
                        err);
}

bool rollback_preview(Context *context, const ProjectRow *project, const char *tier, const char *to,
                      json_t **ret, Error *err) {
  Rollback rollback;
  Error unknown = ERROR_INIT;
  json_t *lost = NULL;
  int64_t all = 0;
  if (!find(context, project, tier, to, &rollback, err))
    return false;
  bool known = count(&rollback, &lost, &all, &unknown);
  AUTO(str_free) char *token = token_of(&rollback);
  *ret = json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:b, s:o, s:o, s:o}", "tier", tier, "to",
                   rollback.source.name, "promotion", rollback.snapshot.promotion, "abandoned",
                   rollback.snapshot.is_abandoned, "snapshot_at",
                   describe_time(rollback.snapshot.taken_at), "token", token, "known", known,
                   "lost", known ? lost : json_null(), "transactions",
                   known ? json_integer((json_int_t)all) : json_null(), "why",
                   known ? json_null() : json_line(unknown.message));
  return true;
}

/* ---- doing it ---- */

/* Together with the move: the branch that took over is the tier's by now. */
static bool moved(void *arg, Context *context, const char *operation, Error *err) {
  const Rollback *rollback = arg;
  Catalog *catalog = context->catalog;
  BranchRow next;
  bool found = false;
  SnapshotRow left = {.is_abandoned = true};
  if (!tier_branch(catalog, rollback->project->id, rollback->tier.tier, &next, &found, err))
    return false;
  memcpy(left.branch, rollback->tier.id, sizeof left.branch);
  memcpy(left.project, rollback->project->id, sizeof left.project);
  memcpy(left.tier, rollback->tier.tier, sizeof left.tier);
  memcpy(left.source, next.id, sizeof left.source);
  memcpy(left.volume, next.volume, sizeof left.volume);
  memcpy(left.promotion, rollback->snapshot.promotion, sizeof left.promotion);
  return author_carry(catalog, rollback->tier.id, next.id, err) &&
         snapshot_insert(catalog, &left, err) &&
         (rollback->snapshot.is_abandoned
              ? promotion_set_redone(catalog, rollback->snapshot.promotion, err)
              : promotion_set_undone(catalog, rollback->snapshot.promotion, err));
}

static bool check_token(const Rollback *rollback, const char *token, Error *err) {
  AUTO(str_free) char *now = token_of(rollback);
  if (token == NULL || str_equal(token, now))
    return true;
  (void)error_set(err, ERROR_MERGE_STALE, "%s has moved since it was looked at",
                  rollback->tier.tier);
  return error_hint(err, "look again: `bough rollback %s`", rollback->tier.tier);
}

bool rollback_tier(Context *context, const ProjectRow *project, const char *tier, const char *to,
                   const char *token, json_t **ret, Error *err) {
  Rollback rollback;
  if (!find(context, project, tier, to, &rollback, err) || !check_token(&rollback, token, err))
    return false;
  const RepointPlan plan = {.project = project,
                            .old = &rollback.tier,
                            .source = &rollback.source,
                            .operation = "tier.rollback",
                            .is_hurried = true,
                            .keep_us = rollback.keep_us,
                            .moved = moved,
                            .arg = &rollback};
  if (!repoint_carry_out(context, &plan, ret, err))
    return false;
  (void)json_object_set_new(*ret, "snapshot", json_string(rollback.source.name));
  (void)json_object_set_new(*ret, "promotion", json_string(rollback.snapshot.promotion));
  return true;
}
