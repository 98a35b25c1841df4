/* Reads and runs the migrations of one request. */
#include "migrate/piece.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/migration.h"
#include "core/clock.h"
#include "core/str.h"

void pieces_init(Pieces *pieces, size_t limit) {
  *pieces = (Pieces){.list = mem_new(limit + 1, sizeof *pieces->list), .done = json_array()};
}

void pieces_release(Pieces *pieces) {
  for (size_t at = 0; at < pieces->count; at++)
    steps_release(&pieces->list[at].steps);
  mem_free(pieces->list);
  json_free(pieces->done);
}

static bool check_resumable(const Piece *piece, Error *err) {
  const LedgerRow *row = piece->stopped;
  if (row == NULL || (piece->steps.is_alone && row->progress != NULL &&
                      steps_begin_like(&piece->steps, row->progress, row->done)))
    return true;
  (void)error_set(err, ERROR_MIGRATION_EDITED,
                  "%.200s stopped after %d statements, and those were changed since", piece->file,
                  row->done);
  return error_hint(err, "put them back as they were; what follows them may be changed");
}

bool pieces_add(Pieces *pieces, const LedgerEntry *entry, const char *file, const char *text,
                bool marked_alone, const LedgerRow *stopped, Error *err) {
  Piece *piece = &pieces->list[pieces->count];
  *piece = (Piece){.entry = *entry, .file = file, .stopped = stopped};
  if (!steps_read(file, text, marked_alone, &piece->steps, err))
    return false;
  pieces->count++;
  piece->entry.statements = (int)piece->steps.count;
  piece->entry.progress = piece->steps.is_alone ? piece->steps.progress : NULL;
  return check_resumable(piece, err);
}

static LedgerEntry entry_of(const Job *job, const PlanItem *item, LedgerAction action) {
  const Migration *migration = item->migration;
  return (LedgerEntry){.action = action,
                       .layout = job->set.layout,
                       .version = migration->version,
                       .name = migration->name,
                       .checksum = item->checksum,
                       .undo = migration->down,
                       .up = migration->up,
                       .up_alone = migration->up_alone,
                       .repeatable = migration->repeatable,
                       .undo_alone = migration->down_alone,
                       .branch = job->target.branch.name,
                       .author = &job->target.context->caller};
}

bool pieces_add_item(const Job *job, Pieces *pieces, const PlanItem *item, bool baseline,
                     Error *err) {
  const Migration *migration = item->migration;
  LedgerEntry entry = entry_of(job, item, baseline ? LEDGER_BASELINE : LEDGER_APPLY);
  return pieces_add(pieces, &entry, migration->file, migration->up, migration->up_alone,
                    item->state == PLAN_STOPPED ? item->row : NULL, err);
}

static const Migration *find_migration(const Job *job, const LedgerRow *row) {
  for (size_t at = 0; at < job->plan.count; at++)
    if (job->plan.items[at].row == row)
      return job->plan.items[at].migration;
  return NULL;
}

bool pieces_add_undo(const Job *job, Pieces *pieces, const LedgerRow *row, Error *err) {
  const Migration *migration = find_migration(job, row);
  const char *undo = migration != NULL ? migration->down : row->undo;
  bool alone = migration != NULL ? migration->down_alone : row->undo_alone;
  bool is_stopped = row->state == LEDGER_STOPPED;
  const char *file = migration != NULL ? migration->file : row->name;
  if (is_stopped && row->action != LEDGER_ROLLBACK) {
    (void)error_set(err, ERROR_MIGRATION_INTERRUPTED, "%.200s stopped after %d of %d statements",
                    file, row->done, row->statements);
    return error_hint(err, "`bough migrate apply` goes on with it; then it can be taken back");
  }
  if (undo == NULL) {
    (void)error_set(err, ERROR_MIGRATION_NO_UNDO, "%.200s has nothing that undoes it", file);
    return error_hint(err, "write an undo for it, or make the branch anew with `bough branch "
                           "reset`");
  }
  const LedgerEntry entry = {.action = LEDGER_ROLLBACK,
                             .layout = job->set.layout,
                             .version = row->version,
                             .name = row->name,
                             .checksum = row->checksum,
                             .undo = undo,
                             .undo_alone = alone,
                             .branch = job->target.branch.name,
                             .author = &job->target.context->caller};
  return pieces_add(pieces, &entry, file, undo, alone, is_stopped ? row : NULL, err);
}

