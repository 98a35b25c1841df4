/* Decisions about promotions: a declared path, approvals by others than the authors, checks. */
#include "policy/judge.h"

#include "core/str.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_among(const char *const *names, size_t count, const char *name) {
  for (size_t at = 0; name != NULL && name[0] != '\0' && at < count; at++)
    if (names[at] != NULL && str_equal(names[at], name))
      return true;
  return false;
}

static bool is_person(const char *name, const PolicyBranch *branch) {
  return name != NULL && name[0] != '\0' &&
         (is_among(branch->authors, branch->author_count, name) ||
          (branch->created_by != NULL && str_equal(branch->created_by, name)) ||
          (branch->created_for != NULL && str_equal(branch->created_for, name)));
}

/* Whoever made a tier's branch is no author of what is promoted from it. */
static bool is_author(const char *name, const PolicyBranch *branch) {
  return branch->tier != NULL ? is_among(branch->authors, branch->author_count, name)
                              : is_person(name, branch);
}

static int64_t count_approvals(const PolicyRequest *request, const PolicyPromotion *promotion) {
  int64_t count = 0;
  for (size_t at = 0; at < request->approved_count; at++) {
    const char *name = request->approved_by[at];
    if (!is_among(request->approved_by, at, name) &&
        (promotion->author_may_approve || !is_author(name, request->branch)))
      count++;
  }
  return count;
}

static bool is_ready(Judge *judge, const PolicyPromotion *promotion) {
  const PolicyRequest *request = judge->request;
  int64_t approvals = count_approvals(request, promotion);
  if (approvals < promotion->approvals)
    return judge_refuse(judge, promotion->line,
                        "it has %" PRId64 " of %" PRId64 " approvals that count", approvals,
                        promotion->approvals);
  for (size_t at = 0; at < promotion->require_count; at++)
    if (!is_among(request->checks, request->check_count, promotion->require[at]))
      return judge_refuse(judge, promotion->line, "the check %s hasn't passed",
                          promotion->require[at]);
  return true;
}

/* An agent acts for somebody: what that one wrote, it can't approve either. */
static bool is_another(Judge *judge, const PolicyPromotion *promotion) {
  const PolicyPrincipal *principal = judge->request->principal;
  const PolicyBranch *branch = judge->request->branch;
  if (promotion->author_may_approve ||
      (!is_author(principal->name, branch) && !is_author(principal->on_behalf_of, branch)))
    return true;
  return judge_refuse(judge, promotion->line, "authors don't approve their own change");
}

static const char *from_of(const PolicyBranch *branch) {
  return branch->tier != NULL ? branch->tier : branch->kind;
}

bool judge_move(Judge *judge) {
  const PolicyRequest *request = judge->request;
  const PolicyRules *rules = judge->policy->compiled;
  const PolicyBranch *branch = request->branch;
  const char *to = request->to.name != NULL ? request->to.name : "";
  const char *from = branch != NULL ? from_of(branch) : NULL;
  bool is_rollback = request->action == ACTION_ROLLBACK;
  if (policy_tier(judge->policy, to) == NULL)
    return judge_refuse(judge, 0, "no tier of that name is declared");
  if (branch == NULL && !is_rollback)
    return judge_refuse(judge, 0, "no branch is named");
  const PolicyPromotion *promotion =
      from != NULL ? policy_promotion(judge->policy, from, to) : NULL;
  if (promotion == NULL && !is_rollback)
    return judge_refuse(judge, 0, "no promotion from %.63s to %.63s is declared", from, to);
  RuleQuestion question = {.action = request->action,
                           .roles = judge->roles,
                           .subject = rules_subject(rules, from),
                           .kind = NO_SUBJECT,
                           .to = rules_subject(rules, to)};
  int rule = rules_find(rules, &question);
  char what[160];
  (void)snprintf(what, sizeof what, "%s to \"%.63s\"", policy_action_text(request->action), to);
  if (rule < 0)
    return judge_lacks(judge, &question, what);
  if ((request->action == ACTION_PROMOTE_APPROVE && !is_another(judge, promotion)) ||
      (request->action == ACTION_PROMOTE && !is_ready(judge, promotion)))
    return false;
  return judge_allow(judge, rule);
}
