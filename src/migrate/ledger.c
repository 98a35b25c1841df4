/* Reads and writes the ledger by the platform's session. */
#include "migrate/ledger.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/sql.h"
#include "pg/platform.h"

#include <stdio.h>
#include <string.h>

enum { CONNECT_MS = 30 * 1000, LOCK_WAIT_MS = 30 * 1000, LOCK_POLL_MS = 50 };

/* One writer per database. Anybody could take an advisory lock of that number, and would only keep
 * the migrations of the own branch waiting. */
#define LEDGER_LOCK "SELECT pg_catalog.pg_try_advisory_lock(4270736, 1)"

static const char *const action_texts[] = {"apply", "rollback", "baseline"};
static const char *const state_texts[] = {"running", "done", "failed", "stopped"};

/* ---- opening ---- */

static bool check_ours(Conn *conn, bool *ret_exists, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, migrate_sql("ledger_check.sql"), 0, NULL, &rows, err))
    return false;
  const char *answer = rows_get(rows, 0, 0);
  *ret_exists = str_equal(answer, "ours");
  if (*ret_exists || str_equal(answer, "none"))
    return true;
  (void)error_set(err, ERROR_MIGRATION_LEDGER, "the schema \"bough\" of database \"%.63s\": %s",
                  conn_database(conn), answer);
  return error_hint(err, "that name is Bough's: rename the schema, then try again");
}

static bool take_lock(Conn *conn, Error *err) {
  int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;
  for (;;) {
    AUTO(rows_free) Rows *rows = NULL;
    if (!conn_query(conn, LEDGER_LOCK, 0, NULL, &rows, err))
      return false;
    if (rows_get_bool(rows, 0, 0))
      return true;
    if (clock_monotonic_ms() >= deadline)
      break;
    clock_sleep_ms(LOCK_POLL_MS);
  }
  (void)error_set(err, ERROR_BRANCH_BUSY, "another migration runs in database \"%.63s\"",
                  conn_database(conn));
  return error_hint(err, "wait for it: `bough migrate status`");
}

/* A backend that was told to end may take a while to see it. */
static bool end_orphans(Conn *conn, Error *err) {
  int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;
  for (;;) {
    AUTO(rows_free) Rows *rows = NULL;
    if (!conn_query(conn, migrate_sql("ledger_orphans.sql"), 0, NULL, &rows, err))
      return false;
    if (rows_get_integer(rows, 0, 0) == 0)
      return true;
    if (clock_monotonic_ms() >= deadline)
      return error_set(err, ERROR_BRANCH_BUSY,
                       "the session of an interrupted migration doesn't end");
    clock_sleep_ms(LOCK_POLL_MS);
  }
}

static bool prepare_write(Ledger *ledger, Error *err) {
  return take_lock(ledger->conn, err) && check_ours(ledger->conn, &ledger->is_installed, err) &&
         (ledger->is_installed ||
          conn_exec(ledger->conn, migrate_sql("ledger_install.sql"), NULL, err)) &&
         (ledger->is_installed = true) && end_orphans(ledger->conn, err) &&
         conn_query(ledger->conn, migrate_sql("ledger_resolve.sql"), 0, NULL, NULL, err);
}

bool ledger_open(const Context *context, const EndpointRow *endpoint, const char *database,
                 LedgerMode mode, Ledger *ret, Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  AUTO_RELEASE(ledger_release) Ledger ledger = {0};
  if (!platform_open(directory, database, CONNECT_MS, &ledger.conn, err) ||
      !check_ours(ledger.conn, &ledger.is_installed, err) ||
      (mode == LEDGER_WRITE && !prepare_write(&ledger, err)) || !ledger_read(&ledger, err))
    return false;
  *ret = ledger;
  ledger = (Ledger){0};
  return true;
}

void ledger_release(Ledger *ledger) {
  rows_free(ledger->source);
  mem_free(ledger->rows);
  conn_free(ledger->conn);
  *ledger = (Ledger){0};
}

/* ---- reading ---- */

static bool find_text(const char *const *texts, size_t count, const char *text, int *ret) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(texts[at], text)) {
      *ret = (int)at;
      return true;
    }
  return false;
}

