/* The branches of a run, and how they go. */
#include "branch/branch.h"
#include "branch/principal.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/ci_course.h"
#include "scm/queue.h"

#include <stdio.h>

#define KIND "ci"
#define LIFETIME "6h" /* should all else fail */
#define BASE_SUFFIX "-base"

enum { BUSY_WAIT_MS = 60 * 1000, BUSY_POLL_MS = 50 };

static void name_branch(const CiRunRow *run, char ret[NAME_MAX_LENGTH + 1]) {
  if (queue_has_run(run))
    (void)snprintf(ret, NAME_MAX_LENGTH + 1, "ci-queue-%.45s", run->tier);
  else if (run->number > 0)
    (void)snprintf(ret, NAME_MAX_LENGTH + 1, "ci-pr-%lld", (long long)run->number);
  else
    (void)snprintf(ret, NAME_MAX_LENGTH + 1, "ci-promote-%.45s", run->tier);
}

static void base_name(const CiRunRow *run, char ret[NAME_MAX_LENGTH + 1]) {
  char name[NAME_MAX_LENGTH + 1];
  name_branch(run, name);
  (void)snprintf(ret, NAME_MAX_LENGTH + 1, "%.57s" BASE_SUFFIX, name);
}

/* ---- going ---- */

/* Waits for what is being done on it; one that is gone is fine. */
static bool delete_branch(Context *context, const ProjectRow *project, const char *name,
                          Error *err) {
  int64_t deadline = clock_monotonic_ms() + BUSY_WAIT_MS;
  for (;;) {
    AUTO(json_free) json_t *answer = NULL;
    Error failure = ERROR_INIT;
    if (branch_delete(context, project, name, true, &answer, &failure) ||
        failure.code == ERROR_BRANCH_NOT_FOUND)
      return true;
    if (failure.code != ERROR_BRANCH_BUSY || clock_monotonic_ms() > deadline) {
      *err = failure;
      return error_prefix(err, "branch \"%s\"", name);
    }
    clock_sleep_ms(BUSY_POLL_MS);
  }
}

/* Of a run that was killed before it could note the branch that it made, it is the one of that
 * name, unless a later run of the same pull request, whose branches have the same names, is at it.
 */
static bool is_own(Context *context, const CiRunRow *run, bool *ret, Error *err) {
  BranchRow branch;
  CiRunRow live;
  bool found = false;
  Error failure = ERROR_INIT;
  *ret = false;
  if (!branch_find(context->catalog, run->project, run->branch_name, &branch, &failure)) {
    *err = failure;
    return failure.code == ERROR_BRANCH_NOT_FOUND;
  }
  if (!ci_run_live(context->catalog, run->project, run->source, run->tier, &live, &found, err))
    return false;
  *ret = run->branch[0] != '\0' ? str_equal(branch.id, run->branch)
                                : !found || str_equal(live.id, run->id);
  return true;
}

bool ci_clean(Context *context, const ProjectRow *project, CiRunRow *run, Error *err) {
  char base[NAME_MAX_LENGTH + 1];
  bool own = false;
  if (!ci_token_delete(context->catalog, run->id, err))
    return false;
  if (str_equal(context->caller_run, run->id)) /* with the token that asks for it */
    context->caller_token[0] = '\0';
  if (run->branch_name[0] == '\0')
    return true;
  base_name(run, base);
  if (!is_own(context, run, &own, err) ||
      (own && !(delete_branch(context, project, base, err) &&
                delete_branch(context, project, run->branch_name, err))))
    return false;
  run->branch[0] = run->branch_name[0] = '\0';
  return true;
}

/* ---- coming ---- */

static bool create(CiCourse *course, const BranchRequest *request, BranchRow *ret, Error *err) {
  Context *context = course->context;
  AUTO(json_free) json_t *answer = NULL;
  return branch_create(context, course->project, request, &answer, err) &&
         branch_find(context->catalog, course->project->id, request->name, ret, err);
}

/* The row names the branch before there is one, so that it is found again. */
bool ci_branch_make(CiCourse *course, Error *err) {
  Context *context = course->context;
  CiRunRow *run = &course->run;
  char base[NAME_MAX_LENGTH + 1];
  BranchRow tier;
  BranchRow branch;
  bool found = false;
  name_branch(run, run->branch_name);
  base_name(run, base);
  if (!tier_branch(context->catalog, course->project->id, run->tier, &tier, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_BRANCH_NOT_FOUND, "the tier \"%s\" has no branch", run->tier);
  const BranchRequest request = {
      .name = run->branch_name, .parent = tier.name, .kind = KIND, .ttl = LIFETIME, .start = true};
  if (!ci_run_update(context->catalog, run, CI_RUNNING, err) ||
      !delete_branch(context, course->project, base, err) ||
      !delete_branch(context, course->project, run->branch_name, err) ||
      !create(course, &request, &branch, err))
    return false;
  (void)snprintf(run->branch, sizeof run->branch, "%s", branch.id);
  return ci_run_update(context->catalog, run, CI_RUNNING, err);
}

bool ci_branch_make_base(CiCourse *course, Error *err) {
  char base[NAME_MAX_LENGTH + 1];
  BranchRow branch;
  base_name(&course->run, base);
  const BranchRequest request = {.name = base,
                                 .parent = course->run.branch_name,
                                 .kind = KIND,
                                 .ttl = LIFETIME,
                                 .is_copy = true};
  return create(course, &request, &branch, err);
}
