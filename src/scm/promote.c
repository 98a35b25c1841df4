/* Carries a promotion out: gates, snapshot, copy, gates again, then the tier. */
#include "scm/promote.h"

#include "branch/audit.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/operation.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "migration/migration.h"
#include "scm/promotion.h"

#include <stdio.h>
#include <string.h>

#define SNAPSHOT_KIND "snapshot"

/* ---- before anything ---- */

static bool check_work(const Promotion *promotion, Error *err) {
  if (json_array_size(promotion->list) > 0 || promotion->moves_git || promotion->goes_on)
    return true;
  (void)error_set(err, ERROR_NOTHING_TO_DO, "%s has all that %s has", promotion->row.to_tier,
                  promotion->source.name);
  return false;
}

/* What stopped half-way in the tier comes to an end first: what follows would be built on it. */
static bool check_whole(const Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  AUTO_RELEASE(promotion_row_release) PromotionRow stopped = {0};
  bool found = false;
  if (!promotion_find_stopped(promotion->context->catalog, row->project, row->to_tier, &stopped,
                              &found, err))
    return false;
  if (!found || str_equal(stopped.id, row->id))
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "%s is half-way: the promotion of %s stopped there",
                  row->to_tier, stopped.source_name);
  return error_hint(err,
                    "finish it by its own command again; `bough scm doctor` tells the other ways");
}

/* Between tiers it is measured here; of a pull request the author did so, and everybody saw it. */
static bool ensure_diff(Promotion *promotion, Error *err) {
  if (promotion->has_diff || promotion->row.pull >= 0)
    return true;
  return promotion_rehearse(promotion, &promotion->target, err) &&
         promotion_keep_diff(promotion, err) && promotion_read_evidence(promotion, err);
}

static bool prepare(Promotion *promotion, Error *err) {
  return promotion_look(promotion, err) && check_work(promotion, err) &&
         ensure_diff(promotion, err);
}

/* What is asked for stays, for whoever may. */
static bool leave_open(Promotion *promotion, const Error *failure, Error *err) {
  Error second = ERROR_INIT;
  PromotionRow *row = &promotion->row;
  if (row->state == PROMOTION_OPEN) {
    (void)snprintf(row->error, sizeof row->error, "%.511s", failure->message);
    (void)!promotion_save_open(promotion, &second); /* the refusal is what counts */
  }
  *err = *failure;
  return false;
}

static bool ask(Promotion *promotion, Error *err) {
  Error failure = ERROR_INIT;
  audit_note(promotion->context, "change", json_string(promotion->row.change));
  return promotion_ask(promotion, &failure) || leave_open(promotion, &failure, err);
}

/* ---- the operation ---- */

/* Nothing is done yet: only the operation is to be ended. */
static bool give_up(Promotion *promotion, Error *err) {
  operation_fail(promotion->context, &promotion->operation, err);
  return false;
}

static bool start(Promotion *promotion, Error *err) {
  PromotionRow *row = &promotion->row;
  row->state = PROMOTION_RUNNING;
  row->started_at = clock_wall_us();
  row->finished_at = 0;
  row->error[0] = '\0';
  memcpy(row->operation, promotion->operation.id, sizeof row->operation);
  (void)snprintf(row->promoted_by, sizeof row->promoted_by, "%s", promotion->context->caller.name);
  return promotion_step(promotion, STEP_RECORDED, err);
}

/* ---- the snapshot ---- */

static bool keep_span(Promotion *promotion, char ret[32], Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(promotion->context, promotion->project->id, &policy, NULL, err))
    return false;
  (void)snprintf(ret, 32, "%llds", (long long)policy_keep_snapshots(policy));
  return true;
}