static bool read_row(const Rows *rows, size_t at, LedgerRow *row, Error *err) {
  int action = 0;
  int state = 0;
  size_t column = 0;
  row->entry = rows_get_integer(rows, at, column++);
  if (!find_text(action_texts, ARRAY_LENGTH(action_texts), rows_get(rows, at, column++), &action))
    return error_set(err, ERROR_MIGRATION_LEDGER, "entry %lld: an action that isn't known",
                     (long long)row->entry);
  row->layout = rows_get(rows, at, column++);
  row->version = rows_get(rows, at, column++);
  row->name = rows_get(rows, at, column++);
  row->repeatable = rows_get_bool(rows, at, column++);
  row->checksum = rows_get(rows, at, column++);
  row->undo = rows_get(rows, at, column++);
  row->undo_alone = rows_get_bool(rows, at, column++);
  if (!find_text(state_texts, ARRAY_LENGTH(state_texts), rows_get(rows, at, column++), &state))
    return error_set(err, ERROR_MIGRATION_LEDGER, "entry %lld: a state that isn't known",
                     (long long)row->entry);
  row->action = (LedgerAction)action;
  row->state = (LedgerState)state;
  row->statements = (int)rows_get_integer(rows, at, column++);
  row->done = (int)rows_get_integer(rows, at, column++);
  row->progress = rows_get(rows, at, column++);
  row->branch = rows_get(rows, at, column++);
  row->author = rows_get(rows, at, column++);
  row->started_at = rows_get(rows, at, column++);
  row->duration_ms = rows_get(rows, at, column) != NULL ? rows_get_integer(rows, at, column) : -1;
  row->error = rows_get(rows, at, column + 1);
  row->schema_digest = rows_get(rows, at, column + 2);
  row->up = rows_get(rows, at, column + 3);
  row->up_alone = rows_get_bool(rows, at, column + 4);
  return true;
}

bool ledger_read(Ledger *ledger, Error *err) {
  AUTO(rows_free) Rows *source = NULL;
  if (!ledger->is_installed)
    return true;
  if (!conn_query(ledger->conn, migrate_sql("ledger_rows.sql"), 0, NULL, &source, err))
    return false;
  size_t count = rows_count(source);
  LedgerRow *rows = mem_new(count + 1, sizeof *rows);
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++)
    ok = read_row(source, at, &rows[at], err);
  if (!ok) {
    mem_free(rows);
    return false;
  }
  rows_free(ledger->source);
  mem_free(ledger->rows);
  ledger->source = STEAL(source);
  ledger->rows = rows;
  ledger->count = count;
  return true;
}

static bool is_about(MigrationLayout layout, const LedgerRow *row, const char *version,
                     const char *name) {
  if (row->version[0] == '\0' || version[0] == '\0')
    return row->version[0] == version[0] && str_equal(row->name, name);
  return migration_version_compare(layout, row->version, version) == 0;
}

const LedgerRow *ledger_find(const Ledger *ledger, MigrationLayout layout, const char *version,
                             const char *name) {
  for (size_t at = ledger->count; at > 0; at--) {
    const LedgerRow *row = &ledger->rows[at - 1];
    if (row->state == LEDGER_FAILED || !is_about(layout, row, version, name))
      continue;
    return row->action == LEDGER_ROLLBACK && row->state == LEDGER_DONE ? NULL : row;
  }
  return NULL;
}

bool ledger_is_applied(const Ledger *ledger, MigrationLayout layout, const LedgerRow *row) {
  return row->state == LEDGER_DONE && row->action != LEDGER_ROLLBACK &&
         ledger_find(ledger, layout, row->version, row->name) == row;
}

const char *ledger_schema_digest(const Ledger *ledger) {
  return ledger->count > 0 ? ledger->rows[ledger->count - 1].schema_digest : NULL;
}

/* ---- writing ---- */

static const char *bool_text(bool value) {
  return value ? "t" : "f";
}

