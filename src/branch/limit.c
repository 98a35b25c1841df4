/* How many branches there may be, by the policy in force. */
#include "branch/limit.h"

#include "branch/access.h"
#include "catalog/policy.h"

bool limit_count(Context *context, const char *project, const char *kind, const char *person,
                 LimitCounts *ret, Error *err) {
  return branch_count_held(context->catalog, project, kind, person, &ret->branches, &ret->own, err);
}

bool limit_check(Context *context, const BranchRow *branch, Error *err) {
  const Policy *policy = NULL;
  PolicyDecision decision;
  LimitCounts counts;
  const PolicyPrincipal maker = {.name = branch->created_by, .on_behalf_of = branch->created_for};
  const char *person = branch->created_for[0] != '\0' ? branch->created_for : branch->created_by;
  if (!access_policy(context, branch->project, &policy, NULL, err))
    return false;
  const PolicyKind *kind = policy != NULL ? policy_kind(policy, branch->kind) : NULL;
  bool is_limited = policy != NULL &&
                    (policy->limit_branches != 0 || (kind != NULL && kind->max_per_principal != 0));
  if (!is_limited)
    return true;
  if (!limit_count(context, branch->project, branch->kind, person, &counts, err))
    return false;
  const PolicyRequest request = {.principal = &maker,
                                 .action = ACTION_BRANCH_CREATE,
                                 .to = {.kind = branch->kind, .name = branch->name},
                                 .standing = {counts.branches, counts.own}};
  policy_limit(policy, &request, &decision);
  if (decision.allowed)
    return true;
  (void)error_set(err, ERROR_LIMIT_REACHED, "%s", decision.reason);
  return error_hint(err, "delete some: `bough branch list`");
}