static bool record_snapshot(Promotion *promotion, Error *err) {
  SnapshotRow snapshot = {0};
  memcpy(snapshot.branch, promotion->snapshot.id, sizeof snapshot.branch);
  memcpy(snapshot.project, promotion->project->id, sizeof snapshot.project);
  memcpy(snapshot.tier, promotion->row.to_tier, sizeof snapshot.tier);
  memcpy(snapshot.source, promotion->target.id, sizeof snapshot.source);
  memcpy(snapshot.volume, promotion->target.volume, sizeof snapshot.volume);
  memcpy(snapshot.promotion, promotion->row.id, sizeof snapshot.promotion);
  memcpy(promotion->row.snapshot, promotion->snapshot.id, sizeof promotion->row.snapshot);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(promotion->context->catalog, &guard, err) &&
         snapshot_insert(promotion->context->catalog, &snapshot, err) &&
         promotion_step(promotion, STEP_SNAPSHOT, err) && catalog_commit(&guard, err);
}

/* One that was begun before and stopped on the tier goes back to where it began. */
static bool find_snapshot(Promotion *promotion, bool *ret_found, Error *err) {
  *ret_found = false;
  if (promotion->row.snapshot[0] == '\0')
    return true;
  if (!branch_get(promotion->context->catalog, promotion->row.snapshot, &promotion->snapshot, err))
    return false;
  *ret_found = promotion->snapshot.state == ROW_READY && promotion->snapshot.expired_at == 0;
  return true;
}

static bool take_snapshot(Promotion *promotion, Error *err) {
  Context *context = promotion->context;
  AUTO(json_free) json_t *made = NULL;
  const char *name = promotion->snapshot_name;
  char keep[32];
  bool found = false;
  if (!find_snapshot(promotion, &found, err) || found)
    return found;
  const BranchRequest request = {.name = name,
                                 .kind = SNAPSHOT_KIND,
                                 .ttl = keep,
                                 .is_copy = true,
                                 .copied = &promotion->target};
  if (!keep_span(promotion, keep, err))
    return false;
  if (!branch_create(context, promotion->project, &request, &made, err))
    return error_prefix(err, "no snapshot of %s can be made", promotion->row.to_tier);
  return branch_find(context->catalog, promotion->project->id, name, &promotion->snapshot, err) &&
         record_snapshot(promotion, err) && failpoint_reach(FAILPOINT_PROMOTE_SNAPSHOT, err);
}

/* ---- the copy ---- */

static bool refuse_stale(const Promotion *promotion, const char *was, Error *err) {
  (void)error_set(err, ERROR_MERGE_STALE,
                  "the schema diff of %s is another one now (%.12s, it was %.12s): %s has moved",
                  promotion->source.name, promotion->diff.digest, was, promotion->row.to_tier);
  return error_hint(err, promotion->row.pull >= 0
                             ? "`bough scm prepare-pr` makes it anew"
                             : "the same command shows it anew; approvals count for what was seen");
}

/* It does to the tier what everybody was shown, and no more to rights than was asked for. */
static bool try_change(Promotion *promotion, Error *err) {
  char seen[PROMOTION_DIGEST_SIZE];
  bool had = promotion->has_diff;
  memcpy(seen, promotion->row.diff, sizeof seen);
  const BranchRow *base = promotion->resumes ? &promotion->target : &promotion->snapshot;
  if (!promotion_rehearse(promotion, base, err))
    return false;
  if (had && !str_equal(seen, promotion->diff.digest))
    return (promotion->row.pull >= 0 || promotion_keep_diff(promotion, err)) &&
           refuse_stale(promotion, seen, err);
  return promotion_keep_diff(promotion, err);
}

/* The rest of what was begun makes of the tier what was seen then; there is no other diff. */
static bool try_rest(Promotion *promotion, Error *err) {
  AUTO(json_free) json_t *expected = json_incref(promotion->digests);
  SchemaDiffRow seen = promotion->diff;
  if (promotion->is_run)
    return true;
  promotion->diff = (SchemaDiffRow){0};
  bool ok = promotion_rehearse(promotion, &promotion->target, err);
  schema_diff_row_release(&promotion->diff);
  promotion->diff = seen;
  if (!ok || expected == NULL || json_equal(expected, promotion->digests))
    return ok;
  (void)error_set(err, ERROR_MERGE_STALE, "the rest of it would make something else of %s now",
                  promotion->row.to_tier);
  return error_hint(err, "somebody changed the tier meanwhile: `bough diff` shows how it is");
}

