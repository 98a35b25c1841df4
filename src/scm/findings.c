/* What the server sees of changes that a work tree doesn't: pairs that are no pairs any more,
 * commits that went on, rests. */
#include "branch/branch.h"
#include "branch/describe.h"
#include "catalog/promotion.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/drive.h"
#include "scm/step.h"

#include <stdio.h>

#define DAY_US (86400LL * 1000 * 1000)

typedef enum FindingId {
#define SCM_FINDING(name, id, severity, fix, meaning, remedy) FINDING_##name,
#include "scm/findings.def"
#undef SCM_FINDING
} FindingId;

static const struct {
  const char *id, *severity, *fix, *meaning, *remedy;
} findings[] = {
#define SCM_FINDING(name, id, severity, fix, meaning, remedy)                                      \
  {(id), (severity), (fix), (meaning), (remedy)},
#include "scm/findings.def"
#undef SCM_FINDING
};

typedef struct Findings {
  Step step;
  json_t *list;
} Findings;

static void add(Findings *found, FindingId id, const char *subject, const char *detail) {
  AUTO(str_free)
  char *message = str_format("%s%s%s", findings[id].meaning, detail[0] != '\0' ? ": " : "", detail);
  bool fixable = findings[id].fix[0] != '\0';
  AUTO(str_free)
  char *fix =
      fixable ? str_format("bough scm doctor --fix %s: %s", findings[id].fix, findings[id].remedy)
              : str_dup(findings[id].remedy);
  (void)json_array_append_new(found->list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "id", findings[id].id,
                                        "severity", findings[id].severity, "subject", subject,
                                        "message", message, "fix", fix, "fixable", fixable));
}

/* ---- changes in flight ---- */

static bool look_at_pair(Findings *found, const ChangeRow *change, Error *err) {
  BranchRow branch;
  if (!branch_get(found->step.context->catalog, change->branch, &branch, err))
    return false;
  if (branch.state == ROW_DELETED || branch.state == ROW_DELETING || branch.expired_at != 0)
    add(found, FINDING_PAIR_MISSING, change->feature, change->branch_name);
  else if (branch.expires_at != 0 && branch.expires_at < clock_wall_us() + DAY_US)
    add(found, FINDING_PAIR_EXPIRING, change->feature, change->branch_name);
  return true;
}

static void look_at_parent(Findings *found, const ChangeRow *change) {
  const char *parent = policy_parent_of_kind(found->step.policy, change->kind);
  if (!str_equal(parent, change->tier))
    add(found, FINDING_WRONG_PARENT, change->feature, parent != NULL ? parent : "none");
}

static bool look_at_pull(Findings *found, const ChangeRow *change, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(found->step.forge, change->pr, &pull, err))
    return false;
  if (pull.state != PULL_OPEN || !str_equal(pull.base_branch, change->tier))
    add(found, FINDING_PULL_CLOSED, change->feature, change->pr_url);
  pull_request_release(&pull);
  return true;
}

static bool look_at_commits(Findings *found, const ChangeRow *change, Error *err) {
  char head[GIT_OID_SIZE];
  char base[GIT_OID_SIZE];
  bool has_head = false;
  bool has_base = false;
  if (!forge_branch_head(found->step.forge, change->git_branch, head, &has_head, err) ||
      !forge_branch_head(found->step.forge, change->tier, base, &has_base, err))
    return false;
  if (change->state == CHANGE_CLAIMED)
    return true;
  if (!has_head)
    add(found, FINDING_GIT_MISSING, change->feature, change->git_branch);
  else if (!str_equal(head, change->head))
    add(found, FINDING_HEAD_MOVED, change->feature, head);
  if (change->state == CHANGE_CI_GREEN && has_base && !str_equal(base, change->base))
    add(found, FINDING_BASE_MOVED, change->feature, base);
  return look_at_pull(found, change, err);
}

static bool look_at_ended(Findings *found, const ChangeRow *change, Error *err) {
  BranchRow branch;
  if (!branch_get(found->step.context->catalog, change->branch, &branch, err))
    return false;
  bool stands = branch.state != ROW_DELETED && branch.state != ROW_DELETING;
  ChangeRow now;
  bool is_known = false;
  if (stands &&
      !change_of_branch(found->step.context->catalog, change->branch, &now, &is_known, err))
    return false;
  if (stands && is_known && now.ended_at != 0)
    add(found, FINDING_LEFT_OVER, change->feature, branch.name);
  return true;
}

