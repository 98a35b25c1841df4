/* Rows of lakebase.endpoints. */
#include "catalog/row.h"

static const char *const states[] = {"stopped", "starting", "running", "failed", NULL};

static const Column columns[] = {
    COLUMN(EndpointRow, id, "endpoint_id", ID, COLUMN_FIXED, .domain = "ep"),
    COLUMN(EndpointRow, branch, "branch_id", ID, COLUMN_FIXED, .domain = "br"),
    COLUMN(EndpointRow, project, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(EndpointRow, state, "state", STATE, 0, .domain = states),
    COLUMN(EndpointRow, wanted, "wanted", BOOL, 0),
    COLUMN(EndpointRow, pid, "pid", INT, 0),
    COLUMN(EndpointRow, start_time, "start_time", INTEGER, 0),
    COLUMN(EndpointRow, volume, "volume_id", ID, COLUMN_OPTIONAL, .domain = "vol"),
    COLUMN(EndpointRow, failures, "failures", INT, 0),
    COLUMN(EndpointRow, started_at, "started_at", TIME, 0),
    COLUMN(EndpointRow, recovery_bytes, "recovery_bytes", INTEGER, 0),
    COLUMN(EndpointRow, error, "error", TEXT, 0),
    COLUMN(EndpointRow, wakes, "wakes", INTEGER, COLUMN_JOINED, .source = "t.wakes"),
    COLUMN(EndpointRow, active_at, "active_at", TIME, COLUMN_JOINED,
           .source = "(extract(epoch FROM greatest(t.active_at, (SELECT max(s.active_at)"
                     " FROM lakebase.sessions AS s WHERE s.endpoint_id = t.endpoint_id)))"
                     " * 1000000)::bigint"),
};

const Table endpoint_table = {"lakebase.endpoints", "", columns, ARRAY_LENGTH(columns),
                              sizeof(EndpointRow)};

const char *endpoint_state_text(EndpointState state) {
  return states[state];
}

static bool not_found(const char *id, Error *err) {
  return error_set(err, ERROR_NOTHING_TO_DO, "endpoint %.40s does not exist", id);
}

bool endpoint_insert(Catalog *catalog, const EndpointRow *row, Error *err) {
  bool inserted = false;
  return table_insert(catalog, &endpoint_table, row, "", &inserted, err);
}

bool endpoint_update(Catalog *catalog, const EndpointRow *row, Error *err) {
  bool found = false;
  return table_update(catalog, &endpoint_table, row, "", &found, err) &&
         (found || not_found(row->id, err));
}

bool endpoint_of_branch(Catalog *catalog, const char *branch, EndpointRow *ret, Error *err) {
  bool found = false;
  if (!table_find(catalog, &endpoint_table, "WHERE t.branch_id = $1", 1, &branch, ret, &found, err))
    return false;
  return found || error_set(err, ERROR_NOTHING_TO_DO, "branch %.40s has no endpoint", branch);
}

bool endpoint_get(Catalog *catalog, const char *id, EndpointRow *ret, Error *err) {
  bool found = false;
  return table_find(catalog, &endpoint_table, "WHERE t.endpoint_id = $1", 1, &id, ret, &found,
                    err) &&
         (found || not_found(id, err));
}

bool endpoint_list(Catalog *catalog, EndpointRow **ret, size_t *ret_count, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &endpoint_table, "ORDER BY t.endpoint_id", 0, NULL, &rows, ret_count,
                  NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

bool endpoint_delete(Catalog *catalog, const char *id, Error *err) {
  return catalog_query(catalog, "DELETE FROM lakebase.endpoints WHERE endpoint_id = $1", 1, &id,
                       NULL, err);
}
