/* Rows of lakebase.operations: what was begun, and how it ended. */
#include "catalog/access.h"
#include "catalog/row.h"

#include <stdio.h>

static const char *const states[] = {"running", "done", "failed", NULL};

static const Column columns[] = {
    COLUMN(OperationRow, id, "operation_id", ID, COLUMN_FIXED, .domain = "op"),
    COLUMN(OperationRow, kind, "kind", TEXT, COLUMN_FIXED),
    COLUMN(OperationRow, project, "project_id", ID, COLUMN_FIXED | COLUMN_OPTIONAL,
           .domain = "prj"),
    COLUMN(OperationRow, branch, "branch_id", ID, COLUMN_FIXED | COLUMN_OPTIONAL, .domain = "br"),
    COLUMN(OperationRow, state, "state", STATE, COLUMN_FIXED, .domain = states),
    COLUMN(OperationRow, step, "step", TEXT, 0),
    COLUMN(OperationRow, params, "params", JSON, 0),
    COLUMN(OperationRow, created_by, "created_by", NAME, COLUMN_FIXED),
    COLUMN(OperationRow, worker_pid, "worker_pid", INT, 0),
    COLUMN(OperationRow, worker_start, "worker_start", INTEGER, 0),
    COLUMN(OperationRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(OperationRow, finished_at, "finished_at", TIME, COLUMN_JOINED,
           .source = "(extract(epoch FROM t.finished_at) * 1000000)::bigint"),
    COLUMN(OperationRow, error, "error", TEXT, COLUMN_JOINED, .source = "t.error"),
    COLUMN(OperationRow, policy_version, "policy_version", INT, COLUMN_FIXED),
    COLUMN(OperationRow, policy_rule, "policy_rule", TEXT, COLUMN_FIXED),
};

const Table operation_table = {"lakebase.operations", "", columns, ARRAY_LENGTH(columns),
                               sizeof(OperationRow)};

void operation_row_release(OperationRow *row) {
  table_row_release(&operation_table, row);
}

/* Who holds the branch may have let go meanwhile; then the next try finds it free. */
static bool busy(Catalog *catalog, const OperationRow *row, Error *err) {
  static const char sql[] = "SELECT o.kind, o.operation_id, coalesce(b.name, o.branch_id)"
                            " FROM lakebase.operations AS o"
                            " LEFT JOIN lakebase.branches AS b USING (branch_id)"
                            " WHERE o.branch_id = $1 AND o.state = 'running'";
  const char *branch = row->branch;
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 1, &branch, &rows, err))
    return false;
  if (rows_count(rows) == 0)
    return error_set(err, ERROR_BRANCH_BUSY, "branch %s was held a moment ago", row->branch);
  return error_set(err, ERROR_BRANCH_BUSY, "branch \"%.80s\" is held by %.40s (%.40s)",
                   rows_get(rows, 0, 2), rows_get(rows, 0, 0), rows_get(rows, 0, 1));
}

bool operation_insert(Catalog *catalog, const OperationRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &operation_table, row,
                    "ON CONFLICT (branch_id) WHERE state = 'running' DO NOTHING", &inserted, err))
    return false;
  return inserted || busy(catalog, row, err);
}

static bool matches(Catalog *catalog, const char *id, const char *sql, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, 1, &id, &rows, err))
    return false;
  *ret = rows_count(rows) == 1;
  return true;
}

bool operation_tells_failure(Catalog *catalog, const char *id, bool *ret, Error *err) {
  return matches(catalog, id,
                 "SELECT FROM lakebase.operations WHERE operation_id = $1 AND state <> 'done'", ret,
                 err);
}

static bool check_exists(Catalog *catalog, const char *id, Error *err) {
  bool exists = false;
  if (!matches(catalog, id, "SELECT FROM lakebase.operations WHERE operation_id = $1", &exists,
               err))
    return false;
  return exists || error_set(err, ERROR_NOTHING_TO_DO, "operation %.40s does not exist", id);
}

bool operation_update(Catalog *catalog, const OperationRow *row, Error *err) {
  bool found = false;
  if (!table_update(catalog, &operation_table, row, " AND state = 'running'", &found, err))
    return false;
  if (found)
    return true;
  return check_exists(catalog, row->id, err) &&
         error_set(err, ERROR_CANCELLED, "operation %s is over already", row->id);
}

/* The end and its row in the audit are one statement: whoever comes to end it, this worker or a
 * recovery years later, leaves that row once. */
static const char finish_sql[] =
    "WITH over AS (UPDATE lakebase.operations SET state = $2, finished_at = clock_timestamp(),"
    "   error_code = $3, error = $4 WHERE operation_id = $1 AND state = 'running' RETURNING *),"
    " trail AS (INSERT INTO access.audit_events (actor_type, actor, on_behalf_of, source_ip,"
    "   service_name, action_name, request_id, request_params, status, error_code, error_message,"
    "   project_id, branch_id, endpoint_id)"
    "   SELECT coalesce(t.\"actor_type\", 'system'), over.created_by, t.\"for\", t.source, "
    "'boughd',"
    "   over.kind, t.request, coalesce(t.params, '{}') || jsonb_build_object('operation',"
    "   over.operation_id) || CASE WHEN over.policy_rule = '' THEN '{}'::jsonb"
    "   ELSE jsonb_build_object('policy_version', over.policy_version, 'rule', over.policy_rule)"
    "   END, $5, nullif($3, ''), nullif($4, ''), over.project_id, over.branch_id,"
    "   (SELECT endpoint_id FROM lakebase.endpoints AS e WHERE e.branch_id = over.branch_id)"
    "   FROM over CROSS JOIN LATERAL jsonb_to_record(coalesce(over.params -> 'trail', '{}'))"
    "   AS t (actor_type text, \"for\" text, source text, request text, params jsonb))"
    " SELECT FROM over";

/* Finishing twice is fine: the first answer may have been lost. */
bool operation_finish(Catalog *catalog, const char *id, const Error *failure, Error *err) {
  char error[sizeof((OperationRow *)NULL)->error];
  message_copy(error, sizeof error, failure != NULL ? failure->message : "");
  const char *const values[] = {id, states[failure != NULL ? OPERATION_FAILED : OPERATION_DONE],
                                failure != NULL ? error_info(failure->code)->code : "", error,
                                audit_status(failure)};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, finish_sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  return rows_count(rows) == 1 || check_exists(catalog, id, err);
}

bool operation_has_worker(Catalog *catalog, int pid, int64_t start, bool *ret, Error *err) {
  static const char sql[] = "SELECT FROM lakebase.operations WHERE state = 'running'"
                            " AND worker_pid = $1 AND worker_start = $2 LIMIT 1";
  char numbers[2][24];
  (void)snprintf(numbers[0], sizeof numbers[0], "%d", pid);
  (void)snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)start);
  const char *const values[] = {numbers[0], numbers[1]};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = rows_count(rows) > 0;
  return true;
}

bool operation_list(Catalog *catalog, bool only_running, size_t limit, OperationRow **ret,
                    size_t *ret_count, Error *err) {
  char number[24];
  (void)snprintf(number, sizeof number, "%zu", limit);
  const char *value = number;
  void *rows = NULL;
  if (!table_list(catalog, &operation_table,
                  only_running ? "WHERE t.state = 'running' ORDER BY t.serial DESC LIMIT $1"
                               : "ORDER BY t.serial DESC LIMIT $1",
                  1, &value, &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}
