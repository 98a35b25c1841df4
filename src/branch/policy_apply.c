/* policy apply: tiers' branches first, then one transaction that puts the version in force, then
 * the end of sessions that lost their right. */
#include "branch/access.h"
#include "branch/audit.h"
#include "branch/audit_read.h"
#include "branch/branch.h"
#include "branch/policy.h"
#include "branch/session_lost.h"
#include "catalog/policy.h"
#include "core/failpoint.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

/* Where the branch of a tier comes from. */
typedef enum TierFate {
  TIER_STANDS,  /* bound already */
  TIER_ADOPTED, /* a branch of that name, made from the parent tier's branch, and nobody's own */
  TIER_MADE,    /* forked from the parent tier's branch */
} TierFate;

typedef struct TierPlan {
  const PolicyTier *tier;
  TierFate fate;
  BranchRow branch; /* of those that are there */
} TierPlan;

typedef struct Change {
  Context *context;
  const ProjectRow *project;
  const char *text;
  const Policy *before; /* borrowed; NULL: none */
  int version;          /* in force before */
  Policy *after;
  TierPlan *plans; /* parents before children */
  size_t count;
  json_t *difference;
} Change;

static void change_release(Change *change) {
  policy_free(change->after);
  mem_free(change->plans);
  json_free(change->difference);
}

/* ---- reading ---- */

static bool read_file(Change *change, Error *err) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  if (!policy_parse(change->text, strlen(change->text), &change->after, &findings, err)) {
    (void)error_prefix(err, "the file is no policy, for %zu reasons; the first", findings.count);
    return error_hint(err, "`bough policy check` shows all of them");
  }
  if (str_equal(change->after->project, change->project->name))
    return true;
  (void)error_set(err, ERROR_POLICY_INVALID,
                  "the policy is meant for project \"%.80s\", not \"%s\"", change->after->project,
                  change->project->name);
  return error_hint(err, "name the project in the file, or choose it with --project");
}

/* ---- tiers ---- */

static TierPlan *plan_of(const Change *change, const char *tier) {
  for (size_t at = 0; at < change->count; at++)
    if (str_equal(change->plans[at].tier->name, tier))
      return &change->plans[at];
  return NULL;
}

/* The root's branch is there; it is never renamed behind anybody's back. */
static bool plan_root(Change *change, TierPlan *plan, Error *err) {
  if (!branch_get(change->context->catalog, change->project->root_branch, &plan->branch, err))
    return false;
  plan->fate = TIER_ADOPTED;
  if (str_equal(plan->branch.name, plan->tier->name))
    return true;
  (void)error_set(err, ERROR_POLICY_INVALID,
                  "the first tier is \"%s\", but the root branch of project \"%s\" is \"%s\"",
                  plan->tier->name, change->project->name, plan->branch.name);
  return error_hint(err, "call the tier \"%s\", or rename the branch", plan->branch.name);
}

static bool way_out(const TierPlan *plan, Error *err) {
  return error_hint(err, "`bough branch rename %s OTHER` or delete it, or call the tier otherwise",
                    plan->branch.name);
}

/* What somebody made for himself may hold anything: it doesn't become what all others fork. */
static bool check_nobodys(const Change *change, const TierPlan *plan, Error *err) {
  const BranchRow *branch = &plan->branch;
  PrincipalRow maker;
  Error unknown = ERROR_INIT; /* whoever is gone is nobody of the platform any more */
  if (str_equal(branch->kind, "tier") ||
      (branch->created_for[0] == '\0' &&
       principal_by_name(change->context->catalog, branch->created_by, &maker, &unknown) &&
       maker.is_platform))
    return true;
  (void)error_set(err, ERROR_BRANCH_EXISTS,
                  "the branch \"%s\" can't stand for the tier: it is %s's, of kind \"%s\"",
                  branch->name, branch->created_by, branch->kind);
  return way_out(plan, err);
}

static bool plan_child(Change *change, TierPlan *plan, Error *err) {
  const TierPlan *parent = plan_of(change, plan->tier->parent);
  Error missing = ERROR_INIT;
  if (!branch_find(change->context->catalog, change->project->id, plan->tier->name, &plan->branch,
                   &missing)) {
    plan->fate = TIER_MADE;
    if (missing.code == ERROR_BRANCH_NOT_FOUND)
      return true;
    *err = missing;
    return false;
  }
  plan->fate = TIER_ADOPTED;
  if (parent != NULL && parent->fate != TIER_MADE && plan->branch.state == ROW_READY &&
      str_equal(plan->branch.parent, parent->branch.id))
    return check_nobodys(change, plan, err);
  (void)error_set(err, ERROR_BRANCH_EXISTS,
                  "the branch \"%s\" can't stand for the tier: it isn't a fork of \"%s\"",
                  plan->branch.name, plan->tier->parent);
  return way_out(plan, err);
}

