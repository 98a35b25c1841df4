/* What promotions rely on: changes, schema diffs, approvals, snapshots. */
#include "catalog/promotion.h"

#include "catalog/private.h"
#include "core/str.h"

#include <stdio.h>

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static void copy(char *ret, size_t size, const char *text) {
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}

/* ---- changes ---- */

bool promotion_text_store(Catalog *catalog, const char *digest, const char *text, Error *err) {
  const char *const values[] = {digest, text};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.promotion_texts (digest, content) VALUES ($1, $2)"
                       " ON CONFLICT (digest) DO NOTHING",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool promotion_text_load(Catalog *catalog, const char *digest, char **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, "SELECT content FROM lakebase.promotion_texts WHERE digest = $1", 1,
                     &digest, &rows, err))
    return false;
  if (rows_count(rows) != 1)
    return error_set(err, ERROR_CATALOG_INVALID, "lakebase.promotion_texts lacks %.64s", digest);
  *ret = str_dup(rows_get(rows, 0, 0));
  return true;
}

/* ---- schema diffs ---- */

void schema_diff_row_release(SchemaDiffRow *row) {
  str_free(row->content);
  str_free(row->markdown);
  *row = (SchemaDiffRow){0};
}

bool schema_diff_store(Catalog *catalog, const char *project, const char *source,
                       const char *to_tier, const SchemaDiffRow *row, Error *err) {
  const char *const values[] = {source,
                                to_tier,
                                project,
                                row->change,
                                row->base,
                                row->digest,
                                row->rights ? "true" : "false",
                                row->content,
                                row->markdown,
                                row->measured_by};
  return catalog_query(
      catalog,
      "INSERT INTO lakebase.schema_diffs (source_branch_id, to_tier, project_id, change_digest,"
      " base_digest, digest, rights, content, markdown, measured_by)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7::boolean, $8, $9, $10)"
      " ON CONFLICT (source_branch_id, to_tier) DO UPDATE SET change_digest ="
      " excluded.change_digest, base_digest = excluded.base_digest, digest = excluded.digest,"
      " rights = excluded.rights, content = excluded.content, markdown = excluded.markdown,"
      " measured_by = excluded.measured_by, measured_at = clock_timestamp()",
      ARRAY_LENGTH(values), values, NULL, err);
}

bool schema_diff_load(Catalog *catalog, const char *source, const char *to_tier, SchemaDiffRow *ret,
                      bool *ret_found, Error *err) {
  const char *const values[] = {source, to_tier};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT change_digest, base_digest, digest, rights, content, markdown,"
                     " measured_by, " MICROSECONDS(
                         "measured_at") " FROM lakebase.schema_diffs"
                                        " WHERE source_branch_id = $1 AND to_tier = $2",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (!*ret_found)
    return true;
  *ret = (SchemaDiffRow){.rights = rows_get_bool(rows, 0, 3),
                         .content = str_dup(rows_get(rows, 0, 4)),
                         .markdown = str_dup(rows_get(rows, 0, 5)),
                         .measured_at = rows_get_integer(rows, 0, 7)};
  copy(ret->change, sizeof ret->change, rows_get(rows, 0, 0));
  copy(ret->base, sizeof ret->base, rows_get(rows, 0, 1));
  copy(ret->digest, sizeof ret->digest, rows_get(rows, 0, 2));
  copy(ret->measured_by, sizeof ret->measured_by, rows_get(rows, 0, 6));
  return true;
}

/* ---- approvals ---- */

bool promotion_approve(Catalog *catalog, const PromotionRow *row, const PrincipalRow *approver,
                       Error *err) {
  const char *behalf = str_or_null(approver->on_behalf_of);
  const char *const values[] = {row->project, row->from_name, row->to_tier, row->change,
                                row->diff,    approver->name, behalf};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.promotion_approvals (project_id, from_name, to_tier,"
                       " change_digest, diff_digest, principal, on_behalf_of)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool promotion_approvers(Catalog *catalog, const PromotionRow *row, json_t **ret, Error *err) {
  const char *const values[] = {row->project, row->from_name, row->to_tier, row->change, row->diff};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT principal FROM lakebase.promotion_approvals WHERE project_id = $1"
                     " AND from_name = $2 AND to_tier = $3 AND change_digest = $4"
                     " AND diff_digest = $5 ORDER BY approved_at, principal",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret = json_array();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(*ret, json_string(rows_get(rows, at, 0)));
  return true;
}

/* ---- snapshots ---- */

bool snapshot_insert(Catalog *catalog, const SnapshotRow *row, Error *err) {
  const char *const values[] = {row->branch,
                                row->project,
                                row->tier,
                                row->source,
                                row->volume,
                                row->promotion,
                                row->is_abandoned ? "true" : "false"};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.snapshots (branch_id, project_id, tier,"
                       " source_branch_id, source_volume_id, promotion_id, is_abandoned)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7::boolean)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

static void read_snapshot(const Rows *rows, size_t row, SnapshotRow *ret) {
  *ret = (SnapshotRow){.is_abandoned = rows_get_bool(rows, row, 7),
                       .taken_at = rows_get_integer(rows, row, 8)};
  copy(ret->branch, sizeof ret->branch, rows_get(rows, row, 0));
  copy(ret->name, sizeof ret->name, rows_get(rows, row, 1));
  copy(ret->project, sizeof ret->project, rows_get(rows, row, 2));
  copy(ret->tier, sizeof ret->tier, rows_get(rows, row, 3));
  copy(ret->source, sizeof ret->source, rows_get(rows, row, 4));
  copy(ret->volume, sizeof ret->volume, rows_get(rows, row, 5));
  copy(ret->promotion, sizeof ret->promotion, rows_get(rows, row, 6));
}

#define SNAPSHOTS                                                                                  \
  "SELECT s.branch_id, b.name, s.project_id, s.tier, s.source_branch_id, s.source_volume_id,"      \
  " s.promotion_id, s.is_abandoned, " MICROSECONDS(                                                \
      "s.taken_at") " FROM lakebase.snapshots AS s JOIN lakebase.branches AS b USING (branch_id)"  \
                    " WHERE s.project_id = $1 AND s.tier = $2 AND b.state = 'ready'"               \
                    " AND b.expired_at IS NULL"

bool snapshot_find(Catalog *catalog, const char *project, const char *tier, const char *name,
                   SnapshotRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {project, tier, name};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, SNAPSHOTS " AND b.name = $3", ARRAY_LENGTH(values), values, &rows,
                     err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (*ret_found)
    read_snapshot(rows, 0, ret);
  return true;
}
