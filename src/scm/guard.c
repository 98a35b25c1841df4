/* The guards of the workflow's table: each looks at all that its move needs, and changes nothing. */
#include "branch/branch.h"
#include "core/str.h"
#include "lint/lint.h"
#include "migrate/migrate.h"
#include "scm/repository.h"
#include "scm/step.h"

#include <stdio.h>
#include <string.h>

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

/* ---- claim, adopt ---- */

static bool is_own(const Step *step, const char *by, const char *behalf) {
  const PrincipalRow *caller = &step->context->caller;
  return str_equal(by, caller->name) || (behalf[0] != '\0' && str_equal(behalf, caller->name));
}

/* The tier that the kind is declared to fork from; nobody may say another one. */
static bool check_tier(Step *step, Error *err) {
  const char *wish = json_string_or(step->body, "parent", NULL);
  const PolicyKind *kind = policy_kind(step->policy, step->kind);
  if (kind == NULL)
    return error_set(err, ERROR_USAGE, "the policy declares no kind \"%.63s\"", step->kind);
  if (kind->parent == NULL || policy_tier(step->policy, kind->parent) == NULL)
    return error_set(err, ERROR_WRONG_TIER,
                     "branches of kind \"%s\" are not forked from a tier: nothing to claim",
                     kind->name);
  if (wish != NULL && !str_equal(wish, kind->parent)) {
    (void)error_set(err, ERROR_WRONG_TIER,
                    "a %s is forked from \"%s\" (line %d of the policy), not from \"%.63s\"",
                    kind->name, kind->parent, kind->line, wish);
    return error_hint(err, "leave --parent out; another tier is another kind: --kind");
  }
  copy(step->tier, sizeof step->tier, kind->parent);
  return true;
}

static bool check_name(Step *step, Error *err) {
  if (!name_check("feature", step->feature, err))
    return false;
  copy(step->kind, sizeof step->kind, json_string_or(step->body, "kind", "feature"));
  if (!name_check("kind", step->kind, err))
    return false;
  repository_branch_of(step->kind, step->feature, step->git_branch);
  return git_branch_check(step->git_branch, err);
}

/* Migrations that the database has and the code lacks: a branch that was used for something else. */
static bool check_not_ahead(Step *step, const char *commit, Error *err) {
  AUTO(json_free) json_t *set = NULL;
  AUTO(json_free) json_t *status = NULL;
  size_t at = 0;
  const json_t *finding = NULL;
  if (!step_migrations(step, commit, &set, err))
    return false;
  if (set == NULL)
    set = json_pack("{s:s, s:[]}", "layout", "bough", "migrations");
  if (!migrate_status(step->context, step->project, step->branch.name, set, &status, err))
    return false;
  json_array_foreach(json_object_get(status, "findings"), at, finding) {
    if (!str_equal(json_string_or(finding, "code", ""), "migration-ahead"))
      continue;
    (void)error_set(err, ERROR_DB_AHEAD_OF_CODE,
                    "database branch \"%s\" has migration %.80s, which the code lacks",
                    step->branch.name, json_string_or(finding, "version", ""));
    return error_hint(err, "throw what is on it away: `bough branch reset %s`; or keep it: commit "
                           "that migration on \"%s\" and `bough scm adopt`",
                      step->branch.name, step->git_branch);
  }
  return true;
}

/* A branch of that name is the rest of a claim that was cut short, or somebody's. */
static bool check_reuse(Step *step, const char *commit, Error *err) {
  const BranchRow *branch = &step->branch;
  Error missing = ERROR_INIT;
  step->has_branch = branch_find(step->context->catalog, step->project->id, step->feature,
                                 &step->branch, &missing);
  if (!step->has_branch)
    return missing.code == ERROR_BRANCH_NOT_FOUND ||
           error_set(err, missing.code, "%s", missing.message);
  BranchRow parent;
  if (!branch_get(step->context->catalog, branch->parent, &parent, err))
    return false;
  if (!is_own(step, branch->created_by, branch->created_for) ||
      !str_equal(branch->kind, step->kind) || !str_equal(parent.tier, step->tier)) {
    (void)error_set(err, ERROR_CHANGE_EXISTS,
                    "database branch \"%s\" is there already: a %s of \"%s\", made by \"%s\"",
                    branch->name, branch->kind, branch->parent_name, branch->created_by);
    return error_hint(err, "choose another id, or delete it: `bough branch delete %s`",
                      branch->name);
  }
  return branch->state == ROW_READY ? check_not_ahead(step, commit, err)
                                    : error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s",
                                                branch->name, row_state_text(branch->state));
}

