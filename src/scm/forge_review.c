/* Reviews of pull requests: who gave them, for which commit, and which of them count now. */
#include "scm/forge_driver.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "core/str.h"
#include "scm/repository.h"

#include <stdio.h>
#include <string.h>

static const char *const verdicts[] = {[REVIEW_APPROVED] = "approved",
                                       [REVIEW_CHANGES] = "changes-requested",
                                       [REVIEW_COMMENT] = "comment",
                                       [REVIEW_DISMISSED] = "dismissed"};

const char *review_verdict_text(ReviewVerdict verdict) {
  return verdicts[verdict];
}

void reviews_free(Review *list, size_t count) {
  for (size_t at = 0; at < count; at++)
    str_free(list[at].body);
  mem_free(list);
}

/* ---- giving one ---- */

/* The change that a pull request is about: its database branch. */
static bool find_branch(Forge *forge, const PullRequest *pull, BranchRow *ret, Error *err) {
  if (pull->branch_id[0] != '\0')
    return branch_get(forge->context->catalog, pull->branch_id, ret, err);
  return repository_branch(forge->context, forge->project, pull->head_branch, ret, err);
}

static AccessQuestion approval_of(const PullRequest *pull, const BranchRow *branch) {
  return (AccessQuestion){
      .action = ACTION_PROMOTE_APPROVE, .branch = branch, .name = pull->base_branch};
}

static bool check_state(const PullRequest *pull, const char *expected_head, Error *err) {
  if (pull->state != PULL_OPEN)
    return error_set(err, ERROR_NOTHING_TO_DO, "pull request %lld is %s", (long long)pull->number,
                     pull_state_text(pull->state));
  if (pull->head[0] == '\0')
    return error_set(err, ERROR_NOTHING_TO_DO, "git branch \"%s\" is gone", pull->head_branch);
  if (expected_head == NULL || str_equal(pull->head, expected_head))
    return true;
  (void)error_set(err, ERROR_MERGE_STALE, "\"%s\" is at %.12s by now, not at %.12s",
                  pull->head_branch, pull->head, expected_head);
  return error_hint(err, "look at what came since: `bough pr show %lld`", (long long)pull->number);
}

static bool record(Forge *forge, const PullRequest *pull, ReviewVerdict verdict, Error *err) {
  AUTO(json_free)
  json_t *params =
      json_pack("{s:I, s:s, s:s, s:s}", "pull", (json_int_t)pull->number, "verdict",
                review_verdict_text(verdict), "head", pull->head, "base_branch", pull->base_branch);
  audit_about(forge->context, forge->project->id, str_or_null(pull->branch_id));
  return audit_record(forge->context, "pull.review", params, err);
}

static bool give(Forge *forge, const PullRequest *pull, ReviewVerdict verdict,
                 const char *expected_head, const char *body, Error *err) {
  BranchRow branch;
  const AccessQuestion question = approval_of(pull, &branch);
  if (!find_branch(forge, pull, &branch, err) ||
      (verdict == REVIEW_APPROVED && !access_ask(forge->context, &question, err)))
    return error_prefix(err, "pull request %lld", (long long)pull->number);
  return check_state(pull, expected_head, err) &&
         forge->driver->review_add(forge, pull, verdict, body, err) &&
         record(forge, pull, verdict, err);
}

bool forge_review_add(Forge *forge, int64_t number, ReviewVerdict verdict,
                      const char *expected_head, const char *body, Error *err) {
  PullRequest pull = {0};
  const char *text = body != NULL ? body : "";
  if (strlen(text) > FORGE_BODY_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "the review has more than %d bytes", FORGE_BODY_LIMIT);
  if (!forge_pull_read(forge, number, &pull, err))
    return false;
  bool ok = give(forge, &pull, verdict, expected_head, text, err);
  pull_request_release(&pull);
  return ok;
}

bool forge_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count, Error *err) {
  return forge->driver->review_list(forge, number, ret, ret_count, err);
}

/* ---- counting ---- */

void review_count_release(ReviewCount *count) {
  json_free(count->approved_by);
  json_free(count->changes_by);
  *count = (ReviewCount){0};
}

/* A verdict is the last of its reviewer unless a later one, comments aside, stands behind it. */
static bool is_last(const Review *list, size_t count, size_t at) {
  for (size_t later = at + 1; later < count; later++)
    if (list[later].verdict != REVIEW_COMMENT && str_equal(list[later].reviewer, list[at].reviewer))
      return false;
  return list[at].verdict != REVIEW_COMMENT;
}

static bool is_of(const Review *review, const PullRequest *pull) {
  return str_equal(review->head, pull->head) && str_equal(review->base_branch, pull->base_branch);
}

/* A reviewer who is gone, or was never known here, has no right left. */
static bool may_still(Forge *forge, const PullRequest *pull, const BranchRow *branch,
                      const char *reviewer, PrincipalRow *ret, bool *ret_may, Error *err) {
  Error unknown = ERROR_INIT;
  PolicyDecision decision;
  int version = 0;
  const AccessQuestion question = approval_of(pull, branch);
  *ret_may = false;
  if (!principal_by_name(forge->context->catalog, reviewer, ret, &unknown)) {
    if (unknown.code == ERROR_PRINCIPAL_NOT_FOUND)
      return true;
    *err = unknown;
    return false;
  }
  if (!access_explain(forge->context, ret, &question, &decision, &version, err))
    return false;
  *ret_may = decision.allowed;
  return true;
}

/* What an agent says, the one it acts for says. */
static const char *person_of(const PrincipalRow *principal) {
  return principal->on_behalf_of[0] != '\0' ? principal->on_behalf_of : principal->name;
}

typedef struct Counting {
  Forge *forge;
  const PullRequest *pull;
  const BranchRow *branch;
  json_t *people; /* who approved, as persons */
  ReviewCount count;
} Counting;

static bool count_one(Counting *counting, const Review *review, Error *err) {
  PrincipalRow principal;
  bool may = false;
  bool approves = review->verdict == REVIEW_APPROVED;
  if (review->verdict == REVIEW_DISMISSED || (approves && !is_of(review, counting->pull)))
    return true;
  if (!may_still(counting->forge, counting->pull, counting->branch, review->reviewer, &principal,
                 &may, err))
    return false;
  if (may && !approves)
    (void)json_array_append_new(counting->count.changes_by, json_string(review->reviewer));
  if (may && approves && !json_has_text(counting->people, person_of(&principal))) {
    (void)json_array_append_new(counting->people, json_string(person_of(&principal)));
    (void)json_array_append_new(counting->count.approved_by, json_string(review->reviewer));
  }
  return true;
}

static bool count_all(Counting *counting, const Review *list, size_t count, Error *err) {
  for (size_t at = 0; at < count; at++)
    if (is_last(list, count, at) && !count_one(counting, &list[at], err))
      return false;
  return true;
}

bool forge_review_count(Forge *forge, const PullRequest *pull, ReviewCount *ret, Error *err) {
  Review *list = NULL;
  size_t count = 0;
  BranchRow branch;
  if (!find_branch(forge, pull, &branch, err) ||
      !forge_review_list(forge, pull->number, &list, &count, err))
    return false;
  AUTO(json_free) json_t *people = json_array();
  Counting counting = {.forge = forge,
                       .pull = pull,
                       .branch = &branch,
                       .people = people,
                       .count = {.approved_by = json_array(), .changes_by = json_array()}};
  bool ok = count_all(&counting, list, count, err);
  reviews_free(list, count);
  if (ok)
    *ret = counting.count;
  else
    review_count_release(&counting.count);
  return ok;
}
