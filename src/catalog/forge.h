/* The forge's rows: which one a project uses, and of the built-in one pull requests, reviews,
 * comments, statuses, pushes. Rows alone; what they mean and who may is src/scm's. Times are
 * microseconds since 1970, 0 for none; commits are full names, "" for none. */
#pragma once

#include "catalog/catalog.h"

enum {
  ROW_COMMIT_SIZE = 65,
  ROW_GIT_SIZE = 201,
  ROW_TITLE_SIZE = 257, /* titles, descriptions */
  ROW_LINK_SIZE = 513,
  ROW_CHECK_SIZE = 101,
};

/* ---- repositories ---- */

/* The forge of a project and its settings, an object owned by the caller: "local" and none where
 * nothing was set. ret_forge: a static text. */
CHECKED bool repository_get(Catalog *catalog, const char *project, const char **ret_forge,
                            json_t **ret_settings, Error *err);
CHECKED bool repository_set(Catalog *catalog, const char *project, const char *forge,
                            const json_t *settings, Error *err);

/* ---- pull requests ---- */

typedef struct PullRow {
  char project[ID_SIZE];
  int64_t number;
  char state[8]; /* "open", "merged", "closed" */
  char head_branch[ROW_GIT_SIZE];
  char base_branch[ROW_GIT_SIZE];
  char branch[ID_SIZE]; /* the database branch that goes with the head; "" */
  char author[NAME_MAX_LENGTH + 1];
  char author_for[NAME_MAX_LENGTH + 1]; /* "" for itself */
  char title[ROW_TITLE_SIZE];
  char head[ROW_COMMIT_SIZE];
  char base[ROW_COMMIT_SIZE];
  char merge_commit[ROW_COMMIT_SIZE];
  char *body; /* owned */
  int64_t created_at, updated_at, merged_at;
} PullRow;
void pull_row_release(PullRow *row);

/* Gives it a number. Where the head branch has an open one already, nothing is written and
 * *ret_inserted is false. */
CHECKED bool pull_row_insert(Catalog *catalog, PullRow *row, bool *ret_inserted, Error *err);
/* Writes state, base_branch, branch, title, body, head, base, merge_commit, merged_at of an open
 * one; *ret_found is false where it isn't open any more. */
CHECKED bool pull_row_update(Catalog *catalog, const PullRow *row, bool *ret_found, Error *err);
CHECKED bool pull_row_get(Catalog *catalog, const char *project, int64_t number, PullRow *ret,
                          bool *ret_found, Error *err);
CHECKED bool pull_row_find(Catalog *catalog, const char *project, const char *head_branch,
                           PullRow *ret, bool *ret_found, Error *err);
/* The newest first; free with mem_free after pull_row_release of each. */
CHECKED bool pull_row_list(Catalog *catalog, const char *project, bool only_open, size_t limit,
                           PullRow **ret, size_t *ret_count, Error *err);

/* ---- reviews and comments: the oldest first, freed likewise ---- */

typedef struct ReviewRow {
  char reviewer[NAME_MAX_LENGTH + 1];
  char on_behalf_of[NAME_MAX_LENGTH + 1];
  char verdict[24]; /* "approved", "changes-requested", "comment" */
  char head[ROW_COMMIT_SIZE];
  char base_branch[ROW_GIT_SIZE];
  char *body; /* owned */
  int64_t created_at;
} ReviewRow;
CHECKED bool review_row_insert(Catalog *catalog, const char *project, int64_t number,
                               const ReviewRow *row, Error *err);
CHECKED bool review_row_list(Catalog *catalog, const char *project, int64_t number, ReviewRow **ret,
                             size_t *ret_count, Error *err);

typedef struct CommentRow {
  int64_t id;
  char author[NAME_MAX_LENGTH + 1];
  char marker[65]; /* "" for none */
  char *body;      /* owned */
  int64_t created_at, updated_at;
} CommentRow;
CHECKED bool comment_row_add(Catalog *catalog, const char *project, int64_t number,
                             const char *author, const char *body, Error *err);
/* The one of that marker: made, changed, or removed (body NULL). */
CHECKED bool comment_row_set(Catalog *catalog, const char *project, int64_t number,
                             const char *author, const char *marker, const char *body, Error *err);
CHECKED bool comment_row_list(Catalog *catalog, const char *project, int64_t number,
                              CommentRow **ret, size_t *ret_count, Error *err);

/* ---- statuses ---- */

typedef struct StatusRow {
  char name[ROW_CHECK_SIZE];
  char state[8]; /* "pending", "success", "failure", "error" */
  char url[ROW_LINK_SIZE];
  char description[ROW_TITLE_SIZE];
  char reported_by[NAME_MAX_LENGTH + 1];
  int64_t updated_at;
} StatusRow;
CHECKED bool status_row_set(Catalog *catalog, const char *project, const char *commit,
                            const StatusRow *row, Error *err);
CHECKED bool status_row_list(Catalog *catalog, const char *project, const char *commit,
                             StatusRow **ret, size_t *ret_count, Error *err);

/* ---- pushes ---- */

typedef struct PushRow {
  char git_branch[ROW_GIT_SIZE];
  char branch[ID_SIZE]; /* the database branch that goes with it; "" */
  char old[ROW_COMMIT_SIZE];
  char new[ROW_COMMIT_SIZE];
  bool is_forced;
  char principal[NAME_MAX_LENGTH + 1];
  char on_behalf_of[NAME_MAX_LENGTH + 1];
} PushRow;
CHECKED bool push_row_insert(Catalog *catalog, const char *project, const PushRow *row, Error *err);
