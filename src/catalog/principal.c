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
};

const Table principal_table = {"lakebase.principals", "", columns, ARRAY_LENGTH(columns),
                               sizeof(PrincipalRow)};

bool principal_insert(Catalog *catalog, const PrincipalRow *row, Error *err) {
  bool inserted = false;
  if (!table_insert(catalog, &principal_table, row, "ON CONFLICT DO NOTHING", &inserted, err))
    return false;
  return inserted || error_set(err, ERROR_USAGE,
                               "there is a principal \"%s\", or one with user id %lld, already",
                               row->name, (long long)row->os_uid);
}

bool principal_by_uid(Catalog *catalog, int64_t uid, PrincipalRow *ret, Error *err) {
  char number[24];
  (void)snprintf(number, sizeof number, "%lld", (long long)uid);
  const char *value = number;
  bool found = false;
  if (!table_find(catalog, &principal_table, "WHERE t.os_uid = $1", 1, &value, ret, &found, err))
    return false;
  return found ||
         error_set(err, ERROR_PRINCIPAL_NOT_FOUND, "no principal has user id %lld", (long long)uid);
}
