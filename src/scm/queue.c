/* Who comes into a queue and leaves it, and what it proves. */
#include "scm/queue.h"

#include "branch/audit.h"
#include "catalog/promotion.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "migration/migration.h"
#include "scm/ci.h"
#include "scm/promote.h"
#include "scm/queue_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool queue_serves(const Forge *forge) {
  return str_equal(forge_kind(forge), "local");
}

/* ---- who comes first ---- */

/* Migrations come to a tier in the order of their versions: who brings a lower one comes first.
 * Code alone ("") waits for nobody; of equals, who came first. */
static int by_version(const void *left, const void *right) {
  const QueueRow *one = left;
  const QueueRow *other = right;
  int order = migration_version_compare(LAYOUT_BOUGH, one->version, other->version);
  return order != 0 ? order : (one->serial > other->serial) - (one->serial < other->serial);
}

bool queue_list_tier(Context *context, const char *project, const char *tier, QueueRow **ret,
                     size_t *ret_count, Error *err) {
  if (!queue_list_live(context->catalog, project, tier, ret, ret_count, err))
    return false;
  qsort(*ret, *ret_count, sizeof **ret, by_version);
  return true;
}

/* ---- whether a merge has to wait ---- */

static bool requires_ci(const Step *step) {
  const PolicyPromotion *declared =
      policy_promotion(step->policy, step->change.kind, step->change.tier);
  for (size_t at = 0; declared != NULL && at < declared->require_count; at++)
    if (str_equal(declared->require[at], "ci"))
      return true;
  return false;
}

/* What has begun already is gone on with, wherever it stopped. */
static bool has_begun(Step *step, bool *ret, Error *err) {
  AUTO_RELEASE(promotion_row_release) PromotionRow row = {0};
  PullRequest pull = {0};
  bool found = false;
  if (!promotion_find_open(step->context->catalog, step->change.branch, step->change.tier, &row,
                           &found, err) ||
      !forge_pull_read(step->forge, step->change.pr, &pull, err))
    return false;
  *ret = pull.state == PULL_MERGED || (found && row.state != PROMOTION_OPEN);
  pull_request_release(&pull);
  return true;
}

bool queue_passed_alone(Context *context, const ProjectRow *project, const CiSubject *subject,
                        bool *ret, Error *err) {
  AUTO(json_free) json_t *passed = NULL;
  if (!ci_passed(context, project, subject, &passed, err))
    return false;
  *ret = json_has_text(passed, "ci");
  return true;
}

static bool is_tested(Step *step, bool *ret, Error *err) {
  const CiSubject subject = {.number = step->change.pr,
                             .source = step->change.git_branch,
                             .tier = step->change.tier,
                             .head = step->head,
                             .base = step->base};
  return queue_passed_alone(step->context, step->project, &subject, ret, err);
}

