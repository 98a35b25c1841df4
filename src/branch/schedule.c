/* When tiers are reset: by the policy's expressions, in its time zone. */
#include "branch/schedule.h"

#include "branch/access.h"
#include "branch/describe.h"
#include "branch/reaper_clock.h"
#include "branch/tier_reset.h"
#include "branch/webhook.h"
#include "catalog/access.h"
#include "catalog/expiry.h"
#include "catalog/schedule.h"
#include "core/clock.h"
#include "core/cron.h"
#include "core/str.h"

#define SECOND_US 1000000LL

/* ---- the policy's word ---- */

static json_t *declared(const Policy *policy) {
  json_t *list = json_array();
  for (size_t at = 0; policy != NULL && at < policy->tier_count; at++) {
    const PolicyTier *tier = &policy->tiers[at];
    if (tier->reset != NULL && tier->parent != NULL)
      (void)json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s}", "tier", tier->name, "expression",
                                            tier->reset, "zone", policy->timezone));
  }
  return list;
}

static bool sync_project(Context *context, const char *project, const Policy **ret, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project, &policy, NULL, err))
    return false;
  AUTO(json_free) json_t *wanted = declared(policy);
  if (!schedule_sync(context->catalog, project, wanted, clock_wall_us(), err))
    return false;
  *ret = policy;
  return true;
}

/* ---- running ---- */

/* The next time, and the last one that isn't after now: what was missed in between is one run. */
static bool find_times(const ScheduleRow *row, int64_t now, int64_t *ret_next, int64_t *ret_last,
                       Error *err) {
  Cron cron;
  return cron_parse(row->expression, &cron, err) &&
         cron_next(&cron, row->zone, row->handled_at, ret_next, err) &&
         cron_last(&cron, row->zone, now, ret_last, err);
}

/* What somebody else held is tried again at the next look. */
static bool record_busy(Context *context, const ProjectRow *project, const ScheduleRow *row,
                        const Error *failure, Error *err) {
  return schedule_set_finished(context->catalog, project->id, row->tier, row->handled_at, "",
                               failure, err);
}

static bool record_failure(Context *context, const ProjectRow *project, const ScheduleRow *row,
                           const Error *failure, Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s}", "tier", row->tier, "expression", row->expression);
  const AuditRow trail = {.actor_name = context->caller.name,
                          .service = "boughd",
                          .action = "schedule.run",
                          .params = params,
                          .failure = failure,
                          .project = project->id};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         schedule_set_finished(context->catalog, project->id, row->tier, clock_wall_us(), "",
                               failure, err) &&
         audit_insert(context->catalog, &trail, err) &&
         webhook_queue(context, "schedule.failed",
                       json_pack("{s:s, s:s, s:o}", "project", project->name, "tier", row->tier,
                                 "error", json_from_error(failure)),
                       err) &&
         catalog_commit(&guard, err);
}

static bool plan_reset(const ProjectRow *project, const Policy *policy, const ScheduleRow *row,
                       ScheduleApply *apply, TierReset *ret, Error *err) {
  const PolicyTier *tier = policy != NULL ? policy_tier(policy, row->tier) : NULL;
  if (tier == NULL || tier->parent == NULL)
    return error_set(err, ERROR_NOTHING_TO_DO, "tier \"%s\" has no reset any more", row->tier);
  *ret = (TierReset){.project = project,
                     .tier = tier->name,
                     .parent = tier->parent,
                     .keep_us = policy_keep_snapshots(policy) * SECOND_US,
                     .apply = apply};
  return true;
}

static bool run_one(Context *context, const TierReset *reset, const ScheduleRow *row, json_t **ret,
                    Error *err) {
  const ProjectRow *project = reset->project;
  Error failure = ERROR_INIT;
  Error unwritten = ERROR_INIT;
  if (!schedule_set_started(context->catalog, project->id, row->tier, err))
    return false;
  if (tier_reset(context, reset, ret, &failure))
    return true;
  if (!(failure.code == ERROR_BRANCH_BUSY ? record_busy : record_failure)(context, project, row,
                                                                          &failure, &unwritten))
    (void)error_prefix(&failure, "unrecorded (%s)", unwritten.message);
  *err = failure;
  return false;
}

static void add_event(json_t *events, const ProjectRow *project, const ScheduleRow *row,
                      int64_t due, const char *text) {
  AUTO(json_free) json_t *time = describe_time(due);
  AUTO(str_free)
  char *event = str_format("project %s: reset of tier %s, due %s: %s", project->name, row->tier,
                           json_is_string(time) ? json_string_value(time) : "-", text);
  (void)json_array_append_new(events, json_line(event));
}

