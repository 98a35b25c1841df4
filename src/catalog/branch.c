/* Rows of lakebase.branches. */
#include "catalog/row.h"

static const char *const states[] = {"creating", "ready", "deleting", "deleted", "failed", NULL};

static const Column columns[] = {
    COLUMN(BranchRow, id, "branch_id", ID, COLUMN_FIXED, .domain = "br"),
    COLUMN(BranchRow, project, "project_id", ID, 0, .domain = "prj"),
    COLUMN(BranchRow, name, "name", NAME, 0),
    COLUMN(BranchRow, kind, "kind", NAME, 0),
    COLUMN(BranchRow, state, "state", STATE, 0, .domain = states),
    COLUMN(BranchRow, parent, "parent_id", ID, COLUMN_OPTIONAL, .domain = "br"),
    COLUMN(BranchRow, parent_name, "parent_name", NAME, COLUMN_JOINED | COLUMN_OPTIONAL,
           .source = "p.name"),
    COLUMN(BranchRow, volume, "volume_id", ID, 0, .domain = "vol"),
    COLUMN(BranchRow, is_protected, "is_protected", BOOL, 0),
    COLUMN(BranchRow, clean, "clean", BOOL, 0),
    COLUMN(BranchRow, generation, "generation", INT, 0),
    COLUMN(BranchRow, fork_timeline, "fork_timeline", UINT, 0),
    COLUMN(BranchRow, fork_lsn, "fork_lsn", LSN, 0),
    COLUMN(BranchRow, redo_lsn, "redo_lsn", LSN, 0),
    COLUMN(BranchRow, end_lsn, "end_lsn", LSN, 0),
    COLUMN(BranchRow, unlogged, "unlogged", INTEGER, 0),
    COLUMN(BranchRow, size_class, "size_class", TEXT, 0),
    COLUMN(BranchRow, identity, "identity", TEXT, COLUMN_OPTIONAL),
    COLUMN(BranchRow, created_by, "created_by", NAME, COLUMN_FIXED),
    COLUMN(BranchRow, created_for, "created_for", NAME, COLUMN_FIXED | COLUMN_OPTIONAL),
    COLUMN(BranchRow, stood_for, "stood_for", NAME, COLUMN_OPTIONAL),
    COLUMN(BranchRow, tier, "tier", NAME, COLUMN_JOINED | COLUMN_OPTIONAL, .source = "tier.name"),
    COLUMN(BranchRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(BranchRow, forked_at, "forked_at", TIME, 0),
    COLUMN(BranchRow, expires_at, "expires_at", TIME, 0),
    COLUMN(BranchRow, expired_at, "expired_at", TIME, 0),
    COLUMN(BranchRow, error, "error", TEXT, 0),
};

const Table branch_table = {"lakebase.branches",
                            "LEFT JOIN lakebase.branches AS p ON p.branch_id = t.parent_id"
                            " LEFT JOIN lakebase.tiers AS tier ON tier.branch_id = t.branch_id",
                            columns, ARRAY_LENGTH(columns), sizeof(BranchRow)};

/* The project's name for a message; its id where that can't be had. */
static char *project_name(Catalog *catalog, const char *id) {
  AUTO(rows_free) Rows *rows = NULL;
  Error ignored = ERROR_INIT;
  if (!catalog_query(catalog, "SELECT name FROM lakebase.projects WHERE project_id = $1", 1, &id,
                     &rows, &ignored) ||
      rows_count(rows) == 0 || rows_get(rows, 0, 0) == NULL)
    return str_dup(id);
  return str_dup(rows_get(rows, 0, 0));
}

static bool exists(Catalog *catalog, const BranchRow *row, Error *err) {
  AUTO(str_free) char *project = project_name(catalog, row->project);
  return error_set(err, ERROR_BRANCH_EXISTS, "branch \"%s\" already exists in project \"%.80s\"",
                   row->name, project);
}

static bool id_not_found(const char *id, Error *err) {
  return error_set(err, ERROR_BRANCH_NOT_FOUND, "branch %.40s does not exist", id);
}

bool branch_insert(Catalog *catalog, const BranchRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &branch_table, row,
                    "ON CONFLICT (project_id, name) WHERE state IN ('creating', 'ready', 'failed')"
                    " DO NOTHING",
                    &inserted, err))
    return false;
  return inserted || exists(catalog, row, err);
}

bool branch_update(Catalog *catalog, const BranchRow *row, Error *err) {
  bool found = false;
  if (table_update(catalog, &branch_table, row, "", &found, err))
    return found || id_not_found(row->id, err);
  if (str_equal(catalog_violated(catalog), "branches_live_name"))
    return exists(catalog, row, err);
  return false;
}

