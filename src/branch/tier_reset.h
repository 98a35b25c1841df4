/* A tier is built anew from its parent, beside the one that stands, and takes its place when all of
 * it has worked: endpoint and connection string stay, children keep their lineage. */
#pragma once

#include "branch/schedule.h"

typedef struct TierReset {
  const ProjectRow *project;
  const char *tier;
  const char *parent;   /* the tier that it is made from */
  int64_t keep_us;      /* how long the old one stays; 0: until it is deleted */
  ScheduleApply *apply; /* NULL: nothing is ever to be applied */
} TierReset;

/* Whether the caller may, before anything of it is recorded. */
CHECKED bool tier_reset_check(Context *context, const TierReset *reset, Error *err);

/* *ret: as branch_repoint's, with "applied". */
CHECKED bool tier_reset(Context *context, const TierReset *reset, json_t **ret, Error *err);