static bool plan_tier(Change *change, TierPlan *plan, Error *err) {
  bool found = false;
  if (!tier_branch(change->context->catalog, change->project->id, plan->tier->name, &plan->branch,
                   &found, err))
    return false;
  plan->fate = TIER_STANDS;
  return found || (plan->tier->parent == NULL ? plan_root(change, plan, err)
                                              : plan_child(change, plan, err));
}

static bool is_planned(const Change *change, const PolicyTier *tier) {
  return plan_of(change, tier->name) != NULL;
}

/* Again and again through the file, until each tier stands behind its parent: the parser has seen
 * to it that the chain has no loop. */
static bool plan_tiers(Change *change, Error *err) {
  const Policy *after = change->after;
  change->plans = mem_new(after->tier_count, sizeof *change->plans);
  for (size_t round = 0; round < after->tier_count; round++)
    for (size_t at = 0; at < after->tier_count; at++) {
      const PolicyTier *tier = &after->tiers[at];
      bool ready = tier->parent == NULL || plan_of(change, tier->parent) != NULL;
      if (is_planned(change, tier) || !ready)
        continue;
      TierPlan *plan = &change->plans[change->count];
      plan->tier = tier;
      if (!plan_tier(change, plan, err))
        return false;
      change->count++;
    }
  return true;
}

/* What stood before this one failed or was killed is adopted by the next try. */
static bool make_branches(Change *change, json_t *made, Error *err) {
  for (size_t at = 0; at < change->count; at++) {
    TierPlan *plan = &change->plans[at];
    AUTO(json_free) json_t *ignored = NULL;
    if (plan->fate != TIER_MADE)
      continue;
    BranchRequest request = {.name = plan->tier->name,
                             .parent = plan_of(change, plan->tier->parent)->branch.name,
                             .is_tier = true};
    context_report(change->context, "making the branch of a tier", 0, 0);
    if (!branch_create(change->context, change->project, &request, &ignored, err) ||
        !branch_find(change->context->catalog, change->project->id, plan->tier->name, &plan->branch,
                     err))
      return error_prefix(err, "tier \"%s\"", plan->tier->name);
    (void)json_array_append_new(made, json_string(plan->tier->name));
  }
  return true;
}

/* ---- preparing ---- */

static bool prepare(Change *change, Error *err) {
  const AccessQuestion question = {.action = ACTION_POLICY_APPLY, .project = change->project->id};
  if (!access_ask(change->context, &question, err) || !read_file(change, err))
    return false;
  Error unreadable = ERROR_INIT; /* then anything is better than what is in force */
  if (!access_policy(change->context, change->project->id, &change->before, &change->version,
                     &unreadable)) {
    change->before = NULL;
    if (!policy_head(change->context->catalog, change->project->id, POLICY_LOOK, &change->version,
                     err))
      return false;
  }
  change->difference = policy_difference(change->before, change->after);
  return plan_tiers(change, err);
}

/* Whether the very same file is in force. */
static bool is_same(const Change *change, bool *ret, Error *err) {
  AUTO_RELEASE(policy_version_release) PolicyVersionRow row = {0};
  *ret = false;
  if (change->version == 0)
    return true;
  if (!policy_version_get(change->context->catalog, change->project->id, change->version, &row,
                          err))
    return false;
  *ret = str_equal(row.content, change->text);
  return true;
}

/* ---- what it means for those that stand ---- */

static void add_meaning(json_t *list, const char *branch, const char *meaning) {
  (void)json_array_append_new(list, json_pack("{s:s, s:s}", "branch", branch, "meaning", meaning));
}

static void tell_tiers(const Change *change, json_t *list) {
  for (size_t at = 0; at < change->count; at++) {
    const TierPlan *plan = &change->plans[at];
    AUTO(str_free) char *text = NULL;
    if (plan->fate == TIER_MADE)
      text = str_format("is made for the tier, a fork of %s", plan->tier->parent);
    else if (plan->fate == TIER_ADOPTED)
      text = str_format("stands for the tier from now on, is %s's and has no end%s",
                        change->context->caller.name,
                        plan->tier->is_protected ? ", and only promotion changes it" : "");
    if (text != NULL)
      add_meaning(list, plan->tier->name, text);
  }
}

static void tell_branch(const Change *change, const BranchRow *branch, json_t *list) {
  const Policy *after = change->after;
  const char *parent = policy_parent_of_kind(after, branch->kind);
  AUTO(str_free) char *text = NULL;
  if (branch->tier[0] != '\0' && policy_tier(after, branch->tier) == NULL)
    text = str_dup("stands for no tier any more; it stays as it is");
  else if (branch->tier[0] == '\0' && plan_of(change, branch->name) == NULL &&
           policy_kind(after, branch->kind) == NULL)
    text = str_format("is of kind \"%s\", which the policy doesn't declare", branch->kind);
  else if (branch->tier[0] == '\0' && parent != NULL && branch->parent_name[0] != '\0' &&
           !str_equal(parent, branch->parent_name))
    text = str_format("keeps its parent %s; new ones fork %s", branch->parent_name, parent);
  if (text != NULL)
    add_meaning(list, branch->name, text);
}

