/* Rows of what is said about changes: lakebase.pull_reviews, pull_comments, commit_statuses, and of
 * pushes. */
#include "catalog/forge.h"

#include "catalog/row.h"
#include "core/str.h"

#include <stdio.h>

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

static void copy(char *ret, size_t size, const Rows *rows, size_t row, size_t column) {
  const char *text = rows_get(rows, row, column);
  (void)snprintf(ret, size, "%s", text != NULL ? text : "");
}
#define COPY(field, column) copy(field, sizeof(field), rows, at, column)

/* ---- reviews ---- */

bool review_row_insert(Catalog *catalog, const char *project, int64_t number, const ReviewRow *row,
                       Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {
      project,      text,      row->reviewer,    str_or_null(row->on_behalf_of),
      row->verdict, row->head, row->base_branch, row->body != NULL ? row->body : ""};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.pull_reviews (project_id, number, reviewer,"
                       " on_behalf_of, verdict, head_commit, base_branch, body)"
                       " VALUES ($1, $2::bigint, $3, $4, $5, $6, $7, $8)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool review_row_list(Catalog *catalog, const char *project, int64_t number, ReviewRow **ret,
                     size_t *ret_count, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {project, text};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(
          catalog,
          "SELECT reviewer, on_behalf_of, verdict, head_commit, base_branch, body, " MICROSECONDS(
              "created_at") " FROM lakebase.pull_reviews"
                            " WHERE project_id = $1 AND number = $2::bigint ORDER BY review_id",
          ARRAY_LENGTH(values), values, &rows, err))
    return false;
  ReviewRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++) {
    COPY(list[at].reviewer, 0);
    COPY(list[at].on_behalf_of, 1);
    COPY(list[at].verdict, 2);
    COPY(list[at].head, 3);
    COPY(list[at].base_branch, 4);
    list[at].body = str_dup(rows_get(rows, at, 5));
    list[at].created_at = rows_get_integer(rows, at, 6);
  }
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

/* ---- comments ---- */

bool comment_row_add(Catalog *catalog, const char *project, int64_t number, const char *author,
                     const char *body, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {project, text, author, body};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.pull_comments (project_id, number, author, body)"
                       " VALUES ($1, $2::bigint, $3, $4)",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool comment_row_set(Catalog *catalog, const char *project, int64_t number, const char *author,
                     const char *marker, const char *body, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {project, text, marker, author, body};
  if (body == NULL)
    return catalog_query(catalog,
                         "DELETE FROM lakebase.pull_comments WHERE project_id = $1"
                         " AND number = $2::bigint AND marker = $3",
                         3, values, NULL, err);
  return catalog_query(catalog,
                       "INSERT INTO lakebase.pull_comments AS c"
                       " (project_id, number, marker, author, body)"
                       " VALUES ($1, $2::bigint, $3, $4, $5)"
                       " ON CONFLICT (project_id, number, marker) WHERE marker IS NOT NULL"
                       " DO UPDATE SET body = excluded.body, author = excluded.author,"
                       " updated_at = clock_timestamp() WHERE c.body <> excluded.body",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool comment_row_list(Catalog *catalog, const char *project, int64_t number, CommentRow **ret,
                      size_t *ret_count, Error *err) {
  char text[CATALOG_NUMBER_SIZE];
  catalog_number(text, number);
  const char *const values[] = {project, text};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(
          catalog,
          "SELECT comment_id, author, marker, body, " MICROSECONDS("created_at") ", " MICROSECONDS(
              "updated_at") " FROM lakebase.pull_comments"
                            " WHERE project_id = $1 AND number = $2::bigint ORDER BY comment_id",
          ARRAY_LENGTH(values), values, &rows, err))
    return false;
  CommentRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++) {
    list[at].id = rows_get_integer(rows, at, 0);
    COPY(list[at].author, 1);
    COPY(list[at].marker, 2);
    list[at].body = str_dup(rows_get(rows, at, 3));
    list[at].created_at = rows_get_integer(rows, at, 4);
    list[at].updated_at = rows_get_integer(rows, at, 5);
  }
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

/* ---- statuses ---- */

bool status_row_set(Catalog *catalog, const char *project, const char *commit, const StatusRow *row,
                    Error *err) {
  const char *const values[] = {project,  commit,           row->name,       row->state,
                                row->url, row->description, row->reported_by};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.commit_statuses (project_id, commit_id, name, state,"
                       " url, description, reported_by) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                       " ON CONFLICT (project_id, commit_id, name) DO UPDATE"
                       " SET state = excluded.state, url = excluded.url,"
                       " description = excluded.description, reported_by = excluded.reported_by,"
                       " updated_at = clock_timestamp()",
                       ARRAY_LENGTH(values), values, NULL, err);
}

bool status_row_list(Catalog *catalog, const char *project, const char *commit, StatusRow **ret,
                     size_t *ret_count, Error *err) {
  const char *const values[] = {project, commit};
  AUTO(rows_free) Rows *rows = NULL;
  if (!catalog_query(catalog,
                     "SELECT name, state, url, description, reported_by, " MICROSECONDS(
                         "updated_at") " FROM lakebase.commit_statuses"
                                       " WHERE project_id = $1 AND commit_id = $2 ORDER BY name",
                     ARRAY_LENGTH(values), values, &rows, err))
    return false;
  StatusRow *list = mem_new(rows_count(rows), sizeof *list);
  for (size_t at = 0; at < rows_count(rows); at++) {
    COPY(list[at].name, 0);
    COPY(list[at].state, 1);
    COPY(list[at].url, 2);
    COPY(list[at].description, 3);
    COPY(list[at].reported_by, 4);
    list[at].updated_at = rows_get_integer(rows, at, 5);
  }
  *ret = list;
  *ret_count = rows_count(rows);
  return true;
}

/* ---- pushes ---- */

bool push_row_insert(Catalog *catalog, const char *project, const PushRow *row, Error *err) {
  const char *const values[] = {project,
                                row->git_branch,
                                str_or_null(row->branch),
                                str_or_null(row->old),
                                row->new,
                                row->is_forced ? "true" : "false",
                                row->principal,
                                str_or_null(row->on_behalf_of)};
  return catalog_query(catalog,
                       "INSERT INTO lakebase.pushes (project_id, git_branch, branch_id, old_commit,"
                       " new_commit, is_forced, principal, on_behalf_of)"
                       " VALUES ($1, $2, $3, $4, $5, $6::boolean, $7, $8)",
                       ARRAY_LENGTH(values), values, NULL, err);
}
