/* The engine: what nobody may, then the rules, then what an action needs besides its own right. */
#include "policy/decide.h"

#include "core/str.h"
#include "policy/action.h"
#include "policy/judge.h"

#include <stdio.h>

/* What nobody may
 * ---------------------------------------------------------------------------------- */

static bool is_not_protected(Judge *judge) {
  const PolicyTier *tier = branch_tier(judge, judge->request->branch);
  if (tier == NULL || !tier->is_protected)
    return true;
  return judge_refuse(judge, tier->line, "the tier %.63s is protected: only promotion changes it",
                      tier->name);
}

static bool is_possible_on_tier(Judge *judge) {
  PolicyAction action = judge->request->action;
  const PolicyTier *tier = branch_tier(judge, judge->request->branch);
  if (tier == NULL || (action != ACTION_BRANCH_RENAME && action != ACTION_BRANCH_EXPIRE))
    return true;
  return judge_refuse(judge, tier->line,
                      action == ACTION_BRANCH_RENAME
                          ? "a tier has the name that the policy declares"
                          : "a tier has no end: it goes when it is deleted");
}

static bool is_possible_on_snapshot(Judge *judge) {
  const PolicyBranch *branch = judge->request->branch;
  PolicyAction action = judge->request->action;
  if (branch->tier != NULL || !name_same(branch->kind, "snapshot") ||
      action == ACTION_BRANCH_DELETE || action == ACTION_BRANCH_RENAME ||
      action == ACTION_BRANCH_EXPIRE)
    return true;
  return judge_refuse(judge, 0, "nobody changes a snapshot");
}

/* By `bough branch protect`. */
static bool is_not_locked(Judge *judge) {
  PolicyAction action = judge->request->action;
  if (!judge->request->branch->is_protected ||
      (action != ACTION_BRANCH_DELETE && action != ACTION_BRANCH_RESET &&
       action != ACTION_ENDPOINT_REPOINT && action != ACTION_BRANCH_EXPIRE))
    return true;
  return judge_refuse(judge, 0, "it is protected; bough branch unprotect comes first");
}

static bool is_possible(Judge *judge) {
  return (policy_action_flags(judge->request->action) & CHANGES) == 0 ||
         (is_not_protected(judge) && is_possible_on_tier(judge) && is_possible_on_snapshot(judge) &&
          is_not_locked(judge));
}

/* Other actions
 * ------------------------------------------------------------------------------------- */

/* What stands now for the tier that parent stood for. */
static bool is_successor(const PolicyBranch *source, const PolicyBranch *parent) {
  return parent != NULL && name_same(parent->kind, "previous") &&
         name_same(parent->stood_for, source->tier);
}

/* Its own parent, which it keeps when the policy changes, or what the policy declares. */
static bool is_reset_source(Judge *judge, const PolicyBranch *branch, const PolicyBranch *source) {
  const PolicyTier *tier = branch_tier(judge, branch);
  const PolicyTier *from = branch_tier(judge, source);
  if (tier == NULL)
    return source == branch->parent || is_successor(source, branch->parent) ||
           judge_source(judge, branch->kind, source);
  return (from != NULL && tier->parent != NULL && str_equal(from->name, tier->parent)) ||
         judge_refuse(judge, tier->line, "it is reset from %.63s alone",
                      tier->parent != NULL ? tier->parent : "nothing");
}

/* Its content becomes that of source, which therefore must be one that it could be forked from. */
static bool decide_renewal(Judge *judge, int rule) {
  const PolicyBranch *branch = judge->request->branch;
  const PolicyBranch *source =
      judge->request->source != NULL ? judge->request->source : branch->parent;
  int fork = -1;
  if (source == NULL)
    return judge_refuse(judge, 0, "it has no parent");
  if (judge->request->action == ACTION_BRANCH_RESET && !is_reset_source(judge, branch, source))
    return false;
  const char *kind = branch->tier == NULL ? branch->kind : NULL;
  if (!judge_copy(judge, source, rules_subject(judge->policy->compiled, kind), &fork))
    return false;
  judge->decision->fork_line = rules_get(judge->policy->compiled, fork)->line;
  return judge_allow(judge, rule);
}

static bool decide_on_branch(Judge *judge) {
  const PolicyRequest *request = judge->request;
  PolicyAction action = request->action;
  int rule = -1;
  const PolicyBranch *subject =
      action == ACTION_BRANCH_READ ? branch_data(request->branch) : request->branch;
  if (subject == NULL)
    return judge_refuse(judge, 0, "it isn't known what it is a snapshot of");
  RuleQuestion question = judge_question(judge, action, subject);
  if (!is_possible(judge) || !judge_by_rule(judge, &question, request->branch, &rule))
    return false;
  if (action == ACTION_BRANCH_RESET || action == ACTION_ENDPOINT_REPOINT)
    return decide_renewal(judge, rule);
  if ((action == ACTION_BRANCH_RENAME && !judge_name(judge, NULL)) ||
      (action == ACTION_BRANCH_EXPIRE &&
       !judge_end(judge, request->branch->kind, request->branch->created_at, false)))
    return false;
  return judge_allow(judge, rule);
}

static bool decide_project(Judge *judge) {
  RuleQuestion question = judge_question(judge, judge->request->action, NULL);
  int rule = rules_find(judge->policy->compiled, &question);
  return rule >= 0 ? judge_allow(judge, rule)
                   : judge_lacks(judge, &question, policy_action_text(question.action));
}

/* Without rules
 * ------------------------------------------------------------------------------------ */

