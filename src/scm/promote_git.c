/* What a promotion asks of the forge and of the runs of CI, and the merge itself. */
#include "core/clock.h"
#include "core/str.h"
#include "scm/ci.h"
#include "scm/promotion.h"
#include "scm/queue.h"
#include "scm/workflow.h"

#include <stdio.h>
#include <string.h>

/* ---- commits ---- */

/* A project without a repository has no code to be merged; one counts that has the tier. */
static bool open_forge(Promotion *promotion, Error *err) {
  char head[GIT_OID_SIZE];
  bool found = false;
  Error failure = ERROR_INIT;
  if (promotion->forge != NULL)
    return true;
  bool ok = forge_open(promotion->context, promotion->project, &promotion->forge, &failure) &&
            forge_branch_head(promotion->forge, promotion->row.to_tier, head, &found, &failure);
  if (!ok && failure.code != ERROR_NOTHING_TO_DO) {
    *err = failure;
    return false;
  }
  if (!found)
    forge_free(STEAL(promotion->forge));
  return true;
}

static bool check_pull(const Promotion *promotion, const PromoteRequest *request, Error *err) {
  const PullRequest *pull = &promotion->request;
  long long number = (long long)pull->number;
  if (pull->state == PULL_CLOSED)
    return error_set(err, ERROR_BAD_PRECONDITION, "pull request %lld is closed", number);
  if (!str_equal(pull->base_branch, request->to)) {
    (void)error_set(err, ERROR_FORBIDDEN, "pull request %lld goes to %.63s, not to %.63s", number,
                    pull->base_branch, request->to);
    return error_hint(err, "a change goes to the tier that it was forked from");
  }
  if (pull->branch_id[0] != '\0' && !str_equal(pull->branch_id, promotion->source.id))
    return error_set(err, ERROR_FORBIDDEN, "pull request %lld is of another branch than \"%s\"",
                     number, promotion->source.name);
  if (request->expected_head == NULL || str_equal(request->expected_head, pull->head))
    return true;
  return error_set(err, ERROR_MERGE_STALE, "%.120s is at %.12s now, %.12s was looked at",
                   pull->head_branch, pull->head, request->expected_head);
}

static bool find_pull(Promotion *promotion, const PromoteRequest *request, Error *err) {
  PullRequest *pull = &promotion->request;
  if (promotion->forge == NULL)
    return error_set(err, ERROR_NOTHING_TO_DO, "the project has no repository");
  if (!forge_pull_read(promotion->forge, request->pull, pull, err) ||
      !check_pull(promotion, request, err))
    return false;
  promotion->row.pull = pull->number;
  (void)snprintf(promotion->row.head, sizeof promotion->row.head, "%s", pull->head);
  (void)snprintf(promotion->row.base, sizeof promotion->row.base, "%s", pull->base);
  (void)snprintf(promotion->row.merge_commit, sizeof promotion->row.merge_commit, "%s",
                 pull->merge_commit);
  (void)snprintf(promotion->message, sizeof promotion->message, "Merge %.120s into %.63s (#%lld)",
                 pull->head_branch, request->to, (long long)pull->number);
  promotion->moves_git = pull->state == PULL_OPEN;
  return true;
}

static bool find_tiers(Promotion *promotion, const PromoteRequest *request, Error *err) {
  PromotionRow *row = &promotion->row;
  bool has_head = false;
  bool has_base = false;
  bool contained = false;
  if (promotion->forge == NULL || promotion->source.tier[0] == '\0')
    return true;
  if (!forge_branch_head(promotion->forge, promotion->source.tier, row->head, &has_head, err) ||
      !forge_branch_head(promotion->forge, request->to, row->base, &has_base, err))
    return false;
  if (!has_head || !has_base) {
    row->head[0] = row->base[0] = '\0';
    return true;
  }
  if (!forge_branch_contains(promotion->forge, request->to, row->head, &contained, err))
    return false;
  promotion->moves_git = !contained;
  (void)snprintf(promotion->message, sizeof promotion->message, "Promote %.63s to %.63s",
                 promotion->source.tier, request->to);
  return true;
}

bool promotion_find_commits(Promotion *promotion, const PromoteRequest *request, Error *err) {
  return open_forge(promotion, err) && (request->pull > 0 ? find_pull(promotion, request, err)
                                                          : find_tiers(promotion, request, err));
}

/* ---- evidence ---- */

static bool read_reviews(Promotion *promotion, Error *err) {
  ReviewCount count = {0};
  if (promotion->row.pull < 0)
    return true;
  if (!forge_review_count(promotion->forge, &promotion->request, &count, err))
    return false;
  bool ok = json_array_extend(promotion->approved_by, count.approved_by) == 0;
  json_free(promotion->changes_by);
  promotion->changes_by = STEAL(count.changes_by);
  review_count_release(&count);
  return ok || error_set(err, ERROR_INTERNAL, "reviews can't be counted");
}

/* Of a pull request that the queue tested: with exactly what is in the tier by now. */
static bool read_queue(Promotion *promotion, json_t **passed, Error *err) {
  const PromotionRow *row = &promotion->row;
  json_free(STEAL(*passed));
  return queue_evidence(promotion->context, promotion->project, row->pull, row->head, row->base,
                        passed, err);
}

