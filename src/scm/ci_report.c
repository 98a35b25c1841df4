/* What a run tells others: the forge's statuses, the comment, and its end in the catalog. */
#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/escape.h"
#include "core/str.h"
#include "scm/ci_course.h"

#include <stdio.h>
#include <string.h>

#define MARKER "ci"
enum { MARKDOWN_LIMIT = 48 * 1024, CELL_LIMIT = 200 };

static char *url_of(const CiCourse *course) {
  return str_format("bough://%s/ci/%s", course->project->name, course->run.id);
}

/* A forge that can't be reached now is told nothing; gates don't ask it. */
static void set_status(CiCourse *course, const char *name, StatusState state, const char *text) {
  CommitStatus status = {.state = state};
  Error failure = ERROR_INIT;
  AUTO(str_free) char *url = url_of(course);
  (void)snprintf(status.name, sizeof status.name, "%s", name);
  (void)snprintf(status.url, sizeof status.url, "%.500s", url);
  (void)snprintf(status.description, sizeof status.description, "%.250s", text);
  if (!forge_status_set(course->forge, course->run.head, &status, &failure))
    ci_log_line(course, "   the forge was not told of %s: %s", name, failure.message);
}

void ci_tell(CiCourse *course, StatusState state, const char *text) {
  set_status(course, "ci", state, text);
}

/* ---- the comment ---- */

/* Into a cell of a table: no text of a program's or a migration's ends it, starts a tag, a link or
 * an image, or calls somebody's name. */
static void add_cell(Buffer *text, const char *value) {
  size_t length = strnlen(value, CELL_LIMIT);
  while (length > 0 && ((unsigned char)value[length] & 0xC0) == 0x80)
    length--; /* to the start of a character */
  if (length == 0)
    return;
  AUTO(str_free) char *shown = str_ndup(value, length);
  buffer_add_text(text, "<code>");
  escape_inline(text, shown);
  buffer_add_text(text, "</code>");
}

static void add_checks(Buffer *text, const json_t *checks) {
  size_t at = 0;
  const json_t *check = NULL;
  buffer_add_text(text, "| check | state | |\n|---|---|---|\n");
  json_array_foreach(checks, at, check) {
    buffer_add_format(text, "| %s | %s | ", json_string_or(check, "name", ""),
                      json_string_or(check, "state", ""));
    add_cell(text, json_string_or(check, "summary", ""));
    buffer_add_text(text, " |\n");
  }
}

static void add_notes(Buffer *text, const json_t *notes) {
  size_t at = 0;
  const json_t *note = NULL;
  if (json_array_size(notes) > 0)
    buffer_add_text(text, "\n");
  json_array_foreach(notes, at, note) {
    buffer_add_text(text, "- ");
    add_cell(text, json_string_value(note));
    buffer_add_text(text, "\n");
  }
}

static void add_diff(Buffer *text, const char *diff) {
  size_t length = strlen(diff);
  if (length == 0)
    return;
  if (length > MARKDOWN_LIMIT)
    buffer_add_text(text, "\nThe schema diff is too long for a comment: "
                          "it is the artifact schema-diff.md of this run.\n");
  else
    buffer_add_format(text, "\n%s", diff);
}

/* NULL: there is nothing to say: all passed and the schema stays as it is. */
static char *write_comment(const CiCourse *course, const json_t *checks, const Buffer *edited) {
  const char *diff = json_is_string(course->markdown) ? json_string_value(course->markdown) : "";
  if (!course->failed && diff[0] == '\0' && json_array_size(course->notes) == 0 &&
      edited->length == 0)
    return NULL;
  Buffer text = {0};
  buffer_add_format(&text, "**CI %s** for %.12s on %s at %.12s (%s)\n\n",
                    course->failed ? "failed" : "passed", course->run.head, course->run.tier,
                    course->run.base, course->run.id);
  add_checks(&text, checks);
  add_notes(&text, course->notes);
  if (edited->length > 0)
    buffer_add_format(&text, "\n%s", edited->text);
  add_diff(&text, diff);
  return buffer_steal(&text);
}