/* One that fails, or whose row makes no sense, keeps no other one from running. */
static void run_if_due(Context *context, const ProjectRow *project, const Policy *policy,
                       const ScheduleRow *row, ScheduleApply *apply, json_t *events) {
  int64_t now = clock_wall_us();
  int64_t next = 0;
  int64_t last = 0;
  AUTO(json_free) json_t *result = NULL;
  TierReset reset;
  Error failure = ERROR_INIT;
  if (!find_times(row, now, &next, &last, &failure))
    add_event(events, project, row, 0, failure.message);
  else if (next <= now)
    add_event(events, project, row, last,
              plan_reset(project, policy, row, apply, &reset, &failure) &&
                      run_one(context, &reset, row, &result, &failure)
                  ? "done"
                  : failure.message);
}

static bool look_at_project(Context *context, const ProjectRow *project, ScheduleApply *apply,
                            json_t *events, Error *err) {
  const Policy *policy = NULL;
  ScheduleRow *rows = NULL;
  size_t count = 0;
  if (!sync_project(context, project->id, &policy, err) ||
      !schedule_list(context->catalog, project->id, &rows, &count, err))
    return false;
  for (size_t at = 0; at < count; at++)
    run_if_due(context, project, policy, &rows[at], apply, events);
  mem_free(rows);
  return true;
}

bool schedule_look(Context *context, ScheduleApply *apply, json_t **ret_events, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  ReaperRow clock;
  ProjectRow *projects = NULL;
  size_t count = 0;
  if (!reaper_get(context->catalog, &clock, err) ||
      !project_list(context->catalog, &projects, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; at < count; at++) {
    ok = ok && (reaper_clock_is_held(&clock) || projects[at].state != ROW_READY ||
                look_at_project(context, &projects[at], apply, events, err));
    project_row_release(&projects[at]);
  }
  mem_free(projects);
  if (ok)
    *ret_events = STEAL(events);
  return ok;
}

/* Who may not run it leaves no trace in the schedule, and takes no run from it. */
bool schedule_run(Context *context, const ProjectRow *project, const char *tier,
                  ScheduleApply *apply, json_t **ret, Error *err) {
  const Policy *policy = NULL;
  ScheduleRow row;
  TierReset reset;
  bool found = false;
  if (!name_check("tier", tier, err) || !sync_project(context, project->id, &policy, err) ||
      !schedule_get(context->catalog, project->id, tier, &row, &found, err))
    return false;
  if (found)
    return plan_reset(project, policy, &row, apply, &reset, err) &&
           tier_reset_check(context, &reset, err) && run_one(context, &reset, &row, ret, err);
  (void)error_set(err, ERROR_NOTHING_TO_DO, "no reset is declared for a tier \"%s\"", tier);
  return error_hint(err, "`bough schedule list` shows those that are");
}

/* ---- showing ---- */

static json_t *describe(const Policy *policy, const ScheduleRow *row) {
  const PolicyTier *tier = policy != NULL ? policy_tier(policy, row->tier) : NULL;
  int64_t next = 0;
  int64_t last = 0;
  Error ignored = ERROR_INIT;
  (void)!find_times(row, clock_wall_us(), &next, &last, &ignored);
  return json_pack("{s:s, s:s*, s:s, s:s, s:o, s:o, s:o, s:s, s:s*, s:s}", "tier", row->tier,
                   "parent", tier != NULL ? tier->parent : NULL, "expression", row->expression,
                   "zone", row->zone, "next_at", describe_time(next), "started_at",
                   describe_time(row->started_at), "finished_at", describe_time(row->finished_at),
                   "outcome", row->outcome, "operation",
                   row->operation[0] != '\0' ? row->operation : NULL, "error", row->error);
}

bool schedule_show(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  const Policy *policy = NULL;
  ScheduleRow *rows = NULL;
  size_t count = 0;
  if (!sync_project(context, project->id, &policy, err) ||
      !schedule_list(context->catalog, project->id, &rows, &count, err))
    return false;
  json_t *list = json_array();
  for (size_t at = 0; at < count; at++)
    (void)json_array_append_new(list, describe(policy, &rows[at]));
  mem_free(rows);
  *ret = json_pack("{s:o}", "schedules", list);
  return true;
}
