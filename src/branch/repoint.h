/* What repointing and the reset of a tier have in common: a new branch takes over the name, the
 * endpoint and the tier of another one. */
#pragma once

#include "branch/context.h"

typedef struct RepointPlan {
  const ProjectRow *project;
  const BranchRow *old;    /* whose name and endpoint move */
  const BranchRow *source; /* what the new one is forked from */
  const char *operation;   /* its kind */
  int64_t grace_ms;        /* for open sessions */
  int64_t keep_us;         /* how long the old one stays; 0: for as long as it was to stay */
  bool is_hurried;         /* the old compute is killed: its branch recovers when it is looked at */
  bool is_counted;         /* the new one is one more, by the policy's limits */
  /* Makes the new branch ready while nobody sees it; its compute runs meanwhile. NULL: nothing is
   * to be done. Failing leaves everything as it was. */
  bool (*prepare)(void *arg, Context *context, const BranchRow *next, Error *err);
  /* In the transaction that moves the name; may be NULL. */
  bool (*moved)(void *arg, Context *context, const char *operation, Error *err);
  void *arg;
} RepointPlan;

/* *ret as branch_repoint answers. The caller's right has been asked for. */
CHECKED bool repoint_carry_out(Context *context, const RepointPlan *plan, json_t **ret, Error *err);
