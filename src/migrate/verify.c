/* migrate verify: proves each pending migration on a scratch branch of the target. */
#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"
#include "diff/compare.h"
#include "diff/read.h"
#include "migrate/measure.h"
#include "migrate/migrate.h"
#include "migrate/piece.h"
#include "migrate/scratch.h"
#include "migrate/verify_load.h"

enum { DIFFERENCES_SHOWN = 20 };

typedef struct Proof {
  Context *context;
  const ProjectRow *project;
  const json_t *body;
  Scratch scratch; /* where migrations are run */
  Job job;         /* on it */
  json_t *results;
  bool must_be_idempotent; /* the policy says so */
  bool proved;
} Proof;

/* ---- the scratch branch ---- */

static bool open_job(Proof *proof, Error *err) {
  return job_prepare(proof->context, proof->project, proof->scratch.name, proof->body, &proof->job,
                     err) &&
         job_open(&proof->job, "migration.verify", err);
}

/* The branch can go only when its operation is over. */
static bool close_job(Proof *proof, Error *err) {
  bool ok = job_close(&proof->job, NULL, err);
  job_release(&proof->job);
  proof->job = (Job){0};
  return ok;
}

static void proof_release(Proof *proof) {
  Error ignored = ERROR_INIT;
  if (proof->job.operation.id[0] != '\0')
    (void)!close_job(proof, &ignored);
  job_release(&proof->job);
  scratch_release(&proof->scratch);
  json_free(proof->results);
}

/* Goes on with the branch that still is as it was before the migration. */
static bool take_back(Proof *proof, Scratch *before, Error *err) {
  if (!close_job(proof, err))
    return false;
  scratch_release(&proof->scratch);
  proof->scratch = *before;
  *before = (Scratch){0};
  return open_job(proof, err);
}

/* ---- running ---- */

static bool run_up(Proof *proof, size_t index, Measure *measure, Error *err) {
  proof->job.on_step = measure != NULL ? measure_step : NULL;
  proof->job.step_context = measure;
  return pieces_apply_item(&proof->job, index, err);
}

static bool run_down(Proof *proof, size_t index, Error *err) {
  AUTO_RELEASE(pieces_release) Pieces pieces = {0};
  Job *job = &proof->job;
  pieces_init(&pieces, 1);
  job->on_step = NULL;
  return pieces_add_undo(job, &pieces, job->plan.items[index].row, err) &&
         pieces_check_rights(job, &pieces, err) && pieces_run(job, &pieces, err);
}

static bool read_schema(const Job *job, Schema **ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  return target_connect(&job->target, SESSION_READER, 0, &conn, err) &&
         schema_read(conn, 0, ret, err);
}

static json_t *outcome(bool ok, const Error *failure) {
  json_t *object = json_pack("{s:b}", "ok", ok);
  if (!ok) {
    (void)json_object_set_new(object, "code", json_string(error_info(failure->code)->code));
    (void)json_object_set_new(object, "message", json_line(failure->message));
  }
  return object;
}