static bool tell_branches(const Change *change, json_t *list, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  tell_tiers(change, list);
  if (!branch_list(change->context->catalog, change->project->id, false, &rows, &count, &invalid,
                   err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (rows[at].state != ROW_DELETING)
      tell_branch(change, &rows[at], list);
  mem_free(rows);
  return true;
}

bool policy_preview(Context *context, const ProjectRow *project, const char *text, json_t **ret,
                    Error *err) {
  AUTO_RELEASE(change_release)
  Change change = {.context = context, .project = project, .text = text};
  AUTO(json_free) json_t *branches = json_array();
  bool same = false;
  if (!prepare(&change, err) || !is_same(&change, &same, err) ||
      !tell_branches(&change, branches, err))
    return false;
  AUTO(str_free) char *lines = policy_difference_text(change.difference);
  *ret = json_pack("{s:i, s:b, s:O, s:s, s:O}", "version", change.version, "same", same,
                   "difference", change.difference, "text", lines, "branches", branches);
  return true;
}

/* ---- putting it in force ---- */

static bool bind_tiers(const Change *change, Error *err) {
  Catalog *catalog = change->context->catalog;
  AUTO(json_free) json_t *names = json_array();
  for (size_t at = 0; at < change->count; at++)
    (void)json_array_append_new(names, json_string(change->plans[at].tier->name));
  if (!tier_unbind_others(catalog, change->project->id, names, err))
    return false;
  for (size_t at = 0; at < change->count; at++) {
    const TierPlan *plan = &change->plans[at];
    const PolicyTier *old =
        change->before != NULL ? policy_tier(change->before, plan->tier->name) : NULL;
    bool freed = old != NULL && old->is_protected && !plan->tier->is_protected;
    if ((plan->fate != TIER_STANDS &&
         !tier_take(catalog, plan->branch.id, change->context->caller.name, err)) ||
        (plan->fate != TIER_STANDS &&
         !tier_bind(catalog, change->project->id, plan->tier->name, plan->branch.id, err)) ||
        ((plan->tier->is_protected || freed) &&
         !tier_set_protected(catalog, change->project->id, plan->tier->name,
                             plan->tier->is_protected, err)))
      return false;
  }
  return true;
}

/* Names of tiers that a branch was taken for. */
static json_t *adopted(const Change *change) {
  json_t *names = json_array();
  for (size_t at = 0; at < change->count; at++)
    if (change->plans[at].fate == TIER_ADOPTED)
      (void)json_array_append_new(names, json_string(change->plans[at].tier->name));
  return names;
}

static bool record(const Change *change, int version, Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:i, s:i, s:o}", "version", version, "before", change->version,
                             "adopted", adopted(change));
  audit_about(change->context, change->project->id, NULL);
  return audit_record(change->context, NULL, params, err);
}

static bool check_version(int found, int expected, Error *err) {
  if (found == expected)
    return true;
  (void)error_set(err, ERROR_POLICY_CHANGED, "version %d is in force, not %d", found, expected);
  return error_hint(err, "look at the difference again: `bough policy apply`");
}

/* Waits for everybody who holds the version in force: what they decided by it is done. */
static bool put_in_force(const Change *change, bool same, int *ret_version, Error *err) {
  Catalog *catalog = change->context->catalog;
  int version = 0;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(catalog, &guard, err) ||
      !policy_head(catalog, change->project->id, POLICY_CHANGE, &version, err) ||
      !check_version(version, change->version, err) || !access_confirm(change->context, err) ||
      (!same &&
       !policy_version_add(catalog, change->project->id, change->text, policy_json(change->after),
                           change->context->caller.name, &version, err)) ||
      !bind_tiers(change, err) || !record(change, version, err) || !catalog_commit(&guard, err))
    return false;
  *ret_version = version;
  return true;
}

bool policy_apply(Context *context, const ProjectRow *project, const char *text, int base,
                  json_t **ret, Error *err) {
  AUTO_RELEASE(change_release)
  Change change = {.context = context, .project = project, .text = text};
  AUTO(json_free) json_t *made = json_array();
  size_t ended = 0;
  int version = 0;
  bool same = false;
  if (!prepare(&change, err) || (base >= 0 && !check_version(change.version, base, err)) ||
      !is_same(&change, &same, err) || !make_branches(&change, made, err) ||
      !failpoint_reach(FAILPOINT_POLICY_TIERS, err) ||
      !put_in_force(&change, same, &version, err) ||
      !failpoint_reach(FAILPOINT_POLICY_IN_FORCE, err))
    return false;
  access_refresh(context);
  if (!session_end_lost(context, project->id, &ended, err) ||
      !audit_end_unentitled(context, &ended, err))
    return false;
  *ret = json_pack("{s:i, s:b, s:O, s:O, s:i}", "version", version, "same", same, "difference",
                   change.difference, "made", made, "sessions_ended", (int)ended);
  return true;
}
