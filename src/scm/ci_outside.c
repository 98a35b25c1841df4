/* Runs that others ask for, and those of another runner: `bough ci run` and `... --here`. */
#include "branch/access.h"
#include "branch/audit.h"
#include "branch/describe.h"
#include "branch/principal.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/str.h"
#include "scm/ci_course.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_SIZE = 96, OUTPUT_LIMIT = 1024 * 1024 };

/* Nobody but a ci principal reports: a person's or an agent's word is not evidence. */
static bool check_caller(const Context *context, Error *err) {
  if (str_equal(context->caller.type, "ci"))
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "only a ci principal runs CI, \"%s\" is %s",
                  context->caller.name, context->caller.type);
  return error_hint(err, "the built-in runner does it by itself: `bough ci list`, `bough ci log`");
}

/* ---- beginning ---- */

static bool read_pull(Forge *forge, int64_t number, CiRunRow *run, Error *err) {
  PullRequest pull = {0};
  if (!forge_pull_read(forge, number, &pull, err))
    return false;
  run->number = number;
  (void)snprintf(run->source, sizeof run->source, "%s", pull.head_branch);
  (void)snprintf(run->tier, sizeof run->tier, "%.63s", pull.base_branch);
  (void)snprintf(run->head, sizeof run->head, "%s", pull.head);
  (void)snprintf(run->base, sizeof run->base, "%s", pull.base);
  bool open = pull.state == PULL_OPEN && pull.head[0] != '\0' && pull.base[0] != '\0';
  pull_request_release(&pull);
  return open ||
         error_set(err, ERROR_NOTHING_TO_DO, "pull request %lld isn't open", (long long)number);
}

static bool read_branches(Forge *forge, const json_t *body, CiRunRow *run, Error *err) {
  const char *source = NULL;
  const char *tier = NULL;
  bool found_head = false;
  bool found_base = false;
  if (!json_get_string(body, "from", &source, err) || !json_get_string(body, "to", &tier, err) ||
      !name_check("tier", source, err) || !name_check("tier", tier, err) ||
      !forge_branch_head(forge, source, run->head, &found_head, err) ||
      !forge_branch_head(forge, tier, run->base, &found_base, err))
    return false;
  (void)snprintf(run->source, sizeof run->source, "%s", source);
  (void)snprintf(run->tier, sizeof run->tier, "%s", tier);
  return (found_head && found_base) ||
         error_set(err, ERROR_NOTHING_TO_DO, "the repository has no branch \"%s\"",
                   found_head ? tier : source);
}

static bool read_subject(Context *context, const ProjectRow *project, const json_t *body,
                         CiRunRow *run, Error *err) {
  AUTO(forge_free) Forge *forge = NULL;
  int64_t number = json_integer_or(body, "pull", 0);
  (void)snprintf(run->project, sizeof run->project, "%s", project->id);
  return forge_open(context, project, &forge, err) &&
         (number > 0 ? read_pull(forge, number, run, err) : read_branches(forge, body, run, err));
}

/* The run that answers is of exactly what is proposed now; who may look at it may ask for it, since
 * there is one of each. */
bool ci_ask(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
            Error *err) {
  CiRunRow run = {0};
  CiRunRow last;
  bool found = false;
  if (!read_subject(context, project, body, &run, err))
    return false;
  const CiSubject subject = {.number = run.number,
                             .source = run.source,
                             .tier = run.tier,
                             .head = run.head,
                             .base = run.base};
  if (!ci_check_sees(context, &run, err) || !ci_request(context, project, &subject, err) ||
      !ci_run_find(context->catalog, &run, &last, &found, err))
    return false;
  return found ? ci_show(context, project, last.id, ret, err)
               : error_set(err, ERROR_CANCELLED, "another commit or another base came");
}