bool ledger_begin(Ledger *ledger, const LedgerEntry *entry, int64_t *ret, Error *err) {
  char statements[16];
  (void)snprintf(statements, sizeof statements, "%d", entry->statements);
  const char *behalf = entry->author->on_behalf_of;
  const char *const values[] = {action_texts[entry->action],
                                migration_layout_name(entry->layout),
                                entry->version,
                                entry->name,
                                bool_text(entry->repeatable),
                                entry->checksum,
                                entry->undo,
                                bool_text(entry->undo_alone),
                                statements,
                                entry->progress,
                                entry->branch,
                                entry->author->name,
                                behalf[0] != '\0' ? behalf : NULL,
                                entry->up,
                                bool_text(entry->up_alone)};
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(
          ledger->conn,
          "INSERT INTO bough.migrations (action, layout, version, name, repeatable,"
          " checksum, undo, undo_alone, state, statements, progress, branch, author,"
          " on_behalf_of, up, up_alone) VALUES ($1, $2, $3, $4, $5::pg_catalog.bool, $6, $7,"
          " $8::pg_catalog.bool, 'running', $9::pg_catalog.int4, $10, $11, $12, $13, $14,"
          " $15::pg_catalog.bool)"
          " RETURNING entry",
          ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = rows_get_integer(rows, 0, 0);
  return true;
}

/* Runs an UPDATE of one entry, which is $1; it must be running. */
static bool update(Ledger *ledger, int64_t entry, const char *sets, size_t count,
                   const char *const *values, Error *err) {
  enum { VALUES_LIMIT = 8 };
  char number[24];
  const char *all[VALUES_LIMIT + 1] = {number};
  AUTO(rows_free) Rows *rows = NULL;
  (void)snprintf(number, sizeof number, "%lld", (long long)entry);
  for (size_t at = 0; at < count && at < VALUES_LIMIT; at++)
    all[at + 1] = values[at];
  AUTO(str_free)
  char *sql = str_format("UPDATE bough.migrations SET %s"
                         " WHERE entry OPERATOR(pg_catalog.=) $1::pg_catalog.int8",
                         sets);
  return conn_query(ledger->conn, sql, count + 1, all, &rows, err) &&
         (rows_affected(rows) == 1 ||
          error_set(err, ERROR_MIGRATION_LEDGER, "entry %lld is gone", (long long)entry));
}

bool ledger_resume(Ledger *ledger, int64_t row, const LedgerEntry *entry, Error *err) {
  char statements[16];
  const char *const values[] = {statements,
                                entry->checksum,
                                entry->undo,
                                bool_text(entry->undo_alone),
                                entry->progress,
                                entry->up,
                                bool_text(entry->up_alone)};
  (void)snprintf(statements, sizeof statements, "%d", entry->statements);
  return update(ledger, row,
                "state = 'running', error = NULL, xid = NULL, statements = $2::pg_catalog.int4,"
                " checksum = $3, undo = $4, undo_alone = $5::pg_catalog.bool, progress = $6,"
                " up = $7, up_alone = $8::pg_catalog.bool",
                ARRAY_LENGTH(values), values, err);
}

bool ledger_set_transaction(Ledger *ledger, int64_t entry, const char *backend, const char *xid,
                            Error *err) {
  const char *const values[] = {backend, xid};
  return update(ledger, entry,
                "backend = $2::pg_catalog.int4, xid = $3::pg_catalog.xid8,"
                " backend_start = (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a"
                " WHERE a.pid OPERATOR(pg_catalog.=) $2::pg_catalog.int4)",
                ARRAY_LENGTH(values), values, err);
}

bool ledger_set_done(Ledger *ledger, int64_t entry, int done, Error *err) {
  char number[16];
  const char *const values[] = {number};
  (void)snprintf(number, sizeof number, "%d", done);
  return update(ledger, entry, "done = $2::pg_catalog.int4, xid = NULL", ARRAY_LENGTH(values),
                values, err);
}

bool ledger_end(Ledger *ledger, int64_t entry, LedgerState state, int64_t duration_ms,
                const char *error, Error *err) {
  char duration[24];
  const char *const values[] = {state_texts[state], duration, error};
  (void)snprintf(duration, sizeof duration, "%lld", (long long)duration_ms);
  return update(ledger, entry,
                "state = $2, duration_ms = $3::pg_catalog.int8, error = $4, backend = NULL,"
                " backend_start = NULL, done = CASE WHEN $2 OPERATOR(pg_catalog.=) 'done'"
                " THEN statements ELSE done END",
                ARRAY_LENGTH(values), values, err);
}

bool ledger_set_digest(Ledger *ledger, const char *digest, Error *err) {
  return conn_query(ledger->conn,
                    "UPDATE bough.migrations SET schema_digest = $1 WHERE entry"
                    " OPERATOR(pg_catalog.=) (SELECT pg_catalog.max(entry) FROM bough.migrations)",
                    1, &digest, NULL, err);
}
