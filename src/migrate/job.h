/* What status, apply and rollback have in common: a request, its branch, and the ledger there. */
#pragma once

#include "migrate/digest.h"
#include "migrate/plan.h"
#include "migrate/run.h"

typedef struct Job {
  Target target;
  MigrationSet set;
  const json_t *body;
  Ledger ledger;
  char digest[SCHEMA_DIGEST_SIZE]; /* of the live schema when it was looked at; "": not known */
  bool has_run;                    /* something was run: the schema may be another one */
  Plan plan;
  OperationRow operation; /* of one that changes something */
  int lock_timeout_ms, attempts;
  RunStep *on_step; /* see run.h; may be NULL */
  void *step_context;
} Job;
void job_release(Job *job);

/* Reads the request and finds the branch. */
CHECKED bool job_prepare(Context *context, const ProjectRow *project, const char *branch,
                         const json_t *body, Job *ret, Error *err);
/* Wakes the branch, opens the ledger and makes the plan. kind: the operation that is recorded, NULL
 * for one that only looks. */
CHECKED bool job_open(Job *job, const char *kind, Error *err);
/* Reads ledger and schema anew, as they are now, and makes the plan of that. */
CHECKED bool job_look(Job *job, Error *err);
/* Whether the plan's item of that index is to be run, and isn't above the request's "to". */
bool job_wants(const Job *job, size_t index);
/* Ends the operation: the schema's digest goes to the ledger; failure NULL when all is done. */
CHECKED bool job_close(Job *job, const Error *failure, Error *err);

/* {branch, database, layout, notes} and plan_describe's members. */
json_t *job_describe(const Job *job);