static void update_comment(CiCourse *course) {
  AUTO(json_free) json_t *checks = NULL;
  AUTO_RELEASE(buffer_release) Buffer edited = {0};
  Error failure = ERROR_INIT;
  if (course->run.number == 0 ||
      !ci_check_list(course->context->catalog, course->run.id, &checks, &failure))
    return;
  if (!ci_edited_tests(course, &edited, &failure))
    ci_log_line(course, "   what the change makes of tests is unknown: %s", failure.message);
  AUTO(str_free) char *body = write_comment(course, checks, &edited);
  if (!forge_comment_set(course->forge, course->run.number, MARKER, body, &failure))
    ci_log_line(course, "   the comment was not updated: %s", failure.message);
}

/* ---- the end ---- */

static bool end_row(CiCourse *course, CiState state, const char *why, Error *err) {
  Context *context = course->context;
  CiRunRow *run = &course->run;
  CiState from = run->state;
  run->state = state;
  run->finished_at = clock_wall_us();
  (void)snprintf(run->error, sizeof run->error, "%s", why);
  AUTO(json_free)
  json_t *params =
      json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "run", run->id, "pull", (json_int_t)run->number,
                "head", run->head, "base", run->base, "state", ci_state_text(state), "why", why);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) &&
         ci_run_update(context->catalog, run, from, err) &&
         audit_record(context, "ci.report", params, err) && catalog_commit(&guard, err);
}

/* One that failed before it had a branch is told by who may begin runs. */
static bool ask_begin(CiCourse *course, Error *err) {
  const CiRunRow *run = &course->run;
  BranchRow tier;
  bool found = false;
  if (!tier_branch(course->context->catalog, run->project, run->tier, &tier, &found, err))
    return false;
  if (!found)
    return error_set(err, ERROR_BRANCH_NOT_FOUND, "the tier \"%s\" has no branch", run->tier);
  const AccessQuestion question = {
      .action = ACTION_BRANCH_FORK, .branch = &tier, .kind = "ci", .target = run->tier};
  return access_ask(course->context, &question, err);
}

/* Before the branch goes, whose own it is. */
static bool ask_report(CiCourse *course, Error *err) {
  BranchRow branch;
  if (course->run.branch[0] == '\0' && !course->run.is_outside)
    return ask_begin(course, err);
  return branch_get(course->context->catalog, course->run.branch, &branch, err) &&
         access_branch(course->context, ACTION_CI_REPORT, &branch, err);
}

bool ci_finish(CiCourse *course, Error *err) {
  Error verdict = ERROR_INIT;
  bool failed = course->failed;
  const char *why = failed ? "a check failed" : "";
  if (failed)
    (void)error_set(&verdict, ERROR_CI_FAILED, "%s", why);
  if (!ask_report(course, err) || !ci_check_current(course, err) ||
      !ci_record(course, "ci", &verdict, "", 0, err) ||
      !ci_clean(course->context, course->project, &course->run, err) ||
      !end_row(course, failed ? CI_FAILED : CI_PASSED, why, err))
    return false;
  course->failed = failed;
  set_status(course, "ci", failed ? STATUS_FAILURE : STATUS_SUCCESS, why);
  update_comment(course);
  ci_log_line(course, "== %s", ci_state_text(course->run.state));
  return true;
}

bool ci_give_up(CiCourse *course, CiState state, const Error *failure, Error *err) {
  ci_log_line(course, "== given up: %s", failure->message);
  if (failure->hint[0] != '\0')
    ci_log_line(course, "   %s", failure->hint);
  CiRunRow now;
  CiRunRow *run = &course->run;
  Context *context = course->context;
  if (!ci_clean(context, course->project, run, err) ||
      !ci_run_get(context->catalog, run->project, run->id, &now, err))
    return false;
  if (now.state == CI_RUNNING) {
    set_status(course, "ci", STATUS_ERROR, failure->message);
    return end_row(course, state, failure->message, err);
  }
  now.branch[0] = now.branch_name[0] = '\0'; /* given up by somebody else: only its rest was left */
  return ci_run_update(context->catalog, &now, now.state, err);
}
