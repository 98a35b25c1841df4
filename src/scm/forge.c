/* The forge of a project: names and lengths are checked here, rights asked; the driver does. */
#include "scm/forge_driver.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/change.h"
#include "catalog/forge.h"
#include "core/str.h"
#include "scm/repository.h"

#include <stdio.h>
#include <string.h>

/* ---- opening ---- */

static const ForgeDriver *const drivers[] = {&forge_local, &forge_github};

static bool find_driver(const char *kind, const ForgeDriver **ret, Error *err) {
  for (size_t at = 0; at < ARRAY_LENGTH(drivers); at++)
    if (str_equal(drivers[at]->kind, kind)) {
      *ret = drivers[at];
      return true;
    }
  return error_set(err, ERROR_UNSUPPORTED, "this build has no forge \"%s\"", kind);
}

bool forge_open(Context *context, const ProjectRow *project, Forge **ret, Error *err) {
  const char *kind = NULL;
  AUTO(forge_free) Forge *forge = mem_new(1, sizeof *forge);
  forge->context = context;
  forge->project = project;
  if (!repository_get(context->catalog, project->id, &kind, &forge->settings, err) ||
      !find_driver(kind, &forge->driver, err) || !forge->driver->open(forge, err))
    return false;
  *ret = STEAL(forge);
  return true;
}

void forge_free(Forge *forge) {
  if (forge == NULL)
    return;
  if (forge->driver != NULL)
    forge->driver->close(forge);
  json_free(forge->settings);
  str_free(forge->clone_url);
  mem_free(forge);
}

const char *forge_kind(const Forge *forge) {
  return forge->driver->kind;
}

const char *forge_clone_url(const Forge *forge) {
  return forge->clone_url;
}

/* ---- checks ---- */

static bool check_commit(const char *commit, Error *err) {
  return git_oid_check(commit) ||
         error_set(err, ERROR_USAGE, "\"%.80s\" is no commit's name in full", commit);
}

static bool check_text(const char *what, const char *text, size_t limit, Error *err) {
  if (strlen(text) <= limit)
    return true;
  return error_set(err, ERROR_TOO_LARGE, "%s has more than %zu bytes", what, limit);
}

static bool check_title(const char *title, Error *err) {
  if (title[0] == '\0' || strpbrk(title, "\r\n") != NULL)
    return error_set(err, ERROR_USAGE, "a title has one line");
  return check_text("the title", title, FORGE_TITLE_SIZE - 1, err);
}

static bool check_marker(const char *marker, Error *err) {
  size_t length = strlen(marker);
  return (length >= 1 && length <= 64 &&
          strspn(marker, "abcdefghijklmnopqrstuvwxyz0123456789-") == length) ||
         error_set(err, ERROR_USAGE, "\"%.80s\" is no marker of a comment", marker);
}

/* ---- branches ---- */

bool forge_branch_head(Forge *forge, const char *branch, char ret[GIT_OID_SIZE], bool *ret_found,
                       Error *err) {
  return git_branch_check(branch, err) &&
         forge->driver->branch_head(forge, branch, ret, ret_found, err);
}

bool forge_branch_delete(Forge *forge, const char *branch, const char *expected, Error *err) {
  return git_branch_check(branch, err) && (expected == NULL || check_commit(expected, err)) &&
         forge->driver->branch_delete(forge, branch, expected, err);
}

bool forge_branch_contains(Forge *forge, const char *branch, const char *commit, bool *ret,
                           Error *err) {
  return git_branch_check(branch, err) && check_commit(commit, err) &&
         forge->driver->branch_contains(forge, branch, commit, ret, err);
}

bool forge_git(Forge *forge, const char *commit, Git *ret, Error *err) {
  return check_commit(commit, err) && forge->driver->git(forge, commit, ret, err);
}

/* ---- pull requests ---- */

static const char *const pull_states[] = {
    [PULL_OPEN] = "open", [PULL_MERGED] = "merged", [PULL_CLOSED] = "closed"};

const char *pull_state_text(PullState state) {
  return pull_states[state];
}

void pull_request_release(PullRequest *pull) {
  str_free(pull->body);
  *pull = (PullRequest){0};
}

void pull_requests_free(PullRequest *list, size_t count) {
  for (size_t at = 0; at < count; at++)
    pull_request_release(&list[at]);
  mem_free(list);
}

