/* Changes: claimed pairs of a git branch and a database branch (lakebase.changes). Rows alone: what
 * may follow what is src/scm's. */
#pragma once

#include "catalog/catalog.h"

enum { CHANGE_COMMIT_SIZE = 65 /* with \0 */, CHANGE_GIT_SIZE = 201, CHANGE_URL_SIZE = 513 };

typedef enum ChangeState {
  CHANGE_CLAIMED,
  CHANGE_PR_READY,
  CHANGE_CI_GREEN,
  CHANGE_MERGED,
  CHANGE_ABANDONED,
} ChangeState;
const char *change_state_text(ChangeState state);

typedef struct ChangeRow {
  char id[ID_SIZE]; /* chg-... */
  char project[ID_SIZE];
  char feature[NAME_MAX_LENGTH + 1]; /* feature_id, by which people name it */
  char kind[NAME_MAX_LENGTH + 1];
  ChangeState state;
  char git_branch[CHANGE_GIT_SIZE];      /* "feature/inventory-split" */
  char tier[NAME_MAX_LENGTH + 1];        /* it goes to; also the git branch of the pull request */
  char branch[ID_SIZE];                  /* its database branch; gone once the change is ended */
  char branch_name[NAME_MAX_LENGTH + 1]; /* of that */
  char claimed_by[NAME_MAX_LENGTH + 1];
  char claimed_for[NAME_MAX_LENGTH + 1]; /* "" for itself */
  int64_t claimed_at;
  char claim_commit[CHANGE_COMMIT_SIZE]; /* the tier's commit at the claim; "": not known */
  char head[CHANGE_COMMIT_SIZE]; /* commit that was prepared, "" before; gates hold for it alone */
  char base[CHANGE_COMMIT_SIZE]; /* the tier's commit that it was prepared or tested against */
  int64_t pushed_at;
  int64_t pr; /* number of the pull request; 0: none */
  char pr_url[CHANGE_URL_SIZE];
  char diff_digest[65]; /* of its schema diff; "" before */
  char ci_run_url[CHANGE_URL_SIZE];
  int64_t ci_green_at;
  int64_t merged_at;
  char merge_commit[CHANGE_COMMIT_SIZE];
  char snapshot[NAME_MAX_LENGTH + 1]; /* branch: the tier as it was before the merge */
  int64_t migrated_at;
  int64_t ended_at;
  int64_t revision; /* counts transitions */
} ChangeRow;

/* Refused with CHANGE_EXISTS where one of that feature, git branch or database branch lives. */
CHECKED bool change_insert(Catalog *catalog, const ChangeRow *row, Error *err);
/* Writes the row as revision + 1, which *row then has, if nobody did so since it was read:
 * CHANGE_MOVED. */
CHECKED bool change_update(Catalog *catalog, ChangeRow *row, Error *err);

/* The living one, or, where there is none, the last that ended. *ret_found. */
CHECKED bool change_of_feature(Catalog *catalog, const char *project, const char *feature,
                               ChangeRow *ret, bool *ret_found, Error *err);
CHECKED bool change_of_git(Catalog *catalog, const char *project, const char *git_branch,
                           ChangeRow *ret, bool *ret_found, Error *err);
/* branch: id of the database branch. */
CHECKED bool change_of_branch(Catalog *catalog, const char *branch, ChangeRow *ret, bool *ret_found,
                              Error *err);
CHECKED bool change_get(Catalog *catalog, const char *id, ChangeRow *ret, Error *err);
/* Those of a project, the living first, then the last hundred that ended. tier NULL: of all. */
CHECKED bool change_list(Catalog *catalog, const char *project, const char *tier, ChangeRow **ret,
                         size_t *ret_count, Error *err);
