/* What the policy has done on a schedule: tiers that are built anew from their parent. */
#pragma once

#include "branch/context.h"

/* Applies what git has merged into the tier and its parent lacks to next, the branch that is to
 * stand for the tier (its compute runs, nobody else sees it). Given by src/migrate, which stands
 * above this folder; one that fails leaves the tier as it was. *ret_applied: an array of versions,
 * owned by the caller. */
typedef bool ScheduleApply(Context *context, const ProjectRow *project, const BranchRow *tier,
                           const BranchRow *next, json_t **ret_applied, Error *err);

/* Runs what is due. What was due several times while the server was down, or while it took too
 * long, is run once. Waits while the clocks disagree (reaper.h). *ret_events: what to log. */
CHECKED bool schedule_look(Context *context, ScheduleApply *apply, json_t **ret_events, Error *err);

/* The same for one tier, now, whether it is due or not. */
CHECKED bool schedule_run(Context *context, const ProjectRow *project, const char *tier,
                          ScheduleApply *apply, json_t **ret, Error *err);

/* {schedules:[{tier, parent, expression, zone, next_at, started_at, finished_at, outcome,
 * operation, error}]} */
CHECKED bool schedule_show(Context *context, const ProjectRow *project, json_t **ret, Error *err);
