/* A folder of migrations held against the ledger of a database: what is applied, what is to be, and
 * what doesn't fit. Pure. */
#pragma once

#include "migrate/ledger.h"

typedef enum PlanState {
  PLAN_APPLIED,
  PLAN_PENDING,
  PLAN_CHANGED,      /* a repeatable one whose text has changed: to be run again */
  PLAN_EDITED,       /* applied, and its text isn't what was applied */
  PLAN_COLLISION,    /* another migration is applied under its version */
  PLAN_OUT_OF_ORDER, /* pending, below one that is applied */
  PLAN_STOPPED,      /* half-way */
  PLAN_RUNNING,
  PLAN_AHEAD, /* applied, and not in the folder */
} PlanState;
const char *plan_state_text(PlanState state);

typedef struct PlanItem {
  PlanState state;
  const Migration *migration; /* NULL: ahead */
  const LedgerRow *row;       /* NULL: not applied */
  char checksum[MIGRATION_CHECKSUM_SIZE];
} PlanItem;

typedef struct Plan {
  PlanItem *items; /* in the set's order, then what it lacks */
  size_t count;
  const char *drift; /* "matches", "differs", "unknown" */
  json_t *findings;  /* [{code, version, name, message, hint}] */
} Plan;

/* digest: of the live schema, NULL when it wasn't read. ledger and set must outlive the plan. */
void plan_make(const Ledger *ledger, const MigrationSet *set, const char *digest, Plan *ret);
void plan_release(Plan *plan);

/* Fails with the first finding whose code isn't in accepted, an array of strings or NULL. */
CHECKED bool plan_check(const Plan *plan, const json_t *accepted, Error *err);

/* Whether the item is to be run by an apply. */
bool plan_wants(const PlanItem *item);

/* {"migrations":[{version,name,file,state,author,applied_at,branch,duration_ms,has_undo,error}],
 * "findings", "schema", "applied", "pending"}, owned by the caller. */
json_t *plan_describe(const Plan *plan);
