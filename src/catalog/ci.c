/* Rows of CI. */
#include "catalog/ci.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>

static const char *const states[] = {"queued",    "running", "passed", "failed",
                                     "cancelled", "lost",    NULL};

static const Column columns[] = {
    COLUMN(CiRunRow, id, "run_id", ID, COLUMN_FIXED, .domain = "run"),
    COLUMN(CiRunRow, project, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(CiRunRow, number, "number", INTEGER, COLUMN_FIXED),
    COLUMN(CiRunRow, source, "source", TEXT, COLUMN_FIXED),
    COLUMN(CiRunRow, tier, "tier", NAME, COLUMN_FIXED),
    COLUMN(CiRunRow, head, "head_commit", TEXT, COLUMN_FIXED),
    COLUMN(CiRunRow, base, "base_commit", TEXT, 0),
    COLUMN(CiRunRow, result, "result_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(CiRunRow, state, "state", STATE, 0, .domain = states),
    COLUMN(CiRunRow, is_outside, "is_outside", BOOL, COLUMN_FIXED),
    COLUMN(CiRunRow, principal, "principal", NAME, COLUMN_OPTIONAL),
    COLUMN(CiRunRow, branch, "branch_id", ID, COLUMN_OPTIONAL, .domain = "br"),
    COLUMN(CiRunRow, branch_name, "branch_name", NAME, COLUMN_OPTIONAL),
    COLUMN(CiRunRow, test, "test", TEXT, 0),
    COLUMN(CiRunRow, policy_version, "policy_version", INT, 0),
    COLUMN(CiRunRow, worker_pid, "worker_pid", INT, 0),
    COLUMN(CiRunRow, worker_start, "worker_start", INTEGER, 0),
    COLUMN(CiRunRow, attempts, "attempts", INT, 0),
    COLUMN(CiRunRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(CiRunRow, started_at, "started_at", TIME, 0),
    COLUMN(CiRunRow, finished_at, "finished_at", TIME, 0),
    COLUMN(CiRunRow, deadline, "deadline", TIME, 0),
    COLUMN(CiRunRow, error, "error", TEXT, 0),
    COLUMN(CiRunRow, serial, "serial", INTEGER, COLUMN_JOINED, .source = "t.serial"),
};

const Table ci_run_table = {"lakebase.ci_runs", "", columns, ARRAY_LENGTH(columns),
                            sizeof(CiRunRow)};

const char *ci_state_text(CiState state) {
  return states[state];
}

bool ci_run_insert(Catalog *catalog, const CiRunRow *row, bool *ret_inserted, Error *err) {
  return table_insert(catalog, &ci_run_table, row, "ON CONFLICT DO NOTHING", ret_inserted, err);
}

bool ci_run_update(Catalog *catalog, const CiRunRow *row, CiState from, Error *err) {
  char guard[48];
  bool found = false;
  (void)snprintf(guard, sizeof guard, " AND state = '%s'", states[from]);
  if (!table_update(catalog, &ci_run_table, row, guard, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_CANCELLED, "run %s isn't %s any more", row->id, states[from]);
}

bool ci_run_get(Catalog *catalog, const char *project, const char *id, CiRunRow *ret, Error *err) {
  const char *const values[] = {project, id};
  bool found = false;
  if (!table_find(catalog, &ci_run_table, "WHERE t.project_id = $1 AND t.run_id = $2",
                  ARRAY_LENGTH(values), values, ret, &found, err))
    return false;
  return found || error_set(err, ERROR_CI_RUN_NOT_FOUND, "there is no run \"%.40s\"", id);
}

bool ci_run_find(Catalog *catalog, const CiRunRow *wanted, CiRunRow *ret, bool *ret_found,
                 Error *err) {
  const char *const values[] = {wanted->project, wanted->head, wanted->base, wanted->source,
                                wanted->tier};
  return table_find(catalog, &ci_run_table,
                    "WHERE t.project_id = $1 AND t.head_commit = $2 AND t.base_commit = $3"
                    " AND t.source = $4 AND t.tier = $5 ORDER BY t.serial DESC LIMIT 1",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool ci_run_last(Catalog *catalog, const CiRunRow *wanted, CiRunRow *ret, bool *ret_found,
                 Error *err) {
  const char *const values[] = {wanted->project, wanted->head, wanted->source, wanted->tier};
  return table_find(catalog, &ci_run_table,
                    "WHERE t.project_id = $1 AND t.head_commit = $2 AND t.source = $3"
                    " AND t.tier = $4 ORDER BY t.serial DESC LIMIT 1",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool ci_run_live(Catalog *catalog, const char *project, const char *source, const char *tier,
                 CiRunRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {project, source, tier};
  return table_find(catalog, &ci_run_table,
                    "WHERE t.project_id = $1 AND t.source = $2 AND t.tier = $3"
                    " AND t.state IN ('queued', 'running')",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

static bool list(Catalog *catalog, const char *tail, size_t count, const char *const *values,
                 CiRunRow **ret, size_t *ret_count, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &ci_run_table, tail, count, values, &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

bool ci_run_list(Catalog *catalog, const char *project, int64_t number, int64_t limit,
                 CiRunRow **ret, size_t *ret_count, Error *err) {
  char wanted[CATALOG_NUMBER_SIZE];
  char most[CATALOG_NUMBER_SIZE];
  catalog_number(wanted, number);
  catalog_number(most, limit);
  const char *const values[] = {project, wanted, most};
  return list(catalog,
              "WHERE t.project_id = $1 AND ($2::bigint < 0 OR t.number = $2::bigint)"
              " ORDER BY t.serial DESC LIMIT $3::bigint",
              ARRAY_LENGTH(values), values, ret, ret_count, err);
}

bool ci_run_open(Catalog *catalog, CiRunRow **ret, size_t *ret_count, Error *err) {
  return list(catalog,
              "WHERE t.state IN ('queued', 'running') OR t.branch_name IS NOT NULL"
              " ORDER BY t.serial",
              0, NULL, ret, ret_count, err);
}

/* ---- results ---- */

bool ci_check_insert(Catalog *catalog, const char *run, const CiCheckRow *row, Error *err) {
  char duration[CATALOG_NUMBER_SIZE];
  char summary[512];
  catalog_number(duration, row->duration_ms);
  message_copy(summary, sizeof summary, row->summary);
  const char *const values[] = {run, row->name, row->state, summary, duration};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.ci_checks (run_id, name, state, summary, duration_ms)"
                       " VALUES ($1, $2, $3, $4, $5)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool ci_check_list(Catalog *catalog, const char *run, json_t **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT name, state, summary, duration_ms FROM lakebase.ci_checks"
                     " WHERE run_id = $1 ORDER BY serial",
                     1, &run, &rows, err))
    return false;
  json_t *checks = json_array();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(
        checks, json_pack("{s:s, s:s, s:s, s:I}", "name", rows_get(rows, at, 0), "state",
                          rows_get(rows, at, 1), "summary", rows_get(rows, at, 2), "duration_ms",
                          (json_int_t)rows_get_integer(rows, at, 3)));
  *ret = checks;
  return true;
}

bool ci_artifact_insert(Catalog *catalog, const char *run, const char *name, const char *digest,
                        const char *content, Error *err) {
  const char *const values[] = {run, name, digest, content};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.ci_artifacts (run_id, name, digest, content)"
                       " VALUES ($1, $2, $3, $4)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool ci_artifact_find(Catalog *catalog, const char *run, const char *name, json_t **ret,
                      Error *err) {
  const char *const values[] = {run, name};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT digest, content FROM lakebase.ci_artifacts"
                     " WHERE run_id = $1 AND name = $2",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = rows_count(rows) == 0 ? NULL
                               : json_pack("{s:s, s:s, s:s}", "name", name, "digest",
                                           rows_get(rows, 0, 0), "content", rows_get(rows, 0, 1));
  return true;
}

bool ci_artifact_list(Catalog *catalog, const char *run, json_t **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT name, digest, octet_length(content) FROM lakebase.ci_artifacts"
                     " WHERE run_id = $1 ORDER BY name",
                     1, &run, &rows, err))
    return false;
  json_t *artifacts = json_array();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(artifacts,
                                json_pack("{s:s, s:s, s:I}", "name", rows_get(rows, at, 0),
                                          "digest", rows_get(rows, at, 1), "bytes",
                                          (json_int_t)rows_get_integer(rows, at, 2)));
  *ret = artifacts;
  return true;
}

bool ci_token_delete(Catalog *catalog, const char *run, Error *err) {
  return catalog_query(catalog, "DELETE FROM access.tokens WHERE run_id = $1", 1, &run, NULL, err);
}
