/* The action of wait-ci: asks how the checks of exactly this head on exactly this base stand. The
 * client waits; each call answers at once. */
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"
#include "scm/ci.h"
#include "scm/queue.h"
#include "scm/step.h"

#include <stdio.h>

/* Of the tier as it was when the run of this head began, where a queue tests it with what came
 * since; else of the tier as it is. */
static bool find_subject(Step *step, CiSubject *ret, Error *err) {
  char base[GIT_OID_SIZE];
  *ret = (CiSubject){.number = step->change.pr,
                     .source = step->change.git_branch,
                     .tier = step->change.tier,
                     .head = step->head,
                     .base = step->base};
  if (!queue_serves(step->forge))
    return true;
  if (!ci_tested_base(step->context, step->project, ret, base, err))
    return false;
  (void)snprintf(step->base, sizeof step->base, "%s", base);
  return true;
}

/* The first required check that hasn't passed; NULL: all have. */
static const char *missing_check(const Step *step, const json_t *passed) {
  const PolicyPromotion *promotion =
      policy_promotion(step->policy, step->change.kind, step->change.tier);
  for (size_t at = 0; promotion != NULL && at < promotion->require_count; at++)
    if (!json_has_text(passed, promotion->require[at]))
      return promotion->require[at];
  return NULL;
}

static bool turn_green(Step *step, const json_t *state, Error *err) {
  ChangeRow *change = &step->change;
  const char *url = json_string_or(state, "url", change->pr_url);
  (void)snprintf(change->base, sizeof change->base, "%s", step->base);
  (void)snprintf(change->ci_run_url, sizeof change->ci_run_url, "%s",
                 url[0] != '\0' ? url : change->pr_url);
  change->ci_green_at = clock_wall_us();
  return workflow_move(step->context, change, SCM_EVENT_WAIT_CI, err) &&
         failpoint_reach(FAILPOINT_CI_RECORDED, err);
}

static bool is_over(const char *state) {
  return str_equal(state, "failed") || str_equal(state, "passed");
}

/* What was red is red for this commit; what was given up or lost is asked for again. */
static bool not_yet(Step *step, const CiSubject *subject, const json_t *state, const char *missing,
                    Error *err) {
  const char *word = json_string_or(state, "state", "none");
  const char *why = json_string_or(state, "error", "");
  if (is_over(word)) {
    if (step->state == SCM_CI_GREEN &&
        !workflow_move(step->context, &step->change, SCM_EVENT_CI_LOST, err))
      return false;
    (void)error_set(err, ERROR_CI_FAILED, "check \"%.40s\" didn't pass for %.12s on %.12s%s%.300s",
                    missing, subject->head, subject->base, why[0] != '\0' ? ": " : "", why);
    return error_hint(err,
                      "`bough ci log %lld` shows why; push what repairs it and `bough scm "
                      "prepare-pr` again",
                      (long long)subject->number);
  }
  bool runs = str_equal(word, "queued") || str_equal(word, "running");
  if (!runs && !ci_request(step->context, step->project, subject, err))
    return false;
  (void)json_object_set_new(step->notes, "pending", json_string(missing));
  return true;
}

bool action_ci(Step *step, Error *err) {
  CiSubject subject;
  AUTO(json_free) json_t *state = NULL;
  AUTO(json_free) json_t *passed = NULL;
  if (!find_subject(step, &subject, err) ||
      !ci_state(step->context, step->project, &subject, &state, err) ||
      !ci_passed(step->context, step->project, &subject, &passed, err))
    return false;
  const char *missing = missing_check(step, passed);
  (void)json_object_set(step->notes, "ci", state);
  if (missing != NULL)
    return not_yet(step, &subject, state, missing, err);
  return step->state == SCM_CI_GREEN ? true : turn_green(step, state, err);
}
