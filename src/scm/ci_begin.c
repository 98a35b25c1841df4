/* A run begins: what it is to test, with what, until when. */
#include "branch/access.h"
#include "branch/audit.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "scm/ci_course.h"
#include "scm/queue.h"
#include "scm/tier.h"

#include <stdio.h>
#include <unistd.h>

#define SECOND_US 1000000LL
enum {
  LIMIT_S = 2 * 60 * 60, /* of a whole run, unless config.json says otherwise */
  HOLD_MS = 10 * 60 * 1000,
};

static int64_t limit_s(const Context *context) {
  int64_t seconds =
      json_integer_or(json_object_get(context->home->config, "ci"), "run_seconds", LIMIT_S);
  return seconds > 0 && seconds <= 24 * 60 * 60 ? seconds : LIMIT_S;
}

/* The live commits of what it is about. */
static bool read_live(Context *context, Forge *forge, const CiRunRow *run, char head[GIT_OID_SIZE],
                      char base[GIT_OID_SIZE], bool *ret_open, Error *err) {
  PullRequest pull = {0};
  bool found_head = false;
  bool found_base = false;
  *ret_open = true;
  if (queue_has_run(run))
    return queue_read_live(context, forge, run, head, base, ret_open, err);
  if (run->number > 0) {
    if (!forge_pull_read(forge, run->number, &pull, err))
      return false;
    *ret_open = pull.state == PULL_OPEN && str_equal(pull.base_branch, run->tier) &&
                str_equal(pull.head_branch, run->source);
    (void)snprintf(head, GIT_OID_SIZE, "%s", pull.head);
    (void)snprintf(base, GIT_OID_SIZE, "%s", pull.base);
    pull_request_release(&pull);
    return true;
  }
  if (!forge_branch_head(forge, run->source, head, &found_head, err) ||
      !forge_branch_head(forge, run->tier, base, &found_base, err))
    return false;
  *ret_open = found_head && found_base;
  return true;
}

static bool has_moved(Error *err) {
  return error_set(err, ERROR_CANCELLED, "another commit or another base came");
}

/* What a pull request's run finds holds for the base that it began with, wherever the tier goes
 * meanwhile: with the live one the queue tests it. */
static bool check_live(Context *context, Forge *forge, const CiRunRow *run, char base[GIT_OID_SIZE],
                       Error *err) {
  char head[GIT_OID_SIZE] = "";
  bool open = false;
  if (!read_live(context, forge, run, head, base, &open, err))
    return false;
  if (!open)
    return error_set(err, ERROR_CANCELLED, "\"%s\" isn't proposed for \"%s\" any more", run->source,
                     run->tier);
  bool may_move = run->number > 0 && queue_serves(forge);
  return (str_equal(head, run->head) && (may_move || str_equal(base, run->base))) || has_moved(err);
}

bool ci_check_current(CiCourse *course, Error *err) {
  CiRunRow now;
  char base[GIT_OID_SIZE] = "";
  const CiRunRow *run = &course->run;
  if (!ci_run_get(course->context->catalog, run->project, run->id, &now, err))
    return false;
  if (now.state != CI_RUNNING)
    return error_set(err, ERROR_CANCELLED, "%s", now.error[0] != '\0' ? now.error : "given up");
  if (now.deadline != 0 && now.deadline < clock_wall_us())
    return error_set(err, ERROR_TIMEOUT, "the run took too long");
  return check_live(course->context, course->forge, run, base, err);
}

/* Killed, or stopped, half-way: what is there belongs to no commit. */
static bool check_whole(CiCourse *course, Error *err) {
  bool half = false;
  const CiRunRow *run = &course->run;
  if (!tier_is_half_way(course->context, run->project, run->tier, &half, err))
    return false;
  return !half ||
         error_set(err, ERROR_CANCELLED, "a promotion into \"%s\" isn't over yet", run->tier);
}

bool ci_hold_base(CiCourse *course, int *ret, Error *err) {
  const CiRunRow *run = &course->run;
  char base[GIT_OID_SIZE] = "";
  char head[GIT_OID_SIZE] = "";
  bool open = false;
  AUTO_RELEASE(fd_release) int held = -1;
  if (!queue_serves(course->forge))
    return true;
  if (!tier_hold(course->context, run->project, run->tier, LOCK_SHARED, HOLD_MS, &held, err))
    return err->code == ERROR_BRANCH_BUSY ? has_moved(err) : false; /* it has by then */
  if (!check_whole(course, err) ||
      !read_live(course->context, course->forge, run, head, base, &open, err))
    return false;
  if (!open || !str_equal(base, run->base))
    return has_moved(err);
  *ret = held;
  held = -1;
  return true;
}

static bool read_policy(Context *context, CiRunRow *run, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, run->project, &policy, &run->policy_version, err))
    return false;
  if (policy == NULL) {
    (void)error_set(err, ERROR_FORBIDDEN, "the project has no policy: nothing says what CI runs");
    return error_hint(err, "`bough policy apply bough.yaml`");
  }
  if (policy_tier(policy, run->tier) == NULL)
    return error_set(err, ERROR_FORBIDDEN, "\"%s\" is no tier of the policy in force", run->tier);
  const char *test = policy_command(policy, "test");
  (void)snprintf(run->test, sizeof run->test, "%s", test != NULL ? test : "");
  return true;
}

static bool begin_row(Context *context, CiRunRow *run, bool is_server, Error *err) {
  run->state = CI_RUNNING;
  run->attempts++;
  run->started_at = clock_wall_us();
  run->finished_at = 0;
  run->deadline = run->started_at + limit_s(context) * SECOND_US;
  run->worker_pid = is_server ? (int)getpid() : 0;
  run->worker_start = is_server ? (int64_t)process_start_time(getpid()) : 0;
  run->error[0] = '\0';
  (void)snprintf(run->principal, sizeof run->principal, "%s", context->caller.name);
  AUTO(json_free)
  json_t *params =
      json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "run", run->id, "pull", (json_int_t)run->number,
                "source", run->source, "tier", run->tier, "head", run->head, "base", run->base);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         ci_run_update(context->catalog, run, CI_QUEUED, err) &&
         audit_record(context, "ci.begin", params, err) && catalog_commit(&guard, err);
}

bool ci_take(Context *context, const ProjectRow *project, CiRunRow *run, bool is_server,
             Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  char base[GIT_OID_SIZE] = "";
  if (!read_policy(context, run, err) || !forge_open(context, project, &forge, err) ||
      !check_live(context, forge, run, base, err))
    return false;
  (void)snprintf(run->base, sizeof run->base, "%s", base); /* as it is when the run begins */
  return forge_merge_try(forge, run->base, run->head, run->result, err) &&
         failpoint_reach(FAILPOINT_CI_MERGED, err) && begin_row(context, run, is_server, err);
}