/* Who is green could ask for the merge at the same moment: then the queue says who comes first. */
static bool has_rivals(Step *step, bool *ret, Error *err) {
  ChangeRow *rows = NULL;
  size_t count = 0;
  *ret = false;
  if (!change_list(step->context->catalog, step->project->id, step->change.tier, &rows, &count,
                   err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (rows[at].state == CHANGE_CI_GREEN && !str_equal(rows[at].id, step->change.id))
      *ret = true;
  mem_free(rows);
  return true;
}

bool queue_takes(Step *step, bool *ret, Error *err) {
  QueueRow own;
  bool begun = false;
  bool tested = false;
  bool queued = false;
  bool rivals = false;
  *ret = false;
  if (!queue_serves(step->forge) || !requires_ci(step))
    return true;
  if (!has_begun(step, &begun, err) || (!begun && !is_tested(step, &tested, err)) ||
      !queue_of_change(step->context->catalog, step->change.id, &own, &queued, err) ||
      !has_rivals(step, &rivals, err))
    return false;
  /* What stopped behind its turn isn't the queue's any more; what is being merged is. */
  *ret = (queued && own.state == QUEUE_MERGING) || (!begun && (queued || rivals || !tested));
  return true;
}

/* ---- coming ---- */

static json_t *audit_params(const QueueRow *row) {
  return json_pack("{s:s, s:s, s:I, s:s, s:s}", "feature", row->feature, "tier", row->tier, "pull",
                   (json_int_t)row->number, "head", row->head, "asked_by", row->asked_by);
}

bool queue_record(Context *context, const ChangeRow *change, const QueueRow *row,
                  const char *action, Error *err) {
  AUTO(json_free) json_t *params = audit_params(row);
  audit_about(context, row->project, change != NULL ? change->branch : NULL);
  if (row->error_code[0] != '\0') {
    (void)json_object_set_new(params, "code", json_string(row->error_code));
    (void)json_object_set_new(params, "reason", json_line(row->error));
  }
  return audit_record(context, action, params, err);
}

static QueueRow describe_entry(const Step *step) {
  const ChangeRow *change = &step->change;
  QueueRow row = {.state = QUEUE_WAITING,
                  .number = change->pr,
                  .most = QUEUE_BATCH_LIMIT,
                  .created_at = clock_wall_us()};
  id_new("mq", row.id);
  memcpy(row.project, change->project, sizeof row.project);
  memcpy(row.tier, change->tier, sizeof row.tier);
  memcpy(row.change, change->id, sizeof row.change);
  memcpy(row.feature, change->feature, sizeof row.feature);
  memcpy(row.head, change->head, sizeof row.head);
  memcpy(row.request, step->context->trail.request, sizeof row.request);
  (void)snprintf(row.asked_by, sizeof row.asked_by, "%s", step->context->caller.name);
  return row;
}

static bool insert(Step *step, const QueueRow *row, Error *err) {
  Context *context = step->context;
  bool inserted = false;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         queue_insert(context->catalog, row, &inserted, err) &&
         (!inserted || queue_record(context, &step->change, row, "workflow.queue", err)) &&
         catalog_commit(&guard, err);
}

static bool add(Step *step, Error *err) {
  QueueRow row = describe_entry(step);
  Error ignored = ERROR_INIT; /* a comment of an earlier attempt disturbs nobody */
  const PromoteRequest request = {.from = step->change.branch_name,
                                  .to = step->change.tier,
                                  .pull = step->change.pr,
                                  .expected_head = step->change.head};
  if (!promote_ready(step->context, step->project, &request, row.version, err) ||
      !insert(step, &row, err))
    return false;
  (void)!forge_comment_set(step->forge, row.number, QUEUE_MARKER, NULL, &ignored);
  return failpoint_reach(FAILPOINT_QUEUE_ENTERED, err);
}

bool queue_enter(Step *step, Error *err) {
  Catalog *catalog = step->context->catalog;
  QueueRow row;
  bool found = false;
  json_t *shown = NULL;
  if (!queue_of_change(catalog, step->change.id, &row, &found, err) ||
      (!found &&
       (!add(step, err) || !queue_of_change(catalog, step->change.id, &row, &found, err))))
    return false;
  if (!found)
    return error_set(err, ERROR_CHANGE_MOVED, "\"%s\" left the queue again", step->change.feature);
  if (!queue_describe(step->context, &row, &shown, err))
    return false;
  (void)json_object_set_new(step->notes, "queued", shown);
  return true;
}

/* ---- leaving ---- */

static bool end_entry(Step *step, QueueRow *row, Error *err) {
  QueueState from = row->state;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  row->state = QUEUE_WITHDRAWN;
  row->ended_at = clock_wall_us();
  return catalog_begin(step->context->catalog, &guard, err) &&
         queue_update(step->context->catalog, row, from, err) &&
         queue_record(step->context, &step->change, row, "workflow.withdraw", err) &&
         catalog_commit(&guard, err);
}

bool queue_leave(Step *step, Error *err) {
  QueueRow row;
  bool found = false;
  if (!queue_of_change(step->context->catalog, step->change.id, &row, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_NOTHING_TO_DO, "feature \"%s\" stands in no queue",
                     step->change.feature);
  if (row.state == QUEUE_MERGING)
    return error_set(err, ERROR_BRANCH_BUSY, "feature \"%s\" is being merged right now",
                     row.feature);
  return end_entry(step, &row, err);
}

/* ---- what it proves ---- */

static bool is_next(Context *context, const QueueRow *row, const char *head, const char *base,
                    bool *ret, Error *err) {
  char required[CHANGE_COMMIT_SIZE] = "";
  bool found = false;
  *ret = false;
  if ((row->state != QUEUE_PASSED && row->state != QUEUE_MERGING) || !str_equal(row->head, head))
    return true;
  if (!queue_required_base(context->catalog, row, required, &found, err))
    return false;
  *ret = found && str_equal(required, base);
  return true;
}

bool queue_evidence(Context *context, const ProjectRow *project, int64_t pull, const char *head,
                    const char *base, json_t **ret, Error *err) {
  QueueRow row;
  bool found = false;
  bool next = false;
  if (!queue_of_pull(context->catalog, project->id, pull, &row, &found, err) ||
      (found && !is_next(context, &row, head, base, &next, err)))
    return false;
  if (next)
    return ci_passed_by(context, project, row.run, ret, err);
  *ret = json_array();
  return true;
}

bool queue_has_run(const CiRunRow *run) {
  return run->number == 0 && str_starts(run->source, QUEUE_SOURCE);
}

/* Pushes move the record of a change, so that alone is asked. */
static bool stands(Context *context, const QueueRow *row, bool *ret, Error *err) {
  ChangeRow change;
  if (!change_get(context->catalog, row->change, &change, err))
    return false;
  *ret = change.state == CHANGE_CI_GREEN && str_equal(change.head, row->head);
  return true;
}

bool queue_read_live(Context *context, Forge *forge, const CiRunRow *run, char head[GIT_OID_SIZE],
                     char base[GIT_OID_SIZE], bool *ret_open, Error *err) {
  QueueRow *rows = NULL;
  size_t count = 0;
  bool found = false;
  if (!forge_branch_head(forge, run->tier, base, &found, err) ||
      !queue_list_run(context->catalog, run->id, &rows, &count, err))
    return false;
  bool open = found && count > 0 && count == (size_t)rows[0].members;
  bool ok = true;
  for (size_t at = 0; ok && open && at < count; at++)
    ok = stands(context, &rows[at], &open, err);
  mem_free(rows);
  (void)snprintf(head, GIT_OID_SIZE, "%s", run->head);
  *ret_open = open;
  return ok;
}