/* Under the operation: while it was waited for the branch may have changed. */
bool pieces_check_rights(Job *job, const Pieces *pieces, Error *err) {
  BranchRow *branch = &job->target.branch;
  if (!branch_get(job->target.context->catalog, branch->id, branch, err))
    return false;
  if (branch->is_protected)
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", branch->name);
  for (size_t at = 0; at < pieces->count; at++) {
    const Piece *piece = &pieces->list[at];
    const Step *step = piece->steps.rights;
    if (step != NULL && piece->entry.action != LEDGER_BASELINE &&
        !access_branch(job->target.context, ACTION_MIGRATION_PRIVILEGE, branch, err))
      return error_prefix(err, "%.150s line %d changes rights (%s)", piece->file, step->line,
                          step->part->name);
  }
  return true;
}

static bool take_as_done(Job *job, const Piece *piece, Error *err) {
  int64_t row = 0;
  return ledger_begin(&job->ledger, &piece->entry, &row, err) &&
         ledger_end(&job->ledger, row, LEDGER_DONE, 0, NULL, err);
}

/* The policy may have changed since the one before: nobody who applies it is kept waiting for all
 * of them. */
static bool confirm(const Job *job, Error *err) {
  Context *context = job->target.context;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         catalog_commit(&guard, err);
}

static bool run_one(Job *job, const Piece *piece, double *ret_ms, Error *err) {
  const Run run = {.target = &job->target,
                   .ledger = &job->ledger,
                   .lock_timeout_ms = job->lock_timeout_ms,
                   .attempts = job->attempts,
                   .on_step = job->on_step,
                   .context = job->step_context};
  if (!confirm(job, err))
    return false;
  if (piece->entry.action == LEDGER_BASELINE)
    return take_as_done(job, piece, err);
  return run_migration(&run, &piece->entry, &piece->steps, piece->file, piece->stopped, ret_ms,
                       err);
}

/* The ledger is what counts: a catalog that can't be written now doesn't undo what is done. */
static void record(Job *job, const Piece *piece, int64_t started_us, const Error *failure) {
  static const char *const actions[] = {"apply", "rollback", "baseline"};
  const MigrationRun run = {.branch = &job->target.branch,
                            .database = job->target.database,
                            .action = actions[piece->entry.action],
                            .version = piece->entry.version,
                            .name = piece->entry.name,
                            .checksum = piece->entry.checksum,
                            .author = piece->entry.author,
                            .duration_ms = (clock_monotonic_us() - started_us) / 1000,
                            .failure = failure};
  Error ignored = ERROR_INIT;
  (void)!migration_record(job->target.context->catalog, &run, &ignored);
}

static bool run_recorded(Job *job, const Piece *piece, double *ret_ms, Error *err) {
  int64_t started_us = clock_monotonic_us();
  Error failure = ERROR_INIT;
  bool ok = run_one(job, piece, ret_ms, &failure);
  record(job, piece, started_us, ok ? NULL : &failure);
  if (!ok)
    *err = failure;
  return ok;
}

static void note_versions(Context *context, const json_t *done) {
  json_t *versions = json_array();
  size_t at = 0;
  const json_t *one = NULL;
  json_array_foreach(done, at, one) {
    (void)json_array_append(versions, json_object_get(one, "version"));
  }
  audit_note(context, "versions", versions);
}

bool pieces_run(Job *job, Pieces *pieces, Error *err) {
  bool ok = true;
  job->has_run = pieces->count > 0;
  for (size_t at = 0; ok && at < pieces->count; at++) {
    const Piece *piece = &pieces->list[at];
    double milliseconds = 0;
    context_report(job->target.context, piece->file, (int64_t)at, (int64_t)pieces->count);
    ok = run_recorded(job, piece, &milliseconds, err);
    if (ok)
      (void)json_array_append_new(
          pieces->done, json_pack("{s:s, s:s, s:s, s:i, s:f}", "version", piece->entry.version,
                                  "name", piece->entry.name, "file", piece->file, "statements",
                                  piece->entry.statements, "duration_ms", milliseconds));
  }
  note_versions(job->target.context, pieces->done);
  return ok;
}

bool pieces_apply_item(Job *job, size_t index, Error *err) {
  AUTO_RELEASE(pieces_release) Pieces pieces = {0};
  pieces_init(&pieces, 1);
  return pieces_add_item(job, &pieces, &job->plan.items[index], false, err) &&
         pieces_check_rights(job, &pieces, err) && pieces_run(job, &pieces, err);
}
