/* Declared policies: versions, the one in force, the branches of tiers, authors. */
#include "catalog/policy.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

void policy_version_release(PolicyVersionRow *row) {
  str_free(row->content);
  json_free(row->canonical);
  *row = (PolicyVersionRow){0};
}

/* ---- versions ---- */

bool policy_head(Catalog *catalog, const char *project, PolicyLock lock, int *ret, Error *err) {
  static const char *const statements[] = {
      [POLICY_LOOK] = "SELECT version FROM lakebase.policy_heads WHERE project_id = $1",
      [POLICY_HOLD] = "SELECT version FROM lakebase.policy_heads WHERE project_id = $1 FOR SHARE",
      [POLICY_CHANGE] =
          "SELECT version FROM lakebase.policy_heads WHERE project_id = $1 FOR UPDATE",
  };
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, statements[lock], 1, &project, &rows, err))
    return false;
  if (rows_count(rows) != 1)
    return error_set(err, ERROR_PROJECT_NOT_FOUND, "project %.40s does not exist", project);
  *ret = (int)rows_get_integer(rows, 0, 0);
  return true;
}

static void read_version(const Rows *rows, size_t at, PolicyVersionRow *ret) {
  *ret = (PolicyVersionRow){.version = (int)rows_get_integer(rows, at, 0),
                            .applied_at = rows_get_integer(rows, at, 2)};
  (void)snprintf(ret->applied_by, sizeof ret->applied_by, "%s", rows_get(rows, at, 1));
}

#define VERSION_COLUMNS "version, applied_by, (extract(epoch FROM applied_at) * 1000000)::bigint"

bool policy_version_get(Catalog *catalog, const char *project, int version, PolicyVersionRow *ret,
                        Error *err) {
  char number[16];
  (void)snprintf(number, sizeof number, "%d", version);
  const char *const values[] = {project, number};
  AUTO(rows_free) Rows *rows = NULL;
  AUTO(json_free) json_t *canonical = NULL;
  if (!catalog_query(catalog,
                     "SELECT " VERSION_COLUMNS ", content, canonical FROM lakebase.policies"
                     " WHERE project_id = $1 AND version = $2",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  if (rows_count(rows) != 1)
    return error_set(err, ERROR_NOTHING_TO_DO, "there is no version %d of the policy", version);
  const char *text = rows_get(rows, 0, 4);
  if (!json_parse(text, strlen(text), &canonical, err))
    return error_prefix(err, "lakebase.policies, version %d", version);
  read_version(rows, 0, ret);
  ret->content = str_dup(rows_get(rows, 0, 3));
  ret->canonical = STEAL(canonical);
  return true;
}

bool policy_version_list(Catalog *catalog, const char *project, PolicyVersionRow **ret,
                         size_t *ret_count, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT " VERSION_COLUMNS " FROM lakebase.policies"
                     " WHERE project_id = $1 ORDER BY version DESC",
                     1, &project, &rows, err))
    return false;
  PolicyVersionRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++)
    read_version(rows, at, &list[at]);
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

bool policy_version_add(Catalog *catalog, const char *project, const char *content,
                        const json_t *canonical, const char *by, int *ret_version, Error *err) {
  AUTO(str_free) char *text = json_text(canonical);
  const char *const values[] = {project, content, text, by};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "WITH head AS (UPDATE lakebase.policy_heads SET version = version + 1"
                     "   WHERE project_id = $1 RETURNING version)"
                     " INSERT INTO lakebase.policies (project_id, version, content, canonical,"
                     " applied_by) SELECT $1, version, $2, $3::jsonb, $4 FROM head"
                     " RETURNING version",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  if (rows_count(rows) != 1)
    return error_set(err, ERROR_PROJECT_NOT_FOUND, "project %.40s does not exist", project);
  *ret_version = (int)rows_get_integer(rows, 0, 0);
  return true;
}

/* ---- tiers ---- */

