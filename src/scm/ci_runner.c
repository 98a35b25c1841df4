/* The built-in runner: one run from its beginning to its end, and looking for what is to be run. */
#include "branch/access.h"
#include "branch/audit.h"
#include "branch/runner.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/process.h"
#include "core/str.h"
#include "scm/ci_course.h"
#include "scm/disguise.h"
#include "scm/queue.h"
#include "scm/tier.h"

#include <stdio.h>
#include <string.h>

enum { ATTEMPTS = 3 };

/* ---- who reports ---- */

static bool find_reporter(Context *context, PrincipalRow *ret, bool *ret_found, Error *err) {
  PrincipalRow *rows = NULL;
  size_t count = 0;
  if (!principal_list(context->catalog, &rows, &count, err))
    return false;
  *ret_found = false;
  for (size_t at = 0; at < count; at++)
    if (str_equal(rows[at].type, "ci") && (!*ret_found || rows[at].created_at < ret->created_at)) {
      *ret = rows[at];
      *ret_found = true;
    }
  mem_free(rows);
  return true;
}

/* ---- one run ---- */

static void note(json_t *events, const char *subject, const Error *failure) {
  AUTO(str_free) char *event = str_format("%s: %s", subject, failure->message);
  (void)json_array_append_new(events, json_line(event));
}

static bool go(CiCourse *course, Error *err) {
  ci_tell(course, STATUS_PENDING, "running");
  ci_log_line(course, "%s: %s at %s on %s at %s, merged as %s", course->run.id, course->run.source,
              course->run.head, course->run.tier, course->run.base, course->run.result);
  return ci_prepare(course, err) && failpoint_reach(FAILPOINT_CI_PREPARED, err) &&
         ci_test(course, err) && ci_compare(course, err) &&
         failpoint_reach(FAILPOINT_CI_TESTED, err) && ci_finish(course, err);
}

/* A conflict was found about the change; what else went wrong wasn't, and is tried again. */
static CiState state_after(const Error *failure) {
  if (failure->code == ERROR_MERGE_CONFLICT)
    return CI_FAILED;
  return failure->code == ERROR_CANCELLED ? CI_CANCELLED : CI_LOST;
}

static bool follow(CiCourse *course, Error *err) {
  Error failure = ERROR_INIT;
  if (go(course, &failure))
    return true;
  if (!ci_give_up(course, state_after(&failure), &failure, err))
    return false;
  if (failure.code == ERROR_CANCELLED)
    return true;
  *err = failure;
  return false;
}

/* What can't even begin is over, too. */
static bool refuse(Context *context, CiRunRow *run, const Error *failure, Error *err) {
  run->state = state_after(failure);
  (void)snprintf(run->principal, sizeof run->principal, "%s", context->caller.name);
  run->finished_at = clock_wall_us();
  (void)snprintf(run->error, sizeof run->error, "%.500s", failure->message);
  return ci_run_update(context->catalog, run, CI_QUEUED, err);
}

static bool run_one(Context *context, const ProjectRow *project, CiRunRow *run, json_t **ret_events,
                    Error *err) {
  CiCourse course = {.log = -1};
  Error failure = ERROR_INIT;
  if (!ci_take(context, project, run, true, &failure)) {
    bool lost_race = failure.code == ERROR_CANCELLED && run->state == CI_RUNNING;
    if (state_after(&failure) == CI_LOST)
      note(*ret_events, run->id, &failure);
    return lost_race || refuse(context, run, &failure, err);
  }
  bool ok = ci_course_open(context, project, run, &course, &failure) && follow(&course, &failure);
  if (!ok)
    note(*ret_events, run->id, &failure);
  ci_course_release(&course);
  return true;
}

static bool serve_run(Context *context, CiRunRow *run, json_t **ret_events, Error *err) {
  ProjectRow project = {0};
  if (!project_get(context->catalog, run->project, &project, err))
    return false;
  audit_about(context, project.id, NULL);
  bool ok = run_one(context, &project, run, ret_events, err);
  project_row_release(&project);
  return ok;
}

/* What is tested on a tier that stands half-way says nothing: it waits for whoever finishes that.
 */
static bool may_begin(Context *context, const CiRunRow *run, bool of_queues, bool *ret,
                      Error *err) {
  bool half = false;
  *ret = run->state == CI_QUEUED && queue_has_run(run) == of_queues;
  if (*ret && !tier_is_half_way(context, run->project, run->tier, &half, err))
    return false;
  *ret = *ret && !half;
  return true;
}

static bool serve_first(Context *context, CiRunRow *runs, size_t count, bool of_queues,
                        bool *ret_served, json_t **ret_events, Error *err) {
  for (size_t at = 0; at < count; at++) {
    bool begins = false;
    if (!may_begin(context, &runs[at], of_queues, &begins, err))
      return false;
    if (!begins)
      continue;
    *ret_served = true;
    return serve_run(context, &runs[at], ret_events, err);
  }
  return true;
}

