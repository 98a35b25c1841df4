/* What a branch is to the rules, and which rule speaks of it. */
#include "policy/judge.h"

#include "core/str.h"

#include <stdio.h>

enum { LINEAGE_LIMIT = 10000 };

/* What a branch is
 * ------------------------------------------------------------------------------------ */

static bool is_name(const char *name) {
  return name != NULL && name[0] != '\0';
}

bool name_same(const char *a, const char *b) {
  return is_name(a) && is_name(b) && str_equal(a, b);
}

/* Created by the principal, or for it. */
bool is_owner(const PolicyPrincipal *principal, const PolicyBranch *branch) {
  return branch != NULL && branch->tier == NULL &&
         (name_same(principal->name, branch->created_by) ||
          name_same(principal->name, branch->created_for));
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
const PolicyBranch *branch_data(const PolicyBranch *branch) {
  for (int hops = 0; branch != NULL && branch->tier == NULL && hops < LINEAGE_LIMIT; hops++) {
    if (!str_equal(branch->kind, "snapshot"))
      return branch;
    branch = branch->parent;
  }
  return branch;
}

/* Where the data of a branch that is no tier comes from: the nearest tier that it descends from, or
 * the root of its lineage where none of it is a tier. */
const PolicyBranch *branch_bottom(const PolicyBranch *branch) {
  for (int hops = 0; branch->parent != NULL && hops < LINEAGE_LIMIT; hops++) {
    branch = branch->parent;
    if (branch->tier != NULL)
      return branch;
  }
  return branch;
}

const PolicyTier *branch_tier(const Judge *judge, const PolicyBranch *branch) {
  return branch != NULL && branch->tier != NULL ? policy_tier(judge->policy, branch->tier) : NULL;
}

const char *branch_label(const PolicyBranch *branch) {
  return branch != NULL && branch->name != NULL ? branch->name : "-";
}

/* Rules
 * --------------------------------------------------------------------------------------------- */

RuleQuestion judge_question(const Judge *judge, PolicyAction action, const PolicyBranch *branch) {
  const char *kind = judge->request->to.kind;
  return (RuleQuestion){.action = action,
                        .roles = judge->roles,
                        .subject = subject_of(judge, branch),
                        .kind = rules_subject(judge->policy->compiled, kind),
                        .to = NO_SUBJECT,
                        .owns = is_owner(judge->request->principal, branch)};
}

bool judge_by_rule(Judge *judge, const RuleQuestion *question, const PolicyBranch *branch,
                   int *ret) {
  int rule = rules_find(judge->policy->compiled, question);
  if (rule >= 0) {
    *ret = rule;
    return true;
  }
  char what[160];
  (void)snprintf(what, sizeof what, "%s on \"%.63s\"", policy_action_text(question->action),
                 branch_label(branch));
  return judge_lacks(judge, question, what);
}
