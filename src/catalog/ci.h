/* CI runs, what they found, and the tokens that are good for one of them (lakebase.ci_runs,
 * ci_checks, ci_artifacts; access.tokens). Rows alone: what a run does is src/scm's. */
#pragma once

#include "catalog/catalog.h"

enum { CI_COMMIT_SIZE = 65 /* with \0 */, CI_SOURCE_SIZE = 201, CI_TEST_SIZE = 4096 };

typedef enum CiState {
  CI_QUEUED,
  CI_RUNNING,
  CI_PASSED,
  CI_FAILED,
  CI_CANCELLED, /* another head or base came, or somebody gave it up */
  CI_LOST,      /* its runner went away */
} CiState;
const char *ci_state_text(CiState state);

typedef struct CiRunRow {
  char id[ID_SIZE]; /* run-... */
  char project[ID_SIZE];
  int64_t number; /* of the pull request; 0: a promotion */
  char source[CI_SOURCE_SIZE];
  char tier[NAME_MAX_LENGTH + 1];
  char head[CI_COMMIT_SIZE];
  char base[CI_COMMIT_SIZE];
  char result[CI_COMMIT_SIZE]; /* what was tested; "": not yet known */
  CiState state;
  bool is_outside;
  char principal[NAME_MAX_LENGTH + 1];   /* who reports; "" while it is queued */
  char branch[ID_SIZE];                  /* "": not noted, or gone */
  char branch_name[NAME_MAX_LENGTH + 1]; /* from before it is made until it is gone; "" */
  char test[CI_TEST_SIZE];
  int policy_version;
  int worker_pid; /* of the built-in runner's worker; 0: none */
  int64_t worker_start;
  int attempts;
  int64_t created_at, started_at, finished_at, deadline;
  char error[512];
  int64_t serial; /* read only: the order of runs */
} CiRunRow;

/* *ret_inserted is false where its subject has a live run. */
CHECKED bool ci_run_insert(Catalog *catalog, const CiRunRow *row, bool *ret_inserted, Error *err);
/* Writes all that may change of a run that is in state from still; CANCELLED where it isn't. */
CHECKED bool ci_run_update(Catalog *catalog, const CiRunRow *row, CiState from, Error *err);
/* CI_RUN_NOT_FOUND. */
CHECKED bool ci_run_get(Catalog *catalog, const char *project, const char *id, CiRunRow *ret,
                        Error *err);
/* The last run for that head and base of that source; *ret_found. */
CHECKED bool ci_run_find(Catalog *catalog, const CiRunRow *wanted, CiRunRow *ret, bool *ret_found,
                         Error *err);
/* The last run for that head of that source into that tier, on whichever base; *ret_found. */
CHECKED bool ci_run_last(Catalog *catalog, const CiRunRow *wanted, CiRunRow *ret, bool *ret_found,
                         Error *err);
/* The live run of a source that goes to a tier. */
CHECKED bool ci_run_live(Catalog *catalog, const char *project, const char *source,
                         const char *tier, CiRunRow *ret, bool *ret_found, Error *err);
/* Lists: mem_free. The newest first, at most limit; number < 0: of all. */
CHECKED bool ci_run_list(Catalog *catalog, const char *project, int64_t number, int64_t limit,
                         CiRunRow **ret, size_t *ret_count, Error *err);
/* All that are queued, run, or have left a branch, oldest first. */
CHECKED bool ci_run_open(Catalog *catalog, CiRunRow **ret, size_t *ret_count, Error *err);

typedef struct CiCheckRow {
  char name[NAME_MAX_LENGTH + 1];
  const char *state;   /* "passed", "failed", "skipped"; static */
  const char *summary; /* borrowed; what is too long is cut */
  int64_t duration_ms;
} CiCheckRow;
CHECKED bool ci_check_insert(Catalog *catalog, const char *run, const CiCheckRow *row, Error *err);
/* [{name, state, summary, duration_ms}], in the order in which they were found; owned. */
CHECKED bool ci_check_list(Catalog *catalog, const char *run, json_t **ret, Error *err);

CHECKED bool ci_artifact_insert(Catalog *catalog, const char *run, const char *name,
                                const char *digest, const char *content, Error *err);
/* {name, digest, content}, owned; *ret is NULL where there is none. */
CHECKED bool ci_artifact_find(Catalog *catalog, const char *run, const char *name, json_t **ret,
                              Error *err);
/* [{name, digest, bytes}], owned. */
CHECKED bool ci_artifact_list(Catalog *catalog, const char *run, json_t **ret, Error *err);

/* Takes back the tokens of a run. */
CHECKED bool ci_token_delete(Catalog *catalog, const char *run, Error *err);
