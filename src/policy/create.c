/* Decisions about making branches: what may be copied, as which kind, under which name, for how
 * long.
 */
#include "policy/judge.h"

#include "core/str.h"

#include <inttypes.h>
#include <stdio.h>

enum { SECOND_US = 1000000 };

/* Forking
 * ------------------------------------------------------------------------------------------- */

/* The right to copy source into a branch of a kind. A fork of a fork needs it for the tier, too,
 * that the data comes from: else whoever may fork a fork of a tier had a way around the tier. */
bool judge_copy(Judge *judge, const PolicyBranch *source, int kind, int *ret) {
  const PolicyBranch *data = branch_data(source);
  if (data == NULL)
    return judge_refuse(judge, 0, "it isn't known what \"%.63s\" is a snapshot of",
                        branch_label(source));
  RuleQuestion question = judge_question(judge, ACTION_BRANCH_FORK, data);
  question.kind = kind;
  if (!judge_by_rule(judge, &question, data, ret))
    return false;
  const PolicyBranch *bottom = branch_bottom(data);
  int below = -1;
  if (data->tier != NULL || bottom == data)
    return true;
  question = judge_question(judge, ACTION_BRANCH_FORK, bottom);
  question.kind = kind;
  return judge_by_rule(judge, &question, bottom, &below);
}

static bool is_declared_source(const Judge *judge, const PolicyKind *kind,
                               const PolicyBranch *source) {
  const PolicyTier *tier = branch_tier(judge, source);
  if (kind->parent == NULL) {
    const char *target = judge->request->to.target;
    return tier != NULL && (target == NULL || str_equal(tier->name, target));
  }
  if (policy_tier(judge->policy, kind->parent) != NULL)
    return tier != NULL && str_equal(tier->name, kind->parent);
  return source->tier == NULL && str_equal(source->kind, kind->parent);
}

bool judge_source(Judge *judge, const char *name, const PolicyBranch *source) {
  const PolicyKind *kind = policy_kind(judge->policy, name);
  if (kind == NULL || is_declared_source(judge, kind, source))
    return true; /* snapshots and tiers are judged by themselves */
  const char *target = judge->request->to.target;
  return judge_refuse(judge, kind->line,
                      "branches of kind %.63s are forked from %.63s, not from \"%.63s\"", name,
                      kind->parent != NULL ? kind->parent
                      : target != NULL     ? target
                                           : "the tier that the change goes to",
                      branch_label(source));
}

/* Creating
 * ------------------------------------------------------------------------------------------ */

static bool refuse_number(Judge *judge) {
  judge->decision->is_limit = true;
  return false;
}

bool judge_end(Judge *judge, const char *name, int64_t made_at, bool may_be_none) {
  int64_t cap = policy_ttl_cap(judge->policy, name);
  int64_t end = judge->request->to.expires_at;
  const PolicyKind *kind = policy_kind(judge->policy, name);
  if (cap == 0 || (end == 0 && may_be_none) || (end != 0 && end - made_at <= cap * SECOND_US))
    return true;
  (void)judge_refuse(
      judge, kind->line,
      "a branch of kind %.63s lives for at most %" PRId64 " seconds after it was made", name, cap);
  return refuse_number(judge);
}

/* A tier's branch: under its declared name, from its declared parent. */
static bool is_tier_as_declared(Judge *judge, const PolicyBranch *source) {
  const char *name = judge->request->to.name;
  const PolicyTier *tier = name != NULL ? policy_tier(judge->policy, name) : NULL;
  const PolicyTier *parent = branch_tier(judge, source);
  if (tier == NULL)
    return judge_refuse(judge, 0, "no tier of that name is declared");
  if (tier->parent == NULL || parent == NULL || !str_equal(parent->name, tier->parent))
    return judge_refuse(judge, tier->line, "the tier is forked from %.63s",
                        tier->parent != NULL ? tier->parent : "nothing: it is the root");
  return true;
}

static bool is_kind_known(Judge *judge, const char *kind) {
  if (kind == NULL)
    return judge_refuse(judge, 0, "its kind isn't said");
  return policy_kind(judge->policy, kind) != NULL || str_equal(kind, "snapshot") ||
         str_equal(kind, "tier") || judge_refuse(judge, 0, "no kind \"%.63s\" is declared", kind);
}

bool judge_name(Judge *judge, const char *kind) {
  const char *name = judge->request->to.name;
  const PolicyTier *tier =
      name != NULL && !name_same(kind, "tier") ? policy_tier(judge->policy, name) : NULL;
  return tier == NULL ||
         judge_refuse(judge, tier->line, "\"%.63s\" is the name of a tier", tier->name);
}

bool judge_numbers(Judge *judge) {
  const PolicyRequest *request = judge->request;
  const PolicyPrincipal *principal = request->principal;
  const PolicyKind *kind = policy_kind(judge->policy, request->to.kind);
  int64_t most = judge->policy->limit_branches;
  int64_t most_own = kind != NULL ? kind->max_per_principal : 0;
  if (most != 0 && request->standing.branches >= most) {
    (void)judge_refuse(judge, judge->policy->limits_line,
                       "the project has %" PRId64 " branches, and no more are allowed",
                       request->standing.branches);
    return refuse_number(judge);
  }
  if (most_own == 0 || request->standing.own < most_own)
    return true;
  bool is_agent = principal->on_behalf_of != NULL && principal->on_behalf_of[0] != '\0';
  (void)judge_refuse(
      judge, kind->line,
      "\"%.63s\" has %" PRId64 " branches of kind %.63s, agents' included, and no more"
      " are allowed",
      is_agent ? principal->on_behalf_of : principal->name, request->standing.own, kind->name);
  return refuse_number(judge);
}

bool judge_create(Judge *judge) {
  const PolicyRequest *request = judge->request;
  const char *kind = request->to.kind;
  bool is_tier = name_same(kind, "tier");
  int rule = -1;
  int fork = -1;
  if (!is_kind_known(judge, kind) || !judge_name(judge, kind) ||
      (is_tier && !is_tier_as_declared(judge, request->branch)))
    return false;
  RuleQuestion question = judge_question(judge, ACTION_BRANCH_CREATE, request->branch);
  question.kind = rules_subject(judge->policy->compiled, is_tier ? request->to.name : kind);
  question.owns = true;
  char what[160];
  (void)snprintf(what, sizeof what, "branch.create of kind %.63s", kind);
  rule = rules_find(judge->policy->compiled, &question);
  if (rule < 0)
    return judge_lacks(judge, &question, what);
  if (!judge_source(judge, kind, request->branch) ||
      !judge_copy(judge, request->branch, rules_subject(judge->policy->compiled, kind), &fork) ||
      !judge_end(judge, kind, request->now, true) || !judge_numbers(judge))
    return false;
  judge->decision->fork_line = rules_get(judge->policy->compiled, fork)->line;
  return judge_allow(judge, rule);
}

bool judge_fork(Judge *judge) {
  const PolicyRequest *request = judge->request;
  int rule = -1;
  if ((request->to.kind != NULL && !is_kind_known(judge, request->to.kind)) ||
      !judge_copy(judge, request->branch, rules_subject(judge->policy->compiled, request->to.kind),
                  &rule) ||
      (request->to.kind != NULL && !judge_source(judge, request->to.kind, request->branch)))
    return false;
  return judge_allow(judge, rule);
}
