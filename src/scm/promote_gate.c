/* The gates of a promotion: evidence, rights, and how they are told. */
#include "branch/access.h"
#include "branch/audit.h"
#include "core/str.h"
#include "scm/promotion.h"

#include <stdio.h>

/* ---- evidence ---- */

/* Whether that one may approve it still: roles go, and so do principals. */
static bool may_approve(Promotion *promotion, const char *name, PrincipalRow *ret) {
  PolicyDecision decision;
  int version = 0;
  Error ignored = ERROR_INIT;
  const AccessQuestion question = {.action = ACTION_PROMOTE_APPROVE,
                                   .branch = &promotion->source,
                                   .name = promotion->row.to_tier};
  return principal_by_name(promotion->context->catalog, name, ret, &ignored) &&
         access_explain(promotion->context, ret, &question, &decision, &version, &ignored) &&
         decision.allowed;
}

/* What an agent approves, the one it acts for has approved: each person counts once. */
static bool is_new_person(json_t *people, const PrincipalRow *principal) {
  const char *person = str_or_null(principal->on_behalf_of);
  if (person == NULL)
    person = principal->name;
  return json_object_get(people, person) == NULL &&
         json_object_set_new(people, person, json_true()) == 0;
}

/* Of promotions between tiers: given to the change and to what it does. */
static bool read_approvals(Promotion *promotion, Error *err) {
  AUTO(json_free) json_t *names = NULL;
  size_t at = 0;
  const json_t *name = NULL;
  if (promotion->row.diff[0] == '\0')
    return true;
  if (!promotion_approvers(promotion->context->catalog, &promotion->row, &names, err))
    return false;
  AUTO(json_free) json_t *people = json_object();
  json_array_foreach(names, at, name) {
    PrincipalRow principal;
    if (may_approve(promotion, json_string_value(name), &principal) &&
        is_new_person(people, &principal))
      (void)json_array_append(promotion->approved_by, (json_t *)name);
  }
  return true;
}

bool promotion_read_evidence(Promotion *promotion, Error *err) {
  json_free(promotion->approved_by);
  json_free(promotion->checks);
  promotion->approved_by = json_array();
  promotion->checks = json_array();
  if (!promotion_read_forge(promotion, err) ||
      (promotion->row.pull < 0 && !read_approvals(promotion, err)))
    return false;
  if (promotion->has_diff)
    (void)json_array_append_new(promotion->checks, json_string("schema-diff"));
  return true;
}

/* ---- asking ---- */

static AccessQuestion question_of(const Promotion *promotion) {
  return (AccessQuestion){.action = ACTION_PROMOTE,
                          .branch = &promotion->source,
                          .name = promotion->row.to_tier,
                          .approved_by = promotion->approved_by,
                          .checks = promotion->checks};
}

static const json_t *find_rights(const Promotion *promotion) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(promotion->list, at, item) {
    if (json_object_get(item, "rights") != NULL)
      return item;
  }
  return NULL;
}

/* Statements that say so, and what the copy showed: a DO block may hide them. What comes from a
 * protected tier was asked for when it went there. */
static bool ask_privilege(Promotion *promotion, Error *err) {
  const json_t *item = find_rights(promotion);
  if (item == NULL && !(promotion->has_diff && promotion->diff.rights))
    return true;
  if (promotion->source.is_protected && promotion->source.tier[0] != '\0')
    return true;
  if (access_branch(promotion->context, ACTION_MIGRATION_PRIVILEGE, &promotion->source, err))
    return true;
  return item != NULL
             ? error_prefix(err, "migration %.60s changes rights (%.40s)",
                            json_string_or(item, "name", ""), json_string_or(item, "rights", ""))
             : error_prefix(err, "the change does more to rights than its statements say");
}

/* Who could approve and asks for changes instead is heard, however many others approve. */
static bool ask_reviewers(const Promotion *promotion, Error *err) {
  const char *name = json_string_value(json_array_get(promotion->changes_by, 0));
  if (name == NULL)
    return true;
  audit_note(promotion->context, "rule", json_string("a reviewer asks for changes"));
  (void)error_set(err, ERROR_FORBIDDEN, "\"%s\" asks for changes of pull request %lld", name,
                  (long long)promotion->row.pull);
  return error_hint(err, "it may be merged once %s approves: `bough pr show %lld`", name,
                    (long long)promotion->row.pull);
}

bool promotion_ask(Promotion *promotion, Error *err) {
  const AccessQuestion question = question_of(promotion);
  return access_ask(promotion->context, &question, err) && ask_reviewers(promotion, err) &&
         ask_privilege(promotion, err);
}

/* ---- telling ---- */

static void add_gate(json_t *list, const char *gate, bool ok, char *message) {
  AUTO(str_free) char *owned = message;
  (void)json_array_append_new(
      list, json_pack("{s:s, s:b, s:o}", "gate", gate, "ok", ok, "message", json_line(owned)));
}

static void add_checks(const Promotion *promotion, const PolicyPromotion *declared, json_t *list) {
  for (size_t at = 0; at < declared->require_count; at++) {
    bool passed = json_has_text(promotion->checks, declared->require[at]);
    add_gate(list, declared->require[at], passed,
             str_format(passed ? "passed for exactly this state" : "not passed for this state"));
  }
}

static void add_right(Promotion *promotion, json_t *list) {
  const AccessQuestion question = question_of(promotion);
  PolicyDecision decision = {0};
  Error failure = ERROR_INIT;
  int version = 0;
  bool known = access_explain(promotion->context, &promotion->context->caller, &question, &decision,
                              &version, &failure);
  add_gate(list, "promote", known && decision.allowed,
           str_dup(known ? decision.reason : failure.message));
}

bool promotion_gates(Promotion *promotion, json_t **ret, Error *err) {
  const Policy *policy = NULL;
  json_t *list = json_array();
  if (!access_policy(promotion->context, promotion->project->id, &policy, NULL, err)) {
    json_decref(list);
    return false;
  }
  const PolicyPromotion *declared =
      policy != NULL ? policy_promotion(policy, promotion->row.from_name, promotion->row.to_tier)
                     : NULL;
  if (declared != NULL) {
    size_t count = json_array_size(promotion->approved_by);
    add_gate(list, "approvals", (int64_t)count >= declared->approvals,
             str_format("%zu of %lld given", count, (long long)declared->approvals));
    add_checks(promotion, declared, list);
  }
  if (json_array_size(promotion->changes_by) > 0)
    add_gate(list, "changes", false,
             str_format("%s asks for changes",
                        json_string_value(json_array_get(promotion->changes_by, 0))));
  add_right(promotion, list);
  *ret = list;
  return true;
}
