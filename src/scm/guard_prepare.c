/* The guard of prepare-pr: what was pushed is what the work tree has, is ahead of the tier, and
 * brings migrations that are linted and applied on the branch. */
#include "core/str.h"
#include "lint/lint.h"
#include "migrate/migrate.h"
#include "scm/step.h"

static bool check_head(Step *step, Error *err) {
  const char *branch = json_string_or(step->body, "git_branch", step->change.git_branch);
  const char *head = json_string_or(step->body, "head", step->head);
  if (!str_equal(branch, step->change.git_branch)) {
    (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is \"%.120s\", the feature's branch is \"%s\"",
                    branch, step->change.git_branch);
    return error_hint(err, "`git checkout %s` first", step->change.git_branch);
  }
  if (str_equal(head, step->head))
    return true;
  (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is %.12s, but %.12s is what was pushed", head,
                  step->head);
  return error_hint(err, "push first: `git push`; `bough scm prepare-pr` does so by itself");
}

static bool check_ahead(Step *step, Error *err) {
  Git git = {0};
  int64_t ahead = 0;
  if (!forge_git(step->forge, step->head, &git, err) ||
      !git_count_ahead(&git, step->base, step->head, &ahead, err))
    return false;
  return ahead > 0 ||
         error_set(err, ERROR_NO_COMMITS_AHEAD, "\"%s\" has no commit that \"%s\" lacks",
                   step->change.git_branch, step->change.tier);
}

/* The branch has all of the commit's migrations, and no others. */
static bool check_applied(Step *step, const json_t *set, Error *err) {
  AUTO(json_free) json_t *status = NULL;
  if (!migrate_status(step->context, step->project, step->change.branch_name, set, &status, err))
    return false;
  const json_t *finding = json_array_get(json_object_get(status, "findings"), 0);
  if (finding != NULL) {
    ErrorCode code = error_code_from_name(json_string_or(finding, "code", ""));
    (void)error_set(err, code == ERROR_MIGRATION_AHEAD ? ERROR_DB_AHEAD_OF_CODE : code, "%.400s",
                    json_string_or(finding, "message", "the database and the folder don't agree"));
    return error_hint(err, "%.300s", json_string_or(finding, "hint", ""));
  }
  int64_t pending = json_integer_or(status, "pending", 0);
  if (pending == 0)
    return true;
  (void)error_set(err, ERROR_MIGRATIONS_PENDING,
                  "%lld of the commit's migrations are not applied on \"%s\"", (long long)pending,
                  step->change.branch_name);
  return error_hint(err, "`bough migrate apply %s`", step->change.branch_name);
}

/* What the tier's commit has already was linted when it went there. */
static bool is_new(char *const *changed, size_t count, const char *file) {
  for (size_t at = 0; at < count; at++)
    if (str_starts(changed[at], "migrations/") && str_equal(changed[at] + 11, file))
      return true;
  return false;
}

static json_t *lint_files(const json_t *set, char *const *changed, size_t count) {
  json_t *inputs = json_array();
  size_t at = 0;
  const json_t *item = NULL;
  json_array_foreach(json_object_get(set, "migrations"), at, item) {
    const char *file = json_string_or(item, "file", "");
    if (is_new(changed, count, file))
      (void)json_array_append_new(inputs, json_pack("{s:s, s:s, s:s*, s:b, s:b}", "file", file,
                                                    "text", json_string_or(item, "up", ""), "undo",
                                                    json_string_or(item, "down", NULL),
                                                    "undo_is_known", true, "wrapped",
                                                    !json_bool_or(item, "up_alone", false)));
  }
  return inputs;
}

static bool refuse_lint(const LintReport *report, Error *err) {
  for (size_t at = 0; at < report->count; at++) {
    const LintFinding *finding = &report->findings[at];
    if (finding->severity != LINT_ERROR || finding->silenced != NULL)
      continue;
    (void)error_set(err, ERROR_LINT_FAILED, "%.150s:%d: %.400s", finding->file, finding->line,
                    finding->text);
    return error_hint(err, "`bough migrate lint` shows all of them, and what to do instead");
  }
  return true;
}

static bool check_lint(Step *step, const json_t *set, Error *err) {
  Git git = {0};
  char **changed = NULL;
  size_t count = 0;
  LintReport report = {0};
  const LintOptions options = {0};
  if (!forge_git(step->forge, step->head, &git, err) ||
      !git_changed_files(&git, step->base, step->head, &changed, &count, err))
    return false;
  AUTO(json_free) json_t *inputs = lint_files(set, changed, count);
  mem_free(changed);
  bool ok = lint_inputs(inputs, &options, &report, err) && refuse_lint(&report, err);
  lint_report_release(&report);
  return ok;
}

static bool check_migrations(Step *step, Error *err) {
  AUTO(json_free) json_t *set = NULL;
  return step_migrations(step, step->head, &set, err) && check_lint(step, set, err) &&
         check_applied(step, set, err);
}

bool guard_prepare(Step *step, Error *err) {
  Context *context = step->context;
  return branch_get(context->catalog, step->change.branch, &step->branch, err) &&
         access_branch(context, ACTION_MIGRATION_APPLY, &step->branch, err) &&
         step_check_parent(step, err) && step_read_commits(step, err) && check_head(step, err) &&
         check_ahead(step, err) && check_migrations(step, err);
}