/* The right to fork the tier for CI is that to begin a run. */
static bool ask_begin(Context *context, const ProjectRow *project, const char *name, Error *err) {
  BranchRow tier;
  bool found = false;
  if (!tier_branch(context->catalog, project->id, name, &tier, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_BRANCH_NOT_FOUND, "the tier \"%s\" has no branch", name);
  const AccessQuestion question = {
      .action = ACTION_BRANCH_FORK, .branch = &tier, .kind = "ci", .target = name};
  return access_ask(context, &question, err);
}

/* What isn't about one run: that of the tier where features go. */
static bool ask_entry(Context *context, const ProjectRow *project, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  return policy != NULL ? ask_begin(context, project, policy->entry, err)
                        : error_set(err, ERROR_FORBIDDEN, "the project has no policy");
}

/* What was asked for and not begun is taken over; what runs is given up. */
static bool insert_run(Context *context, CiRunRow *run, Error *err) {
  CiRunRow live;
  bool found = false;
  bool inserted = false;
  if (!ci_run_live(context->catalog, run->project, run->source, run->tier, &live, &found, err))
    return false;
  if (found) {
    CiState from = live.state;
    live.state = CI_CANCELLED;
    live.finished_at = clock_wall_us();
    (void)snprintf(live.error, sizeof live.error, "begun anew");
    if (!ci_run_update(context->catalog, &live, from, err))
      return false;
  }
  id_new("run", run->id);
  run->state = CI_QUEUED;
  run->is_outside = true;
  run->created_at = clock_wall_us();
  if (!ci_run_insert(context->catalog, run, &inserted, err))
    return false;
  return inserted || error_set(err, ERROR_BUSY, "another run of \"%s\" has begun", run->source);
}

static bool begin(Context *context, const ProjectRow *project, const json_t *body, CiRunRow *run,
                  Error *err) {
  return check_caller(context, err) && read_subject(context, project, body, run, err) &&
         ask_begin(context, project, run->tier, err) && insert_run(context, run, err) &&
         ci_take(context, project, run, false, err);
}

static bool describe_connection(CiCourse *course, json_t **ret, Error *err) {
  char token[TOKEN_SIZE];
  const CiRunRow *run = &course->run;
  Context *context = course->context;
  const char *host = NULL;
  int port = 0;
  const RunToken wish = {.run = run->id, .branch = run->branch, .expires_at = run->deadline};
  if (!describe_proxy(context, &host, &port))
    return error_set(err, ERROR_UNSUPPORTED, "there is no port that a branch is reached by");
  if (!principal_run_token(context, &wish, token, err))
    return false;
  const char *database = describe_database(course->project);
  AUTO(str_free) char *name = str_format("%s@%s", database, run->branch_name);
  AUTO(str_free)
  char *url = str_format("postgresql://%s@%s:%d/%s", context->caller.name, host, port, name);
  *ret = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "host", host, "port", port, "user",
                   context->caller.name, "password", token, "database", name, "url", url);
  OPENSSL_cleanse(token, sizeof token);
  return true;
}

/* What the work tree of the runner has to be: a merge is one tree, whoever makes it. */
static bool tree_of(CiCourse *course, char **ret, Error *err) {
  Git git = {0};
  AUTO(str_free) char *name = str_format("%s^{tree}", course->run.result);
  return forge_git(course->forge, course->run.result, &git, err) &&
         git_line(&git, GIT("rev-parse", "--verify", name), ret, err);
}

static bool answer_begun(CiCourse *course, json_t **ret, Error *err) {
  char token[TOKEN_SIZE];
  const CiRunRow *run = &course->run;
  AUTO(json_free) json_t *checks = NULL;
  AUTO(json_free) json_t *connection = json_null();
  AUTO(str_free) char *tree = NULL;
  const RunToken wish = {.run = run->id, .expires_at = run->deadline};
  if (!tree_of(course, &tree, err) ||
      !ci_check_list(course->context->catalog, run->id, &checks, err) ||
      (run->branch[0] != '\0' && !describe_connection(course, &connection, err)) ||
      !principal_run_token(course->context, &wish, token, err))
    return false;
  *ret = json_pack("{s:s, s:s, s:O, s:b, s:O, s:s, s:s, s:s, s:s}", "run", run->id, "token", token,
                   "checks", checks, "failed", course->failed, "connection", connection, "test",
                   run->test, "head", run->head, "base", run->base, "tree", tree);
  OPENSSL_cleanse(token, sizeof token);
  return true;
}

bool ci_begin(Context *context, const ProjectRow *project, const json_t *body, json_t **ret,
              Error *err) {
  CiRunRow run = {0};
  CiCourse course = {.log = -1};
  Error failure = ERROR_INIT;
  if (!begin(context, project, body, &run, err))
    return false;
  bool ok = ci_course_open(context, project, &run, &course, &failure);
  if (ok) {
    ci_tell(&course, STATUS_PENDING, "running");
    ok = ci_prepare(&course, &failure) && answer_begun(&course, ret, &failure);
    Error ignored = ERROR_INIT; /* what was the matter first is what is told */
    if (!ok)
      (void)!ci_give_up(&course, CI_LOST, &failure, &ignored);
  }
  ci_course_release(&course);
  if (!ok)
    *err = failure;
  return ok;
}

/* ---- ending ---- */