/* A line of the policy that isn't a rule says so; 0: none has to. */
static bool allow_by_line(Judge *judge, int line) {
  judge->decision->allowed = true;
  judge->decision->line = line;
  (void)snprintf(
      judge->decision->reason, sizeof judge->decision->reason, "%.63s may %s \"%.63s\"",
      judge->request->principal->is_server ? "the server" : judge->request->principal->name,
      policy_action_meaning(judge->request->action), branch_label(judge->request->branch));
  return true;
}

static bool decide_schedule(Judge *judge) {
  const PolicyBranch *branch = judge->request->branch;
  const PolicyBranch *source =
      judge->request->source != NULL ? judge->request->source : branch->parent;
  const PolicyTier *tier = judge->policy != NULL ? branch_tier(judge, branch) : NULL;
  const PolicyTier *from = judge->policy != NULL ? branch_tier(judge, source) : NULL;
  if (tier == NULL || tier->reset == NULL || tier->is_protected)
    return judge_refuse(judge, tier != NULL ? tier->line : 0, "no reset of it is declared");
  if (from == NULL || !str_equal(from->name, tier->parent))
    return judge_refuse(judge, tier->reset_line, "it is reset from %.63s alone", tier->parent);
  return is_not_locked(judge) && allow_by_line(judge, tier->reset_line);
}

/* The reaper. */
static bool decide_end(Judge *judge) {
  const PolicyBranch *branch = judge->request->branch;
  const PolicyKind *kind = judge->policy != NULL ? policy_kind(judge->policy, branch->kind) : NULL;
  if (branch->tier != NULL)
    return judge_refuse(judge, 0, "a tier has no end");
  if (branch->expires_at == 0 || branch->expires_at > judge->request->now)
    return judge_refuse(judge, 0, "it hasn't expired");
  return is_not_locked(judge) && allow_by_line(judge, kind != NULL ? kind->line : 0);
}

static bool decide_server(Judge *judge) {
  if (judge->request->branch != NULL && judge->request->action == ACTION_BRANCH_RESET)
    return decide_schedule(judge);
  if (judge->request->branch != NULL && judge->request->action == ACTION_BRANCH_DELETE)
    return decide_end(judge);
  return judge_refuse(judge, 0, "only declared resets and the end of branches are its own");
}

static bool decide_undeclared(Judge *judge) {
  const PolicyRequest *request = judge->request;
  bool is_project = (policy_action_flags(request->action) & (PROJECT | MOVES)) != 0;
  if (request->principal->is_platform ||
      (!is_project && is_owner(request->principal, request->branch)))
    return allow_by_line(judge, 0);
  return judge_refuse(judge, 0,
                      is_project ? "no policy is applied, and until then only the platform may"
                                 : "no policy is applied, and until then only who made a branch "
                                   "and the platform may use it");
}

/* Every question
 * ------------------------------------------------------------------------------------ */

static bool decide(Judge *judge) {
  const PolicyRequest *request = judge->request;
  unsigned flags = policy_action_flags(request->action);
  if (request->principal->is_server)
    return decide_server(judge);
  if (judge->policy == NULL)
    return decide_undeclared(judge);
  judge->roles = rules_roles(judge->policy, request->principal->roles);
  if ((flags & PROJECT) != 0)
    return decide_project(judge);
  if ((flags & MOVES) != 0)
    return judge_move(judge);
  if (request->branch == NULL)
    return judge_refuse(judge, 0, "no branch is named");
  if (request->action == ACTION_BRANCH_CREATE)
    return judge_create(judge);
  return request->action == ACTION_BRANCH_FORK ? judge_fork(judge) : decide_on_branch(judge);
}

void policy_decide(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret) {
  Judge judge = {.policy = policy, .request = request, .decision = ret};
  *ret = (PolicyDecision){.rule = -1};
  (void)!decide(&judge); /* it is in ret->allowed */
}

void policy_limit(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret) {
  Judge judge = {.policy = policy, .request = request, .decision = ret};
  *ret = (PolicyDecision){.allowed = true, .rule = -1};
  if (policy != NULL)
    (void)!judge_numbers(&judge); /* it is in ret->allowed */
}

bool policy_require(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret,
                    Error *err) {
  PolicyDecision decision;
  policy_decide(policy, request, &decision);
  if (ret != NULL)
    *ret = decision;
  return decision.allowed || error_set(err, ERROR_FORBIDDEN, "%s", decision.reason);
}

json_t *policy_decision_json(const PolicyDecision *decision) {
  json_t *json =
      json_pack("{s:b, s:o}", "allowed", decision->allowed, "reason", json_line(decision->reason));
  if (decision->line > 0)
    (void)json_object_set_new(json, "line", json_integer(decision->line));
  if (decision->rule >= 0)
    (void)json_object_set_new(json, "rule", json_integer(decision->rule));
  if (decision->fork_line > 0)
    (void)json_object_set_new(json, "fork_line", json_integer(decision->fork_line));
  return json;
}

PolicyAction policy_session_right(const Policy *policy, const PolicyPrincipal *principal,
                                  const PolicyBranch *branch, int64_t now, PolicyDecision *ret) {
  static const PolicyAction rights[] = {ACTION_BRANCH_OWN, ACTION_BRANCH_WRITE, ACTION_BRANCH_READ};
  PolicyDecision decision;
  PolicyRequest request = {.principal = principal, .branch = branch, .now = now};
  for (size_t at = 0; at < ARRAY_LENGTH(rights); at++) {
    request.action = rights[at];
    policy_decide(policy, &request, &decision);
    if (ret != NULL)
      *ret = decision;
    if (decision.allowed)
      return rights[at];
  }
  return ACTION_COUNT_;
}
