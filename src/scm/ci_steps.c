/* The steps of a run on its branch, each of which leaves a check. */
#include "branch/diff.h"
#include "branch/lint.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"
#include "migrate/migrate.h"
#include "migration/migration.h"
#include "scm/ci_course.h"
#include "scm/step.h"

#include <stdio.h>
#include <string.h>

/* ---- checks ---- */

/* What can't be blamed on what was proposed: the run is given up then, and may be tried again. */
static bool is_platform_trouble(ErrorCode code) {
  static const ErrorCode codes[] = {ERROR_AGENT_DOWN,
                                    ERROR_RUNNER_DOWN,
                                    ERROR_CATALOG_DOWN,
                                    ERROR_CATALOG_INVALID,
                                    ERROR_IO,
                                    ERROR_INTERNAL,
                                    ERROR_POOL_FULL,
                                    ERROR_POOL_MISSING,
                                    ERROR_LIMIT_REACHED,
                                    ERROR_BUSY,
                                    ERROR_BRANCH_BUSY,
                                    ERROR_COMPUTE_FAILED,
                                    ERROR_COMPUTE_TIMEOUT,
                                    ERROR_COMPUTE_LOST,
                                    ERROR_STORAGE_FAILED,
                                    ERROR_CANCELLED,
                                    ERROR_FORBIDDEN,
                                    ERROR_POLICY_CHANGED,
                                    ERROR_BRANCH_NOT_FOUND,
                                    ERROR_STARTING};
  for (size_t at = 0; at < ARRAY_LENGTH(codes); at++)
    if (codes[at] == code)
      return true;
  return false;
}

bool ci_record(CiCourse *course, const char *name, const Error *failure, const char *summary,
               double duration_ms, Error *err) {
  bool ok = failure == NULL || failure->code == ERROR_NONE;
  CiCheckRow row = {.state = ok ? "passed" : "failed",
                    .summary = ok ? summary : failure->message,
                    .duration_ms = (int64_t)duration_ms};
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  ci_log_line(course, "== %s %s (%.0f ms)%s%s", name, row.state, duration_ms,
              row.summary[0] != '\0' ? ": " : "", row.summary);
  if (!ok && failure->hint[0] != '\0')
    ci_log_line(course, "   %s", failure->hint);
  course->failed = course->failed || !ok;
  return ci_check_insert(course->context->catalog, course->run.id, &row, err);
}

/* A step answers with a summary, or fails. */
typedef bool CiStep(CiCourse *course, Buffer *ret_summary, Error *err);

static bool skip(CiCourse *course, const char *name, Error *err) {
  CiCheckRow row = {.state = "skipped", .summary = "an earlier check failed"};
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  ci_log_line(course, "== %s skipped", name);
  return ci_check_insert(course->context->catalog, course->run.id, &row, err);
}

static bool take_step(CiCourse *course, const char *name, CiStep *step, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer summary = {0};
  Error failure = ERROR_INIT;
  int64_t started = clock_monotonic_us();
  if (course->failed)
    return skip(course, name, err);
  if (!ci_check_current(course, err))
    return false;
  context_report(course->context, name, 0, 0);
  ci_log_line(course, "== %s", name);
  if (!step(course, &summary, &failure) && is_platform_trouble(failure.code)) {
    *err = failure;
    return error_prefix(err, "%s", name);
  }
  return ci_record(course, name, &failure, summary.text != NULL ? summary.text : "",
                   (double)(clock_monotonic_us() - started) / 1000.0, err);
}

/* ---- the steps ---- */

static bool keep(CiCourse *course, const char *name, const char *text, Error *err) {
  char digest[MIGRATION_CHECKSUM_SIZE];
  migration_checksum(text, digest);
  return ci_artifact_insert(course->context->catalog, course->run.id, name, digest, text, err);
}

bool ci_read_migrations(CiCourse *course, Error *err) {
  Step step = {.context = course->context, .project = course->project, .forge = course->forge};
  return step_migrations(&step, course->run.result, &course->set, err);
}

static bool make_branch(CiCourse *course, Buffer *ret_summary, Error *err) {
  AUTO_RELEASE(fd_release) int held = -1;
  if (!ci_read_migrations(course, err) || !ci_hold_base(course, &held, err) ||
      !ci_branch_make(course, err))
    return false;
  fd_release(&held);
  if (!failpoint_reach(FAILPOINT_CI_BRANCH_MADE, err))
    return false;
  buffer_add_format(ret_summary, "%s, forked from %s", course->run.branch_name, course->run.tier);
  return course->set == NULL || ci_branch_make_base(course, err);
}

static const json_t *first_unproved(const json_t *answer) {
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(answer, "migrations"), at, item) {
    if (!json_bool_or(item, "proved", false))
      return item;
  }
  return NULL;
}

/* Who looks for whose fault it is finds the version by itself. */
static bool refuse_unproved(CiCourse *course, const json_t *item, Error *err) {
  const char *version = json_string_or(item, "version", "");
  if (version[0] != '\0' && !keep(course, CI_FAILED_MIGRATION, version, err))
    return false;
  return error_set(err, ERROR_MIGRATION_UNPROVED, "%.200s did not pass its verification",
                   json_string_or(item, "file", "a migration"));
}

/* On copies of the tier: what the tier has already isn't proved again. */
static bool verify(CiCourse *course, Buffer *ret_summary, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  BranchRow tier = {0};
  bool found = false;
  if (course->set == NULL) {
    buffer_add_text(ret_summary, "there are no migrations");
    return true;
  }
  if (!tier_branch(course->context->catalog, course->project->id, course->run.tier, &tier, &found,
                   err) ||
      !migrate_verify(course->context, course->project, tier.name, course->set, &answer, err))
    return false;
  AUTO(str_free) char *text = json_text(answer);
  ci_log_line(course, "%.1900s", text);
  size_t count = json_array_size(json_object_get(answer, "migrations"));
  buffer_add_format(ret_summary, "%zu proved", count);
  return json_bool_or(answer, "proved", false) ||
         refuse_unproved(course, first_unproved(answer), err);
}

