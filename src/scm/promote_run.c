/* The part of a promotion that changes the tier: each step may be begun again. */
#include "branch/audit.h"
#include "branch/operation.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/carry.h"
#include "scm/promotion.h"
#include "scm/tier.h"

#include <stdio.h>

enum { BUSY_WAIT_MS = 20 * 60 * 1000, BUSY_POLL_MS = 100, HOLD_MS = 10 * 60 * 1000 };

static Carry carry_of(const Promotion *promotion) {
  return (Carry){.context = promotion->context,
                 .project = promotion->project,
                 .from = &promotion->source,
                 .to = &promotion->target,
                 .label = promotion->source.name};
}

bool promotion_step(Promotion *promotion, const char *step, Error *err) {
  (void)snprintf(promotion->row.step, sizeof promotion->row.step, "%s", step);
  return promotion_save(promotion, err);
}

/* ---- the operation ---- */

static bool begin_on(Promotion *promotion, const BranchRow *target, const char *kind, Error *err) {
  const PromotionRow *row = &promotion->row;
  return operation_begin(promotion->context, kind, promotion->project->id, target->id,
                         json_pack("{s:s, s:s, s:s, s:s}", "promotion", row->id, "from",
                                   row->from_name, "to", row->to_tier, "branch",
                                   promotion->source.name),
                         &promotion->operation, err);
}

/* What it waited for may have been a reset or a rollback: then another branch stands for the tier,
 * and the operation holds nothing that matters. */
static bool check_turn(Promotion *promotion, const BranchRow *held, Error *err) {
  BranchRow now;
  Error failure = ERROR_INIT;
  bool ok = promotion_find_tier(promotion->context, promotion->project, promotion->row.to_tier,
                                &now, &failure);
  if (ok && str_equal(now.id, held->id))
    return true;
  if (ok)
    (void)error_set(&failure, ERROR_BRANCH_BUSY, "another branch stands for \"%s\" now",
                    promotion->row.to_tier);
  operation_fail(promotion->context, &promotion->operation, &failure);
  operation_row_release(&promotion->operation);
  *err = failure;
  return false;
}

static bool take_turn(Promotion *promotion, const char *kind, Error *err) {
  BranchRow target;
  return promotion_find_tier(promotion->context, promotion->project, promotion->row.to_tier,
                             &target, err) &&
         begin_on(promotion, &target, kind, err) && check_turn(promotion, &target, err);
}

/* One promotion into a tier after the other. */
bool promotion_begin(Promotion *promotion, const char *kind, Error *err) {
  int64_t deadline = clock_monotonic_ms() + BUSY_WAIT_MS;
  for (;;) {
    Error failure = ERROR_INIT;
    if (take_turn(promotion, kind, &failure))
      return true;
    if (failure.code != ERROR_BRANCH_BUSY || clock_monotonic_ms() >= deadline) {
      *err = failure;
      return false;
    }
    context_report(promotion->context, "waiting for the promotion before", 0, 0);
    clock_sleep_ms(BUSY_POLL_MS);
  }
}

/* ---- the end ---- */

static void describe_end(Promotion *promotion, PromotionState state, const Error *failure) {
  PromotionRow *row = &promotion->row;
  row->state = state;
  row->finished_at = clock_wall_us();
  (void)snprintf(row->error, sizeof row->error, "%.511s", failure != NULL ? failure->message : "");
}

/* Its authors are those of the tier from now on; on a tier that it came from they aren't any more,
 * unless they went on there meanwhile. */
static bool move_authors(Promotion *promotion, Error *err) {
  Catalog *catalog = promotion->context->catalog;
  const BranchRow *source = &promotion->source;
  return author_carry(catalog, source->id, promotion->target.id, err) &&
         (source->tier[0] == '\0' ||
          author_forget(catalog, source->id, promotion->row.started_at, err));
}

/* The operation's end leaves the row in the audit. */
bool promotion_end(Promotion *promotion, PromotionState state, const Error *failure, Error *err) {
  Catalog *catalog = promotion->context->catalog;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  describe_end(promotion, state, failure);
  return catalog_begin(catalog, &guard, err) && promotion_save(promotion, err) &&
         (state != PROMOTION_DONE ||
          (move_authors(promotion, err) && promotion_tell_workflow(promotion, err))) &&
         operation_finish(catalog, promotion->operation.id, failure, err) &&
         catalog_commit(&guard, err);
}

/* ---- migrations on the tier ---- */

/* Nobody copies the tier between its migrations and its code, or while they are taken back. */
static bool hold(Promotion *promotion, int *ret, Error *err) {
  const PromotionRow *row = &promotion->row;
  return tier_hold(promotion->context, row->project, row->to_tier, LOCK_EXCLUSIVE, HOLD_MS, ret,
                   err);
}

/* What the ledger says and what the copy showed is what must be there. */
static bool read_back(Promotion *promotion, Error *err) {
  const Carry carry = carry_of(promotion);
  AUTO(json_free) json_t *digests = NULL;
  if (!carry_read_back(&carry, promotion->list, true, &digests, err))
    return false;
  if (promotion->digests == NULL || json_equal(digests, promotion->digests))
    return true;
  (void)error_set(err, ERROR_MIGRATION_DRIFT,
                  "the schema of %s isn't what the migrations made of its copy",
                  promotion->row.to_tier);
  return error_hint(err, "somebody else changed it meanwhile, or a migration does something else "
                         "there: `bough diff`");
}

