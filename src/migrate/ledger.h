/* The ledger of a database: schema bough, table migrations. Written by the platform's session
 * alone, read by everybody, inherited by branches.
 *
 * What decides whether a migration is applied is the commit of its own transaction: the row holds
 * that transaction's number before the first statement is run, and after a crash the server is
 * asked what became of it (pg_xact_status). So row and migration can't disagree, although two
 * sessions write them, and nothing that runs in the migration's session can write the ledger. A
 * migration that can't be one transaction is noted statement by statement; see docs/adr. */
#pragma once

#include "branch/context.h"
#include "migration/migration.h"
#include "pg/conn.h"

typedef enum LedgerAction { LEDGER_APPLY, LEDGER_ROLLBACK, LEDGER_BASELINE } LedgerAction;

typedef enum LedgerState {
  LEDGER_RUNNING,
  LEDGER_DONE,
  LEDGER_FAILED,  /* it left nothing */
  LEDGER_STOPPED, /* between two statements: to be resumed */
} LedgerState;

/* The error of a row whose writer went away: nobody saw the end of its last statement. */
#define LEDGER_CUT "its writer went away"

typedef struct LedgerRow {
  int64_t entry;
  LedgerAction action;
  LedgerState state;
  bool repeatable, undo_alone, up_alone;
  int statements, done;
  int64_t duration_ms; /* -1: not known */
  /* borrowed from the ledger's rows; NULL where there is none */
  const char *layout, *version, *name, *checksum, *undo, *progress, *branch, *author, *started_at,
      *error, *schema_digest, *up;
} LedgerRow;

typedef struct Ledger {
  Conn *conn; /* the platform's, to the database itself */
  Rows *source;
  LedgerRow *rows; /* oldest first; none where nothing was ever applied */
  size_t count;
  bool is_installed;
} Ledger;

typedef enum LedgerMode {
  LEDGER_READ,  /* nothing is changed; a row may be running */
  LEDGER_WRITE, /* made when missing, locked, and what was interrupted is resolved */
} LedgerMode;

/* Opens the ledger of database on a running compute. LEDGER_WRITE waits for the one other writer
 * that there may be (BRANCH_BUSY). A schema bough that isn't Bough's own is MIGRATION_LEDGER. */
CHECKED bool ledger_open(const Context *context, const EndpointRow *endpoint, const char *database,
                         LedgerMode mode, Ledger *ret, Error *err);
void ledger_release(Ledger *ledger);
/* Reads the rows again. */
CHECKED bool ledger_read(Ledger *ledger, Error *err);

/* The last row about that version, or that repeatable migration, that changed something or stopped
 * on the way; NULL: it isn't applied, nor half so. */
const LedgerRow *ledger_find(const Ledger *ledger, MigrationLayout layout, const char *version,
                             const char *name);
/* Whether the row is in force: done, and not undone by a later one. */
bool ledger_is_applied(const Ledger *ledger, MigrationLayout layout, const LedgerRow *row);
/* The digest of the schema that the last row left, NULL when that isn't known. */
const char *ledger_schema_digest(const Ledger *ledger);

/* ---- writing: one row at a time ---- */

typedef struct LedgerEntry {
  LedgerAction action;
  MigrationLayout layout;
  const char *version, *name, *checksum, *undo;
  const char *up; /* what is run, for a tier that is built anew; NULL: of a rollback */
  bool repeatable, undo_alone, up_alone;
  int statements;
  const char *progress; /* of one that is noted statement by statement: its steps' checksums, one
                           after the other; NULL: it is one transaction */
  const char *branch;
  const PrincipalRow *author;
} LedgerEntry;

/* Writes a running row; *ret is its number. */
CHECKED bool ledger_begin(Ledger *ledger, const LedgerEntry *entry, int64_t *ret, Error *err);
/* A stopped row runs again, with the texts that the entry has now. */
CHECKED bool ledger_resume(Ledger *ledger, int64_t row, const LedgerEntry *entry, Error *err);
/* Which backend runs it now, and by which transaction (NULL: none, the statement stands alone).
 * Must be written before that transaction can commit. */
CHECKED bool ledger_set_transaction(Ledger *ledger, int64_t entry, const char *backend,
                                    const char *xid, Error *err);
/* So many statements are behind it. */
CHECKED bool ledger_set_done(Ledger *ledger, int64_t entry, int done, Error *err);
/* Ends it. error: why it failed or stopped, NULL when done. */
CHECKED bool ledger_end(Ledger *ledger, int64_t entry, LedgerState state, int64_t duration_ms,
                        const char *error, Error *err);
/* Notes on the last row what the schema is now. */
CHECKED bool ledger_set_digest(Ledger *ledger, const char *digest, Error *err);