static bool try_on_copy(Promotion *promotion, Error *err) {
  return (promotion->goes_on ? try_rest(promotion, err) : try_change(promotion, err)) &&
         promotion_step(promotion, STEP_MEASURED, err) &&
         failpoint_reach(FAILPOINT_PROMOTE_MEASURED, err);
}

/* ---- the gates again ---- */

/* While nobody can apply another policy. Evidence is read again: an approval may be gone; and
 * before that lock so are the commits, which a forge elsewhere may take its time to tell: a push
 * that came meanwhile would leave the tier with migrations and no code. */
static bool confirm(Promotion *promotion, Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return promotion_check_commits(promotion, err) &&
         catalog_begin(promotion->context->catalog, &guard, err) &&
         access_confirm(promotion->context, err) && promotion_read_evidence(promotion, err) &&
         promotion_ask(promotion, err) && promotion_step(promotion, STEP_MIGRATING, err) &&
         catalog_commit(&guard, err);
}

static void drop_snapshot(Promotion *promotion) {
  Error ignored = ERROR_INIT; /* it expires */
  if (promotion->snapshot.id[0] != '\0')
    (void)!branch_delete_ended(promotion->context, promotion->snapshot.id, &ignored);
  promotion->row.snapshot[0] = '\0';
}

/* The tier wasn't touched: what waited goes on waiting where a gate was shut. */
static bool undo(Promotion *promotion, const Error *failure, Error *err) {
  Error second = ERROR_INIT;
  bool waits = failure->code == ERROR_FORBIDDEN || failure->code == ERROR_MERGE_STALE;
  PromotionState state = promotion->resumes ? PROMOTION_STOPPED
                         : waits            ? PROMOTION_OPEN
                                            : PROMOTION_FAILED;
  if (!promotion->resumes)
    drop_snapshot(promotion);
  (void)!promotion_end(promotion, state, failure, &second);
  *err = *failure;
  return false;
}

static bool carry_out(Promotion *promotion, Error *err) {
  Error failure = ERROR_INIT;
  bool ready = start(promotion, &failure) &&
               failpoint_reach(FAILPOINT_PROMOTE_RECORDED, &failure) &&
               take_snapshot(promotion, &failure) && try_on_copy(promotion, &failure) &&
               confirm(promotion, &failure);
  if (!ready)
    return undo(promotion, &failure, err);
  return promotion_run(promotion, err);
}

/* ---- the whole ---- */

static json_t *migrations_of(const Promotion *promotion) {
  return json_deep_copy(json_object_get(promotion->row.details, "migrations"));
}

static json_t *text_or_null(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *describe(const Promotion *promotion, json_t *gates, int64_t started) {
  const PromotionRow *row = &promotion->row;
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "promotion",
                   row->id, "from", row->from_name, "to", row->to_tier, "branch",
                   promotion->source.name, "state", promotion_state_text(row->state), "gates",
                   gates, "migrations", migrations_of(promotion), "snapshot",
                   text_or_null(promotion->snapshot.name), "snapshot_expires_at",
                   describe_time(promotion->snapshot.expires_at), "merge_commit",
                   text_or_null(row->merge_commit), "migrated_at", describe_time(row->finished_at),
                   "duration_ms", (double)(clock_monotonic_us() - started) / 1000.0);
}

static bool show_gates(Promotion *promotion, int64_t started, json_t **ret, Error *err) {
  json_t *gates = NULL;
  if (!promotion_save_open(promotion, err) || !promotion_gates(promotion, &gates, err))
    return false;
  *ret = describe(promotion, gates, started);
  (void)json_object_set_new(*ret, "schema_diff", json_line(promotion->diff.digest));
  json_t *markdown = json_string(promotion->has_diff ? promotion->diff.markdown : "");
  (void)json_object_set_new(*ret, "markdown", markdown != NULL ? markdown : json_null());
  return true;
}

