/* The declared test, in the merged tree, under the command account. */
#include "branch/access.h"
#include "branch/describe.h"
#include "branch/principal.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "scm/ci_course.h"
#include "scm/ci_tree.h"
#include "scm/command.h"
#include "scm/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>

enum { TEST_SECONDS = 60 * 60, TAR_MS = 10 * 60 * 1000, TOKEN_SIZE = 96, MORE_VARIABLES = 5 };

static int limit_s(const Context *context) {
  int64_t seconds =
      json_integer_or(json_object_get(context->home->config, "ci"), "test_seconds", TEST_SECONDS);
  return seconds > 0 && seconds <= 24 * 60 * 60 ? (int)seconds : TEST_SECONDS;
}

static void on_output(void *context, const char *bytes, size_t length) {
  ci_log_add(context, bytes, length);
}

/* Another commit, another base, or somebody's word ends a run in the middle of its test. */
static bool is_wanted(void *context) {
  const CiCourse *course = context;
  CiRunRow now;
  Error ignored = ERROR_INIT; /* what can't be found out now is found out by the next step */
  return !ci_run_get(course->context->catalog, course->run.project, course->run.id, &now,
                     &ignored) ||
         now.state == CI_RUNNING;
}

/* ---- the tree as an archive ---- */

static void add_notes(CiCourse *course, const json_t *notes) {
  size_t at = 0;
  const json_t *note = NULL;
  json_array_foreach(notes, at, note) {
    ci_log_line(course, "   %s", json_string_value(note));
  }
  (void)json_array_extend(course->notes, (json_t *)notes);
}

static bool make_archive(const char *directory, const char *path, int *ret, Error *err) {
  ProcessOptions options = PROCESS_OPTIONS;
  options.timeout_ms = TAR_MS;
  const char *const argv[] = {"tar",         "--create", "--file", path,
                              "--directory", directory,  ".",      NULL};
  if (!process_check(argv, &options, err))
    return false;
  *ret = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  return *ret >= 0 || error_set_errno(err, errno, "could not open \"%s\"", path);
}

bool ci_is_of_change(const CiRunRow *run) {
  return run->number > 0 || queue_has_run(run);
}

bool ci_keeps_tests(const CiRunRow *run, const Policy *policy) {
  return ci_is_of_change(run) && policy != NULL && policy->tests_from_target;
}

/* The archive has no name any more when this returns; the directory is removed. */
static bool write_archive(CiCourse *course, int *ret, Error *err) {
  Git git = {0};
  const Policy *policy = NULL;
  AUTO(json_free) json_t *notes = NULL;
  AUTO(str_free) char *directory = home_path(course->context->home, "ci/%s", course->run.id);
  AUTO(str_free) char *path = str_format("%s.tar", directory);
  AUTO_RELEASE(tree_guard_release) TreeGuard tree_guard = {directory};
  AUTO_RELEASE(tree_guard_release) TreeGuard archive_guard = {path};
  if (!access_policy(course->context, course->run.project, &policy, NULL, err))
    return false;
  const CiTree tree = {.directory = directory,
                       .base = course->run.base,
                       .result = course->run.result,
                       .test = course->run.test,
                       .keeps_tests = ci_keeps_tests(&course->run, policy)};
  if (!forge_git(course->forge, course->run.result, &git, err) ||
      !ci_tree_write(&git, &tree, &notes, err) || !make_archive(directory, path, ret, err))
    return false;
  add_notes(course, notes);
  return true;
}

/* ---- the environment ---- */

typedef struct Variables {
  char *list[COMMAND_CONNECTION + MORE_VARIABLES + 1];
} Variables;

static void variables_release(Variables *variables) {
  for (char **entry = variables->list; *entry != NULL; entry++) {
    OPENSSL_cleanse(*entry, strlen(*entry));
    str_free(*entry);
  }
}

/* The connection's token opens the run's branch alone: what is tested can't report anything. */
static bool fill(CiCourse *course, Variables *ret, Error *err) {
  char token[TOKEN_SIZE];
  const CiRunRow *run = &course->run;
  Context *context = course->context;
  const RunToken wish = {.run = run->id, .branch = run->branch, .expires_at = run->deadline};
  if (!principal_run_token(context, &wish, token, err))
    return false;
  size_t count =
      command_connection(context, context->caller.name, token, describe_database(course->project),
                         run->branch_name, ret->list);
  OPENSSL_cleanse(token, sizeof token);
  ret->list[count++] = str_format("BOUGH_CI_RUN=%s", run->id);
  ret->list[count++] = str_format("BOUGH_BRANCH=%s", run->branch_name);
  ret->list[count++] = str_format("BOUGH_CI_HEAD=%s", run->head);
  ret->list[count++] = str_format("BOUGH_CI_BASE=%s", run->base);
  ret->list[count] = NULL;
  return true;
}

static bool run_test(CiCourse *course, CiTested *ret, CommandOutcome *outcome, Error *err) {
  AUTO_RELEASE(fd_release) int archive = -1;
  AUTO_RELEASE(variables_release) Variables variables = {0};
  if (!write_archive(course, &archive, err) || !fill(course, &variables, err))
    return false;
  const DeclaredCommand command = {.line = course->run.test,
                                   .environment = (const char *const *)variables.list,
                                   .archive = archive,
                                   .timeout_s = limit_s(course->context),
                                   .on_output = on_output,
                                   .is_wanted = is_wanted,
                                   .context = course};
  if (!command_run(course->context, &command, outcome, err))
    return false;
  *ret = (CiTested){
      .status = outcome->status, .duration_ms = outcome->duration_ms, .tail = outcome->tail};
  return true;
}

bool ci_test(CiCourse *course, Error *err) {
  CommandOutcome outcome = {0};
  CiTested tested = {0};
  Error failure = ERROR_INIT;
  if (course->failed)
    return true; /* said to be skipped by the sum */
  if (course->run.test[0] == '\0')
    return ci_record(course, "test", NULL, "the policy declares no test", 0, err);
  ci_log_line(course, "== test: %.1000s", course->run.test);
  if (run_test(course, &tested, &outcome, &failure))
    return ci_record_tests(course, &tested, err);
  if (failure.code == ERROR_TIMEOUT)
    return ci_record(course, "test", &failure, "", 0, err);
  *err = failure;
  return error_prefix(err, "test");
}