bool tier_bind(Catalog *catalog, const char *project, const char *tier, const char *branch,
               Error *err) {
  const char *const values[] = {project, tier, branch};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.tiers (project_id, name, branch_id)"
                       " VALUES ($1, $2, $3) ON CONFLICT (project_id, name) DO UPDATE"
                       " SET branch_id = excluded.branch_id, bound_at = clock_timestamp()",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool tier_take(Catalog *catalog, const char *branch, const char *owner, Error *err) {
  const char *const values[] = {branch, owner};
  return catalog_query(catalog,
                       "UPDATE lakebase.branches SET created_by = $2, created_for = NULL,"
                       " kind = CASE kind WHEN 'root' THEN kind ELSE 'tier' END,"
                       " expires_at = NULL, expired_at = NULL WHERE branch_id = $1",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool tier_set_protected(Catalog *catalog, const char *project, const char *tier, bool is_protected,
                        Error *err) {
  const char *const values[] = {project, tier, is_protected ? "true" : "false"};
  return catalog_query(
      catalog,
      "UPDATE lakebase.branches AS b SET is_protected = $3 FROM lakebase.tiers AS t"
      " WHERE t.project_id = $1 AND t.name = $2 AND b.branch_id = t.branch_id",
      ARRAY_LENGTH(values), values, NULL, err);
}

bool tier_move(Catalog *catalog, const char *from_branch, const char *to_branch, Error *err) {
  const char *const values[] = {from_branch, to_branch};
  return catalog_query(catalog,
                       "UPDATE lakebase.tiers SET branch_id = $2, bound_at = clock_timestamp()"
                       " WHERE branch_id = $1",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool tier_unbind_others(Catalog *catalog, const char *project, const json_t *names, Error *err) {
  AUTO(str_free) char *text = json_text(names);
  const char *const values[] = {project, text};
  return catalog_query(catalog,
                       "DELETE FROM lakebase.tiers WHERE project_id = $1"
                       " AND NOT $2::jsonb ? name::text",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool tier_branch(Catalog *catalog, const char *project, const char *tier, BranchRow *ret,
                 bool *ret_found, Error *err) {
  const char *const values[] = {project, tier};
  return table_find(catalog, &branch_table,
                    "WHERE tier.project_id = $1 AND tier.name = $2"
                    " AND t.state NOT IN ('deleting', 'deleted')",
                    ARRAY_LENGTH(values), values, ret, ret_found, err);
}

/* ---- lineage and authors ---- */

/* Parents are made before their children, so the order of making is the way up. */
bool branch_lineage(Catalog *catalog, const char *id, BranchRow **ret, size_t *ret_count,
                    Error *err) {
  void *rows = NULL;
  size_t invalid = 0;
  if (!table_list(catalog, &branch_table,
                  "WHERE t.branch_id IN (WITH RECURSIVE up (branch_id, parent_id) AS ("
                  " SELECT branch_id, parent_id FROM lakebase.branches WHERE branch_id = $1"
                  " UNION SELECT b.branch_id, b.parent_id FROM lakebase.branches AS b"
                  " JOIN up ON b.branch_id = up.parent_id) SELECT branch_id FROM up)"
                  " ORDER BY t.serial DESC",
                  1, &id, &rows, ret_count, &invalid, NULL, err))
    return false;
  if (invalid == 0) {
    *ret = rows;
    return true;
  }
  mem_free(rows);
  return error_set(err, ERROR_CATALOG_INVALID, "the lineage of branch %.40s makes no sense", id);
}

bool author_add(Catalog *catalog, const char *branch, const char *principal, Error *err) {
  const char *const values[] = {branch, principal};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.authors (branch_id, principal) VALUES ($1, $2)"
                       " ON CONFLICT DO NOTHING",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool author_carry(Catalog *catalog, const char *from, const char *to, Error *err) {
  const char *const values[] = {from, to};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.authors AS a (branch_id, principal)"
                       " SELECT $2, principal FROM lakebase.authors WHERE branch_id = $1"
                       " ON CONFLICT (branch_id, principal) DO UPDATE"
                       " SET added_at = clock_timestamp()",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool author_forget(Catalog *catalog, const char *branch, int64_t before, Error *err) {
  char time[CATALOG_NUMBER_SIZE];
  catalog_number(time, before);
  const char *const values[] = {branch, time};
  return catalog_query(
      catalog,
      "DELETE FROM lakebase.authors WHERE branch_id = $1 AND added_at < " CATALOG_TIME("$2"),
      ARRAY_LENGTH(values), values, NULL, err);
}

bool author_list(Catalog *catalog, const char *branch, json_t **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT principal FROM lakebase.authors WHERE branch_id = $1 ORDER BY 1", 1,
                     &branch, &rows, err))
    return false;
  json_t *names = json_array();
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(names, json_string(rows_get(rows, at, 0)));
  *ret = names;
  return true;
}

/* ---- limits ---- */

/* Two statements: the count sees what those have inserted for whom the lock was waited. */
bool branch_count_held(Catalog *catalog, const char *project, const char *kind, const char *person,
                       int64_t *ret_all, int64_t *ret_person, Error *err) {
  const char *const values[] = {project, kind, person};
  AUTO(rows_free) Rows *locked = NULL;
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT pg_advisory_xact_lock(hashtext('bough limits'), hashtext($1))", 1,
                     &project, &locked, err) ||
      !catalog_query(catalog,
                     "SELECT count(*), count(*) FILTER (WHERE kind = $2"
                     " AND $3 IN (created_by::text, created_for::text))"
                     " FROM lakebase.branches WHERE project_id = $1"
                     " AND state IN ('creating', 'ready', 'failed')",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_all = rows_get_integer(rows, 0, 0);
  *ret_person = rows_get_integer(rows, 0, 1);
  return true;
}

/* ---- sessions ---- */

static bool list_sessions(Catalog *catalog, const char *where, const char *value, OpenSession **ret,
                          size_t *ret_count, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO(str_free)
  char *sql = str_format("SELECT session_id, branch_id, principal_id, access"
                         " FROM lakebase.sessions WHERE %s ORDER BY branch_id, principal_id",
                         where);
  if (!catalog_query(catalog, sql, value != NULL ? 1 : 0, &value, &rows, err))
    return false;
  OpenSession *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++) {
    const char *branch = rows_get(rows, at, 1);
    (void)snprintf(list[at].id, sizeof list[at].id, "%s", rows_get(rows, at, 0));
    (void)snprintf(list[at].branch, sizeof list[at].branch, "%s", branch != NULL ? branch : "");
    (void)snprintf(list[at].principal, sizeof list[at].principal, "%s", rows_get(rows, at, 2));
    (void)snprintf(list[at].access, sizeof list[at].access, "%s", rows_get(rows, at, 3));
  }
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

bool session_list_open(Catalog *catalog, const char *project, OpenSession **ret, size_t *ret_count,
                       Error *err) {
  return list_sessions(catalog, "project_id = $1", project, ret, ret_count, err);
}

bool session_list_system(Catalog *catalog, OpenSession **ret, size_t *ret_count, Error *err) {
  return list_sessions(catalog, "endpoint_id IS NULL", NULL, ret, ret_count, err);
}
