/* Rows of lakebase.principals. */
#include "catalog/row.h"

#include <stdio.h>

static const char *const types[] = {"human", "agent", "ci", NULL};

static const Column columns[] = {
    COLUMN(PrincipalRow, id, "principal_id", ID, COLUMN_FIXED, .domain = "pri"),
    COLUMN(PrincipalRow, name, "name", NAME, 0),
    COLUMN(PrincipalRow, type, "type", TEXT, 0, .domain = types),
    COLUMN(PrincipalRow, os_uid, "os_uid", INTEGER, COLUMN_OPTIONAL),
    COLUMN(PrincipalRow, is_platform, "is_platform", BOOL, 0),
    COLUMN(PrincipalRow, roles, "roles", TEXT, COLUMN_JOINED,
           .source = "array_to_string(t.roles, ',')"),
    COLUMN(PrincipalRow, on_behalf_of, "on_behalf_of", NAME, COLUMN_OPTIONAL),
    COLUMN(PrincipalRow, created_by, "created_by", NAME, COLUMN_OPTIONAL | COLUMN_FIXED),
    COLUMN(PrincipalRow, created_at, "created_at", TIME, COLUMN_FIXED),
    COLUMN(PrincipalRow, removed_at, "removed_at", TIME, COLUMN_JOINED,
           .source = "(extract(epoch FROM t.removed_at) * 1000000)::bigint"),
};

const Table principal_table = {"lakebase.principals", "", columns, ARRAY_LENGTH(columns),
                               sizeof(PrincipalRow)};

bool principal_insert(Catalog *catalog, const PrincipalRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &principal_table, row, "ON CONFLICT DO NOTHING", &inserted, err))
    return false;
  if (inserted)
    return true;
  (void)error_set(err, ERROR_PRINCIPAL_EXISTS, "there is a principal \"%s\" already, or was one",
                  row->name);
  return error_hint(err, "names of removed principals are not given again: take another one");
}

bool principal_by_uid(Catalog *catalog, int64_t uid, PrincipalRow *ret, Error *err) {
  char number[24];
  (void)snprintf(number, sizeof number, "%lld", (long long)uid);
  const char *value = number;
  bool found = false;
  if (!table_find(catalog, &principal_table, "WHERE t.os_uid = $1 AND t.removed_at IS NULL", 1,
                  &value, ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_PRINCIPAL_NOT_FOUND, "no principal has user id %lld", (long long)uid);
}

bool principal_by_name(Catalog *catalog, const char *name, PrincipalRow *ret, Error *err) {
  bool found = false;
  if (!table_find(catalog, &principal_table, "WHERE t.name = $1 AND t.removed_at IS NULL", 1, &name,
                  ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_PRINCIPAL_NOT_FOUND, "there is no principal \"%.80s\"", name);
}

bool principal_get(Catalog *catalog, const char *id, PrincipalRow *ret, Error *err) {
  bool found = false;
  if (!table_find(catalog, &principal_table, "WHERE t.principal_id = $1 AND t.removed_at IS NULL",
                  1, &id, ret, &found, err))
    return false;
  return found || error_set(err, ERROR_PRINCIPAL_NOT_FOUND, "there is no principal %.40s", id);
}

bool principal_list(Catalog *catalog, PrincipalRow **ret, size_t *ret_count, Error *err) {
  void *rows = NULL;
  if (!table_list(catalog, &principal_table, "WHERE t.removed_at IS NULL ORDER BY t.name", 0, NULL,
                  &rows, ret_count, NULL, NULL, err))
    return false;
  *ret = rows;
  return true;
}

bool principal_set_roles(Catalog *catalog, const char *id, const char *roles, Error *err) {
  const char *const values[] = {id, roles};
  return catalog_query(
      catalog,
      "UPDATE lakebase.principals SET roles = string_to_array($2, ',')::lakebase.name[]"
      " WHERE principal_id = $1",
      ARRAY_LENGTH(values), values, NULL, err);
}

bool principal_set_removed(Catalog *catalog, const char *id, Error *err) {
  static const char sql[] =
      "WITH gone AS (DELETE FROM access.tokens WHERE principal_id = $1)"
      " UPDATE lakebase.principals SET removed_at = clock_timestamp(), os_uid = NULL"
      " WHERE principal_id = $1 AND removed_at IS NULL";
  return catalog_query(catalog, sql, 1, &id, NULL, err);
}
