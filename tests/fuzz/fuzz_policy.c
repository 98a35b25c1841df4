/* A policy file that somebody wrote: it is either a policy or there is something to tell about it,
 * in the order of the file; a policy means the same when it is read again, differs in nothing from
 * itself, and every question to it has an answer with a reason. */
#include "fuzz.h"
#include "policy/decide.h"

#include <string.h>

static void check_findings(const PolicyFindings *findings) {
  for (size_t at = 0; at < findings->count; at++) {
    const PolicyFinding *finding = &findings->items[at];
    const PolicyFinding *before = at > 0 ? finding - 1 : finding;
    HOLDS(finding->line >= 1 && finding->column >= 1 && finding->message[0] != '\0');
    HOLDS(before->line < finding->line ||
          (before->line == finding->line && before->column <= finding->column));
  }
  AUTO(json_free) json_t *json = policy_findings_json(findings);
  AUTO(str_free) char *text = policy_findings_text(findings, "f");
  HOLDS(json_array_size(json) == findings->count && (text[0] != '\0') == (findings->count > 0));
}

static void check_decisions(const Policy *policy) {
  PolicyBranch tier = {.name = policy->entry, .kind = "tier", .tier = policy->entry};
  PolicyBranch feature = {.name = "f", .kind = "feature", .created_by = "p", .parent = &tier};
  PolicyPrincipal principal = {
      .name = "p", .type = "human", .roles = policy->role_count > 0 ? policy->roles[0] : ""};
  for (int action = 0; action < ACTION_COUNT_; action++) {
    PolicyDecision decision;
    PolicyRequest request = {.principal = &principal,
                             .action = (PolicyAction)action,
                             .branch = &feature,
                             .to = {.kind = "feature", .name = policy->entry}};
    policy_decide(policy, &request, &decision);
    HOLDS(decision.reason[0] != '\0' && (!decision.allowed || decision.rule >= 0));
    request.branch = &tier;
    policy_decide(policy, &request, &decision);
    HOLDS(decision.reason[0] != '\0' && (!decision.allowed || decision.rule >= 0));
  }
}

static void check_policy(const Policy *policy, const char *text, size_t length) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  AUTO(policy_free) Policy *again = NULL;
  HOLDS(policy_parse(text, length, &again, &findings, NULL));
  HOLDS(json_equal(policy_json(policy), policy_json(again)));
  AUTO(json_free) json_t *difference = policy_difference(policy, again);
  AUTO(json_free) json_t *all = policy_difference(NULL, policy);
  HOLDS(json_array_size(difference) == 0 && json_array_size(all) > 0);
  for (size_t at = 0; at < policy->rule_count; at++)
    HOLDS(policy->rules[at].line >= 1);
  check_decisions(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO_RELEASE(policy_findings_release) PolicyFindings findings = {0};
  AUTO(policy_free) Policy *policy = NULL;
  Error err = ERROR_INIT;
  bool valid = policy_parse((const char *)bytes, length, &policy, &findings, &err);
  HOLDS(valid == (findings.count == 0));
  HOLDS(valid || err.code == ERROR_POLICY_INVALID);
  check_findings(&findings);
  if (valid)
    check_policy(policy, (const char *)bytes, length);
  return 0;
}
