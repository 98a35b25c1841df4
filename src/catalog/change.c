/* Rows of lakebase.changes. */
#include "catalog/change.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>

static const char *const states[] = {"feature-claimed", "pr-ready",  "ci-green",
                                     "merged",          "abandoned", NULL};

static const Column columns[] = {
    COLUMN(ChangeRow, id, "change_id", ID, COLUMN_FIXED, .domain = "chg"),
    COLUMN(ChangeRow, project, "project_id", ID, COLUMN_FIXED, .domain = "prj"),
    COLUMN(ChangeRow, feature, "feature", TEXT, COLUMN_FIXED),
    COLUMN(ChangeRow, kind, "kind", NAME, COLUMN_FIXED),
    COLUMN(ChangeRow, state, "state", STATE, 0, .domain = states),
    COLUMN(ChangeRow, git_branch, "git_branch", TEXT, COLUMN_FIXED),
    COLUMN(ChangeRow, tier, "tier", NAME, COLUMN_FIXED),
    COLUMN(ChangeRow, branch, "branch_id", ID, 0, .domain = "br"),
    COLUMN(ChangeRow, branch_name, "branch_name", NAME, 0),
    COLUMN(ChangeRow, claimed_by, "claimed_by", NAME, COLUMN_FIXED),
    COLUMN(ChangeRow, claimed_for, "claimed_for", NAME, COLUMN_FIXED | COLUMN_OPTIONAL),
    COLUMN(ChangeRow, claimed_at, "claimed_at", TIME, COLUMN_FIXED),
    COLUMN(ChangeRow, claim_commit, "claim_commit", TEXT, COLUMN_FIXED | COLUMN_OPTIONAL),
    COLUMN(ChangeRow, head, "head_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(ChangeRow, base, "base_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(ChangeRow, pushed_at, "pushed_at", TIME, 0),
    COLUMN(ChangeRow, pr, "pr_number", INTEGER, 0),
    COLUMN(ChangeRow, pr_url, "pr_url", TEXT, 0),
    COLUMN(ChangeRow, diff_digest, "diff_digest", TEXT, COLUMN_OPTIONAL),
    COLUMN(ChangeRow, ci_run_url, "ci_run_url", TEXT, 0),
    COLUMN(ChangeRow, ci_green_at, "ci_green_at", TIME, 0),
    COLUMN(ChangeRow, merged_at, "merged_at", TIME, 0),
    COLUMN(ChangeRow, merge_commit, "merge_commit", TEXT, COLUMN_OPTIONAL),
    COLUMN(ChangeRow, snapshot, "snapshot_branch", NAME, COLUMN_OPTIONAL),
    COLUMN(ChangeRow, migrated_at, "migrate_completed_at", TIME, 0),
    COLUMN(ChangeRow, ended_at, "ended_at", TIME, 0),
    COLUMN(ChangeRow, revision, "revision", INTEGER, 0),
};

const Table change_table = {"lakebase.changes", "", columns, ARRAY_LENGTH(columns),
                            sizeof(ChangeRow)};

const char *change_state_text(ChangeState state) {
  return states[state];
}

bool change_insert(Catalog *catalog, const ChangeRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &change_table, row, "ON CONFLICT DO NOTHING", &inserted, err))
    return false;
  return inserted || error_set(err, ERROR_CHANGE_EXISTS,
                               "feature \"%s\", or its branch \"%s\", is claimed already",
                               row->feature, row->git_branch);
}

bool change_update(Catalog *catalog, ChangeRow *row, Error *err) {
  ChangeRow next = *row;
  char guard[48];
  bool found = false;
  (void)snprintf(guard, sizeof guard, " AND revision = %lld", (long long)row->revision);
  next.revision++;
  if (!table_update(catalog, &change_table, &next, guard, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_CHANGE_MOVED, "feature \"%s\" went on meanwhile", row->feature);
  *row = next;
  return true;
}

#define LAST " ORDER BY t.ended_at IS NULL DESC, t.serial DESC LIMIT 1"

bool change_of_feature(Catalog *catalog, const char *project, const char *feature, ChangeRow *ret,
                       bool *ret_found, Error *err) {
  const char *const values[] = {project, feature};
  return table_find(catalog, &change_table, "WHERE t.project_id = $1 AND t.feature = $2" LAST,
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool change_of_git(Catalog *catalog, const char *project, const char *git_branch, ChangeRow *ret,
                   bool *ret_found, Error *err) {
  const char *const values[] = {project, git_branch};
  return table_find(catalog, &change_table, "WHERE t.project_id = $1 AND t.git_branch = $2" LAST,
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

bool change_of_branch(Catalog *catalog, const char *branch, ChangeRow *ret, bool *ret_found,
                      Error *err) {
  return table_find(catalog, &change_table, "WHERE t.branch_id = $1" LAST, 1, &branch, ret,
                    ret_found, err);
}

bool change_get(Catalog *catalog, const char *id, ChangeRow *ret, Error *err) {
  bool found = false;
  if (!table_find(catalog, &change_table, "WHERE t.change_id = $1", 1, &id, ret, &found, err))
    return false;
  return found || error_set(err, ERROR_NOTHING_TO_DO, "there is no change %.40s", id);
}

bool change_list(Catalog *catalog, const char *project, const char *tier, ChangeRow **ret,
                 size_t *ret_count, Error *err) {
  static const char tail[] =
      "WHERE t.project_id = $1 AND ($2::text IS NULL OR t.tier = $2) AND (t.ended_at IS NULL"
      " OR t.change_id IN (SELECT change_id FROM lakebase.changes WHERE project_id = $1"
      "   AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 100))"
      " ORDER BY t.ended_at IS NOT NULL, t.ended_at DESC, t.serial";
  const char *const values[] = {project, tier};
  void *rows = NULL;
  if (!table_list(catalog, &change_table, tail, ARRAY_LENGTH(values), values, &rows, ret_count,
                  NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}