static bool check_claim(Step *step, const char *commit, Error *err) {
  BranchRow tier;
  bool found = false;
  if (!tier_branch(step->context->catalog, step->project->id, step->tier, &tier, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_BRANCH_NOT_FOUND, "tier \"%s\" has no branch", step->tier);
  const AccessQuestion question = {.action = ACTION_BRANCH_CREATE,
                                   .branch = &tier,
                                   .kind = step->kind,
                                   .name = step->feature,
                                   .target = step->tier};
  return access_ask(step->context, &question, err) && check_reuse(step, commit, err);
}

static bool read_base(Step *step, Error *err) {
  bool found = false;
  if (!forge_branch_head(step->forge, step->tier, step->base, &found, err))
    return false;
  if (found)
    return true;
  (void)error_set(err, ERROR_NOTHING_TO_DO, "the repository has no branch \"%s\"", step->tier);
  return error_hint(err, "`bough init` puts the tiers there");
}

bool guard_claim(Step *step, Error *err) {
  bool found = false;
  if (!check_name(step, err) || !step_check_mirror(step, err) || !check_tier(step, err) ||
      !read_base(step, err) ||
      !forge_branch_head(step->forge, step->git_branch, step->head, &found, err))
    return false;
  if (found) {
    (void)error_set(err, ERROR_CHANGE_EXISTS, "git branch \"%s\" is there already",
                    step->git_branch);
    return error_hint(err, "go on with its commits: check it out and `bough scm adopt`");
  }
  return check_claim(step, step->base, err);
}

bool guard_adopt(Step *step, Error *err) {
  bool found = false;
  if (!check_name(step, err) || !check_tier(step, err) || !read_base(step, err))
    return false;
  const char *head = json_string_or(step->body, "git_branch", "");
  if (!str_equal(head, step->git_branch)) {
    (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is \"%.120s\", feature \"%s\" is \"%s\"", head,
                    step->feature, step->git_branch);
    return error_hint(err, "`git checkout %s` first", step->git_branch);
  }
  return forge_branch_head(step->forge, step->git_branch, step->head, &found, err) &&
         check_claim(step, found ? step->head : step->base, err);
}

bool guard_again(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  const char *kind = json_string_or(step->body, "kind", change->kind);
  const char *parent = json_string_or(step->body, "parent", change->tier);
  if (step->event == SCM_EVENT_MERGE)
    return true;
  if (!is_own(step, change->claimed_by, change->claimed_for))
    return error_set(err, ERROR_CHANGE_EXISTS, "feature \"%s\" is claimed by \"%s\"",
                     change->feature, change->claimed_by);
  if (!str_equal(kind, change->kind) || !str_equal(parent, change->tier))
    return error_set(err, ERROR_WRONG_TIER, "feature \"%s\" is claimed as a %s of \"%s\"",
                     change->feature, change->kind, change->tier);
  return step->event == SCM_EVENT_ADOPT || step_check_mirror(step, err);
}

/* ---- prepare-pr ---- */

static bool check_head(Step *step, Error *err) {
  const char *branch = json_string_or(step->body, "git_branch", step->change.git_branch);
  const char *head = json_string_or(step->body, "head", step->head);
  if (!str_equal(branch, step->change.git_branch)) {
    (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is \"%.120s\", the feature's branch is \"%s\"",
                    branch, step->change.git_branch);
    return error_hint(err, "`git checkout %s` first", step->change.git_branch);
  }
  if (str_equal(head, step->head))
    return true;
  (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is %.12s, but %.12s is what was pushed", head,
                  step->head);
  return error_hint(err, "push first: `git push`; `bough scm prepare-pr` does so by itself");
}

static bool check_parent(Step *step, Error *err) {
  const char *parent = policy_parent_of_kind(step->policy, step->change.kind);
  return str_equal(parent, step->change.tier) ||
         error_set(err, ERROR_WRONG_TIER, "the policy says now that a %s goes to \"%.63s\", not to "
                                          "\"%s\"",
                   step->change.kind, parent != NULL ? parent : "no tier", step->change.tier);
}

static bool check_ahead(Step *step, Error *err) {
  Git git = {0};
  int64_t ahead = 0;
  if (!forge_git(step->forge, step->head, &git, err) ||
      !git_count_ahead(&git, step->base, step->head, &ahead, err))
    return false;
  return ahead > 0 || error_set(err, ERROR_NO_COMMITS_AHEAD,
                                "\"%s\" has no commit that \"%s\" lacks", step->change.git_branch,
                                step->change.tier);
}

/* The branch has all of the commit's migrations, and no others. */
static bool check_applied(Step *step, const json_t *set, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  if (!migrate_status(step->context, step->project, step->change.branch_name, set, &status, err))
    return false;
  const json_t *finding = json_array_get(json_object_get(status, "findings"), 0);
  if (finding != NULL) {
    ErrorCode code = error_code_from_name(json_string_or(finding, "code", ""));
    (void)error_set(err, code == ERROR_MIGRATION_AHEAD ? ERROR_DB_AHEAD_OF_CODE : code, "%.400s",
                    json_string_or(finding, "message", "the database and the folder don't agree"));
    return error_hint(err, "%.300s", json_string_or(finding, "hint", ""));
  }
  int64_t pending = json_integer_or(status, "pending", 0);
  if (pending == 0)
    return true;
  (void)error_set(err, ERROR_MIGRATIONS_PENDING,
                  "%lld of the commit's migrations are not applied on \"%s\"", (long long)pending,
                  step->change.branch_name);
  return error_hint(err, "`bough migrate apply %s`", step->change.branch_name);
}

/* What the tier's commit has already was linted when it went there. */
static bool is_new(char *const *changed, size_t count, const char *file) {
  for (size_t at = 0; at < count; at++)
    if (str_starts(changed[at], "migrations/") && str_equal(changed[at] + 11, file))
      return true;
  return false;
}

static json_t *lint_files(const json_t *set, char *const *changed, size_t count) {
  json_t *inputs = json_array();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(set, "migrations"), at, item) {
    const char *file = json_string_or(item, "file", "");
    if (is_new(changed, count, file))
      (void)json_array_append_new(
          inputs, json_pack("{s:s, s:s, s:s*, s:b, s:b}", "file", file, "text",
                            json_string_or(item, "up", ""), "undo",
                            json_string_or(item, "down", NULL), "undo_is_known", true, "wrapped",
                            !json_bool_or(item, "up_alone", false)));
  }
  return inputs;
}

