/* Guards of the workflow's table: each looks at all that its move needs. What it finds to have gone
 * on in the world the record follows, and the command is refused. */
#include "catalog/queue.h"
#include "core/str.h"
#include "scm/promote.h"
#include "scm/queue.h"
#include "scm/step.h"

#include <stdio.h>

static void copy(char *ret, size_t size, const char *text) {
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}

bool guard_nothing(Step *step, Error *err) {
  return true;
}

bool guard_init(Step *step, Error *err) {
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = step->project->id};
  return step->state != SCM_NONE || access_ask(step->context, &question, err);
}

/* ---- wait-ci, merge: for exactly what was prepared ---- */

/* The world went on: the record follows, and the command doesn't. */
static bool follow(Step *step, ScmEvent event, const char *what, Error *err) {
  ChangeRow *change = &step->change;
  if (event == SCM_EVENT_BASE_MOVED)
    copy(change->base, sizeof change->base, step->base);
  if (!workflow_move(step->context, change, event, err))
    return false;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "%s: the state is %s now", what,
                  scm_state_text(workflow_state(change)));
  return error_hint(err, change->state == CHANGE_CLAIMED ? "`bough scm prepare-pr` again"
                                                         : "`bough scm wait-ci` again");
}

static bool check_pull(Step *step, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(step->forge, step->change.pr, &pull, err))
    return false;
  bool is_open = pull.state == PULL_OPEN;
  bool same_base = str_equal(pull.base_branch, step->change.tier);
  bool ok = true;
  if (!same_base)
    ok = follow(step, SCM_EVENT_HEAD_MOVED, "the pull request has another base branch", err);
  else if (!is_open) {
    (void)error_set(err, ERROR_BAD_PRECONDITION, "pull request %lld is %s",
                    (long long)step->change.pr, pull_state_text(pull.state));
    ok = error_hint(err, "`bough scm prepare-pr` opens one");
  }
  pull_request_release(&pull);
  return ok;
}

static bool check_live(Step *step, Error *err) {
  if (!step_check_parent(step, err) || !step_read_commits(step, err))
    return false;
  if (!str_equal(step->head, step->change.head))
    return follow(step, SCM_EVENT_HEAD_MOVED, "the branch has other commits than were prepared",
                  err);
  return check_pull(step, err);
}

bool guard_ci(Step *step, Error *err) {
  Context *context = step->context;
  if (!branch_get(context->catalog, step->change.branch, &step->branch, err) ||
      !access_branch(context, ACTION_BRANCH_READ, &step->branch, err) || !check_live(step, err))
    return false;
  if (step->state == SCM_CI_GREEN && !queue_serves(step->forge) &&
      !str_equal(step->base, step->change.base))
    return follow(step, SCM_EVENT_BASE_MOVED, "the tier has other commits than were tested", err);
  return true;
}

/* Git may be merged already by who was killed behind that: then promotion finds it done. */
bool guard_merge(Step *step, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(step->forge, step->change.pr, &pull, err))
    return false;
  bool is_merged = pull.state == PULL_MERGED && str_equal(pull.base_branch, step->change.tier);
  pull_request_release(&pull);
  return is_merged || check_live(step, err);
}

/* The right is asked for with what stopped. */
bool guard_undo(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  bool is_begun = false;
  if (!promote_is_begun(step->context, change->branch, change->tier, &is_begun, err))
    return false;
  if (is_begun)
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "no merge of \"%s\" stopped half-way",
                  change->feature);
  return error_hint(err, "`bough scm doctor` tells what is the matter");
}

/* ---- abandon ---- */

/* Its migrations would be in the tier for good, and nobody could say what they belong to. */
static bool check_not_begun(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  bool is_begun = false;
  if (!promote_is_begun(step->context, change->branch, change->tier, &is_begun, err))
    return false;
  if (!is_begun)
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "the merge of \"%s\" has begun in \"%s\"",
                  change->feature, change->tier);
  return error_hint(err, "finish it, or take it back first: `bough scm doctor --fix undo-merge`");
}

static bool check_lost(Step *step, Error *err) {
  bool found = false;
  bool contained = false;
  if (json_bool_or(step->body, "force", false) ||
      !forge_branch_head(step->forge, step->change.git_branch, step->head, &found, err))
    return json_bool_or(step->body, "force", false);
  if (!found)
    return true;
  if (!forge_branch_contains(step->forge, step->change.tier, step->head, &contained, err))
    return false;
  if (contained)
    return true;
  (void)error_set(err, ERROR_COMMITS_WOULD_BE_LOST, "\"%s\" has commits that \"%s\" lacks",
                  step->change.git_branch, step->change.tier);
  return error_hint(err, "throw them away: `bough scm abandon --force`");
}

bool guard_abandon(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  if (!check_not_begun(step, err) ||
      !branch_get(step->context->catalog, change->branch, &step->branch, err))
    return false;
  step->has_branch = step->branch.state != ROW_DELETED && step->branch.state != ROW_DELETING;
  if (step->has_branch)
    return access_branch(step->context, ACTION_BRANCH_DELETE, &step->branch, err) &&
           check_lost(step, err);
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = step->project->id};
  return (step_is_own(step, change->claimed_by, change->claimed_for) ||
          access_ask(step->context, &question, err)) &&
         check_lost(step, err);
}

/* Who asked for the merge, whose change it is, or who manages the project. */
bool guard_withdraw(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  QueueRow row;
  bool found = false;
  if (!queue_of_change(step->context->catalog, change->id, &row, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_NOTHING_TO_DO, "feature \"%s\" stands in no queue",
                     change->feature);
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = step->project->id};
  return str_equal(row.asked_by, step->context->caller.name) ||
         step_is_own(step, change->claimed_by, change->claimed_for) ||
         access_ask(step->context, &question, err);
}
