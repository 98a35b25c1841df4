/* Rows of lakebase.repositories and lakebase.pulls. */
#include "catalog/forge.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static void copy(char *ret, size_t size, const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}
#define COPY(field, column) copy(field, sizeof(field), rows, at, column)

/* ---- repositories ---- */

static const char *const forges[] = {"local", "github"};

bool repository_get(Catalog *catalog, const char *project, const char **ret_forge,
                    json_t **ret_settings, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO(json_free) json_t *settings = NULL;
  if (!catalog_query(catalog,
                     "SELECT forge, settings FROM lakebase.repositories WHERE project_id = $1", 1,
                     &project, &rows, err))
    return false;
  const char *forge = rows_count(rows) == 1 ? rows_get(rows, 0, 0) : forges[0];
  const char *text = rows_count(rows) == 1 ? rows_get(rows, 0, 1) : "{}";
  if (!json_parse(text, strlen(text), &settings, err))
    return error_prefix(err, "lakebase.repositories");
  for (size_t at = 0; at < ARRAY_LENGTH(forges); at++)
    if (str_equal(forges[at], forge)) {
      *ret_forge = forges[at];
      *ret_settings = STEAL(settings);
      return true;
    }
  return error_set(err, ERROR_CATALOG_INVALID, "lakebase.repositories: a forge \"%.40s\"", forge);
}

bool repository_set(Catalog *catalog, const char *project, const char *forge,
                    const json_t *settings, Error *err) {
  AUTO(str_free) char *text = json_text(settings);
  const char *const values[] = {project, forge, text};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.repositories (project_id, forge, settings)"
                       " VALUES ($1, $2, $3) ON CONFLICT (project_id) DO UPDATE"
                       " SET forge = excluded.forge, settings = excluded.settings",
                       ARRAY_LENGTH(values), values, NULL, err);
}

/* ---- pull requests ---- */

void pull_row_release(PullRow *row) {
  str_free(row->body);
  *row = (PullRow){0};
}

#define PULL_COLUMNS                                                                               \
  "project_id, number, state, head_branch, base_branch, branch_id, author, author_for, title,"     \
  " head_commit, base_commit, merge_commit, body, " MICROSECONDS("created_at") ", " MICROSECONDS(  \
      "updated_at") ", " MICROSECONDS("merged_at")

static void read_pull(const Rows *rows, size_t at, PullRow *ret) {
  *ret = (PullRow){.number = rows_get_integer(rows, at, 1),
                   .body = str_dup(rows_get(rows, at, 12)),
                   .created_at = rows_get_integer(rows, at, 13),
                   .updated_at = rows_get_integer(rows, at, 14),
                   .merged_at = rows_get_integer(rows, at, 15)};
  COPY(ret->project, 0);
  COPY(ret->state, 2);
  COPY(ret->head_branch, 3);
  COPY(ret->base_branch, 4);
  COPY(ret->branch, 5);
  COPY(ret->author, 6);
  COPY(ret->author_for, 7);
  COPY(ret->title, 8);
  COPY(ret->head, 9);
  COPY(ret->base, 10);
  COPY(ret->merge_commit, 11);
}

/* The row of the repository is the lock under which numbers are given, without gaps. */
static bool next_number(Catalog *catalog, const char *project, int64_t *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "INSERT INTO lakebase.repositories AS r (project_id, last_pull)"
                     " VALUES ($1, 1) ON CONFLICT (project_id) DO UPDATE"
                     " SET last_pull = r.last_pull + 1 RETURNING last_pull",
                     1, &project, &rows, err))
    return false;
  *ret = rows_get_integer(rows, 0, 0);
  return true;
}

bool pull_row_insert(Catalog *catalog, PullRow *row, bool *ret_inserted, Error *err) {
  char number[CATALOG_NUMBER_SIZE];
  AUTO(rows_free) Rows *rows = NULL;
  if (!next_number(catalog, row->project, &row->number, err))
    return false;
  catalog_number(number, row->number);
  const char *const values[] = {row->project,
                                number,
                                row->head_branch,
                                row->base_branch,
                                str_or_null(row->branch),
                                row->author,
                                str_or_null(row->author_for),
                                row->title,
                                row->head,
                                str_or_null(row->base),
                                row->body};
  if (!catalog_query(catalog,
                     "INSERT INTO lakebase.pulls (project_id, number, head_branch, base_branch,"
                     " branch_id, author, author_for, title, head_commit, base_commit, body)"
                     " VALUES ($1, $2::bigint, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                     " ON CONFLICT (project_id, head_branch) WHERE state = 'open' DO NOTHING"
                     " RETURNING number",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_inserted = rows_count(rows) == 1;
  return true;
}

bool pull_row_update(Catalog *catalog, const PullRow *row, bool *ret_found, Error *err) {
  char number[CATALOG_NUMBER_SIZE];
  char merged[CATALOG_NUMBER_SIZE];
  AUTO(rows_free) Rows *rows = NULL;
  catalog_number(number, row->number);
  catalog_number(merged, row->merged_at);
  const char *const values[] = {row->project,
                                number,
                                row->state,
                                row->base_branch,
                                str_or_null(row->branch),
                                row->title,
                                row->body,
                                row->head,
                                str_or_null(row->base),
                                str_or_null(row->merge_commit),
                                row->merged_at != 0 ? merged : NULL};
  if (!catalog_query(catalog,
                     "UPDATE lakebase.pulls SET state = $3, base_branch = $4, branch_id = $5,"
                     " title = $6, body = $7, head_commit = $8, base_commit = $9,"
                     " merge_commit = $10, merged_at = " CATALOG_TIME(
                         "$11") ", updated_at = clock_timestamp()"
                                " WHERE project_id = $1 AND number = $2::bigint"
                                " AND state = 'open' RETURNING number",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  return true;
}

static bool one_pull(Catalog *catalog, const char *sql, const char *project, const char *value,
                     PullRow *ret, bool *ret_found, Error *err) {
  const char *const values[] = {project, value};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog, sql, ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_found = rows_count(rows) == 1;
  if (*ret_found)
    read_pull(rows, 0, ret);
  return true;
}

bool pull_row_get(Catalog *catalog, const char *project, int64_t number, PullRow *ret,
                  bool *ret_found, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  return one_pull(catalog,
                  "SELECT " PULL_COLUMNS " FROM lakebase.pulls"
                  " WHERE project_id = $1 AND number = $2::bigint",
                  project, text, ret, ret_found, err);
}

bool pull_row_find(Catalog *catalog, const char *project, const char *head_branch, PullRow *ret,
                   bool *ret_found, Error *err) {
  return one_pull(catalog,
                  "SELECT " PULL_COLUMNS " FROM lakebase.pulls"
                  " WHERE project_id = $1 AND head_branch = $2 AND state = 'open'",
                  project, head_branch, ret, ret_found, err);
}

bool pull_row_list(Catalog *catalog, const char *project, bool only_open, size_t limit,
                   PullRow **ret, size_t *ret_count, Error *err) {
  char most[CATALOG_NUMBER_SIZE];
  catalog_number(most, (int64_t)limit);
  const char *const values[] = {project, only_open ? "true" : "false", most};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT " PULL_COLUMNS " FROM lakebase.pulls WHERE project_id = $1"
                     " AND (state = 'open' OR NOT $2::boolean)"
                     " ORDER BY number DESC LIMIT $3::bigint",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  PullRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++)
    read_pull(rows, at, &list[at]);
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}