static bool refuse_lint(const LintReport *report, Error *err) {
  for (size_t at = 0; at < report->count; at++) {
    const LintFinding *finding = &report->findings[at];
    if (finding->severity != LINT_ERROR || finding->silenced != NULL)
      continue;
    (void)error_set(err, ERROR_LINT_FAILED, "%.150s:%d: %.400s", finding->file, finding->line,
                    finding->text);
    return error_hint(err, "`bough migrate lint` shows all of them, and what to do instead");
  }
  return true;
}

static bool check_lint(Step *step, const json_t *set, Error *err) {
  Git git = {0};
  char **changed = NULL;
  size_t count = 0;
  LintReport report = {0};
  const LintOptions options = {0};
  if (!forge_git(step->forge, step->head, &git, err) ||
      !git_changed_files(&git, step->base, step->head, &changed, &count, err))
    return false;
  AUTO(json_free) json_t *inputs = lint_files(set, changed, count);
  mem_free(changed);
  bool ok = lint_inputs(inputs, &options, &report, err) && refuse_lint(&report, err);
  lint_report_release(&report);
  return ok;
}

static bool check_migrations(Step *step, Error *err) {
  AUTO(json_free) json_t *set = NULL;
  if (!step_migrations(step, step->head, &set, err))
    return false;
  return set == NULL || (check_lint(step, set, err) && check_applied(step, set, err));
}

bool guard_prepare(Step *step, Error *err) {
  Context *context = step->context;
  return step_check_mirror(step, err) &&
         branch_get(context->catalog, step->change.branch, &step->branch, err) &&
         access_branch(context, ACTION_MIGRATION_APPLY, &step->branch, err) &&
         check_parent(step, err) && step_read_commits(step, err) && check_head(step, err) &&
         check_ahead(step, err) && check_migrations(step, err);
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
  else if (!is_open && !(pull.state == PULL_MERGED && step->event == SCM_EVENT_MERGE)) {
    (void)error_set(err, ERROR_BAD_PRECONDITION, "pull request %lld is %s",
                    (long long)step->change.pr, pull_state_text(pull.state));
    ok = error_hint(err, "`bough scm prepare-pr` opens one");
  }
  pull_request_release(&pull);
  return ok;
}

static bool check_live(Step *step, Error *err) {
  if (!check_parent(step, err) || !step_read_commits(step, err))
    return false;
  if (!str_equal(step->head, step->change.head))
    return follow(step, SCM_EVENT_HEAD_MOVED, "the branch has other commits than were prepared",
                  err);
  return check_pull(step, err);
}

bool guard_ci(Step *step, Error *err) {
  Context *context = step->context;
  if (!step_check_mirror(step, err) ||
      !branch_get(context->catalog, step->change.branch, &step->branch, err) ||
      !access_branch(context, ACTION_BRANCH_READ, &step->branch, err) || !check_live(step, err))
    return false;
  if (step->state == SCM_CI_GREEN && !str_equal(step->base, step->change.base))
    return follow(step, SCM_EVENT_BASE_MOVED, "the tier has other commits than were tested", err);
  return true;
}

bool guard_merge(Step *step, Error *err) {
  return step_check_mirror(step, err) && check_live(step, err);
}

/* ---- abandon ---- */

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
  (void)error_set(err, ERROR_COMMITS_WOULD_BE_LOST,
                  "\"%s\" has commits that \"%s\" lacks", step->change.git_branch,
                  step->change.tier);
  return error_hint(err, "throw them away: `bough scm abandon --force`");
}

bool guard_abandon(Step *step, Error *err) {
  const ChangeRow *change = &step->change;
  if (!step_check_mirror(step, err) ||
      !branch_get(step->context->catalog, change->branch, &step->branch, err))
    return false;
  step->has_branch = step->branch.state != ROW_DELETED && step->branch.state != ROW_DELETING;
  if (step->has_branch)
    return access_branch(step->context, ACTION_BRANCH_DELETE, &step->branch, err) &&
           check_lost(step, err);
  const AccessQuestion question = {.action = ACTION_PROJECT_MANAGE, .project = step->project->id};
  return (is_own(step, change->claimed_by, change->claimed_for) ||
          access_ask(step->context, &question, err)) &&
         check_lost(step, err);
}