/* The tier that a branch's change goes to: as it was claimed, else as the policy has it for its
 * kind; NULL: wherever a promotion from that kind is declared. Owned by the caller. */
static bool find_target(Forge *forge, const BranchRow *branch, char **ret, Error *err) {
  Context *context = forge->context;
  ChangeRow change;
  bool found = false;
  const Policy *policy = NULL;
  BranchRow root;
  if (!change_of_branch(context->catalog, branch->id, &change, &found, err) ||
      !access_policy(context, forge->project->id, &policy, NULL, err) ||
      !branch_get(context->catalog, forge->project->root_branch, &root, err))
    return false;
  const char *target = policy != NULL ? policy_parent_of_kind(policy, branch->kind) : root.name;
  if (found && change.ended_at == 0)
    target = change.tier;
  *ret = target != NULL ? str_dup(target) : NULL;
  return true;
}

static bool is_promotion(Forge *forge, const BranchRow *branch, const char *base, bool *ret,
                         Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(forge->context, forge->project->id, &policy, NULL, err))
    return false;
  *ret = policy != NULL && policy_promotion(policy, branch->kind, base) != NULL;
  return true;
}

/* Nobody chooses where a change goes: that would be choosing who reviews it. base NULL: there.
 * *ret is owned by the caller. */
static bool find_base(Forge *forge, const BranchRow *branch, const char *base, char **ret,
                      Error *err) {
  AUTO(str_free) char *target = NULL;
  bool fits = false;
  if (!find_target(forge, branch, &target, err) ||
      (target == NULL && base != NULL && !is_promotion(forge, branch, base, &fits, err)))
    return false;
  if (fits || (target != NULL && (base == NULL || str_equal(target, base)))) {
    *ret = str_dup(base != NULL ? base : target);
    return true;
  }
  audit_note(forge->context, "rule", json_string("a change goes to its parent tier"));
  (void)error_set(err, ERROR_FORBIDDEN, "a change on \"%s\" (%s) goes to \"%s\", not to \"%.200s\"",
                  branch->name, branch->kind,
                  target != NULL ? target : "the tier it is declared for",
                  base != NULL ? base : "no tier");
  return error_hint(err, "from there on it is promoted: `bough promote`");
}

static bool audit_pull(Forge *forge, const char *action, const PullRequest *pull, Error *err) {
  AUTO(json_free)
  json_t *params =
      json_pack("{s:I, s:s, s:s, s:s}", "pull", (json_int_t)pull->number, "head_branch",
                pull->head_branch, "base_branch", pull->base_branch, "head", pull->head);
  audit_about(forge->context, forge->project->id, str_or_null(pull->branch_id));
  return audit_record(forge->context, action, params, err);
}

static bool check_wish(const PullWish *wish, Error *err) {
  return (wish->base_branch == NULL || git_branch_check(wish->base_branch, err)) &&
         check_title(wish->title, err) &&
         (wish->body == NULL || check_text("the text", wish->body, FORGE_BODY_LIMIT, err));
}

bool forge_pull_open(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err) {
  BranchRow branch;
  AUTO(str_free) char *base = NULL;
  if (!check_wish(wish, err) ||
      !repository_branch(forge->context, forge->project, wish->head_branch, &branch, err) ||
      !access_branch(forge->context, ACTION_BRANCH_WRITE, &branch, err) ||
      !find_base(forge, &branch, wish->base_branch, &base, err))
    return false;
  if (wish->branch_id != NULL && !str_equal(wish->branch_id, branch.id))
    return error_set(err, ERROR_FORBIDDEN, "\"%s\" goes with branch \"%s\", not with another one",
                     wish->head_branch, branch.name);
  PullWish paired = *wish;
  paired.branch_id = branch.id;
  paired.base_branch = base;
  PullRequest pull = {0};
  if (!forge->driver->pull_open(forge, &paired, &pull, err))
    return false;
  if (!audit_pull(forge, "pull.open", &pull, err)) {
    pull_request_release(&pull);
    return false;
  }
  *ret = pull;
  return true;
}

bool forge_pull_read(Forge *forge, int64_t number, PullRequest *ret, Error *err) {
  return forge->driver->pull_read(forge, number, ret, err);
}

bool forge_pull_list(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count,
                     Error *err) {
  return forge->driver->pull_list(forge, only_open, ret, ret_count, err);
}

