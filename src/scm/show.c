/* Changes, the ladder of gates, and what a work tree is to hold, as JSON. */
#include "scm/show.h"

#include "branch/branch.h"
#include "branch/describe.h"
#include "catalog/policy.h"
#include "core/str.h"
#include "scm/drive.h"
#include "scm/mirror.h"

static json_t *text_or_null(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

json_t *show_change(const ChangeRow *change) {
  json_t *object = json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", change->id,
      "feature", change->feature, "kind", change->kind, "state", change_state_text(change->state),
      "git_branch", change->git_branch, "tier", change->tier, "branch", change->branch_name,
      "claimed_by", change->claimed_by, "claimed_for", text_or_null(change->claimed_for),
      "claimed_at", describe_time(change->claimed_at), "head", text_or_null(change->head), "base",
      text_or_null(change->base), "claim_commit", text_or_null(change->claim_commit));
  (void)json_object_set_new(object, "pr", change->pr != 0 ? json_integer(change->pr) : json_null());
  (void)json_object_set_new(object, "pr_url", text_or_null(change->pr_url));
  (void)json_object_set_new(object, "diff_digest", text_or_null(change->diff_digest));
  (void)json_object_set_new(object, "ci_run_url", text_or_null(change->ci_run_url));
  (void)json_object_set_new(object, "pushed_at", describe_time(change->pushed_at));
  (void)json_object_set_new(object, "ci_green_at", describe_time(change->ci_green_at));
  (void)json_object_set_new(object, "merged_at", describe_time(change->merged_at));
  (void)json_object_set_new(object, "merge_commit", text_or_null(change->merge_commit));
  (void)json_object_set_new(object, "snapshot", text_or_null(change->snapshot));
  (void)json_object_set_new(object, "ended_at", describe_time(change->ended_at));
  return object;
}

/* The five states in their order, up to where the change is, and the command that comes next. */
static json_t *show_gates(const Step *step, const ChangeRow *change) {
  static const struct {
    ScmState state;
    const char *command; /* that leads there */
  } ladder[] = {{SCM_SCAFFOLD, "bough init"},
                {SCM_CLAIMED, "bough scm claim ID"},
                {SCM_PR_READY, "bough scm prepare-pr"},
                {SCM_CI_GREEN, "bough scm wait-ci"},
                {SCM_MERGED, "bough scm merge"}};
  ScmState now = change != NULL || step->state == SCM_NONE ? step->state : SCM_SCAFFOLD;
  if (change != NULL)
    now = workflow_state(change);
  const int64_t times[] = {
      0, change != NULL ? change->claimed_at : 0, change != NULL ? change->pushed_at : 0,
      change != NULL ? change->ci_green_at : 0, change != NULL ? change->merged_at : 0};
  json_t *gates = json_array();
  for (size_t at = 0; at < ARRAY_LENGTH(ladder); at++)
    (void)json_array_append_new(
        gates, json_pack("{s:s, s:b, s:b, s:s, s:o}", "gate", scm_state_text(ladder[at].state),
                         "passed", ladder[at].state <= now, "next", ladder[at].state == now + 1,
                         "command", ladder[at].command, "at", describe_time(times[at])));
  return gates;
}

/* The database branch that belongs to the git branch of a work tree: the change's, or the tier's.
 */
static bool find_branch(Step *step, const ChangeRow *change, BranchRow *ret, bool *ret_found,
                        Error *err) {
  const char *git_branch = json_string_or(step->body, "git_branch", "");
  Catalog *catalog = step->context->catalog;
  *ret_found = false;
  if (change != NULL && change->ended_at == 0) {
    if (!branch_get(catalog, change->branch, ret, err))
      return false;
    *ret_found = ret->state == ROW_READY;
    return true;
  }
  const char *tier = change != NULL ? change->tier : git_branch;
  if (policy_tier(step->policy, tier) == NULL)
    return true;
  return tier_branch(catalog, step->project->id, tier, ret, ret_found, err);
}

static bool show_branch_of(Step *step, const ChangeRow *change, json_t **ret, Error *err) {
  BranchRow branch;
  bool found = false;
  AUTO(json_free) json_t *description = NULL;
  const char *host = NULL;
  int port = 0;
  *ret = json_null();
  if (!find_branch(step, change, &branch, &found, err))
    return false;
  if (!found || !access_sees(step->context, &branch))
    return true;
  if (!describe_branch(step->context, step->project, &branch, &description, err))
    return false;
  AUTO(str_free) char *url = describe_url(step->context, step->project, &branch, description);
  bool proxied = describe_proxy(step->context, &host, &port);
  *ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:i}", "name", branch.name, "id",
                   branch.id, "kind", branch.kind, "url", url, "user", step->context->caller.name,
                   "database", describe_database(step->project), "place",
                   describe_place(step->context, &branch, description), "host",
                   proxied ? host : NULL, "port", port);
  return true;
}

bool show_step(Step *step, json_t **ret, Error *err) {
  const ChangeRow *change =
      step->has_change && step->change.state != CHANGE_ABANDONED ? &step->change : NULL;
  json_t *branch = NULL;
  /* A branch whose feature is merged is an ordinary one again for who comes to it now. */
  if (change != NULL && change->ended_at != 0 && step->event == SCM_EVENT_ADOPT)
    change = NULL;
  if (!show_branch_of(step, change, &branch, err))
    return false;
  json_t *mirror = mirror_make(step->project->id, step->policy, change);
  json_t *tiers = json_incref(json_object_get(mirror, "tiers"));
  *ret = json_pack(
      "{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o}", "project", step->project->name, "state",
      step->state == SCM_NONE ? scm_state_text(SCM_NONE) : json_string_or(mirror, "state", ""),
      "state_file", mirror, "tiers", tiers, "change",
      change != NULL ? show_change(change) : json_null(), "branch", branch, "entry",
      step->policy->entry, "forge", forge_kind(step->forge), "clone_url",
      forge_clone_url(step->forge), "gates", show_gates(step, change));
  return true;
}

bool scm_list(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  ChangeRow *rows = NULL;
  size_t count = 0;
  if (!change_list(context->catalog, project->id, NULL, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++) {
    BranchRow branch;
    Error ignored = ERROR_INIT;
    if (branch_get(context->catalog, rows[at].branch, &branch, &ignored) &&
        access_sees(context, &branch))
      (void)json_array_append_new(list, show_change(&rows[at]));
  }
  mem_free(rows);
  *ret = json_pack("{s:o}", "changes", list);
  return true;
}
