/* Runs a migration's statements: as one transaction whose commit decides, or one by one. */
#include "migrate/run.h"

#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "migrate/extension.h"
#include "migrate/leftover.h"

#include <stdlib.h>

enum { BACKOFF_MS = 100, BACKOFF_LIMIT_MS = 3000 };

typedef struct Running {
  const Run *run;
  const Steps *script;
  const char *file;
  int64_t row; /* in the ledger */
  Conn *conn;
  char *backend;     /* its process id on the server */
  bool was_cut;      /* the statement to go on with may have been done already */
  Buffer withdrawal; /* takes away the extensions that were made for it */
} Running;

static void running_release(Running *running) {
  conn_free(running->conn);
  str_free(running->backend);
  buffer_release(&running->withdrawal);
}

/* ---- failures ---- */

static bool may_be_retried(const char *sqlstate) {
  static const char *const states[] = {"55P03", "40P01", "40001"}; /* lock, deadlock, conflict */
  for (size_t at = 0; at < ARRAY_LENGTH(states); at++)
    if (str_equal(states[at], sqlstate))
      return true;
  return false;
}

/* Says where it was, and what is to be done about it. */
static bool explain(const Running *running, const Step *step, Error *err) {
  bool locked = may_be_retried(conn_sqlstate(running->conn));
  bool new_enum = str_equal(conn_sqlstate(running->conn), "55P04");
  Error server = *err;
  (void)error_set(err, locked ? ERROR_MIGRATION_LOCKED : ERROR_MIGRATION_FAILED,
                  "%.150s line %d: %s", running->file, step->line, server.message);
  if (locked)
    return error_hint(err, "somebody keeps what it needs; try again, or with more --attempts");
  if (new_enum)
    return error_hint(err, "mark the migration as one without a transaction");
  return server.hint[0] != '\0' ? error_hint(err, "%s", server.hint) : false;
}

static bool reconnect(Running *running, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  conn_free(running->conn);
  running->conn = NULL;
  if (!target_connect(running->run->target, SESSION_ORDINARY, running->run->lock_timeout_ms,
                      &running->conn, err) ||
      !conn_exec(running->conn, "SELECT pg_catalog.pg_backend_pid()", &rows, err))
    return false;
  str_free(running->backend);
  running->backend = str_dup(rows_get(rows, 0, 0));
  return true;
}

static void wait_before(int attempt) {
  int64_t pause = (int64_t)BACKOFF_MS << (attempt < 5 ? attempt : 5);
  clock_sleep_ms(pause < BACKOFF_LIMIT_MS ? pause : BACKOFF_LIMIT_MS);
}

/* ---- statements ---- */

static bool exec_step(Running *running, const Step *step, Error *err) {
  int64_t started = clock_monotonic_us();
  const Run *run = running->run;
  if (!conn_exec(running->conn, step->text, NULL, err))
    return explain(running, step, err);
  return run->on_step == NULL ||
         run->on_step(run->context, running->backend, step,
                      (double)(clock_monotonic_us() - started) / 1000.0, err);
}

/* Begins a transaction whose number the ledger knows. */
static bool begin(Running *running, char **ret_xid, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(running->conn, "BEGIN", NULL, err) ||
      !conn_exec(running->conn, "SELECT pg_catalog.pg_current_xact_id()", &rows, err))
    return false;
  AUTO(str_free) char *xid = str_dup(rows_get(rows, 0, 0));
  if (!ledger_set_transaction(running->run->ledger, running->row, running->backend, xid, err))
    return false;
  *ret_xid = STEAL(xid);
  return true;
}

/* A migration that ended its transaction by itself, hidden in a string or a procedure, would commit
 * what the ledger knows nothing of. */
static bool check_still(Running *running, const char *xid, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(running->conn, "SELECT pg_catalog.pg_current_xact_id_if_assigned()", &rows, err))
    return false;
  return str_equal(rows_get(rows, 0, 0), xid) ||
         error_set(err, ERROR_MIGRATION_INVALID, "%.200s ended its own transaction", running->file);
}

static bool commit(Running *running, const char *xid, const Step *last, Error *err) {
  if (!check_still(running, xid, err) || !failpoint_reach(FAILPOINT_MIGRATE_BEFORE_COMMIT, err))
    return false;
  return conn_exec(running->conn, "COMMIT", NULL, err) || explain(running, last, err);
}

/* All statements as one transaction. */
static bool run_together(Running *running, Error *err) {
  const Steps *script = running->script;
  static const Step none = {.line = 1};
  AUTO(str_free) char *xid = NULL;
  if (!begin(running, &xid, err))
    return false;
  for (size_t at = 0; at < script->count; at++)
    if (!exec_step(running, &script->list[at], err))
      return false;
  return commit(running, xid, script->count > 0 ? &script->list[script->count - 1] : &none, err);
}

/* One statement on its own: in a transaction where it can be in one. */
static bool run_one(Running *running, const Step *step, Error *err) {
  AUTO(str_free) char *xid = NULL;
  bool was_cut = running->was_cut;
  running->was_cut = false;
  if ((step->part->flags & SQL_OUTSIDE) == 0)
    return begin(running, &xid, err) && exec_step(running, step, err) &&
           commit(running, xid, step, err);
  bool is_done = false;
  return ledger_set_transaction(running->run->ledger, running->row, running->backend, NULL, err) &&
         leftover_clear(running->conn, step->part, was_cut, &is_done, err) &&
         (is_done || exec_step(running, step, err));
}

