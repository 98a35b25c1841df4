/* Rows of lakebase.projects. */
#include "catalog/row.h"

static const char *const states[] = {"creating", "ready", "deleting", "deleted", "failed", NULL};

static const Column columns[] = {
    COLUMN(ProjectRow, id, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(ProjectRow, name, "name", NAME, 0),
    COLUMN(ProjectRow, state, "state", STATE, 0, .domain = states),
    COLUMN(ProjectRow, root_branch, "root_branch_id", ID, COLUMN_OPTIONAL, .domain = "br"),
    COLUMN(ProjectRow, created_by, "created_by", NAME, COLUMN_FIXED),
    COLUMN(ProjectRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(ProjectRow, details, "details", JSON, 0),
};

const Table project_table = {"lakebase.projects", "", columns, ARRAY_LENGTH(columns),
                             sizeof(ProjectRow)};

const char *row_state_text(RowState state) {
  return states[state];
}

void project_row_release(ProjectRow *row) {
  table_row_release(&project_table, row);
}

static bool exists(const ProjectRow *row, Error *err) {
  return error_set(err, ERROR_PROJECT_EXISTS, "project \"%s\" already exists", row->name);
}

static bool not_found(const char *name_or_id, Error *err) {
  return error_set(err, ERROR_PROJECT_NOT_FOUND, "project \"%.80s\" does not exist", name_or_id);
}

bool project_insert(Catalog *catalog, const ProjectRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &project_table, row,
                    "ON CONFLICT (name) WHERE state IN ('creating', 'ready', 'failed') DO NOTHING",
                    &inserted, err))
    return false;
  return inserted || exists(row, err);
}

bool project_update(Catalog *catalog, const ProjectRow *row, Error *err) {
  bool found = false;
  if (table_update(catalog, &project_table, row, "", &found, err))
    return found || not_found(row->id, err);
  if (str_equal(catalog_violated(catalog), "projects_live_name"))
    return exists(row, err);
  return false;
}

static bool find(Catalog *catalog, const char *tail, const char *value, ProjectRow *ret,
                 Error *err) {
  bool found = false;
  return table_find(catalog, &project_table, tail, 1, &value, ret, &found, err) &&
         (found || not_found(value, err));
}

bool project_find(Catalog *catalog, const char *name, ProjectRow *ret, Error *err) {
  return find(catalog, "WHERE t.name = $1 AND t.state IN ('creating', 'ready', 'failed')", name,
              ret, err);
}

bool project_get(Catalog *catalog, const char *id, ProjectRow *ret, Error *err) {
  return find(catalog, "WHERE t.project_id = $1", id, ret, err);
}

bool project_list(Catalog *catalog, ProjectRow **ret, size_t *ret_count, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &project_table, "WHERE t.state <> 'deleted' ORDER BY t.serial", 0, NULL,
                  &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}