/* What a migration does when its file is simply run a second time; nothing of it stays. */
static bool run_raw(Proof *proof, const Migration *migration, json_t *report, Error *err) {
  AUTO_RELEASE(steps_release) Steps steps = {0};
  AUTO(conn_free) Conn *conn = NULL;
  Error failure = ERROR_INIT;
  if (!steps_read(migration->file, migration->up, migration->up_alone, &steps, err))
    return false;
  if (steps.is_alone) {
    (void)json_object_set_new(report, "idempotent", json_null());
    return true;
  }
  if (!target_connect(&proof->job.target, SESSION_ORDINARY, 0, &conn, err) ||
      !conn_exec(conn, "BEGIN", NULL, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < steps.count; at++)
    ok = conn_exec(conn, steps.list[at].text, NULL, &failure);
  (void)json_object_set_new(report, "idempotent", json_boolean(ok));
  if (!ok)
    (void)json_object_set_new(report, "raw_error", json_line(failure.message));
  return true;
}

/* ---- comparing schemas ---- */

static void add_difference(json_t *list, const Change *change) {
  static const char *const verbs[] = {"added",   "removed",  "changed",
                                      "renamed", "replaced", "reordered"};
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  const Object *object = change->after != NULL ? change->after : change->before;
  buffer_add_format(&text, "%s %s ", verbs[change->kind], kind_info(object->kind)->word);
  object_add_identity(&text, object);
  for (size_t at = 0; at < change->property_count; at++)
    buffer_add_format(&text, "%s%s", at == 0 ? ": " : ", ", change->properties[at].name);
  (void)json_array_append_new(list, json_line(text.text));
}

/* "exact", "order_only" (the order of columns aside) or "drift", with what differs. */
static const char *compare_schemas(const Schema *before, const Schema *after, json_t *list) {
  AUTO(diff_free) Diff *diff = diff_compare(before, after, NULL);
  size_t shown = 0;
  for (size_t at = 0; at < diff->count && shown < DIFFERENCES_SHOWN; at++) {
    if (diff->changes[at].is_implied || diff->changes[at].is_inherited)
      continue;
    add_difference(list, &diff->changes[at]);
    shown++;
  }
  if (diff_is_empty(diff))
    return "exact";
  return diff_is_equivalent(diff) ? "order_only" : "drift";
}

/* ---- one migration ---- */

typedef struct Stage {
  Schema *before, *after;
  Storage storage_before;
  Scratch untouched; /* a branch as it was before the migration; only where it has an undo */
} Stage;

static void stage_release(Stage *stage) {
  schema_free(stage->before);
  schema_free(stage->after);
  storage_release(&stage->storage_before);
  scratch_release(&stage->untouched);
}

static bool prepare(Proof *proof, const Migration *migration, Stage *stage, Error *err) {
  return (migration->down == NULL ||
          scratch_make(proof->context, proof->project, proof->scratch.name, true, &stage->untouched,
                       err)) &&
         read_schema(&proof->job, &stage->before, err) &&
         storage_read(proof->job.ledger.conn, true, &stage->storage_before, err);
}

/* *ret_applied is false, and nothing else is to be looked at, when it fails: that is a result. */
static bool apply_measured(Proof *proof, size_t index, Stage *stage, json_t *report,
                           bool *ret_applied, Error *err) {
  AUTO_RELEASE(measure_release) Measure measure = {0};
  AUTO_RELEASE(storage_release) Storage after = {0};
  Error failure = ERROR_INIT;
  int64_t started = clock_monotonic_us();
  if (!measure_begin(proof->job.ledger.conn, &measure, err))
    return false;
  *ret_applied = run_up(proof, index, &measure, &failure);
  json_t *applies = outcome(*ret_applied, &failure);
  (void)json_object_set_new(applies, "duration_ms",
                            json_real((double)(clock_monotonic_us() - started) / 1000.0));
  (void)json_object_set_new(report, "applies", applies);
  if (!*ret_applied)
    return true;
  if (!measure_end(&measure, report, err) ||
      !storage_read(proof->job.ledger.conn, false, &after, err) ||
      !read_schema(&proof->job, &stage->after, err) || !job_look(&proof->job, err))
    return false;
  (void)json_object_set_new(report, "rewritten", storage_rewritten(&stage->storage_before, &after));
  (void)json_object_set_new(report, "disk_bytes",
                            json_integer((json_int_t)(after.bytes - stage->storage_before.bytes)));
  (void)json_object_set_new(report, "again",
                            json_pack("{s:b}", "ok", !plan_wants(&proof->job.plan.items[index])));
  return true;
}

static bool prove_data(Proof *proof, Stage *stage, json_t *report, Error *err) {
  AUTO_RELEASE(storage_release) Storage now = {0};
  Target untouched;
  AUTO(json_free) json_t *data = json_object();
  Error failure = ERROR_INIT;
  if (!storage_read(proof->job.ledger.conn, false, &now, err) ||
      !target_find(proof->context, proof->project, stage->untouched.name,
                   proof->job.target.database, &untouched, err))
    return false;
  if (!proof_of_data(&untouched, &stage->storage_before, &proof->job.target, &now, data,
                     &failure)) {
    (void)json_object_set_new(data, "verdict", json_string("unknown"));
    (void)json_object_set_new(data, "message", json_line(failure.message));
  }
  (void)json_object_set(report, "data", data);
  return true;
}

/* Rolls back, compares, and leaves the branch with the migration applied again. */
static bool prove_rollback(Proof *proof, size_t index, Stage *stage, json_t *report, Error *err) {
  AUTO(schema_free) Schema *back = NULL;
  AUTO(json_free) json_t *differences = json_array();
  Error failure = ERROR_INIT;
  const char *verdict = "down_fail";
  bool ok = run_down(proof, index, &failure);
  json_t *rollback = outcome(ok, &failure);
  (void)json_object_set_new(report, "rollback", rollback);
  if (ok) {
    if (!read_schema(&proof->job, &back, err) || !prove_data(proof, stage, report, err))
      return false;
    verdict = compare_schemas(stage->before, back, differences);
    (void)json_object_set(rollback, "differences", differences);
  }
  (void)json_object_set_new(rollback, "verdict", json_string(verdict));
  bool whole = str_equal(verdict, "exact") || str_equal(verdict, "order_only");
  if (whole) {
    AUTO(schema_free) Schema *again = NULL;
    AUTO(json_free) json_t *list = json_array();
    Error second = ERROR_INIT;
    if (!job_look(&proof->job, err))
      return false;
    ok = run_up(proof, index, NULL, &second);
    json_t *reapply = outcome(ok, &second);
    (void)json_object_set_new(report, "reapply", reapply);
    if (ok) {
      if (!read_schema(&proof->job, &again, err))
        return false;
      (void)json_object_set_new(reapply, "verdict",
                                json_string(compare_schemas(stage->after, again, list)));
      return job_look(&proof->job, err);
    }
  }
  return take_back(proof, &stage->untouched, err) && run_up(proof, index, NULL, err) &&
         job_look(&proof->job, err);
}

static bool holds(const Proof *proof, const json_t *report) {
  static const char *const deeds[] = {"applies", "again", "rollback", "reapply"};
  const char *verdict = json_string_or(json_object_get(report, "rollback"), "verdict", "exact");
  const char *data = json_string_or(json_object_get(report, "data"), "verdict", "same");
  for (size_t at = 0; at < ARRAY_LENGTH(deeds); at++) {
    const json_t *deed = json_object_get(report, deeds[at]);
    if (deed != NULL && !json_bool_or(deed, "ok", false))
      return false;
  }
  if (proof->must_be_idempotent && !json_bool_or(report, "idempotent", true))
    return false;
  return !str_equal(verdict, "drift") && str_equal(data, "same");
}

static bool prove_one(Proof *proof, size_t index, bool *ret_applied, Error *err) {
  AUTO_RELEASE(stage_release) Stage stage = {0};
  const Migration *migration = proof->job.plan.items[index].migration;
  json_t *report =
      json_pack("{s:s, s:s, s:s, s:b}", "version", migration->version, "name", migration->name,
                "file", migration->file, "has_undo", migration->down != NULL);
  (void)json_array_append_new(proof->results, report);
  bool has_undo = migration->down != NULL && !migration->repeatable;
  bool ok = prepare(proof, migration, &stage, err) &&
            apply_measured(proof, index, &stage, report, ret_applied, err) &&
            (!*ret_applied || run_raw(proof, migration, report, err)) &&
            (!*ret_applied || !has_undo || prove_rollback(proof, index, &stage, report, err));
  bool held = ok && holds(proof, report);
  (void)json_object_set_new(report, "proved", json_boolean(held));
  proof->proved = proof->proved && held;
  return ok;
}

/* ---- all ---- */

static bool prove_all(Proof *proof, Error *err) {
  size_t count = proof->job.set.count;
  for (size_t index = 0; index < count; index++) {
    const PlanItem *item = &proof->job.plan.items[index];
    bool applied = false;
    if (!job_wants(&proof->job, index))
      continue;
    context_report(proof->context, item->migration->file, (int64_t)index, (int64_t)count);
    if (!prove_one(proof, index, &applied, err))
      return error_prefix(err, "%.150s", proof->job.plan.items[index].migration->file);
    if (!applied)
      return true; /* what comes after it would be proved on something else */
  }
  return true;
}

/* "-": the tier that features fork; without a policy the project's root. */
static bool choose_target(Context *context, const ProjectRow *project, const char *name,
                          BranchRow *ret, Error *err) {
  const Policy *policy = NULL;
  bool found = false;
  if (!str_equal(name, "-"))
    return branch_resolve(context, project, name, ret, err);
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  if (policy == NULL)
    return branch_get(context->catalog, project->root_branch, ret, err);
  return tier_branch(context->catalog, project->id, policy->entry, ret, &found, err) &&
         (found ||
          error_set(err, ERROR_BRANCH_NOT_FOUND, "the tier \"%s\" has no branch", policy->entry));
}

static bool read_demands(Proof *proof, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(proof->context, proof->project->id, &policy, NULL, err))
    return false;
  proof->must_be_idempotent = policy != NULL && policy->migrations_idempotent;
  return true;
}

