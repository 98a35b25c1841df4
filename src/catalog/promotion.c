/* Rows of lakebase.promotions. */
#include "catalog/promotion.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>

static const char *const states[] = {"open",    "running", "done", "failed",
                                     "stopped", "undone",  NULL};

const char *promotion_state_text(PromotionState state) {
  return states[state];
}

static const Column columns[] = {
    COLUMN(PromotionRow, id, "promotion_id", ID, COLUMN_FIXED, .domain = "pm"),
    COLUMN(PromotionRow, project, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(PromotionRow, from_name, "from_name", NAME, COLUMN_FIXED),
    COLUMN(PromotionRow, to_tier, "to_tier", NAME, COLUMN_FIXED),
    COLUMN(PromotionRow, source, "source_branch_id", ID, COLUMN_FIXED, .domain = "br"),
    COLUMN(PromotionRow, source_name, "source_name", NAME, COLUMN_FIXED),
    COLUMN(PromotionRow, target, "target_branch_id", ID, 0, .domain = "br"),
    COLUMN(PromotionRow, pull, "pull_request", INTEGER, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, head, "head", TEXT, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, base, "base", TEXT, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, merge_commit, "merge_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, change, "change_digest", TEXT, 0),
    COLUMN(PromotionRow, diff, "diff_digest", TEXT, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, state, "state", STATE, 0, .domain = states),
    COLUMN(PromotionRow, step, "step", TEXT, 0),
    COLUMN(PromotionRow, snapshot, "snapshot_branch_id", ID, COLUMN_OPTIONAL, .domain = "br"),
    COLUMN(PromotionRow, operation, "operation_id", ID, COLUMN_OPTIONAL, .domain = "op"),
    COLUMN(PromotionRow, requested_by, "requested_by", NAME, COLUMN_FIXED),
    COLUMN(PromotionRow, promoted_by, "promoted_by", NAME, COLUMN_OPTIONAL),
    COLUMN(PromotionRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(PromotionRow, started_at, "started_at", TIME, 0),
    COLUMN(PromotionRow, finished_at, "finished_at", TIME, 0),
    COLUMN(PromotionRow, error, "error", TEXT, 0),
    COLUMN(PromotionRow, details, "details", JSON, 0),
};

const Table promotion_table = {"lakebase.promotions", "", columns, ARRAY_LENGTH(columns),
                               sizeof(PromotionRow)};

void promotion_row_release(PromotionRow *row) {
  json_free(row->details);
  row->details = NULL;
}

void promotion_rows_free(PromotionRow *rows, size_t count) {
  for (size_t at = 0; at < count; at++)
    promotion_row_release(&rows[at]);
  mem_free(rows);
}

/* Two that ask at once: the later one finds the other's. */
bool promotion_insert(Catalog *catalog, const PromotionRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &promotion_table, row,
                    "ON CONFLICT (source_branch_id, to_tier)"
                    " WHERE state IN ('open', 'running', 'stopped') DO NOTHING",
                    &inserted, err))
    return false;
  return inserted || error_set(err, ERROR_BRANCH_BUSY,
                               "somebody else asks for the promotion of \"%s\" to \"%s\" right now",
                               row->source_name, row->to_tier);
}

bool promotion_update(Catalog *catalog, const PromotionRow *row, Error *err) {
  bool found = false;
  return table_update(catalog, &promotion_table, row, "", &found, err) &&
         (found || error_set(err, ERROR_NOTHING_TO_DO, "promotion %.40s does not exist", row->id));
}

bool promotion_update_open(Catalog *catalog, const PromotionRow *row, Error *err) {
  bool ignored = false; /* whoever changed its state says what it is */
  return table_update(catalog, &promotion_table, row, " AND state = 'open'", &ignored, err);
}

static bool find(Catalog *catalog, const char *tail, size_t count, const char *const *values,
                 PromotionRow *ret, bool *ret_found, Error *err) {
  return table_find(catalog, &promotion_table, tail, count, values, ret, ret_found, err);
}

bool promotion_get(Catalog *catalog, const char *id, PromotionRow *ret, Error *err) {
  bool found = false;
  return find(catalog, "WHERE t.promotion_id = $1", 1, &id, ret, &found, err) &&
         (found || error_set(err, ERROR_NOTHING_TO_DO, "promotion %.40s does not exist", id));
}

bool promotion_find_open(Catalog *catalog, const char *source, const char *to_tier,
                         PromotionRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {source, to_tier};
  return find(catalog,
              "WHERE t.source_branch_id = $1 AND t.to_tier = $2"
              " AND t.state IN ('open', 'running', 'stopped')",
              ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool promotion_find_begun(Catalog *catalog, const char *source, PromotionRow *ret, bool *ret_found,
                          Error *err) {
  return find(catalog,
              "WHERE t.source_branch_id = $1 AND t.state IN ('running', 'stopped')"
              " ORDER BY t.serial DESC LIMIT 1",
              1, &source, ret, ret_found, err);
}

bool promotion_find_stopped(Catalog *catalog, const char *project, const char *to_tier,
                            PromotionRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {project, to_tier};
  return find(catalog,
              "WHERE t.project_id = $1 AND t.to_tier = $2 AND t.state = 'stopped'"
              " ORDER BY t.serial DESC LIMIT 1",
              ARRAY_LENGTH(values), values, ret, ret_found, err);
}

/* One that stopped is so whatever its step, which the next attempt writes anew from the first. */
bool promotion_is_half_way(Catalog *catalog, const char *project, const char *to_tier, bool *ret,
                           Error *err) {
  const char *const values[] = {project, to_tier};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT EXISTS (SELECT FROM lakebase.promotions WHERE project_id = $1"
                     " AND to_tier = $2 AND (state = 'stopped' OR state = 'running'"
                     " AND (step IN ('migrating', 'migrated', 'merged', 'undoing')"
                     " OR (details ->> 'resumes')::boolean)))",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

bool promotion_of_operation(Catalog *catalog, const char *operation, PromotionRow *ret,
                            Error *err) {
  bool found = false;
  return find(catalog, "WHERE t.operation_id = $1", 1, &operation, ret, &found, err) &&
         (found ||
          error_set(err, ERROR_NOTHING_TO_DO, "operation %.40s is no promotion", operation));
}

bool promotion_find_last(Catalog *catalog, const char *project, const char *to_tier,
                         PromotionRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {project, to_tier};
  return find(catalog,
              "WHERE t.project_id = $1 AND t.to_tier = $2 AND t.state IN ('done', 'stopped')"
              " AND EXISTS (SELECT FROM lakebase.branches AS b"
              "   WHERE b.branch_id = t.snapshot_branch_id AND b.state = 'ready'"
              "   AND b.expired_at IS NULL) ORDER BY t.started_at DESC, t.serial DESC LIMIT 1",
              ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool promotion_rows(Catalog *catalog, const char *project, const char *tier, size_t limit,
                    PromotionRow **ret, size_t *ret_count, Error *err) {
  char number[CATALOG_NUMBER_SIZE];
  void *rows = NULL;
  catalog_number(number, (int64_t)limit);
  const char *const values[] = {project, tier, number};
  if (!table_list(catalog, &promotion_table,
                  "WHERE t.project_id = $1 AND ($2::text IS NULL OR t.to_tier = $2)"
                  " ORDER BY t.serial DESC LIMIT $3::bigint",
                  ARRAY_LENGTH(values), values, &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

/* What came later went with it, and comes back with it: as done where it had come to its end, else
 * as stopped, unless it was begun anew meanwhile. */
#define SINCE                                                                                      \
  " FROM lakebase.promotions AS first WHERE first.promotion_id = $1"                               \
  " AND p.project_id = first.project_id AND p.to_tier = first.to_tier"                             \
  " AND p.started_at >= first.started_at"

bool promotion_set_undone(Catalog *catalog, const char *promotion, Error *err) {
  return catalog_query(catalog,
                       "UPDATE lakebase.promotions AS p SET state = 'undone'" SINCE
                       " AND p.state IN ('done', 'stopped')",
                       1, &promotion, NULL, err);
}

bool promotion_set_redone(Catalog *catalog, const char *promotion, Error *err) {
  return catalog_query(catalog,
                       "UPDATE lakebase.promotions AS p SET state ="
                       " CASE p.step WHEN 'merged' THEN 'done' ELSE 'stopped' END" SINCE
                       " AND p.state = 'undone' AND (p.step = 'merged' OR NOT EXISTS (SELECT FROM"
                       " lakebase.promotions AS o WHERE o.source_branch_id = p.source_branch_id"
                       " AND o.to_tier = p.to_tier AND o.state IN ('open', 'running', 'stopped')))",
                       1, &promotion, NULL, err);
}