bool ci_serve(Context *context, bool of_queues, json_t **ret, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  AUTO_RELEASE(disguise_release) Disguise disguise = {0};
  PrincipalRow reporter = {0};
  CiRunRow *runs = NULL;
  size_t count = 0;
  bool found = false;
  bool served = false;
  if (!find_reporter(context, &reporter, &found, err))
    return false;
  if (found && runner_is_up(context->home)) { /* else they wait: `bough status` says for what */
    if (!ci_run_open(context->catalog, &runs, &count, err))
      return false;
    disguise_as(context, &reporter, &disguise);
    bool ok = serve_first(context, runs, count, of_queues, &served, &events, err);
    mem_free(runs);
    if (!ok)
      return false;
  }
  *ret = json_pack("{s:b, s:O}", "more", served, "events", events);
  return true;
}

/* ---- looking ---- */

static bool is_worker_alive(const CiRunRow *run) {
  return run->worker_pid > 0 && process_start_time(run->worker_pid) == (uint64_t)run->worker_start;
}

static bool is_abandoned(const CiRunRow *run) {
  if (run->state == CI_QUEUED)
    return false;
  if (run->state != CI_RUNNING)
    return !is_worker_alive(run); /* over, but it left something */
  return run->is_outside ? run->deadline < clock_wall_us() : !is_worker_alive(run);
}

/* Lost ones of the built-in runner are tried again by themselves, a few times. */
static bool ask_again(Context *context, const ProjectRow *project, const CiSubject *subject,
                      Error *err) {
  CiRunRow *runs = NULL;
  size_t count = 0;
  size_t lost = 0;
  if (!ci_run_list(context->catalog, project->id, subject->number, ATTEMPTS, &runs, &count, err))
    return false;
  for (size_t at = 0; at < count; at++)
    lost += runs[at].state == CI_LOST && str_equal(runs[at].head, subject->head);
  mem_free(runs);
  return lost >= ATTEMPTS || ci_request_head(context, project, subject, err);
}

static bool clear_after(Context *context, const ProjectRow *project, CiRunRow *run, Error *err) {
  CiCourse course = {.log = -1};
  Error failure = ERROR_INIT;
  bool was_running = run->state == CI_RUNNING;
  (void)error_set(&failure, run->is_outside ? ERROR_TIMEOUT : ERROR_CANCELLED, "its runner %s",
                  run->is_outside ? "didn't report in time" : "was killed");
  bool ok = ci_course_open(context, project, run, &course, err) &&
            ci_give_up(&course, CI_LOST, &failure, err);
  ci_course_release(&course);
  const CiSubject subject = {.number = run->number,
                             .source = run->source,
                             .tier = run->tier,
                             .head = run->head,
                             .base = run->base};
  bool is_tried_again = was_running && !run->is_outside && !queue_has_run(run);
  return ok && (!is_tried_again || ask_again(context, project, &subject, err));
}

static bool clear_all(Context *context, json_t *events, Error *err) {
  CiRunRow *runs = NULL;
  size_t count = 0;
  if (!ci_run_open(context->catalog, &runs, &count, err))
    return false;
  for (size_t at = 0; at < count; at++) {
    ProjectRow project = {0};
    Error failure = ERROR_INIT;
    if (!is_abandoned(&runs[at]))
      continue;
    if (!project_get(context->catalog, runs[at].project, &project, &failure) ||
        !clear_after(context, &project, &runs[at], &failure))
      note(events, runs[at].id, &failure);
    project_row_release(&project);
  }
  mem_free(runs);
  return true;
}

/* In the order of their numbers: what was proposed first is tested first. */
static bool request_all(Context *context, const ProjectRow *project, Forge *forge, Error *err) {
  PullRequest *pulls = NULL;
  size_t count = 0;
  const Policy *policy = NULL;
  if (!access_policy(context, project->id, &policy, NULL, err) ||
      !forge_pull_list(forge, true, &pulls, &count, err))
    return false;
  bool ok = true;
  for (size_t at = count; ok && at > 0; at--) {
    const PullRequest *pull = &pulls[at - 1];
    const CiSubject subject = {.number = pull->number,
                               .source = pull->head_branch,
                               .tier = pull->base_branch,
                               .head = pull->head,
                               .base = pull->base};
    if (policy != NULL && pull->head[0] != '\0' && pull->base[0] != '\0' &&
        policy_tier(policy, pull->base_branch) != NULL)
      ok = ask_again(context, project, &subject, err);
  }
  pull_requests_free(pulls, count);
  return ok;
}

static bool look_at_project(Context *context, const ProjectRow *project, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  if (!forge_open(context, project, &forge, err))
    return false;
  return !str_equal(forge_kind(forge), "local") || request_all(context, project, forge, err);
}

bool ci_look(Context *context, json_t **ret, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  AUTO_RELEASE(disguise_release) Disguise disguise = {0};
  PrincipalRow reporter = {0};
  ProjectRow *projects = NULL;
  size_t count = 0;
  bool found = false;
  if (!find_reporter(context, &reporter, &found, err))
    return false;
  if (found) {
    disguise_as(context, &reporter, &disguise);
    if (!clear_all(context, events, err) || !project_list(context->catalog, &projects, &count, err))
      return false;
    for (size_t at = 0; at < count; at++) {
      Error failure = ERROR_INIT;
      if (projects[at].state == ROW_READY && !look_at_project(context, &projects[at], &failure))
        note(events, projects[at].name, &failure);
      project_row_release(&projects[at]);
    }
    mem_free(projects);
  }
  *ret = json_pack("{s:O}", "events", events);
  return true;
}