static bool migrate(Promotion *promotion, Error *err) {
  const Carry carry = carry_of(promotion);
  AUTO(json_free) json_t *done = NULL;
  return failpoint_reach(FAILPOINT_PROMOTE_CONFIRMED, err) &&
         carry_apply(&carry, promotion->list, &done, err) &&
         failpoint_reach(FAILPOINT_PROMOTE_APPLIED, err) && read_back(promotion, err) &&
         promotion_post_check(promotion, err);
}

static void hint_stopped(const Promotion *promotion, const Error *second, Error *err) {
  (void)error_hint(err,
                   "what was done can't be undone (%.160s): finish it with the same command again, "
                   "or go back to the snapshot, which drops what was committed since: `bough "
                   "rollback %s`",
                   second->message, promotion->row.to_tier);
}

static void hint_undo(const Promotion *promotion, Error *err) {
  (void)error_hint(err,
                   "put right what it stumbles over and try again, or finish the merge, or go back "
                   "to the snapshot, which drops what was committed since: `bough rollback %s`",
                   promotion->row.to_tier);
}

/* The tier is as it was, or, where that can't be had, half-way. */
static bool take_back(Promotion *promotion, Error *failure) {
  const Carry carry = carry_of(promotion);
  Error second = ERROR_INIT;
  Error ignored = ERROR_INIT;
  bool undone = carry_undo(&carry, promotion->list, &second);
  if (!undone)
    hint_stopped(promotion, &second, failure);
  (void)!promotion_end(promotion, undone ? PROMOTION_FAILED : PROMOTION_STOPPED, failure,
                       &ignored); /* what can't be written now is continued */
  return false;
}

bool promotion_undo(Promotion *promotion, Error *err) {
  const Carry carry = carry_of(promotion);
  Error failure = ERROR_INIT;
  AUTO_RELEASE(fd_release) int held = -1;
  if (hold(promotion, &held, &failure) && carry_undo(&carry, promotion->list, &failure))
    return failpoint_reach(FAILPOINT_PROMOTE_UNDONE, err) &&
           promotion_end(promotion, PROMOTION_FAILED, NULL, err);
  Error ignored = ERROR_INIT; /* what can't be written now is continued */
  hint_undo(promotion, &failure);
  (void)!promotion_end(promotion, PROMOTION_STOPPED, &failure, &ignored);
  *err = failure;
  return false;
}

/* ---- git ---- */

/* Commits that moved behind the gates, which a forge elsewhere can let happen, are another change.
 */
static const char *hint_at_git(const Promotion *promotion, const Error *failure) {
  if (promotion->row.pull <= 0)
    return "the same command again finishes it";
  if (failure->code == ERROR_MERGE_STALE)
    return "`bough scm doctor --fix undo-merge` takes the migrations back; then `bough scm "
           "prepare-pr`";
  return "the same command again finishes it; `bough scm doctor --fix undo-merge` takes the "
         "migrations back instead";
}

/* Migrations stay: the code that goes with them is merged by the next attempt. */
static bool stop_at_git(Promotion *promotion, Error *failure) {
  Error ignored = ERROR_INIT;
  (void)error_prefix(failure, "%s has the migrations, git isn't merged", promotion->row.to_tier);
  if (failure->hint[0] == '\0')
    (void)error_hint(failure, "%s", hint_at_git(promotion, failure));
  (void)!promotion_end(promotion, PROMOTION_STOPPED, failure, &ignored);
  return false;
}

static bool is_behind(const Promotion *promotion, const char *step) {
  static const char *const order[] = {STEP_RECORDED,  STEP_SNAPSHOT, STEP_MEASURED,
                                      STEP_MIGRATING, STEP_MIGRATED, STEP_MERGED};
  size_t wanted = 0;
  size_t reached = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(order); at++) {
    if (str_equal(order[at], step))
      wanted = at;
    if (str_equal(order[at], promotion->row.step))
      reached = at;
  }
  return reached >= wanted;
}

bool promotion_run(Promotion *promotion, Error *err) {
  AUTO_RELEASE(fd_release) int held = -1;
  bool is_migrated = is_behind(promotion, STEP_MIGRATED);
  if (!hold(promotion, &held, err))
    return is_migrated ? stop_at_git(promotion, err) : take_back(promotion, err);
  if (!is_migrated && (!migrate(promotion, err) || !promotion_step(promotion, STEP_MIGRATED, err)))
    return take_back(promotion, err);
  if (!failpoint_reach(FAILPOINT_PROMOTE_MIGRATED, err))
    return false;
  if (!is_behind(promotion, STEP_MERGED) &&
      (!promotion_merge(promotion, err) || !failpoint_reach(FAILPOINT_PROMOTE_MERGED, err) ||
       !promotion_step(promotion, STEP_MERGED, err)))
    return stop_at_git(promotion, err);
  Error ignored = ERROR_INIT; /* they find out when they go on */
  if (!promotion_end(promotion, PROMOTION_DONE, NULL, err))
    return false;
  (void)!promotion_tell_others(promotion, &ignored);
  return failpoint_reach(FAILPOINT_PROMOTE_ENDED, err);
}