static bool prove_under_load(Proof *proof, const char *parent, json_t **ret, Error *err) {
  size_t at = 0;
  const json_t *one = NULL;
  if (json_string_or(proof->body, "load", NULL) == NULL)
    return true;
  if (!verify_under_load(proof->context, proof->project, parent, proof->body, ret, err))
    return error_prefix(err, "under load");
  json_array_foreach(*ret, at, one) {
    proof->proved = proof->proved && json_bool_or(one, "ok", false);
  }
  return true;
}

bool migrate_verify(Context *context, const ProjectRow *project, const char *branch,
                    const json_t *body, json_t **ret, Error *err) {
  AUTO_RELEASE(proof_release)
  Proof proof = {.context = context,
                 .project = project,
                 .body = body,
                 .results = json_array(),
                 .proved = true};
  AUTO(json_free) json_t *load = NULL;
  BranchRow target;
  int64_t started = clock_monotonic_us();
  if (!choose_target(context, project, branch, &target, err) || !read_demands(&proof, err) ||
      !scratch_make(context, project, target.name, false, &proof.scratch, err) ||
      !open_job(&proof, err) ||
      !plan_check(&proof.job.plan, json_object_get(body, "accept"), err) ||
      !prove_all(&proof, err) || !close_job(&proof, err) ||
      !prove_under_load(&proof, target.name, &load, err))
    return false;
  bool keep = json_bool_or(body, "keep", false) && proof.proved;
  audit_note(context, "proved", json_boolean(proof.proved));
  AUTO(str_free) char *kept = keep ? str_dup(proof.scratch.name) : NULL;
  if (keep && !scratch_keep(&proof.scratch, err))
    return false;
  *ret = json_pack("{s:s, s:b, s:O, s:O*, s:o, s:f}", "branch", target.name, "proved", proof.proved,
                   "migrations", proof.results, "load", load, "scratch",
                   kept != NULL ? json_string(kept) : json_null(), "took_ms",
                   (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}
