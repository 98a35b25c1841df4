/* The engine: what nobody may, then the rules, then what an action needs besides its own right. */
#include "policy/decide.h"

#include "core/str.h"
#include "policy/action.h"
#include "policy/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND_US = 1000000, LINEAGE_LIMIT = 10000 };

/* What a branch is
 * ------------------------------------------------------------------------------------ */

static bool is_name(const char *name) {
  return name != NULL && name[0] != '\0';
}

static bool is_same(const char *a, const char *b) {
  return is_name(a) && is_name(b) && str_equal(a, b);
}

/* Created by the principal, or for it. */
bool is_owner(const PolicyPrincipal *principal, const PolicyBranch *branch) {
  return branch != NULL && branch->tier == NULL &&
         (is_same(principal->name, branch->created_by) ||
          is_same(principal->name, branch->created_for));
}

/* The number that rules know it by: its tier, else its kind. */
static int subject_of(const Judge *judge, const PolicyBranch *branch) {
  if (branch == NULL)
    return NO_SUBJECT;
  if (branch->tier != NULL)
    return policy_tier(judge->policy, branch->tier) != NULL
               ? rules_subject(judge->policy->compiled, branch->tier)
               : NO_SUBJECT;
  /* A branch whose kind has the name of a tier isn't that tier. */
  return policy_tier(judge->policy, branch->kind) == NULL
             ? rules_subject(judge->policy->compiled, branch->kind)
             : NO_SUBJECT;
}

/* A snapshot holds what the branch holds that it was taken of: whoever reads or forks it is judged
 * as if it were that. */
static const PolicyBranch *data_of(const PolicyBranch *branch) {
  for (int hops = 0; branch != NULL && branch->tier == NULL && hops < LINEAGE_LIMIT; hops++) {
    if (!str_equal(branch->kind, "snapshot"))
      return branch;
    branch = branch->parent;
  }
  return branch;
}

/* Where the data of a branch that is no tier comes from: the nearest tier that it descends from, or
 * the root of its lineage where none of it is a tier. */
static const PolicyBranch *bottom_of(const PolicyBranch *branch) {
  for (int hops = 0; branch->parent != NULL && hops < LINEAGE_LIMIT; hops++) {
    branch = branch->parent;
    if (branch->tier != NULL)
      return branch;
  }
  return branch;
}

static const PolicyTier *tier_of(const Judge *judge, const PolicyBranch *branch) {
  return branch != NULL && branch->tier != NULL ? policy_tier(judge->policy, branch->tier) : NULL;
}

static const char *label_of(const PolicyBranch *branch) {
  return branch != NULL && branch->name != NULL ? branch->name : "-";
}

/* Rules
 * --------------------------------------------------------------------------------------------- */

static RuleQuestion ask(const Judge *judge, PolicyAction action, const PolicyBranch *branch) {
  const char *kind = judge->request->to.kind;
  return (RuleQuestion){.action = action,
                        .roles = judge->roles,
                        .subject = subject_of(judge, branch),
                        .kind = rules_subject(judge->policy->compiled, kind),
                        .to = NO_SUBJECT,
                        .owns = is_owner(judge->request->principal, branch)};
}

static bool by_rule(Judge *judge, const RuleQuestion *question, const PolicyBranch *branch,
                    int *ret) {
  int rule = rules_find(judge->policy->compiled, question);
  if (rule >= 0) {
    *ret = rule;
    return true;
  }
  char what[160];
  (void)snprintf(what, sizeof what, "%s on \"%.63s\"", policy_action_text(question->action),
                 label_of(branch));
  return judge_lacks(judge, question, what);
}

/* Forking
 * ------------------------------------------------------------------------------------------- */

/* The right to copy source into a branch of a kind. A fork of a fork needs it for the tier, too,
 * that the data comes from: else whoever may fork a fork of a tier had a way around the tier. */