/* ---- attempts ---- */

typedef bool Attempt(Running *running, const Step *step, Error *err);

static bool attempt_all(Running *running, const Step *step, Error *err) {
  return run_together(running, err);
}

/* Settings that the statements behind it made are made again for those that follow. */
static bool replay_settings(Running *running, size_t until, Error *err) {
  for (size_t at = 0; at < until; at++) {
    const Step *step = &running->script->list[at];
    if ((step->part->flags & SQL_SESSION) != 0 && !conn_exec(running->conn, step->text, NULL, err))
      return explain(running, step, err);
  }
  return true;
}

/* Tries until it is done, fails for good, or has waited often enough. Each attempt after the first
 * has a session of its own: nothing of the failed one is left. step NULL: all of them. */
static bool try_often(Running *running, Attempt *attempt, const Step *step, Error *err) {
  for (int number = 0;; number++) {
    Error failure = ERROR_INIT;
    if (attempt(running, step, &failure))
      return true;
    if (failure.code != ERROR_MIGRATION_LOCKED || number + 1 >= running->run->attempts) {
      *err = failure;
      return false;
    }
    wait_before(number);
    if (!reconnect(running, err) ||
        (step != NULL && !replay_settings(running, (size_t)(step - running->script->list), err)))
      return false;
  }
}

/* What a statement left that failed; it is cleared before it is tried again, too. */
static void clear_after(Running *running, const Step *step) {
  Error ignored = ERROR_INIT;
  bool done = false;
  if (running->conn != NULL && conn_is_alive(running->conn))
    (void)!leftover_clear(running->conn, step->part, false, &done, &ignored);
}

static bool run_apart(Running *running, size_t from, size_t *ret_done, Error *err) {
  const Steps *script = running->script;
  if (!replay_settings(running, from, err))
    return false;
  for (size_t at = from; at < script->count; at++) {
    if (!try_often(running, run_one, &script->list[at], err)) {
      clear_after(running, &script->list[at]);
      return false;
    }
    *ret_done = at + 1;
    if (!ledger_set_done(running->run->ledger, running->row, (int)at + 1, err) ||
        !failpoint_reach(FAILPOINT_MIGRATE_STEP_DONE, err))
      return false;
  }
  return true;
}

/* ---- the whole ---- */

static bool record(Running *running, const LedgerEntry *entry, const LedgerRow *stopped,
                   Error *err) {
  Ledger *ledger = running->run->ledger;
  if (stopped != NULL) {
    running->row = stopped->entry;
    running->was_cut = str_equal(stopped->error, LEDGER_CUT);
    return ledger_resume(ledger, stopped->entry, entry, err);
  }
  return ledger_begin(ledger, entry, &running->row, err);
}

static bool provide_extensions(Running *running, Error *err) {
  const Run *run = running->run;
  return extensions_provide(run->target, run->ledger->conn, running->script, running->file,
                            &running->withdrawal, err);
}

/* Nothing is left of a migration that failed as a whole. */
static void withdraw_extensions(Running *running) {
  Error ignored = ERROR_INIT; /* one that stays is found there by the next attempt */
  if (running->withdrawal.length > 0)
    (void)!conn_exec(running->run->ledger->conn, running->withdrawal.text, NULL, &ignored);
}

/* A connection that broke says nothing about what became of the transaction: the row stays running,
 * and whoever opens the ledger next asks the server. */
static void note_failure(Running *running, LedgerState state, int64_t started,
                         const Error *failure) {
  Error ignored = ERROR_INIT;
  bool known = running->conn == NULL || conn_is_alive(running->conn);
  conn_free(STEAL(running->conn));
  if (!known)
    return;
  if (state == LEDGER_FAILED)
    withdraw_extensions(running);
  (void)!ledger_end(running->run->ledger, running->row, state,
                    (clock_monotonic_us() - started) / 1000, failure->message, &ignored);
}

bool run_migration(const Run *run, const LedgerEntry *entry, const Steps *script, const char *file,
                   const LedgerRow *stopped, double *ret_ms, Error *err) {
  AUTO_RELEASE(running_release)
  Running running = {.run = run, .script = script, .file = file};
  int64_t started = clock_monotonic_us();
  size_t from = stopped != NULL ? (size_t)stopped->done : 0;
  size_t done = from;
  Error failure = ERROR_INIT;
  if (!record(&running, entry, stopped, err))
    return false;
  bool ok = failpoint_reach(FAILPOINT_MIGRATE_RECORDED, &failure) &&
            provide_extensions(&running, &failure) && reconnect(&running, &failure) &&
            (script->is_alone ? run_apart(&running, from, &done, &failure)
                              : try_often(&running, attempt_all, NULL, &failure));
  if (!ok) {
    note_failure(&running, done > 0 ? LEDGER_STOPPED : LEDGER_FAILED, started, &failure);
    *err = failure;
    return false;
  }
  *ret_ms = (double)(clock_monotonic_us() - started) / 1000.0;
  return failpoint_reach(FAILPOINT_MIGRATE_COMMITTED, err) &&
         ledger_end(run->ledger, running.row, LEDGER_DONE, (int64_t)*ret_ms, NULL, err);
}