/* The schema diff is the promotion's own: what a run measured was on another base. */
static bool read_runs(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  AUTO(json_free) json_t *passed = NULL;
  const CiSubject subject = {.number = row->pull > 0 ? row->pull : 0,
                             .source = row->pull > 0 ? promotion->request.head_branch
                                                     : promotion->source.tier,
                             .tier = row->to_tier,
                             .head = row->head,
                             .base = row->base};
  size_t at = 0;
  const json_t *name = NULL;
  if (row->head[0] == '\0' || row->base[0] == '\0')
    return true;
  if (!ci_passed(promotion->context, promotion->project, &subject, &passed, err))
    return false;
  if (row->pull > 0 && json_array_size(passed) == 0 && !read_queue(promotion, &passed, err))
    return false;
  /* Of what the queue tested nothing is left to be seen once it has given it back. */
  const json_t *counted = json_array_size(passed) > 0 ? passed : promotion->begun_checks;
  json_array_foreach(counted, at, name) {
    if (!str_equal(json_string_value(name), "schema-diff"))
      (void)json_array_append(promotion->checks, (json_t *)name);
  }
  return true;
}

bool promotion_read_forge(Promotion *promotion, Error *err) {
  return read_reviews(promotion, err) && read_runs(promotion, err);
}

static bool requires_ci(const Policy *policy, const PromotionRow *row) {
  const PolicyPromotion *declared =
      policy != NULL ? policy_promotion(policy, row->from_name, row->to_tier) : NULL;
  for (size_t at = 0; declared != NULL && at < declared->require_count; at++)
    if (str_equal(declared->require[at], "ci"))
      return true;
  return false;
}

bool promotion_request_runs(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  const Policy *policy = NULL;
  const CiSubject subject = {
      .source = promotion->source.tier, .tier = row->to_tier, .head = row->head, .base = row->base};
  if (row->pull > 0 || promotion->source.tier[0] == '\0' || !promotion->moves_git)
    return true;
  return access_policy(promotion->context, row->project, &policy, NULL, err) &&
         (!requires_ci(policy, row) ||
          ci_request(promotion->context, promotion->project, &subject, err));
}

/* ---- the merge ---- */

static bool check_pull_still(const Promotion *promotion, const PullRequest *live, Error *err) {
  const PromotionRow *row = &promotion->row;
  if (live->state == PULL_CLOSED)
    return error_set(err, ERROR_BAD_PRECONDITION, "pull request %lld was closed meanwhile",
                     (long long)live->number);
  if (!str_equal(live->head, row->head))
    return error_set(err, ERROR_MERGE_STALE, "\"%.120s\" is at %.12s by now, not at %.12s",
                     live->head_branch, live->head, row->head);
  if (live->state == PULL_MERGED || str_equal(live->base, row->base))
    return true;
  return error_set(err, ERROR_MERGE_STALE, "\"%.63s\" is at %.12s by now, not at %.12s",
                   row->to_tier, live->base, row->base);
}

/* A tier that is the source moves on, and what is merged is the commit; its target stands still
 * while the operation holds it. */
bool promotion_check_commits(Promotion *promotion, Error *err) {
  PullRequest live = {0};
  if (promotion->row.pull < 0 || !promotion->moves_git)
    return true;
  if (!forge_pull_read(promotion->forge, promotion->row.pull, &live, err))
    return false;
  bool ok = check_pull_still(promotion, &live, err);
  pull_request_release(&live);
  return ok;
}

/* Whoever was killed behind it finds it done. */
static bool move_tier(Promotion *promotion, Error *err) {
  PromotionRow *row = &promotion->row;
  bool contained = false;
  bool found = false;
  if (!forge_branch_contains(promotion->forge, row->to_tier, row->head, &contained, err))
    return false;
  if (contained)
    return forge_branch_head(promotion->forge, row->to_tier, row->merge_commit, &found, err);
  return forge_promote(promotion->forge, row->head, row->to_tier, row->base, promotion->message,
                       row->merge_commit, err);
}

bool promotion_merge(Promotion *promotion, Error *err) {
  PromotionRow *row = &promotion->row;
  if (!promotion->moves_git)
    return true;
  if (!open_forge(promotion, err))
    return false;
  if (promotion->forge == NULL)
    return error_set(err, ERROR_NOTHING_TO_DO, "the project has no repository any more");
  return row->pull > 0 ? forge_merge(promotion->forge, row->pull, row->head, row->base,
                                     promotion->message, row->merge_commit, err)
                       : move_tier(promotion, err);
}

/* ---- the workflow's record ---- */

bool promotion_tell_workflow(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  ChangeRow change;
  bool found = false;
  if (row->pull <= 0)
    return true;
  if (!change_of_branch(promotion->context->catalog, row->source, &change, &found, err))
    return false;
  if (!found || change.state != CHANGE_CI_GREEN)
    return true; /* it looks for itself */
  const WorkflowMerge merge = {.commit = row->merge_commit,
                               .snapshot = promotion->snapshot.name,
                               .migrated_at = clock_wall_us()};
  return workflow_merged(promotion->context, &change, &merge, err);
}

bool promotion_tell_others(Promotion *promotion, Error *err) {
  const PromotionRow *row = &promotion->row;
  if (!promotion->moves_git || queue_serves(promotion->forge))
    return true;
  return workflow_base_moved(promotion->context, row->project, row->to_tier, row->merge_commit,
                             err);
}