static bool may_copy(Judge *judge, const PolicyBranch *source, int kind, int *ret) {
  const PolicyBranch *data = data_of(source);
  if (data == NULL)
    return judge_refuse(judge, 0, "it isn't known what \"%.63s\" is a snapshot of",
                        label_of(source));
  RuleQuestion question = ask(judge, ACTION_BRANCH_FORK, data);
  question.kind = kind;
  if (!by_rule(judge, &question, data, ret))
    return false;
  const PolicyBranch *bottom = bottom_of(data);
  int below = -1;
  if (data->tier != NULL || bottom == data)
    return true;
  question = ask(judge, ACTION_BRANCH_FORK, bottom);
  question.kind = kind;
  return by_rule(judge, &question, bottom, &below);
}

static bool is_declared_source(const Judge *judge, const PolicyKind *kind,
                               const PolicyBranch *source) {
  const PolicyTier *tier = tier_of(judge, source);
  if (kind->parent == NULL) {
    const char *target = judge->request->to.target;
    return tier != NULL && (target == NULL || str_equal(tier->name, target));
  }
  if (policy_tier(judge->policy, kind->parent) != NULL)
    return tier != NULL && str_equal(tier->name, kind->parent);
  return source->tier == NULL && str_equal(source->kind, kind->parent);
}

static bool is_from_declared(Judge *judge, const char *name, const PolicyBranch *source) {
  const PolicyKind *kind = policy_kind(judge->policy, name);
  if (kind == NULL || is_declared_source(judge, kind, source))
    return true; /* snapshots and tiers are judged by themselves */
  const char *target = judge->request->to.target;
  return judge_refuse(judge, kind->line,
                      "branches of kind %.63s are forked from %.63s, not from \"%.63s\"", name,
                      kind->parent != NULL ? kind->parent
                      : target != NULL     ? target
                                           : "the tier that the change goes to",
                      label_of(source));
}

/* Creating
 * ------------------------------------------------------------------------------------------ */

static bool is_cap_kept(Judge *judge, const char *name, bool may_be_none) {
  int64_t cap = policy_ttl_cap(judge->policy, name);
  int64_t end = judge->request->to.expires_at;
  const PolicyKind *kind = policy_kind(judge->policy, name);
  if (cap == 0 || (end == 0 && may_be_none) ||
      (end != 0 && end - judge->request->now <= cap * SECOND_US))
    return true;
  return judge_refuse(judge, kind->line,
                      "a branch of kind %.63s lives for at most %" PRId64 " seconds from now", name,
                      cap);
}

