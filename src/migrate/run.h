/* Runs one migration, or what undoes it, in an unprivileged session, and notes it in the ledger. */
#pragma once

#include "migrate/ledger.h"
#include "migrate/steps.h"
#include "migrate/target.h"

/* Sees each statement when it is done, inside of its transaction. backend: the process id of its
 * session on the server. False ends the migration. */
typedef bool RunStep(void *context, const char *backend, const Step *step, double milliseconds,
                     Error *err);

typedef struct Run {
  const Target *target;
  Ledger *ledger;
  int lock_timeout_ms; /* how long a statement may wait for a lock */
  int attempts;        /* how often what waited too long is tried */
  RunStep *on_step;    /* may be NULL */
  void *context;
} Run;

/* Runs script, whose text is in file, as entry says. stopped: the row of an earlier run to go on
 * with, NULL: begin. What is one transaction leaves nothing when it fails; what isn't leaves a
 * stopped row, and the state between two statements. MIGRATION_FAILED, MIGRATION_LOCKED. */
CHECKED bool run_migration(const Run *run, const LedgerEntry *entry, const Steps *script,
                           const char *file, const LedgerRow *stopped, double *ret_ms, Error *err);