/* What the branch doesn't have yet. */
static json_t *pending_files(const json_t *set, const json_t *status) {
  json_t *inputs = json_array();
  size_t at = 0;
  const json_t *item = NULL;
  AUTO(json_free) json_t *states = json_object();
  json_array_foreach(json_object_get(status, "migrations"), at, item) {
    (void)json_object_set(states, json_string_or(item, "file", ""), json_object_get(item, "state"));
  }
  json_array_foreach(json_object_get(set, "migrations"), at, item) {
    const char *file = json_string_or(item, "file", "");
    if (str_equal(json_string_or(states, file, ""), "applied"))
      continue;
    (void)json_array_append_new(inputs,
                                json_pack("{s:s, s:s, s:s*, s:b, s:b}", "file", file, "text",
                                          json_string_or(item, "up", ""), "undo",
                                          json_string_or(item, "down", NULL), "undo_is_known",
                                          !json_bool_or(item, "repeatable", false), "wrapped",
                                          !json_bool_or(item, "up_alone", false)));
  }
  return inputs;
}

static bool lint(CiCourse *course, Buffer *ret_summary, Error *err) {
  Context *context = course->context;
  const char *branch = course->run.branch_name;
  AUTO(json_free) json_t *status = NULL;
  AUTO(json_free) json_t *report = NULL;
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  if (course->set == NULL)
    return true;
  if (!migrate_status(context, course->project, branch, course->set, &status, err))
    return false;
  AUTO(json_free) json_t *files = pending_files(course->set, status);
  const LintRequest request = {.branch = branch, .files = files};
  if (!branch_lint(context, course->project, &request, &report, err))
    return false;
  lint_render_text(report, true, &text);
  ci_log_add(course, text.text, text.length);
  int64_t errors = json_integer_or(report, "errors", 0);
  int64_t warnings = json_integer_or(report, "warnings", 0);
  buffer_add_format(ret_summary, "%lld warnings", (long long)warnings);
  return errors == 0 || error_set(err, ERROR_LINT_FAILED, "%lld errors and %lld warnings",
                                  (long long)errors, (long long)warnings);
}

static bool apply(CiCourse *course, Buffer *ret_summary, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (course->set == NULL)
    return true;
  if (!migrate_apply(course->context, course->project, course->run.branch_name, course->set,
                     &answer, err))
    return false;
  size_t at = 0;
  const json_t *done = NULL;
  json_array_foreach(json_object_get(answer, "done"), at, done) {
    ci_log_line(course, "applied %.200s", json_string_or(done, "file", ""));
  }
  buffer_add_format(ret_summary, "%zu applied", at);
  return true;
}

bool ci_prepare(CiCourse *course, Error *err) {
  static const struct {
    const char *name;
    CiStep *step;
  } steps[] = {{"branch", make_branch}, {"verify", verify}, {"lint", lint}, {"migrate", apply}};
  for (size_t at = 0; at < ARRAY_LENGTH(steps); at++)
    if (!take_step(course, steps[at].name, steps[at].step, err))
      return false;
  return true;
}

/* ---- the tests ---- */

bool ci_record_tests(CiCourse *course, const CiTested *tested, Error *err) {
  Error failure = ERROR_INIT;
  if (tested->status != 0)
    (void)error_set(&failure, ERROR_CI_FAILED, "the test ended with status %d", tested->status);
  return ci_check_current(course, err) &&
         ci_record(course, "test", &failure, "", tested->duration_ms, err);
}

/* ---- the schema diff ---- */

/* The copy of the tier as it was forked is called what it stands for. */
static bool read_diff(CiCourse *course, const char *format, json_t **ret, Error *err) {
  char base[NAME_MAX_LENGTH + 1];
  (void)snprintf(base, sizeof base, "%.57s-base", course->run.branch_name);
  const DiffRequest request = {.branch = course->run.branch_name,
                               .against = base,
                               .before = course->run.tier,
                               .format = format};
  return branch_diff(course->context, course->project, &request, ret, err);
}

static bool compare(CiCourse *course, Buffer *ret_summary, Error *err) {
  AUTO(json_free) json_t *markdown = NULL;
  AUTO(json_free) json_t *whole = NULL;
  if (course->set == NULL) {
    buffer_add_text(ret_summary, "nothing changes");
    return keep(course, "schema-diff.md", "", err);
  }
  if (!read_diff(course, "markdown", &markdown, err) || !read_diff(course, "json", &whole, err))
    return false;
  (void)json_object_del(whole, "duration_ms");
  AUTO(str_free) char *text = json_text(whole);
  course->markdown = json_incref(json_object_get(markdown, "text"));
  buffer_add_text(ret_summary,
                  json_bool_or(markdown, "same", false) ? "nothing changes" : "the schema changes");
  return keep(course, "schema-diff.md", json_string_or(markdown, "text", ""), err) &&
         keep(course, "schema-diff.json", text, err);
}

bool ci_compare(CiCourse *course, Error *err) {
  bool failed = course->failed;
  course->failed = false; /* what the schema becomes is worth knowing though a test failed */
  bool ok = course->run.branch[0] != '\0' ? take_step(course, "schema-diff", compare, err)
                                          : skip(course, "schema-diff", err);
  course->failed = course->failed || failed;
  return ok;
}
