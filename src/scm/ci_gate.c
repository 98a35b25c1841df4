/* What gates ask of CI, and asking for a run. */
#include "branch/access.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/ci_course.h"

#include <stdio.h>

static CiRunRow wanted_row(const ProjectRow *project, const CiSubject *subject) {
  CiRunRow row = {.number = subject->number};
  (void)snprintf(row.project, sizeof row.project, "%s", project->id);
  (void)snprintf(row.source, sizeof row.source, "%s", subject->source);
  (void)snprintf(row.tier, sizeof row.tier, "%s", subject->tier);
  (void)snprintf(row.head, sizeof row.head, "%s", subject->head);
  (void)snprintf(row.base, sizeof row.base, "%s", subject->base);
  return row;
}

static bool find(Context *context, const ProjectRow *project, const CiSubject *subject,
                 CiRunRow *ret, bool *ret_found, Error *err) {
  const CiRunRow wanted = wanted_row(project, subject);
  return ci_run_find(context->catalog, &wanted, ret, ret_found, err);
}

static bool is_over(const CiRunRow *run) {
  return run->state == CI_PASSED || run->state == CI_FAILED;
}

/* Whose tests the policy of the run's beginning had run. */
static bool kept_tests(Context *context, const CiRunRow *run, bool *ret, Error *err) {
  PolicyVersionRow row = {0};
  if (!policy_version_get(context->catalog, run->project, run->policy_version, &row, err))
    return false;
  const json_t *tests = json_object_get(row.canonical, "tests");
  *ret = ci_is_of_change(run) && str_equal(json_string_or(tests, "from", ""), "target");
  policy_version_release(&row);
  return true;
}

/* Whether the run did what the policy in force declares now. */
static bool test_is_current(Context *context, const CiRunRow *run, bool *ret, Error *err) {
  const Policy *policy = NULL;
  int version = 0;
  if (!access_policy(context, run->project, &policy, &version, err))
    return false;
  const char *declared = policy != NULL ? policy_command(policy, "test") : NULL;
  bool keeps = ci_keeps_tests(run, policy);
  bool kept = keeps;
  if (run->policy_version > 0 && run->policy_version != version &&
      !kept_tests(context, run, &kept, err))
    return false;
  *ret = kept == keeps && str_equal(run->test, declared != NULL ? declared : "");
  return true;
}

static bool read_passed(Context *context, const CiRunRow *run, json_t **ret, Error *err) {
  bool current = false;
  AUTO(json_free) json_t *checks = NULL;
  if (!test_is_current(context, run, &current, err) ||
      !ci_check_list(context->catalog, run->id, &checks, err))
    return false;
  json_t *names = json_array();
  size_t at = 0;
  const json_t *check = NULL;
  json_array_foreach(checks, at, check) {
    const char *name = json_string_or(check, "name", "");
    bool counts = current || !str_equal(name, "ci");
    if (counts && str_equal(json_string_or(check, "state", ""), "passed"))
      (void)json_array_append_new(names, json_string(name));
  }
  *ret = names;
  return true;
}

bool ci_passed(Context *context, const ProjectRow *project, const CiSubject *subject, json_t **ret,
               Error *err) {
  CiRunRow run;
  bool found = false;
  if (!find(context, project, subject, &run, &found, err))
    return false;
  if (found && is_over(&run))
    return read_passed(context, &run, ret, err);
  *ret = json_array();
  return true;
}

bool ci_passed_by(Context *context, const ProjectRow *project, const char *id, json_t **ret,
                  Error *err) {
  CiRunRow run;
  return ci_run_get(context->catalog, project->id, id, &run, err) &&
         read_passed(context, &run, ret, err);
}

static bool came_to_nothing(const CiRunRow *run) {
  return run->state == CI_CANCELLED || run->state == CI_LOST;
}

bool ci_tested_base(Context *context, const ProjectRow *project, const CiSubject *subject,
                    char ret[GIT_OID_SIZE], Error *err) {
  const CiRunRow wanted = wanted_row(project, subject);
  CiRunRow last;
  bool found = false;
  if (!ci_run_last(context->catalog, &wanted, &last, &found, err))
    return false;
  (void)snprintf(ret, GIT_OID_SIZE, "%s",
                 found && !came_to_nothing(&last) ? last.base : subject->base);
  return true;
}

bool ci_state(Context *context, const ProjectRow *project, const CiSubject *subject, json_t **ret,
              Error *err) {
  CiRunRow run;
  bool found = false;
  json_t *checks = NULL;
  if (!find(context, project, subject, &run, &found, err) ||
      (found && !ci_check_list(context->catalog, run.id, &checks, err)))
    return false;
  if (!found) {
    *ret = json_pack("{s:s, s:[]}", "state", "none", "checks");
    return true;
  }
  AUTO(str_free) char *url = str_format("bough://%s/ci/%s", project->name, run.id);
  *ret = json_pack("{s:s, s:s, s:s, s:o, s:s}", "state", ci_state_text(run.state), "run", run.id,
                   "url", url, "checks", checks, "error", run.error);
  return true;
}

/* ---- asking ---- */

/* Its worker sees that at its next step and clears away. */
static bool cancel(Context *context, CiRunRow *run, Error *err) {
  Error failure = ERROR_INIT;
  CiState from = run->state;
  run->state = CI_CANCELLED;
  run->finished_at = clock_wall_us();
  (void)snprintf(run->error, sizeof run->error, "another commit or another base came");
  if (ci_run_update(context->catalog, run, from, &failure) || failure.code == ERROR_CANCELLED)
    return true;
  *err = failure;
  return false;
}

static bool cancel_others(Context *context, const CiRunRow *wanted, Error *err) {
  CiRunRow live;
  bool found = false;
  return ci_run_live(context->catalog, wanted->project, wanted->source, wanted->tier, &live, &found,
                     err) &&
         (!found || cancel(context, &live, err));
}

/* Whether that run answers the question, or will. */
static bool suffices(Context *context, const CiRunRow *last, bool *ret, Error *err) {
  bool current = false;
  if (!test_is_current(context, last, &current, err))
    return false;
  *ret = !came_to_nothing(last) && (current || !is_over(last));
  return true;
}

static bool request(Context *context, CiRunRow *wanted, Error *err) {
  bool inserted = false;
  id_new("run", wanted->id);
  wanted->state = CI_QUEUED;
  wanted->created_at = clock_wall_us();
  return cancel_others(context, wanted, err) &&
         ci_run_insert(context->catalog, wanted, &inserted, err);
}

bool ci_request(Context *context, const ProjectRow *project, const CiSubject *subject, Error *err) {
  CiRunRow last;
  CiRunRow wanted = wanted_row(project, subject);
  bool found = false;
  bool enough = false;
  if (!ci_run_find(context->catalog, &wanted, &last, &found, err) ||
      (found && !suffices(context, &last, &enough, err)))
    return false;
  return enough || request(context, &wanted, err);
}

bool ci_request_head(Context *context, const ProjectRow *project, const CiSubject *subject,
                     Error *err) {
  CiRunRow last;
  CiRunRow wanted = wanted_row(project, subject);
  bool found = false;
  bool enough = false;
  if (!ci_run_last(context->catalog, &wanted, &last, &found, err) ||
      (found && !suffices(context, &last, &enough, err)))
    return false;
  return enough || request(context, &wanted, err);
}