bool branch_find(Catalog *catalog, const char *project, const char *name, BranchRow *ret,
                 Error *err) {
  const char *const values[] = {project, name};
  bool found = false;
  if (!table_find(catalog, &branch_table,
                  "WHERE t.project_id = $1 AND t.name = $2"
                  " AND t.state IN ('creating', 'ready', 'failed')",
                  ARRAY_LENGTH(values), values, ret, &found, err))
    return false;
  if (found)
    return true;
  AUTO(str_free) char *shown = project_name(catalog, project);
  return error_set(err, ERROR_BRANCH_NOT_FOUND,
                   "branch \"%.80s\" does not exist in project \"%.80s\"", name, shown);
}

bool branch_get(Catalog *catalog, const char *id, BranchRow *ret, Error *err) {
  bool found = false;
  return table_find(catalog, &branch_table, "WHERE t.branch_id = $1", 1, &id, ret, &found, err) &&
         (found || id_not_found(id, err));
}

bool branch_list(Catalog *catalog, const char *project, bool with_deleted, BranchRow **ret,
                 size_t *ret_count, size_t *ret_invalid, Error *err) {
  AUTO(str_free)
  char *tail = str_format("WHERE %s AND %s ORDER BY t.serial",
                          project != NULL ? "t.project_id = $1" : "true",
                          with_deleted ? "true" : "t.state <> 'deleted'");
  void *rows = NULL;
  if (!table_list(catalog, &branch_table, tail, project != NULL ? 1 : 0, &project, &rows, ret_count,
                  ret_invalid, NULL, err))
    return false;
  *ret = rows;
  return true;
}

/* One statement each: the numbers that one statement gives come in no certain order. */
bool branch_put_behind(Catalog *catalog, const char *id, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "WITH RECURSIVE below (branch_id, depth) AS ("
                     " SELECT branch_id, 0 FROM lakebase.branches WHERE branch_id = $1"
                     " UNION ALL SELECT b.branch_id, below.depth + 1 FROM lakebase.branches AS b"
                     " JOIN below ON b.parent_id = below.branch_id)"
                     " SELECT branch_id FROM below ORDER BY depth, branch_id",
                     1, &id, &rows, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < rows_count(rows); at++) {
    const char *each = rows_get(rows, at, 0);
    ok =
        catalog_query(catalog, "UPDATE lakebase.branches SET serial = DEFAULT WHERE branch_id = $1",
                      1, &each, NULL, err);
  }
  return ok;
}

/* A row that has gone on to another volume is no longer what the caller looked at: nothing is said.
 */
bool branch_set_clean(Catalog *catalog, const char *id, const char *volume, const char *identity,
                      Error *err) {
  const char *const values[] = {id, volume, identity};
  return catalog_query(catalog,
                       "UPDATE lakebase.branches SET clean = true, identity = nullif($3, '')"
                       " WHERE branch_id = $1 AND volume_id = $2",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool branch_set_failed(Catalog *catalog, const char *id, const char *volume, const char *reason,
                       Error *err) {
  char error[sizeof((BranchRow *)NULL)->error];
  message_copy(error, sizeof error, reason);
  const char *const values[] = {id, volume, error};
  return catalog_query(
      catalog,
      "UPDATE lakebase.branches SET state = 'failed', error = $3"
      " WHERE branch_id = $1 AND volume_id = $2 AND state IN ('creating', 'ready')",
      ARRAY_LENGTH(values), values, NULL, err);
}

/* Operations name volumes in their params; an id is a word that nothing else contains. */
bool catalog_knows_volume(Catalog *catalog, const char *volume, bool *ret, Error *err) {
  static const char sql[] =
      "SELECT EXISTS (SELECT FROM lakebase.branches WHERE volume_id = $1)"
      " OR EXISTS (SELECT FROM lakebase.operations WHERE params::text LIKE '%\"' || $1 || '\"%')";
  AUTO(rows_free) Rows *rows = NULL;
  if (!id_check("vol", volume)) {
    *ret = false;
    return true;
  }
  if (!catalog_query(catalog, sql, 1, &volume, &rows, err))
    return false;
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

bool branch_list_named(Catalog *catalog, const char *name, BranchRow **ret, size_t *ret_count,
                       size_t *ret_invalid, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &branch_table,
                  "WHERE t.name = $1 AND t.state IN ('creating', 'ready', 'failed')"
                  " ORDER BY t.serial",
                  1, &name, &rows, ret_count, ret_invalid, NULL, err))
    return false;
  *ret = rows;
  return true;
}
