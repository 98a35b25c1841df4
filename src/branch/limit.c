/* How many branches there may be, by the policy in force. */
#include "branch/limit.h"

#include "branch/access.h"
#include "catalog/policy.h"
#include "core/str.h"

bool limit_check(Context *context, const BranchRow *branch, Error *err) {
  const Policy *policy = NULL;
  int64_t all = 0;
  int64_t own = 0;
  const char *person = branch->created_for[0] != '\0' ? branch->created_for : branch->created_by;
  if (!access_policy(context, branch->project, &policy, NULL, err))
    return false;
  const PolicyKind *kind = policy != NULL ? policy_kind(policy, branch->kind) : NULL;
  int64_t most = policy != NULL ? policy->limit_branches : 0;
  int64_t most_own = kind != NULL ? kind->max_per_principal : 0;
  if (most == 0 && most_own == 0)
    return true;
  if (!branch_count_held(context->catalog, branch->project, branch->kind, person, &all, &own, err))
    return false;
  if (most != 0 && all >= most)
    return error_set(err, ERROR_LIMIT_REACHED,
                     "the project has %lld branches, and no more are allowed", (long long)all);
  if (most_own != 0 && own >= most_own) {
    (void)error_set(err, ERROR_LIMIT_REACHED,
                    "\"%s\" has %lld branches of kind \"%s\", agents' included, and no more are"
                    " allowed",
                    person, (long long)own, branch->kind);
    return error_hint(err, "delete some: `bough branch list`");
  }
  return true;
}
