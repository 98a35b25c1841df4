/* What a migration cost while it ran: locks, by statement and for how long; log; disk. */
#pragma once

#include "migrate/proof.h"
#include "migrate/run.h"

typedef struct Measure {
  Conn *conn;    /* the platform's, borrowed */
  json_t *steps; /* [{line, statement, duration_ms, locks:[{relation, mode, held_ms}]}] */
  json_t *seen;  /* locks that were told already: "mode relation" */
  int64_t started_us;
  char lsn[LSN_TEXT_SIZE];
} Measure;
void measure_release(Measure *measure);

/* Before the migration's first statement. */
CHECKED bool measure_begin(Conn *conn, Measure *ret, Error *err);
/* For Run: context is the Measure. */
RunStep measure_step;
/* After its end. Adds statements and wal_bytes to report. */
CHECKED bool measure_end(Measure *measure, json_t *report, Error *err);
