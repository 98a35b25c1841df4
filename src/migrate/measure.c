/* Measures a migration from a session beside it. */
#include "migrate/measure.h"

#include "core/clock.h"
#include "core/str.h"
#include "migrate/sql.h"

#include <stdio.h>

enum { STATEMENT_SHOWN = 160 };

void measure_release(Measure *measure) {
  json_free(measure->steps);
  json_free(measure->seen);
}

bool measure_begin(Conn *conn, Measure *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn, "SELECT pg_catalog.pg_current_wal_insert_lsn()", &rows, err))
    return false;
  *ret = (Measure){.conn = conn,
                   .steps = json_array(),
                   .seen = json_object(),
                   .started_us = clock_monotonic_us()};
  (void)snprintf(ret->lsn, sizeof ret->lsn, "%s", rows_get(rows, 0, 0));
  return true;
}

static double since_start(const Measure *measure) {
  return (double)(clock_monotonic_us() - measure->started_us) / 1000.0;
}

/* Locks are kept to the transaction's end, so each is told once, with the statement that took it.
 */
static json_t *new_locks(Measure *measure, const Rows *rows) {
  json_t *locks = json_array();
  for (size_t at = 0; at < rows_count(rows); at++) {
    AUTO(str_free) char *key = str_format("%s %s", rows_get(rows, at, 1), rows_get(rows, at, 0));
    if (json_object_get(measure->seen, key) != NULL)
      continue;
    (void)json_object_set_new(measure->seen, key, json_true());
    (void)json_array_append_new(locks, json_pack("{s:o, s:s}", "relation",
                                                 json_line(rows_get(rows, at, 0)), "mode",
                                                 rows_get(rows, at, 1)));
  }
  return locks;
}

bool measure_step(void *context, const char *backend, const Step *step, double milliseconds,
                  Error *err) {
  Measure *measure = context;
  double ended = since_start(measure);
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(measure->conn, migrate_sql("locks.sql"), 1, &backend, &rows, err))
    return false;
  AUTO(str_free) char *shown = str_ndup(step->text, STATEMENT_SHOWN);
  (void)json_array_append_new(
      measure->steps, json_pack("{s:i, s:o, s:f, s:f, s:o}", "line", step->line, "statement",
                                json_line(shown), "duration_ms", milliseconds, "began_ms",
                                ended - milliseconds, "locks", new_locks(measure, rows)));
  return true;
}

static void set_held(json_t *step, double until) {
  double began = json_number_or(step, "began_ms", 0);
  size_t at = 0;
  json_t *lock = NULL;
  json_array_foreach(json_object_get(step, "locks"), at, lock) {
    (void)json_object_set_new(lock, "held_ms", json_real(until - began));
  }
}

bool measure_end(Measure *measure, json_t *report, Error *err) {
  double until = since_start(measure);
  const char *value = measure->lsn;
  AUTO(rows_free) Rows *rows = NULL;
  size_t at = 0;
  json_t *step = NULL;
  json_array_foreach(measure->steps, at, step) {
    set_held(step, until);
  }
  if (!conn_query(measure->conn,
                  "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(),"
                  " $1::pg_catalog.pg_lsn)::pg_catalog.int8",
                  1, &value, &rows, err))
    return false;
  (void)json_object_set(report, "statements", measure->steps);
  (void)json_object_set_new(report, "wal_bytes",
                            json_integer((json_int_t)rows_get_integer(rows, 0, 0)));
  return true;
}
