/* Looking: what a session may, and what is there for whom. Nothing of it is remembered. */
#include "branch/access.h"
#include "branch/access_facts.h"
#include "core/clock.h"
#include "core/str.h"

#include <string.h>

static const char *const right_texts[] = {"none", "read", "write", "own"};

const char *access_right_text(AccessRight right) {
  return right_texts[right];
}

bool access_right_find(const char *text, AccessRight *ret) {
  for (AccessRight right = RIGHT_NONE; right <= RIGHT_OWN; right++)
    if (str_equal(right_texts[right], text)) {
      *ret = right;
      return true;
    }
  return false;
}

static AccessRight right_of(PolicyAction action) {
  switch (action) {
  case ACTION_BRANCH_READ:
    return RIGHT_READ;
  case ACTION_BRANCH_WRITE:
    return RIGHT_WRITE;
  case ACTION_BRANCH_OWN:
    return RIGHT_OWN;
  default:
    return RIGHT_NONE;
  }
}

bool access_session(Context *context, const PrincipalRow *principal, const BranchRow *branch,
                    AccessRight *ret, int *ret_version, Error *err) {
  const Policy *policy = NULL;
  PolicyDecision decision;
  PolicyPrincipal who = facts_principal(principal);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  if (!access_policy(context, branch->project, &policy, ret_version, err) ||
      !facts_look(context, branch, &facts, err))
    return false;
  *ret = right_of(policy_session_right(policy, &who, facts.branches, clock_wall_us(), &decision));
  return true;
}

/* A way by which the caller may do something with a branch. */
typedef struct Way {
  PolicyAction action;
  const char *kind; /* of forks */
  const char *to;   /* of promotions */
} Way;

static bool is_open(const Policy *policy, const PolicyPrincipal *who, const PolicyBranch *what,
                    const Way *way) {
  PolicyDecision decision;
  const PolicyRequest request = {.principal = who,
                                 .action = way->action,
                                 .branch = what,
                                 .to = {.kind = way->kind, .name = way->to},
                                 .now = clock_wall_us()};
  policy_decide(policy, &request, &decision);
  return decision.allowed;
}

static bool is_any_open(const Policy *policy, const PolicyPrincipal *who,
                        const PolicyBranch *what) {
  for (PolicyAction action = 0; action <= ACTION_CI_REPORT; action++)
    if (is_open(policy, who, what, &(Way){.action = action}))
      return true;
  for (size_t at = 0; policy != NULL && at < policy->kind_count; at++)
    if (is_open(policy, who, what,
                &(Way){.action = ACTION_BRANCH_FORK, .kind = policy->kinds[at].name}))
      return true;
  for (size_t at = 0; policy != NULL && at < policy->promotion_count; at++)
    for (PolicyAction action = ACTION_PROMOTE; action <= ACTION_ROLLBACK; action++)
      if (is_open(policy, who, what, &(Way){.action = action, .to = policy->promotions[at].to}))
        return true;
  return false;
}

/* That there are tiers the policy says itself, to all who have a role in it. */
static bool sees_tiers(const Policy *policy, const char *roles) {
  for (size_t at = 0; policy != NULL && at < policy->role_count; at++) {
    size_t length = strlen(policy->roles[at]);
    for (const char *role = roles; role != NULL && *role != '\0';) {
      size_t end = strcspn(role, ",");
      if (end == length && strncmp(role, policy->roles[at], length) == 0)
        return true;
      role += end + (role[end] == ',');
    }
  }
  return false;
}

bool access_sees(Context *context, const BranchRow *branch) {
  Error ignored = ERROR_INIT;
  const Policy *policy = NULL;
  PolicyPrincipal who = facts_principal(&context->caller);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  return who.is_server || (access_policy(context, branch->project, &policy, NULL, &ignored) &&
                           ((branch->tier[0] != '\0' && sees_tiers(policy, who.roles)) ||
                            (facts_look(context, branch, &facts, &ignored) &&
                             is_any_open(policy, &who, facts.branches))));
}

bool access_may(Context *context, PolicyAction action, const BranchRow *branch) {
  Error ignored = ERROR_INIT;
  const Policy *policy = NULL;
  PolicyPrincipal who = facts_principal(&context->caller);
  AUTO_RELEASE(facts_release) Facts facts = {0};
  return access_policy(context, branch->project, &policy, NULL, &ignored) &&
         facts_look(context, branch, &facts, &ignored) &&
         is_open(policy, &who, facts.branches, &(Way){.action = action});
}

bool access_may_read_audit(Context *context, const PrincipalRow *principal, bool *ret, Error *err) {
  ProjectRow *rows = NULL;
  size_t count = 0;
  if (principal->is_platform) {
    *ret = true;
    return true;
  }
  if (!project_list(context->catalog, &rows, &count, err))
    return false;
  bool ok = true;
  bool may = count > 0;
  for (size_t at = 0; at < count; at++) {
    const AccessQuestion question = {.action = ACTION_AUDIT_READ, .project = rows[at].id};
    PolicyDecision decision = {.allowed = false};
    int version = 0;
    ok = ok && access_explain(context, principal, &question, &decision, &version, err);
    may = may && decision.allowed;
    project_row_release(&rows[at]);
  }
  mem_free(rows);
  *ret = may;
  return ok;
}
