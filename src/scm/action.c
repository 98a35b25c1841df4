/* The actions of the workflow's table. Each step may be repeated: who was killed on the way runs
 * the command again, and what is done already is found done. The row is moved last. */
#include "branch/branch.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "scm/ci.h"
#include "scm/promote.h"
#include "scm/queue.h"
#include "scm/step.h"

#include <stdio.h>

enum { END_WAIT_MS = 30 * 1000, END_POLL_MS = 100 };

static void copy(char *ret, size_t size, const char *text) {
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}

bool action_nothing(Step *step, Error *err) {
  return true;
}

/* The repository itself is there as soon as somebody asks for it; its branches come by the first
 * push of whoever manages the project. */
bool action_init(Step *step, Error *err) {
  (void)json_object_set_new(step->notes, "first", json_boolean(step->state == SCM_NONE));
  return true;
}

/* ---- claim ---- */

static bool fork_branch(Step *step, Error *err) {
  AUTO(json_free) json_t *made = NULL;
  const BranchRequest request = {
      .name = step->feature, .kind = step->kind, .parent = step->tier, .start = false};
  if (step->has_branch)
    return true;
  if (!branch_create(step->context, step->project, &request, &made, err))
    return false;
  (void)json_object_set(step->notes, "duration_ms", json_object_get(made, "duration_ms"));
  (void)json_object_set(step->notes, "branch_notes", json_object_get(made, "notes"));
  return branch_find(step->context->catalog, step->project->id, step->feature, &step->branch, err);
}

bool action_claim(Step *step, Error *err) {
  const PrincipalRow *caller = &step->context->caller;
  if (!fork_branch(step, err) || !failpoint_reach(FAILPOINT_CLAIM_FORKED, err))
    return false;
  ChangeRow row = {.state = CHANGE_CLAIMED, .claimed_at = clock_wall_us()};
  id_new("chg", row.id);
  copy(row.project, sizeof row.project, step->project->id);
  copy(row.feature, sizeof row.feature, step->feature);
  copy(row.kind, sizeof row.kind, step->kind);
  copy(row.git_branch, sizeof row.git_branch, step->git_branch);
  copy(row.tier, sizeof row.tier, step->tier);
  copy(row.branch, sizeof row.branch, step->branch.id);
  copy(row.branch_name, sizeof row.branch_name, step->branch.name);
  copy(row.claimed_by, sizeof row.claimed_by, caller->name);
  copy(row.claimed_for, sizeof row.claimed_for, caller->on_behalf_of);
  copy(row.claim_commit, sizeof row.claim_commit, step->base);
  if (!workflow_claimed(step->context, &row, step->event, err))
    return false;
  step->change = row;
  step->has_change = true;
  return failpoint_reach(FAILPOINT_CLAIM_RECORDED, err);
}

/* ---- prepare-pr ---- */

static char *default_body(const ChangeRow *change) {
  return str_format("Feature `%s`: git branch `%s` with database branch `%s`, into `%s`.",
                    change->feature, change->git_branch, change->branch_name, change->tier);
}

static bool open_pull(Step *step, Error *err) {
  ChangeRow *change = &step->change;
  PullRequest pull = {0};
  AUTO(str_free) char *title = str_format("feat: %s", change->feature);
  AUTO(str_free) char *body = default_body(change);
  const PullWish wish = {.head_branch = change->git_branch,
                         .base_branch = change->tier,
                         .title = json_string_or(step->body, "title", title),
                         .body = json_string_or(step->body, "body", body),
                         .branch_id = change->branch};
  if (!forge_pull_open(step->forge, &wish, &pull, err))
    return false;
  change->pr = pull.number;
  copy(change->pr_url, sizeof change->pr_url, pull.url);
  pull_request_release(&pull);
  return true;
}

/* Where a runner is built in it begins now, not when somebody waits for it. */
static bool ask_for_ci(Step *step, Error *err) {
  const CiSubject subject = {.number = step->change.pr,
                             .source = step->change.git_branch,
                             .tier = step->change.tier,
                             .head = step->head,
                             .base = step->base};
  return queue_serves(step->forge) ? ci_request_head(step->context, step->project, &subject, err)
                                   : ci_request(step->context, step->project, &subject, err);
}

bool action_prepare(Step *step, Error *err) {
  ChangeRow *change = &step->change;
  AUTO(json_free) json_t *measured = NULL;
  const PromoteRequest request = {
      .from = change->branch_name, .to = change->tier, .expected_head = step->head};
  if (!promote_measure(step->context, step->project, &request, &measured, err) ||
      !failpoint_reach(FAILPOINT_PREPARE_MEASURED, err) || !open_pull(step, err) ||
      !failpoint_reach(FAILPOINT_PREPARE_OPENED, err))
    return false;
  if (step->state == SCM_CLAIMED || !str_equal(change->head, step->head))
    change->pushed_at = clock_wall_us();
  copy(change->head, sizeof change->head, step->head);
  copy(change->base, sizeof change->base, step->base);
  copy(change->diff_digest, sizeof change->diff_digest, json_string_or(measured, "digest", ""));
  (void)json_object_set(step->notes, "schema_diff", json_object_get(measured, "markdown"));
  (void)json_object_set(step->notes, "digest", json_object_get(measured, "digest"));
  return workflow_move(step->context, change, SCM_EVENT_PREPARE_PR, err) &&
         failpoint_reach(FAILPOINT_PREPARE_RECORDED, err) && ask_for_ci(step, err);
}