bool forge_pull_close(Forge *forge, int64_t number, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(forge, number, &pull, err))
    return false;
  bool ok = pull.state != PULL_OPEN || (forge->driver->pull_close(forge, number, err) &&
                                        audit_pull(forge, "pull.close", &pull, err));
  pull_request_release(&pull);
  return ok;
}

/* ---- comments and statuses ---- */

void comments_free(Comment *list, size_t count) {
  for (size_t at = 0; at < count; at++)
    str_free(list[at].body);
  mem_free(list);
}

bool forge_comment_add(Forge *forge, int64_t number, const char *body, Error *err) {
  PullRequest pull = {0};
  if (body[0] == '\0')
    return error_set(err, ERROR_USAGE, "a comment needs a text");
  if (!check_text("the comment", body, FORGE_BODY_LIMIT, err) ||
      !forge_pull_read(forge, number, &pull, err))
    return false;
  bool ok = forge->driver->comment_add(forge, number, body, err) &&
            audit_pull(forge, "pull.comment", &pull, err);
  pull_request_release(&pull);
  return ok;
}

bool forge_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                       Error *err) {
  return check_marker(marker, err) &&
         (body == NULL || check_text("the comment", body, FORGE_BODY_LIMIT, err)) &&
         forge->driver->comment_set(forge, number, marker, body, err);
}

bool forge_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                        Error *err) {
  return forge->driver->comment_list(forge, number, ret, ret_count, err);
}

static const char *const status_states[] = {[STATUS_PENDING] = "pending",
                                            [STATUS_SUCCESS] = "success",
                                            [STATUS_FAILURE] = "failure",
                                            [STATUS_ERROR] = "error"};

const char *status_state_text(StatusState state) {
  return status_states[state];
}

bool forge_status_set(Forge *forge, const char *commit, const CommitStatus *status, Error *err) {
  if (status->name[0] == '\0')
    return error_set(err, ERROR_USAGE, "a status needs a name");
  return check_commit(commit, err) && forge->driver->status_set(forge, commit, status, err);
}

bool forge_status_list(Forge *forge, const char *commit, CommitStatus **ret, size_t *ret_count,
                       Error *err) {
  return check_commit(commit, err) &&
         forge->driver->status_list(forge, commit, ret, ret_count, err);
}

/* ---- merging ---- */

static bool merge_checked(Forge *forge, const PullRequest *pull, const char *expected_head,
                          const char *expected_base, const char *message, char ret[GIT_OID_SIZE],
                          Error *err) {
  if (pull->state == PULL_CLOSED)
    return error_set(err, ERROR_NOTHING_TO_DO, "pull request %lld was closed",
                     (long long)pull->number);
  if (!str_equal(pull->head, expected_head))
    return error_set(err, ERROR_MERGE_STALE, "\"%s\" is at %.12s by now, not at %.12s",
                     pull->head_branch, pull->head, expected_head);
  if (pull->state == PULL_MERGED) {
    (void)snprintf(ret, GIT_OID_SIZE, "%s", pull->merge_commit);
    return true;
  }
  return forge->driver->merge(forge, pull, expected_base, message, ret, err) &&
         audit_pull(forge, "pull.merge", pull, err);
}

bool forge_merge(Forge *forge, int64_t number, const char *expected_head, const char *expected_base,
                 const char *message, char ret[GIT_OID_SIZE], Error *err) {
  PullRequest pull = {0};
  if (!check_commit(expected_head, err) || !check_commit(expected_base, err) ||
      !check_text("the message", message, FORGE_BODY_LIMIT, err) ||
      !forge_pull_read(forge, number, &pull, err))
    return false;
  bool ok = merge_checked(forge, &pull, expected_head, expected_base, message, ret, err);
  pull_request_release(&pull);
  return ok;
}

bool forge_merge_try(Forge *forge, const char *base, const char *head, char ret[GIT_OID_SIZE],
                     Error *err) {
  return check_commit(base, err) && check_commit(head, err) &&
         forge->driver->merge_try(forge, base, head, ret, err);
}

bool forge_promote(Forge *forge, const char *from_commit, const char *to_branch,
                   const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                   Error *err) {
  return git_branch_check(to_branch, err) && check_commit(from_commit, err) &&
         check_commit(expected_to, err) &&
         check_text("the message", message, FORGE_BODY_LIMIT, err) &&
         forge->driver->promote(forge, from_commit, to_branch, expected_to, message, ret, err);
}
