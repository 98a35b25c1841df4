/* Changes moved along the workflow's table, with their rows in the audit. */
#include "scm/workflow.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Which state of the table a row's stands for. */
static const ScmState states[] = {
    [CHANGE_CLAIMED] = SCM_CLAIMED,    [CHANGE_PR_READY] = SCM_PR_READY,
    [CHANGE_CI_GREEN] = SCM_CI_GREEN,  [CHANGE_MERGED] = SCM_MERGED,
    [CHANGE_ABANDONED] = SCM_SCAFFOLD,
};

static const ChangeState rows[SCM_STATE_COUNT_] = {
    [SCM_CLAIMED] = CHANGE_CLAIMED,    [SCM_PR_READY] = CHANGE_PR_READY,
    [SCM_CI_GREEN] = CHANGE_CI_GREEN,  [SCM_MERGED] = CHANGE_MERGED,
    [SCM_SCAFFOLD] = CHANGE_ABANDONED,
};

ScmState workflow_state(const ChangeRow *change) {
  return change != NULL ? states[change->state] : SCM_SCAFFOLD;
}

/* A command that prepares anew starts CI anew. What the world takes back keeps its times: the file
 * of a work tree that hasn't heard of it yet is told by them. */
static void clear_later(ChangeRow *change, ScmEvent event) {
  if (event != SCM_EVENT_PREPARE_PR)
    return;
  change->ci_run_url[0] = '\0';
  change->ci_green_at = 0;
}

static json_t *audit_params(const ChangeRow *change, const ScmMove *move) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*}", "feature", change->feature, "event",
                   scm_event_text(move->event), "from", scm_state_text(move->from), "to",
                   scm_state_text(move->next), "git_branch", change->git_branch, "head",
                   str_or_null(change->head), "base", str_or_null(change->base));
}

static const char *audit_action(ScmEvent event) {
  static const char *const actions[] = {
#define SCM_EVENT(name, text, meaning) [SCM_EVENT_##name] = "workflow." text,
#include "scm/states.def"
#undef SCM_EVENT
  };
  return actions[event];
}

/* Within a transaction. */
static bool write_move(Context *context, ChangeRow *change, const ScmMove *move, Error *err) {
  AUTO(json_free) json_t *params = audit_params(change, move);
  audit_about(context, change->project, change->branch);
  clear_later(change, move->event);
  change->state = rows[move->next];
  if (move->next == SCM_SCAFFOLD)
    change->ended_at = clock_wall_us();
  return change_update(context->catalog, change, err) &&
         audit_record(context, audit_action(move->event), params, err);
}

bool workflow_move(Context *context, ChangeRow *change, ScmEvent event, Error *err) {
  const ScmMove *move = NULL;
  ChangeRow next = *change;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!scm_move_require(workflow_state(change), event, &move, err) ||
      !catalog_begin(context->catalog, &guard, err) || !write_move(context, &next, move, err) ||
      !catalog_commit(&guard, err))
    return false;
  *change = next;
  return true;
}

bool workflow_claimed(Context *context, const ChangeRow *change, ScmEvent event, Error *err) {
  const ScmMove *move = scm_move_find(SCM_SCAFFOLD, event);
  AUTO(json_free) json_t *params = audit_params(change, move);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  audit_about(context, change->project, change->branch);
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         change_insert(context->catalog, change, err) &&
         audit_record(context, audit_action(move->event), params, err) &&
         catalog_commit(&guard, err);
}

bool workflow_merged(Context *context, ChangeRow *change, const WorkflowMerge *merge, Error *err) {
  const ScmMove *move = NULL;
  ChangeRow next = *change;
  int64_t now = clock_wall_us();
  if (!scm_move_require(workflow_state(change), SCM_EVENT_MERGE, &move, err))
    return false;
  (void)snprintf(next.merge_commit, sizeof next.merge_commit, "%s", merge->commit);
  (void)snprintf(next.snapshot, sizeof next.snapshot, "%s", merge->snapshot);
  next.migrated_at = merge->migrated_at;
  next.merged_at = next.ended_at = now;
  if (!write_move(context, &next, move, err))
    return false;
  *change = next;
  return true;
}

/* ---- what the world does ---- */

static bool is_quiet(const ChangeRow *change, ScmEvent event) {
  const ScmMove *move = scm_move_find(workflow_state(change), event);
  return move == NULL || move->next == move->from;
}

bool workflow_pushed(Context *context, const char *project, const char *git_branch,
                     const char *head, const PrincipalRow *pusher, Error *err) {
  ChangeRow change;
  bool found = false;
  if (!change_of_git(context->catalog, project, git_branch, &change, &found, err))
    return false;
  if (!found || change.ended_at != 0)
    return true;
  if (!author_add(context->catalog, change.branch, pusher->name, err) ||
      (pusher->on_behalf_of[0] != '\0' &&
       !author_add(context->catalog, change.branch, pusher->on_behalf_of, err)))
    return false;
  if (str_equal(change.head, head) || is_quiet(&change, SCM_EVENT_HEAD_MOVED))
    return true;
  return workflow_move(context, &change, SCM_EVENT_HEAD_MOVED, err);
}

static bool take_back(Context *context, ChangeRow *change, const char *base, Error *err) {
  if (change->ended_at != 0 || str_equal(change->base, base) ||
      is_quiet(change, SCM_EVENT_BASE_MOVED))
    return true;
  (void)snprintf(change->base, sizeof change->base, "%s", base);
  return workflow_move(context, change, SCM_EVENT_BASE_MOVED, err);
}

bool workflow_base_moved(Context *context, const char *project, const char *tier, const char *base,
                         Error *err) {
  ChangeRow *list = NULL;
  size_t count = 0;
  bool ok = true;
  if (!change_list(context->catalog, project, tier, &list, &count, err))
    return false;
  for (size_t at = 0; ok && at < count; at++)
    ok = take_back(context, &list[at], base, err);
  mem_free(list);
  return ok;
}
