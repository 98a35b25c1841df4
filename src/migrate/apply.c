/* migrate status, apply and rollback: what each of them runs. */
#include "branch/access.h"
#include "core/clock.h"
#include "core/str.h"
#include "migrate/migrate.h"
#include "migrate/piece.h"

bool migrate_status(Context *context, const ProjectRow *project, const char *branch,
                    const json_t *body, json_t **ret, Error *err) {
  AUTO_RELEASE(job_release) Job job = {0};
  if (!job_prepare(context, project, branch, body, &job, err) ||
      !access_branch(context, ACTION_BRANCH_READ, &job.target.branch, err) ||
      !job_open(&job, NULL, err))
    return false;
  *ret = job_describe(&job);
  return true;
}

/* ---- apply ---- */

static bool is_wanted(const Job *job, const PlanItem *item) {
  const char *to = json_string_or(job->body, "to", NULL);
  if (!plan_wants(item))
    return false;
  return to == NULL ||
         (!item->migration->repeatable &&
          migration_version_compare(job->set.layout, item->migration->version, to) <= 0);
}

static bool choose_pending(const Job *job, Pieces *pieces, Error *err) {
  bool baseline = json_bool_or(job->body, "baseline", false);
  for (size_t at = 0; at < job->plan.count; at++) {
    const PlanItem *item = &job->plan.items[at];
    if (!is_wanted(job, item))
      continue;
    if (!pieces_add_item(job, pieces, item, baseline, err))
      return false;
  }
  return true;
}

static bool apply(Job *job, Pieces *pieces, Error *err) {
  if (!plan_check(&job->plan, json_object_get(job->body, "accept"), err))
    return false;
  pieces_init(pieces, job->plan.count);
  return choose_pending(job, pieces, err);
}

/* ---- rollback ---- */

/* Of those that are in force or half so and below limit: the highest; NULL: there is none. */
static const LedgerRow *next_lower(const Job *job, const char *limit) {
  const LedgerRow *best = NULL;
  for (size_t at = 0; at < job->plan.count; at++) {
    const LedgerRow *row = job->plan.items[at].row;
    if (row == NULL || row->version[0] == '\0' || row->state == LEDGER_RUNNING ||
        (limit != NULL && migration_version_compare(job->set.layout, row->version, limit) >= 0))
      continue;
    if (best == NULL || migration_version_compare(job->set.layout, row->version, best->version) > 0)
      best = row;
  }
  return best;
}

static bool rollback(Job *job, Pieces *pieces, Error *err) {
  const char *to = json_string_or(job->body, "to", NULL);
  const LedgerRow *row = next_lower(job, NULL);
  pieces_init(pieces, job->plan.count);
  if (row == NULL)
    return error_set(err, ERROR_NOTHING_TO_DO, "no migration is applied");
  while (row != NULL &&
         (to == NULL || migration_version_compare(job->set.layout, row->version, to) > 0)) {
    if (!pieces_add_undo(job, pieces, row, err))
      return false;
    row = to != NULL ? next_lower(job, row->version) : NULL;
  }
  return true;
}

/* ---- both ---- */

typedef bool Choose(Job *job, Pieces *pieces, Error *err);

static bool change(Context *context, const ProjectRow *project, const char *branch,
                   const json_t *body, const char *kind, Choose *choose, json_t **ret, Error *err) {
  AUTO_RELEASE(job_release) Job job = {0};
  AUTO_RELEASE(pieces_release) Pieces pieces = {0};
  int64_t started = clock_monotonic_us();
  Error failure = ERROR_INIT;
  if (!job_prepare(context, project, branch, body, &job, err) ||
      !access_branch(context, ACTION_MIGRATION_APPLY, &job.target.branch, err))
    return false;
  bool ok = job_open(&job, kind, &failure) && choose(&job, &pieces, &failure) &&
            pieces_check_rights(&job, &pieces, &failure) && pieces_run(&job, &pieces, &failure);
  if (!ok) {
    Error ignored = ERROR_INIT; /* what was the matter first is what is told */
    (void)!job_close(&job, &failure, &ignored);
    *err = failure;
    return false;
  }
  if (!job_close(&job, NULL, err) || !job_look(&job, err))
    return false;
  *ret = job_describe(&job);
  (void)json_object_set(*ret, "done", pieces.done);
  (void)json_object_set_new(*ret, "took_ms",
                            json_real((double)(clock_monotonic_us() - started) / 1000.0));
  return true;
}

bool migrate_apply(Context *context, const ProjectRow *project, const char *branch,
                   const json_t *body, json_t **ret, Error *err) {
  return change(context, project, branch, body, "migration.apply", apply, ret, err);
}

bool migrate_rollback(Context *context, const ProjectRow *project, const char *branch,
                      const json_t *body, json_t **ret, Error *err) {
  return change(context, project, branch, body, "migration.rollback", rollback, ret, err);
}