/* ---- merge ---- */

/* The pair goes; who merges was asked for the merge, not for this. */
static bool remove_pair(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  return forge_branch_delete(step->forge, change->git_branch,
                             change->head[0] != '\0' ? change->head : NULL, err) &&
         failpoint_reach(FAILPOINT_PAIR_UNREFERENCED, err) &&
         branch_delete_ended(step->context, change->branch, err);
}

/* Whoever did the merge may have recorded it already, in the transaction that ended it. */
static bool record_merge(Step *step, const json_t *done, Error *err) {
  ChangeRow *change = &step->change;
  const WorkflowMerge merge = {.commit = json_string_or(done, "merge_commit", ""),
                               .snapshot = json_string_or(done, "snapshot", ""),
                               .migrated_at = clock_wall_us()};
  if (!change_get(step->context->catalog, change->id, change, err))
    return false;
  if (change->state == CHANGE_MERGED)
    return true;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(step->context->catalog, &guard, err) &&
         workflow_merged(step->context, change, &merge, err) && catalog_commit(&guard, err);
}

/* Whoever goes on with a merge that was cut short may be at its end when the same command comes. */
static bool ended_meanwhile(Step *step) {
  ChangeRow *change = &step->change;
  Error ignored = ERROR_INIT;
  bool is_begun = true;
  for (int64_t end = clock_monotonic_ms() + END_WAIT_MS; clock_monotonic_ms() < end;) {
    bool ok = promote_is_begun(step->context, change->branch, change->tier, &is_begun, &ignored) &&
              change_get(step->context->catalog, change->id, change, &ignored);
    if (!ok || change->state == CHANGE_MERGED || !is_begun)
      return ok && change->state == CHANGE_MERGED;
    clock_sleep_ms(END_POLL_MS);
  }
  return false;
}

bool step_merge(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  AUTO(json_free) json_t *done = NULL;
  Error failure = ERROR_INIT;
  const PromoteRequest request = {.from = change->branch_name,
                                  .to = change->tier,
                                  .pull = change->pr,
                                  .expected_head = change->head};
  if (!promote_change(step->context, step->project, &request, &done, &failure) &&
      (failure.code != ERROR_NOTHING_TO_DO || !ended_meanwhile(step))) {
    *err = failure;
    return false;
  }
  if (!record_merge(step, done, err))
    return false;
  (void)json_object_set(step->notes, "promotion", done);
  return failpoint_reach(FAILPOINT_MERGE_RECORDED, err) && remove_pair(step, err);
}

/* Both sides may have moved while it waited for another promotion to end. */
static bool has_moved(Step *step, const Error *failure, bool *ret, Error *err) {
  char was[GIT_OID_SIZE];
  *ret = false;
  if (failure->code != ERROR_FORBIDDEN && failure->code != ERROR_MERGE_STALE)
    return true;
  copy(was, sizeof was, step->base);
  if (!change_get(step->context->catalog, step->change.id, &step->change, err) ||
      step->change.state != CHANGE_CI_GREEN || !step_read_commits(step, err))
    return false;
  *ret = str_equal(step->head, step->change.head) && !str_equal(step->base, was);
  return true;
}

/* At once where CI has passed for exactly this and nobody stands before it; else by the queue. */
bool action_merge(Step *step, Error *err) {
  bool takes = false;
  bool moved = false;
  Error failure = ERROR_INIT;
  Error ignored = ERROR_INIT;
  if (!queue_takes(step, &takes, err))
    return false;
  if (takes)
    return queue_enter(step, err);
  if (step_merge(step, &failure))
    return true;
  if (queue_serves(step->forge) && has_moved(step, &failure, &moved, &ignored) && moved)
    return queue_enter(step, err);
  *err = failure;
  return false;
}

bool action_withdraw(Step *step, Error *err) {
  return queue_leave(step, err);
}

bool action_clean(Step *step, Error *err) {
  return remove_pair(step, err);
}

/* The state stays: the tier is as it was before the merge began. */
bool action_undo(Step *step, Error *err) {
  ChangeRow *change = &step->change;
  AUTO(json_free) json_t *undone = NULL;
  if (!promote_undo(step->context, step->project, change->branch, change->tier, &undone, err))
    return false;
  (void)json_object_set(step->notes, "promotion", undone);
  return workflow_move(step->context, change, SCM_EVENT_UNDO_MERGE, err);
}

/* ---- abandon ---- */

bool action_abandon(Step *step, Error *err) {
  ChangeRow *change = &step->change;
  if (change->pr != 0 && !forge_pull_close(step->forge, change->pr, err))
    return false;
  return failpoint_reach(FAILPOINT_ABANDON_CLOSED, err) &&
         forge_branch_delete(step->forge, change->git_branch, NULL, err) &&
         failpoint_reach(FAILPOINT_ABANDON_UNREFERENCED, err) &&
         branch_delete_ended(step->context, change->branch, err) &&
         failpoint_reach(FAILPOINT_ABANDON_DELETED, err) &&
         workflow_move(step->context, change, SCM_EVENT_ABANDON, err);
}
