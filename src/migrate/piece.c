/* Reads and runs the migrations of one request. */
#include "migrate/piece.h"

#include "branch/audit.h"
#include "core/str.h"

void pieces_init(Pieces *pieces, size_t limit) {
  *pieces = (Pieces){.list = mem_new(limit + 1, sizeof *pieces->list), .done = json_array()};
}

void pieces_release(Pieces *pieces) {
  for (size_t at = 0; at < pieces->count; at++)
    steps_release(&pieces->list[at].script);
  mem_free(pieces->list);
  json_free(pieces->done);
}

static bool check_resumable(const Piece *piece, Error *err) {
  const LedgerRow *row = piece->stopped;
  if (row == NULL || (piece->script.is_alone && row->progress != NULL &&
                      steps_begin_like(&piece->script, row->progress, row->done)))
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
  if (!steps_read(file, text, marked_alone, &piece->script, err))
    return false;
  pieces->count++;
  piece->entry.statements = (int)piece->script.count;
  piece->entry.progress = piece->script.is_alone ? piece->script.progress : NULL;
  return check_resumable(piece, err);
}

bool pieces_check_rights(const Job *job, const Pieces *pieces, Error *err) {
  const BranchRow *branch = &job->target.branch;
  if (branch->is_protected)
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", branch->name);
  return true;
}

static bool take_as_done(Job *job, const Piece *piece, Error *err) {
  int64_t row = 0;
  return ledger_begin(&job->ledger, &piece->entry, &row, err) &&
         ledger_end(&job->ledger, row, LEDGER_DONE, 0, NULL, err);
}

static bool run_one(Job *job, const Piece *piece, double *ret_ms, Error *err) {
  const Run run = {.target = &job->target,
                   .ledger = &job->ledger,
                   .lock_timeout_ms = job->lock_timeout_ms,
                   .attempts = job->attempts};
  if (piece->entry.action == LEDGER_BASELINE)
    return take_as_done(job, piece, err);
  return run_migration(&run, &piece->entry, &piece->script, piece->file, piece->stopped, ret_ms,
                       err);
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
    ok = run_one(job, piece, &milliseconds, err);
    if (ok)
      (void)json_array_append_new(
          pieces->done, json_pack("{s:s, s:s, s:s, s:i, s:f}", "version", piece->entry.version,
                                  "name", piece->entry.name, "file", piece->file, "statements",
                                  piece->entry.statements, "duration_ms", milliseconds));
  }
  note_versions(job->target.context, pieces->done);
  return ok;
}
