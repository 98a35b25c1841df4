/* Opens and closes what a request about migrations works on. */
#include "migrate/job.h"

#include "branch/operation.h"
#include "core/clock.h"
#include "core/str.h"

enum {
  LOCK_TIMEOUT_MS = 5000,
  LOCK_TIMEOUT_LIMIT_MS = 600 * 1000,
  ATTEMPTS = 5,
  ATTEMPTS_LIMIT = 100,
  BUSY_WAIT_MS = 30 * 1000,
  BUSY_POLL_MS = 100,
};

void job_release(Job *job) {
  plan_release(&job->plan);
  ledger_release(&job->ledger);
  migration_set_release(&job->set);
  operation_row_release(&job->operation);
}

static bool read_number(const json_t *body, const char *key, int fallback, int limit, int *ret,
                        Error *err) {
  int64_t value = json_integer_or(body, key, fallback);
  if (value < 1 || value > limit)
    return error_set(err, ERROR_USAGE, "\"%s\" must be 1 to %d", key, limit);
  *ret = (int)value;
  return true;
}

bool job_prepare(Context *context, const ProjectRow *project, const char *branch,
                 const json_t *body, Job *ret, Error *err) {
  Job *job = ret;
  *job = (Job){.body = body};
  return read_number(body, "lock_timeout_ms", LOCK_TIMEOUT_MS, LOCK_TIMEOUT_LIMIT_MS,
                     &job->lock_timeout_ms, err) &&
         read_number(body, "attempts", ATTEMPTS, ATTEMPTS_LIMIT, &job->attempts, err) &&
         migration_set_from_json(body, &job->set, err) &&
         target_find(context, project, branch, json_string_or(body, "database", NULL), &job->target,
                     err);
}

/* Two applies at once are one after the other. */
static bool begin_operation(Job *job, const char *kind, Error *err) {
  Context *context = job->target.context;
  const BranchRow *branch = &job->target.branch;
  int64_t deadline = clock_monotonic_ms() + BUSY_WAIT_MS;
  for (;;) {
    Error failure = ERROR_INIT;
    if (operation_begin(context, kind, branch->project, branch->id,
                        json_pack("{s:s}", "database", job->target.database), &job->operation,
                        &failure))
      return true;
    if (failure.code != ERROR_BRANCH_BUSY || clock_monotonic_ms() >= deadline) {
      *err = failure;
      return false;
    }
    clock_sleep_ms(BUSY_POLL_MS);
  }
}

static bool changes(const Job *job) {
  return job->operation.id[0] != '\0';
}

/* Who only looks isn't kept from it by somebody's lock. */
static bool read_schema(Job *job, Error *err) {
  for (int attempt = 1;; attempt++) {
    Error failure = ERROR_INIT;
    if (schema_digest(&job->target, job->lock_timeout_ms, job->digest, &failure))
      return true;
    bool locked = failure.code == ERROR_MIGRATION_LOCKED;
    if (locked && !changes(job)) {
      job->digest[0] = '\0';
      return true;
    }
    if (!locked || attempt >= job->attempts) {
      *err = failure;
      return false;
    }
  }
}

bool job_look(Job *job, Error *err) {
  if (!ledger_read(&job->ledger, err) || !read_schema(job, err))
    return false;
  plan_release(&job->plan);
  plan_make(&job->ledger, &job->set, job->digest[0] != '\0' ? job->digest : NULL, &job->plan);
  return true;
}

bool job_open(Job *job, const char *kind, Error *err) {
  if (kind != NULL && !begin_operation(job, kind, err))
    return false;
  return target_wake(&job->target, err) &&
         ledger_open(job->target.context, &job->target.endpoint, job->target.database,
                     kind != NULL ? LEDGER_WRITE : LEDGER_READ, &job->ledger, err) &&
         job_look(job, err);
}

bool job_wants(const Job *job, size_t index) {
  const PlanItem *item = &job->plan.items[index];
  const char *to = json_string_or(job->body, "to", NULL);
  return plan_wants(item) &&
         (to == NULL ||
          (!item->migration->repeatable &&
           migration_version_compare(job->set.layout, item->migration->version, to) <= 0));
}

static bool note_digest(Job *job, Error *err) {
  return schema_digest(&job->target, job->lock_timeout_ms, job->digest, err) &&
         ledger_set_digest(&job->ledger, job->digest, err);
}

bool job_close(Job *job, const Error *failure, Error *err) {
  Error ignored = ERROR_INIT; /* without it the schema is "unknown", and the next one notes it */
  if (job->has_run && conn_is_alive(job->ledger.conn))
    (void)!note_digest(job, &ignored);
  return !changes(job) ||
         operation_finish(job->target.context->catalog, job->operation.id, failure, err);
}

json_t *job_describe(const Job *job) {
  json_t *object = plan_describe(&job->plan);
  (void)json_object_set_new(object, "branch", json_string(job->target.branch.name));
  (void)json_object_set_new(object, "database", json_line(job->target.database));
  (void)json_object_set_new(object, "layout", json_string(migration_layout_name(job->set.layout)));
  return object;
}