static bool look_at_change(Findings *found, const ChangeRow *change, Error *err) {
  BranchRow branch;
  if (!branch_get(found->step.context->catalog, change->branch, &branch, err))
    return false;
  if (!access_sees(found->step.context, &branch))
    return true;
  if (change->ended_at != 0)
    return look_at_ended(found, change, err);
  look_at_parent(found, change);
  return look_at_pair(found, change, err) && look_at_commits(found, change, err);
}

static bool look_at_changes(Findings *found, Error *err) {
  ChangeRow *rows = NULL;
  size_t count = 0;
  bool ok = true;
  if (!change_list(found->step.context->catalog, found->step.project->id, NULL, &rows, &count, err))
    return false;
  for (size_t at = 0; ok && at < count; at++)
    ok = look_at_change(found, &rows[at], err);
  mem_free(rows);
  return ok;
}

/* ---- what no change is about ---- */

static bool look_at_branch(Findings *found, const BranchRow *branch, Error *err) {
  ChangeRow change;
  bool is_known = false;
  bool is_work = policy_kind(found->step.policy, branch->kind) != NULL && branch->tier[0] == '\0' &&
                 policy_tier(found->step.policy,
                             policy_parent_of_kind(found->step.policy, branch->kind) != NULL
                                 ? policy_parent_of_kind(found->step.policy, branch->kind)
                                 : "") != NULL;
  if (!is_work || !access_sees(found->step.context, branch))
    return true;
  if (!change_of_branch(found->step.context->catalog, branch->id, &change, &is_known, err))
    return false;
  if (!is_known)
    add(found, FINDING_UNCLAIMED_DB, branch->name, branch->kind);
  return true;
}

static bool look_at_branches(Findings *found, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  bool ok = true;
  if (!branch_list(found->step.context->catalog, found->step.project->id, false, &rows, &count,
                   &invalid, err))
    return false;
  for (size_t at = 0; ok && at < count; at++)
    ok = look_at_branch(found, &rows[at], err);
  mem_free(rows);
  return ok;
}

static bool look_at_tiers(Findings *found, Error *err) {
  const Policy *policy = found->step.policy;
  char head[GIT_OID_SIZE];
  bool is_there = false;
  for (size_t at = 0; at < policy->tier_count; at++) {
    if (!forge_branch_head(found->step.forge, policy->tiers[at].name, head, &is_there, err))
      return false;
    if (!is_there)
      add(found, FINDING_TIER_MISSING, policy->tiers[at].name, "");
  }
  return true;
}

/* ---- what stopped half-way ---- */

static bool look_at_stopped(Findings *found, const char *tier, Error *err) {
  Context *context = found->step.context;
  AUTO_RELEASE(promotion_row_release) PromotionRow row = {0};
  BranchRow branch;
  ChangeRow change;
  bool is_there = false;
  bool is_change = false;
  if (!promotion_find_stopped(context->catalog, found->step.project->id, tier, &row, &is_there,
                              err))
    return false;
  if (!is_there)
    return true;
  if (!branch_get(context->catalog, row.source, &branch, err) ||
      !change_of_branch(context->catalog, row.source, &change, &is_change, err))
    return false;
  bool is_merge = row.pull > 0 && is_change;
  if (access_sees(context, &branch))
    add(found, is_merge ? FINDING_MERGE_STOPPED : FINDING_PROMOTION_STOPPED,
        is_merge ? change.feature : row.source_name, row.error);
  return true;
}

static bool look_at_promotions(Findings *found, Error *err) {
  const Policy *policy = found->step.policy;
  for (size_t at = 0; at < policy->tier_count; at++)
    if (!look_at_stopped(found, policy->tiers[at].name, err))
      return false;
  return true;
}

bool scm_findings(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  Findings found = {.step = {.context = context, .project = project}, .list = json_array()};
  Step *step = &found.step;
  bool ok = step_find_policy(step, err) && forge_open(context, project, &step->forge, err) &&
            look_at_tiers(&found, err) && look_at_changes(&found, err) &&
            look_at_branches(&found, err) && look_at_promotions(&found, err);
  forge_free(step->forge);
  if (ok)
    *ret = json_pack("{s:O}", "findings", found.list);
  json_free(found.list);
  return ok;
}
