/* What is told about a project's policy: its versions, what it says of a branch, and why something
 * is allowed or not. */
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/limit.h"
#include "branch/policy.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

static bool none_in_force(const ProjectRow *project, Error *err) {
  (void)error_set(err, ERROR_NOTHING_TO_DO, "no policy was applied to project \"%s\"",
                  project->name);
  return error_hint(err, "until then only a branch's creator and the platform may use it");
}

bool policy_show(Context *context, const ProjectRow *project, int version, json_t **ret,
                 Error *err) {
  AUTO_RELEASE(policy_version_release) PolicyVersionRow row = {0};
  int head = 0;
  if (!policy_head(context->catalog, project->id, POLICY_LOOK, &head, err))
    return false;
  if (version == 0 && head == 0)
    return none_in_force(project, err);
  if (!policy_version_get(context->catalog, project->id, version != 0 ? version : head, &row, err))
    return false;
  *ret = json_pack("{s:i, s:b, s:s, s:o, s:s, s:O}", "version", row.version, "in_force",
                   row.version == head, "applied_by", row.applied_by, "applied_at",
                   describe_time(row.applied_at), "text", row.content, "policy", row.canonical);
  return true;
}

bool policy_history(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  PolicyVersionRow *rows = NULL;
  size_t count = 0;
  int head = 0;
  if (!policy_head(context->catalog, project->id, POLICY_LOOK, &head, err) ||
      !policy_version_list(context->catalog, project->id, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(list, json_pack("{s:i, s:b, s:s, s:o}", "version", rows[at].version,
                                                "in_force", rows[at].version == head, "applied_by",
                                                rows[at].applied_by, "applied_at",
                                                describe_time(rows[at].applied_at)));
  mem_free(rows);
  *ret = json_pack("{s:i, s:o}", "version", head, "versions", list);
  return true;
}

/* ---- what it says of a branch ---- */

/* Somebody who has that role alone; who made the branch, or nobody who did. */
static json_t *actions_of(Context *context, const char *role, bool own, const BranchRow *branch,
                          Error *err) {
  PrincipalRow who = {.os_uid = -1};
  json_t *list = json_array();
  (void)snprintf(who.id, sizeof who.id, "pri-");
  (void)snprintf(who.name, sizeof who.name, "%s", own ? branch->created_by : "-");
  (void)snprintf(who.roles, sizeof who.roles, "%s", role);
  (void)snprintf(who.type, sizeof who.type, "human");
  for (PolicyAction action = 0; action <= ACTION_CI_REPORT; action++) {
    const AccessQuestion question = {.action = action, .branch = branch};
    PolicyDecision decision;
    int version = 0;
    if (!access_explain(context, &who, &question, &decision, &version, err)) {
      json_free(list);
      return NULL;
    }
    if (decision.allowed)
      (void)json_array_append_new(list, json_string(policy_action_text(action)));
  }
  return list;
}

static bool describe_roles(Context *context, const Policy *policy, const BranchRow *branch,
                           json_t **ret, Error *err) {
  AUTO(json_free) json_t *roles = json_array();
  for (size_t at = 0; at < policy->role_count; at++) {
    json_t *all = actions_of(context, policy->roles[at], false, branch, err);
    json_t *own = all != NULL ? actions_of(context, policy->roles[at], true, branch, err) : NULL;
    if (own == NULL) {
      json_free(all);
      return false;
    }
    if (json_array_size(own) > 0 || json_array_size(all) > 0)
      (void)json_array_append_new(roles, json_pack("{s:s, s:O, s:O}", "role", policy->roles[at],
                                                   "actions", all, "own", own));
    json_free(all);
    json_free(own);
  }
  *ret = STEAL(roles);
  return true;
}

static json_t *seconds_or_null(int64_t seconds) {
  return seconds == 0 || seconds == POLICY_IDLE_NEVER ? json_null() : json_integer(seconds);
}

bool policy_show_effective(Context *context, const ProjectRow *project, const char *name,
                           json_t **ret, Error *err) {
  BranchRow branch;
  const Policy *policy = NULL;
  int version = 0;
  AUTO(json_free) json_t *roles = NULL;
  AccessRight right = RIGHT_NONE;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !access_policy(context, project->id, &policy, &version, err))
    return false;
  if (policy == NULL)
    return none_in_force(project, err);
  if (!describe_roles(context, policy, &branch, &roles, err) ||
      !access_session(context, &context->caller, &branch, &right, &version, err))
    return false;
  const PolicyTier *tier = branch.tier[0] != '\0' ? policy_tier(policy, branch.tier) : NULL;
  const PolicyKind *kind = policy_kind(policy, branch.kind);
  *ret = json_pack(
      "{s:i, s:s, s:s, s:o, s:b, s:s, s:o, s:o, s:O}", "version", version, "branch", branch.name,
      "kind", branch.kind, "tier", tier != NULL ? json_string(tier->name) : json_null(),
      "protected", branch.is_protected, "right", access_right_text(right), "ttl_seconds",
      seconds_or_null(kind != NULL ? kind->ttl_s : 0), "ttl_max_seconds",
      seconds_or_null(kind != NULL ? policy_ttl_cap(policy, branch.kind) : 0), "roles", roles);
  return true;
}

/* ---- why ---- */

/* The line of the file as it stands, without the blanks around it. */
static json_t *line_text(Context *context, const char *project, int version, int line) {
  AUTO_RELEASE(policy_version_release) PolicyVersionRow row = {0};
  Error ignored = ERROR_INIT;
  if (version == 0 || line <= 0 ||
      !policy_version_get(context->catalog, project, version, &row, &ignored))
    return json_null();
  const char *text = row.content;
  for (int at = 1; at < line && text != NULL; at++) {
    text = strchr(text, '\n');
    text = text != NULL ? text + 1 : NULL;
  }
  if (text == NULL)
    return json_null();
  text += strspn(text, " \t");
  return json_stringn(text, strcspn(text, "\r\n"));
}

static bool find_principal(Context *context, const ProjectRow *project, const char *name,
                           PrincipalRow *ret, Error *err) {
  const AccessQuestion question = {.action = ACTION_POLICY_APPLY, .project = project->id};
  if (str_equal(name, context->caller.name) && context->caller.id[0] != '\0') {
    *ret = context->caller;
    return true;
  }
  return (access_is_platform(context) || access_ask(context, &question, err)) &&
         principal_by_name(context->catalog, name, ret, err);
}

/* *ret_found stays NULL where none is named. */
static bool find_branch(Context *context, const ProjectRow *project, const char *name,
                        BranchRow *ret, const BranchRow **ret_found, Error *err) {
  if (name == NULL)
    return true;
  *ret_found = ret;
  return branch_resolve(context, project, name, ret, err);
}

/* What limits are judged by. */
static bool add_counts(Context *context, const ProjectRow *project, const PrincipalRow *principal,
                       AccessQuestion *question, Error *err) {
  LimitCounts counts;
  const char *person =
      principal->on_behalf_of[0] != '\0' ? principal->on_behalf_of : principal->name;
  if (question->action != ACTION_BRANCH_CREATE || question->kind == NULL)
    return true;
  if (!limit_count(context, project->id, question->kind, person, &counts, err))
    return false;
  question->branches = counts.branches;
  question->own = counts.own;
  return true;
}

bool policy_explain(Context *context, const ProjectRow *project,
                    const PolicyExplainRequest *request, json_t **ret, Error *err) {
  PrincipalRow principal;
  BranchRow row;
  BranchRow source;
  const BranchRow *branch = NULL;
  AccessQuestion question = {
      .project = project->id, .kind = request->kind, .name = request->to, .target = NULL};
  PolicyDecision decision;
  int version = 0;
  if (!policy_action_find(request->action, &question.action))
    return error_set(err, ERROR_USAGE, "there is no action \"%.80s\"", request->action);
  if (!find_principal(context, project, request->principal, &principal, err) ||
      !find_branch(context, project, request->branch, &row, &branch, err))
    return false;
  if (question.action == ACTION_BRANCH_RESET && branch != NULL && branch->parent[0] != '\0') {
    if (!branch_reset_source(context, branch, &source, err))
      return false;
    question.source = str_equal(source.id, branch->parent) ? NULL : &source;
  }
  question.branch = branch;
  question.target = branch != NULL ? branch->tier : NULL;
  if (!add_counts(context, project, &principal, &question, err) ||
      !access_explain(context, &principal, &question, &decision, &version, err))
    return false;
  json_t *answer = policy_decision_json(&decision);
  (void)json_object_set_new(answer, "version", json_integer(version));
  (void)json_object_set_new(answer, "principal", json_string(principal.name));
  (void)json_object_set_new(answer, "action", json_string(request->action));
  (void)json_object_set_new(answer, "branch",
                            branch != NULL ? json_string(branch->name) : json_null());
  (void)json_object_set_new(answer, "text",
                            line_text(context, project->id, version, decision.line));
  *ret = answer;
  return true;
}