/* A tier's branch: under its declared name, from its declared parent. */
static bool is_tier_as_declared(Judge *judge, const PolicyBranch *source) {
  const char *name = judge->request->to.name;
  const PolicyTier *tier = is_name(name) ? policy_tier(judge->policy, name) : NULL;
  const PolicyTier *parent = tier_of(judge, source);
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

static bool is_name_free(Judge *judge, const char *kind) {
  const char *name = judge->request->to.name;
  const PolicyTier *tier =
      is_name(name) && !is_same(kind, "tier") ? policy_tier(judge->policy, name) : NULL;
  return tier == NULL ||
         judge_refuse(judge, tier->line, "\"%.63s\" is the name of a tier", tier->name);
}

static bool decide_create(Judge *judge) {
  const PolicyRequest *request = judge->request;
  const char *kind = request->to.kind;
  bool is_tier = is_same(kind, "tier");
  int rule = -1;
  int fork = -1;
  if (!is_kind_known(judge, kind) || !is_name_free(judge, kind) ||
      (is_tier && !is_tier_as_declared(judge, request->branch)))
    return false;
  RuleQuestion question = ask(judge, ACTION_BRANCH_CREATE, request->branch);
  question.kind = rules_subject(judge->policy->compiled, is_tier ? request->to.name : kind);
  question.owns = true;
  char what[160];
  (void)snprintf(what, sizeof what, "branch.create of kind %.63s", kind);
  rule = rules_find(judge->policy->compiled, &question);
  if (rule < 0)
    return judge_lacks(judge, &question, what);
  if (!is_from_declared(judge, kind, request->branch) ||
      !may_copy(judge, request->branch, rules_subject(judge->policy->compiled, kind), &fork) ||
      !is_cap_kept(judge, kind, true))
    return false;
  judge->decision->fork_line = rules_get(judge->policy->compiled, fork)->line;
  return judge_allow(judge, rule);
}

static bool decide_fork(Judge *judge) {
  const PolicyRequest *request = judge->request;
  int rule = -1;
  if ((request->to.kind != NULL && !is_kind_known(judge, request->to.kind)) ||
      !may_copy(judge, request->branch, rules_subject(judge->policy->compiled, request->to.kind),
                &rule) ||
      (request->to.kind != NULL && !is_from_declared(judge, request->to.kind, request->branch)))
    return false;
  return judge_allow(judge, rule);
}

/* What nobody may
 * ---------------------------------------------------------------------------------- */

static bool is_not_protected(Judge *judge) {
  const PolicyTier *tier = tier_of(judge, judge->request->branch);
  if (tier == NULL || !tier->is_protected)
    return true;
  return judge_refuse(judge, tier->line, "the tier %.63s is protected: only promotion changes it",
                      tier->name);
}

static bool is_possible_on_tier(Judge *judge) {
  PolicyAction action = judge->request->action;
  const PolicyTier *tier = tier_of(judge, judge->request->branch);
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
  if (branch->tier != NULL || !is_same(branch->kind, "snapshot") ||
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

/* Its own parent, which it keeps when the policy changes, or what the policy declares. */
static bool is_reset_source(Judge *judge, const PolicyBranch *branch, const PolicyBranch *source) {
  const PolicyTier *tier = tier_of(judge, branch);
  const PolicyTier *from = tier_of(judge, source);
  if (tier == NULL)
    return source == branch->parent || is_from_declared(judge, branch->kind, source);
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
  if (!may_copy(judge, source, rules_subject(judge->policy->compiled, kind), &fork))
    return false;
  judge->decision->fork_line = rules_get(judge->policy->compiled, fork)->line;
  return judge_allow(judge, rule);
}

static bool decide_on_branch(Judge *judge) {
  const PolicyRequest *request = judge->request;
  PolicyAction action = request->action;
  int rule = -1;
  const PolicyBranch *subject =
      action == ACTION_BRANCH_READ ? data_of(request->branch) : request->branch;
  if (subject == NULL)
    return judge_refuse(judge, 0, "it isn't known what it is a snapshot of");
  RuleQuestion question = ask(judge, action, subject);
  if (!is_possible(judge) || !by_rule(judge, &question, request->branch, &rule))
    return false;
  if (action == ACTION_BRANCH_RESET || action == ACTION_ENDPOINT_REPOINT)
    return decide_renewal(judge, rule);
  if ((action == ACTION_BRANCH_RENAME && !is_name_free(judge, NULL)) ||
      (action == ACTION_BRANCH_EXPIRE && !is_cap_kept(judge, request->branch->kind, false)))
    return false;
  return judge_allow(judge, rule);
}

static bool decide_project(Judge *judge) {
  RuleQuestion question = ask(judge, judge->request->action, NULL);
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
  (void)snprintf(judge->decision->reason, sizeof judge->decision->reason, "%.63s may %s \"%.63s\"",
                 judge->request->principal->is_server ? "the server"
                                                      : judge->request->principal->name,
                 policy_action_meaning(judge->request->action), label_of(judge->request->branch));
  return true;
}

static bool decide_schedule(Judge *judge) {
  const PolicyBranch *branch = judge->request->branch;
  const PolicyBranch *source =
      judge->request->source != NULL ? judge->request->source : branch->parent;
  const PolicyTier *tier = judge->policy != NULL ? tier_of(judge, branch) : NULL;
  const PolicyTier *from = judge->policy != NULL ? tier_of(judge, source) : NULL;
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
    return decide_create(judge);
  return request->action == ACTION_BRANCH_FORK ? decide_fork(judge) : decide_on_branch(judge);
}

void policy_decide(const Policy *policy, const PolicyRequest *request, PolicyDecision *ret) {
  Judge judge = {.policy = policy, .request = request, .decision = ret};
  *ret = (PolicyDecision){.rule = -1};
  (void)!decide(&judge); /* it is in ret->allowed */
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