/* Where there is code, a change comes by its pull request. */
static bool check_way(const Promotion *promotion, Error *err) {
  if (promotion->source.tier[0] != '\0' || promotion->row.pull > 0 || promotion->forge == NULL)
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "\"%s\" goes to a tier by its pull request",
                  promotion->source.name);
  return error_hint(err, "`bough scm prepare-pr`, then `bough scm merge`");
}

/* Looked at twice: while it waited for its turn both sides may have moved. */
static bool promote(Promotion *promotion, const PromoteRequest *request, Error *err) {
  const ProjectRow *project = promotion->project;
  Context *context = promotion->context;
  if (!check_way(promotion, err) || !prepare(promotion, err) || !check_whole(promotion, err) ||
      !promotion_request_runs(promotion, err) || !ask(promotion, err) ||
      !promotion_begin(promotion, PROMOTE_OPERATION, err))
    return false;
  OperationRow operation = promotion->operation;
  promotion->operation = (OperationRow){0};
  promotion_release(promotion);
  bool ok = promotion_find(context, project, request, promotion, err);
  promotion->operation = operation;
  if (!ok || !prepare(promotion, err) || !check_whole(promotion, err) || !ask(promotion, err))
    return give_up(promotion, err);
  return carry_out(promotion, err);
}

bool promote_change(Context *context, const ProjectRow *project, const PromoteRequest *request,
                    json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  json_t *gates = NULL;
  AUTO_RELEASE(promotion_release) Promotion promotion = {0};
  if (!promotion_find(context, project, request, &promotion, err))
    return false;
  if (request->dry_run)
    return prepare(&promotion, err) && show_gates(&promotion, started, ret, err);
  if (!promote(&promotion, request, err) || !promotion_gates(&promotion, &gates, err))
    return false;
  *ret = describe(&promotion, gates, started);
  return true;
}

/* Repeatable ones have no version. */
static const char *lowest_version(const json_t *list) {
  const char *lowest = "";
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(list, at, item) {
    const char *version = json_string_or(item, "version", "");
    if (version[0] != '\0' &&
        (lowest[0] == '\0' || migration_version_compare(LAYOUT_BOUGH, version, lowest) < 0))
      lowest = version;
  }
  return lowest;
}

bool promote_ready(Context *context, const ProjectRow *project, const PromoteRequest *request,
                   char ret_version[PROMOTE_VERSION_SIZE], Error *err) {
  AUTO_RELEASE(promotion_release) Promotion promotion = {0};
  if (!promotion_find(context, project, request, &promotion, err) || !check_way(&promotion, err) ||
      !prepare(&promotion, err))
    return false;
  (void)json_array_append_new(promotion.checks, json_string("ci")); /* the queue sees to that */
  if (!ask(&promotion, err))
    return false;
  (void)snprintf(ret_version, PROMOTE_VERSION_SIZE, "%s", lowest_version(promotion.list));
  return true;
}

bool promote_approve(Context *context, const ProjectRow *project, const char *from, const char *to,
                     json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  AUTO_RELEASE(promotion_release) Promotion promotion = {0};
  const PromoteRequest request = {.from = from, .to = to};
  if (!promotion_find(context, project, &request, &promotion, err))
    return false;
  if (promotion.source.tier[0] == '\0') {
    (void)error_set(err, ERROR_USAGE, "\"%s\" is no tier: its pull request is what is approved",
                    promotion.source.name);
    return error_hint(err, "`bough pr review N --approve`");
  }
  /* Asked before anything is measured, and again when all authors are known. */
  const AccessQuestion question = {
      .action = ACTION_PROMOTE_APPROVE, .branch = &promotion.source, .name = to};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!access_ask(context, &question, err) || !prepare(&promotion, err) ||
      !access_ask(context, &question, err) || !promotion_save_open(&promotion, err) ||
      !catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !promotion_approve(context->catalog, &promotion.row, &context->caller, err) ||
      !audit_record(context, "promote.approve", NULL, err) || !catalog_commit(&guard, err) ||
      !promotion_read_evidence(&promotion, err))
    return false;
  return show_gates(&promotion, started, ret, err);
}