static bool check_token(const Context *context, const char *run, Error *err) {
  if (str_equal(context->caller_run, run))
    return true;
  (void)error_set(err, ERROR_FORBIDDEN, "results of %.40s are reported by its own token alone",
                  run);
  return error_hint(err, "`bough ci run` gets that token when it begins, and uses it");
}

/* The steps before the tests have left their checks; what failed then, failed. */
static bool read_failed(CiCourse *course, Error *err) {
  AUTO(json_free) json_t *checks = NULL;
  if (!ci_check_list(course->context->catalog, course->run.id, &checks, err))
    return false;
  size_t at = 0;
  const json_t *check = NULL;
  json_array_foreach(checks, at, check) {
    if (!str_equal(json_string_or(check, "state", ""), "passed"))
      course->failed = true;
  }
  return true;
}

static bool record_tests(CiCourse *course, const json_t *body, Error *err) {
  const char *output = json_string_or(body, "output", "");
  const CiTested tested = {.status = (int)json_integer_or(body, "status", -1),
                           .duration_ms = json_number_or(body, "duration_ms", 0)};
  size_t length = strlen(output);
  ci_log_line(course, "== test: %.1000s", course->run.test);
  ci_log_add(course, output, length < OUTPUT_LIMIT ? length : OUTPUT_LIMIT);
  if (course->failed)
    return true;
  if (course->run.test[0] == '\0')
    return ci_record(course, "test", NULL, "the policy declares no test", 0, err);
  return ci_record_tests(course, &tested, err);
}

static bool end(CiCourse *course, const json_t *body, Error *err) {
  Error failure = ERROR_INIT;
  if (read_failed(course, &failure) && ci_check_current(course, &failure) &&
      ci_read_migrations(course, &failure) && record_tests(course, body, &failure) &&
      ci_compare(course, &failure) && ci_finish(course, &failure))
    return true;
  Error ignored = ERROR_INIT;
  (void)!ci_give_up(course, failure.code == ERROR_CANCELLED ? CI_CANCELLED : CI_LOST, &failure,
                    &ignored);
  *err = failure;
  return false;
}

bool ci_end(Context *context, const ProjectRow *project, const char *id, const json_t *body,
            json_t **ret, Error *err) {
  CiRunRow run;
  CiCourse course = {.log = -1};
  if (!check_caller(context, err) || !check_token(context, id, err) ||
      !ci_run_get(context->catalog, project->id, id, &run, err))
    return false;
  if (run.state != CI_RUNNING || !run.is_outside)
    return error_set(err, ERROR_CANCELLED, "%s is %s", run.id, ci_state_text(run.state));
  bool ok = ci_course_open(context, project, &run, &course, err) && end(&course, body, err);
  ci_course_release(&course);
  return ok && ci_show(context, project, id, ret, err);
}

bool ci_cancel(Context *context, const ProjectRow *project, const char *id, json_t **ret,
               Error *err) {
  CiRunRow run;
  CiCourse course = {.log = -1};
  Error reason = ERROR_INIT;
  if (!check_caller(context, err) || !ci_run_get(context->catalog, project->id, id, &run, err))
    return false;
  if (!ask_begin(context, project, run.tier, err))
    return false;
  (void)error_set(&reason, ERROR_CANCELLED, "given up by \"%s\"", context->caller.name);
  bool ok = ci_course_open(context, project, &run, &course, err) &&
            (run.state != CI_RUNNING || ci_give_up(&course, CI_CANCELLED, &reason, err));
  ci_course_release(&course);
  return ok && ci_show(context, project, id, ret, err);
}

bool ci_tidy(Context *context, const ProjectRow *project, json_t **ret, Error *err) {
  CiRunRow *runs = NULL;
  size_t count = 0;
  AUTO(json_free) json_t *given_up = json_array();
  if (!check_caller(context, err) || !ask_entry(context, project, err) ||
      !ci_run_open(context->catalog, &runs, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++) {
    CiCourse course = {.log = -1};
    Error reason = ERROR_INIT;
    if (!runs[at].is_outside || runs[at].state != CI_RUNNING ||
        !str_equal(runs[at].project, project->id))
      continue;
    ok = ask_begin(context, project, runs[at].tier, err) &&
         ci_course_open(context, project, &runs[at], &course, err);
    if (ok && !ci_check_current(&course, &reason)) {
      ok = ci_give_up(&course, CI_CANCELLED, &reason, err);
      (void)json_array_append_new(given_up, json_string(runs[at].id));
    }
    ci_course_release(&course);
  }
  mem_free(runs);
  if (ok)
    *ret = json_pack("{s:O}", "given_up", given_up);
  return ok;
}
