/* Runs migrations beside a load, on a scratch branch that nothing else is proved on: the load
 * changes its data. */
#include "migrate/verify_load.h"

#include "core/clock.h"
#include "core/str.h"
#include "migrate/load.h"
#include "migrate/piece.h"
#include "migrate/scratch.h"

typedef struct Trial {
  Scratch scratch;
  Job job;
} Trial;

/* The branch can go only when its operation is over. */
static void trial_release(Trial *trial) {
  Error ignored = ERROR_INIT;
  if (trial->job.operation.id[0] != '\0')
    (void)!job_close(&trial->job, NULL, &ignored);
  job_release(&trial->job);
  scratch_release(&trial->scratch);
}

/* A migration that fails is a result. */
static bool apply_one(Trial *trial, size_t index, const char *sql, json_t *report, Error *err) {
  AUTO(load_free) Load *load = NULL;
  Error failure = ERROR_INIT;
  if (!load_begin(&trial->job.target, sql, &load, err))
    return false;
  int64_t started = clock_monotonic_us();
  bool ok = pieces_apply_item(&trial->job, index, &failure);
  (void)json_object_set_new(report, "duration_ms",
                            json_real((double)(clock_monotonic_us() - started) / 1000.0));
  load_end(load, report);
  (void)json_object_set_new(report, "ok", json_boolean(ok));
  if (ok)
    return true;
  (void)json_object_set_new(report, "code", json_string(error_info(failure.code)->code));
  (void)json_object_set_new(report, "message", json_line(failure.message));
  return true;
}

static bool apply_all(Trial *trial, const char *sql, json_t *list, Error *err) {
  for (size_t index = 0; index < trial->job.set.count; index++) {
    const Migration *migration = trial->job.plan.items[index].migration;
    if (!job_wants(&trial->job, index))
      continue;
    json_t *report =
        json_pack("{s:s, s:s}", "version", migration->version, "file", migration->file);
    (void)json_array_append_new(list, report);
    if (!apply_one(trial, index, sql, report, err))
      return error_prefix(err, "%.150s", migration->file);
    if (!json_bool_or(report, "ok", false))
      return true;
    if (!job_look(&trial->job, err))
      return false;
  }
  return true;
}

bool verify_under_load(Context *context, const ProjectRow *project, const char *parent,
                       const json_t *body, json_t **ret, Error *err) {
  AUTO_RELEASE(trial_release) Trial trial = {0};
  AUTO(json_free) json_t *list = json_array();
  const char *sql = json_string_or(body, "load", "");
  if (!scratch_make(context, project, parent, false, &trial.scratch, err) ||
      !job_prepare(context, project, trial.scratch.name, body, &trial.job, err) ||
      !job_open(&trial.job, "migration.verify", err) || !apply_all(&trial, sql, list, err))
    return false;
  *ret = STEAL(list);
  return true;
}
