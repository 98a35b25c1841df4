/* The guards of claim and adopt: which tier it is by the policy, and whether name, git branch and
 * database branch are free or the rest of one's own claim. */
#include "catalog/policy.h"
#include "core/str.h"
#include "migrate/migrate.h"
#include "scm/repository.h"
#include "scm/step.h"

#include <stdio.h>

static void copy(char *ret, size_t size, const char *text) {
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
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

/* Migrations that the database has and the code lacks: a branch that was used for something else.
 */
static bool check_not_ahead(Step *step, const char *commit, Error *err) {
  AUTO(json_free) json_t *set = NULL;
  AUTO(json_free) json_t *status = NULL;
  size_t at = 0;
  const json_t *finding = NULL;
  if (!step_migrations(step, commit, &set, err))
    return false;
  if (!migrate_status(step->context, step->project, step->branch.name, set, &status, err))
    return false;
  json_array_foreach(json_object_get(status, "findings"), at, finding) {
    if (!str_equal(json_string_or(finding, "code", ""), "migration-ahead"))
      continue;
    (void)error_set(err, ERROR_DB_AHEAD_OF_CODE,
                    "database branch \"%s\" has migration %.80s, which the code lacks",
                    step->branch.name, json_string_or(finding, "version", ""));
    return error_hint(err,
                      "throw what is on it away: `bough branch reset %s`; or keep it: commit "
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
  if (!step_is_own(step, branch->created_by, branch->created_for) ||
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
  if (!check_name(step, err) || !check_tier(step, err) || !read_base(step, err) ||
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
  if (!step_is_own(step, change->claimed_by, change->claimed_for))
    return error_set(err, ERROR_CHANGE_EXISTS, "feature \"%s\" is claimed by \"%s\"",
                     change->feature, change->claimed_by);
  if (!str_equal(kind, change->kind) || !str_equal(parent, change->tier))
    return error_set(err, ERROR_WRONG_TIER, "feature \"%s\" is claimed as a %s of \"%s\"",
                     change->feature, change->kind, change->tier);
  return true;
}
