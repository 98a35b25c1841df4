/* What several guards look at: the state file, the live commits, the migrations of a commit. */
#include "scm/step.h"

#include "core/str.h"
#include "migration/migration.h"
#include "scm/mirror.h"

#include <stdio.h>
#include <string.h>

#define MIGRATIONS_FOLDER "migrations"

bool step_find_policy(Step *step, Error *err) {
  int version = 0;
  if (!access_policy(step->context, step->project->id, &step->policy, &version, err))
    return false;
  if (step->policy != NULL)
    return true;
  (void)error_set(err, ERROR_BAD_PRECONDITION, "project \"%s\" has no policy: there are no tiers",
                  step->project->name);
  return error_hint(err, "`bough policy apply bough.yaml` first");
}

/* The change of the branch that the work tree stands on; on a tier's, the one that a file tells of
 * whose merge brought the work tree there. */
static bool find_mirrored(Step *step, const char *text, ChangeRow *ret, bool *ret_found,
                          Error *err) {
  Catalog *catalog = step->context->catalog;
  const char *git_branch = json_string_or(step->body, "git_branch", "");
  AUTO(json_free) json_t *file = NULL;
  Error ignored = ERROR_INIT;
  if (!change_of_git(catalog, step->project->id, git_branch, ret, ret_found, err))
    return false;
  if (*ret_found || text == NULL || !json_parse(text, strlen(text), &file, &ignored) ||
      !str_equal(json_string_or(file, "state", ""), "merged"))
    return true;
  return change_of_feature(catalog, step->project->id, json_string_or(file, "feature_id", ""), ret,
                           ret_found, err);
}

static bool says(const Step *step, const ChangeRow *row, const char *text, Error *err) {
  AUTO(json_free) json_t *expected = mirror_make(step->project->id, step->policy, row);
  return mirror_check(expected, text, err);
}

static bool had_state(const ChangeRow *row, ChangeState state) {
  return state == CHANGE_CLAIMED || (state == CHANGE_PR_READY && row->pushed_at != 0) ||
         (state == CHANGE_CI_GREEN && row->ci_green_at != 0);
}

/* A file that was true until a push or a merge moved the state isn't a wrong one: its work tree
 * hasn't heard. Back from a later state, or from any of them to the end. */
static bool was_true(const Step *step, const ChangeRow *row, const char *text) {
  ChangeRow former = *row;
  Error ignored = ERROR_INIT;
  int first = row->ended_at != 0 ? CHANGE_CLAIMED : (int)row->state + 1;
  for (int state = first; state <= CHANGE_CI_GREEN; state++) {
    former.state = (ChangeState)state;
    if (had_state(row, former.state) && says(step, &former, text, &ignored))
      return true;
  }
  return false;
}

/* With a change that has ended its branch is an ordinary one again. */
bool step_check_mirror(Step *step, Error *err) {
  const json_t *file = json_object_get(step->body, "state_file");
  const char *text = json_is_string(file) ? json_string_value(file) : NULL;
  Error differs = ERROR_INIT;
  Error ignored = ERROR_INIT;
  ChangeRow row;
  bool found = false;
  if (file == NULL)
    return true;
  if (!find_mirrored(step, text, &row, &found, err))
    return false;
  bool lives = found && row.ended_at == 0;
  if (says(step, lives ? &row : NULL, text, &differs) ||
      (found && text != NULL && (says(step, &row, text, &ignored) || was_true(step, &row, text))))
    return true;
  (void)error_set(err, differs.code, "%s", differs.message);
  return error_hint(err, "%s", differs.hint);
}

bool step_read_commits(Step *step, Error *err) {
  bool has_head = false;
  bool has_base = false;
  if (!forge_branch_head(step->forge, step->change.git_branch, step->head, &has_head, err) ||
      !forge_branch_head(step->forge, step->change.tier, step->base, &has_base, err))
    return false;
  if (!has_base)
    return error_set(err, ERROR_NOTHING_TO_DO, "the repository has no branch \"%s\"",
                     step->change.tier);
  if (has_head)
    return true;
  (void)error_set(err, ERROR_NOTHING_TO_DO, "branch \"%s\" isn't pushed", step->change.git_branch);
  return error_hint(err, "`bough scm prepare-pr` pushes it");
}

/* ---- migrations of a commit ---- */

/* As migration_files_read takes them from a folder. */
static bool is_migration_file(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  return name[0] != '.' &&
         (str_ends(name, ".sql") || str_ends(name, ".conf") || str_equal(name, "metadata.toml"));
}

static bool add_file(const Git *git, const char *commit, const char *path, size_t *room,
                     MigrationFiles *files, Error *err) {
  char *text = NULL;
  size_t length = 0;
  bool found = false;
  if (!git_read_file(git, commit, path, *room, &text, &length, &found, err))
    return false;
  AUTO(str_free) char *owned = text;
  if (!found) /* a link: refused in a work tree, and nothing that is followed here */
    return error_set(err, ERROR_MIGRATION_INVALID, "%.200s is no file", path);
  if (strlen(owned) != length)
    return error_set(err, ERROR_MIGRATION_INVALID, "%.200s holds a zero byte", path);
  *room -= length;
  migration_files_add(files, path + strlen(MIGRATIONS_FOLDER "/"), owned, length);
  return true;
}

static bool read_files(const Git *git, const char *commit, MigrationFiles *files, Error *err) {
  char **paths = NULL;
  size_t count = 0;
  size_t room = MIGRATION_BYTES_LIMIT;
  bool ok = true;
  if (!git_list_files(git, commit, MIGRATIONS_FOLDER, &paths, &count, err))
    return false;
  if (count > MIGRATION_FILES_LIMIT)
    ok = error_set(err, ERROR_TOO_LARGE, "%zu files of migrations", count);
  for (size_t at = 0; ok && at < count; at++)
    if (is_migration_file(paths[at]) && str_starts(paths[at], MIGRATIONS_FOLDER "/"))
      ok = add_file(git, commit, paths[at], &room, files, err);
  mem_free(paths);
  return ok;
}

/* How names of files are read is the policy's word, not a commit's. */
static bool find_layout(const Step *step, const char **ret, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(step->context, step->project->id, &policy, NULL, err))
    return false;
  *ret = policy != NULL ? policy->migrations_layout : NULL;
  return true;
}

bool step_migrations(Step *step, const char *commit, json_t **ret, Error *err) {
  Git git = {0};
  MigrationFiles files = {0};
  MigrationSet set = {0};
  const char *layout = NULL;
  if (!find_layout(step, &layout, err) || !forge_git(step->forge, commit, &git, err))
    return false;
  bool ok = read_files(&git, commit, &files, err);
  if (ok && files.count == 0) {
    *ret = json_pack("{s:s, s:[]}", "layout", "bough", "migrations");
  } else if (ok) {
    ok = migration_parse(&files, layout, &set, err);
    if (ok)
      *ret = migration_set_to_json(&set);
    migration_set_release(&set);
  }
  migration_files_release(&files);
  return ok;
}

/* ---- facts ---- */

bool step_is_own(const Step *step, const char *by, const char *behalf) {
  const PrincipalRow *caller = &step->context->caller;
  return str_equal(by, caller->name) || (behalf[0] != '\0' && str_equal(behalf, caller->name));
}

bool step_check_parent(Step *step, Error *err) {
  const char *parent = policy_parent_of_kind(step->policy, step->change.kind);
  return str_equal(parent, step->change.tier) ||
         error_set(err, ERROR_WRONG_TIER,
                   "the policy says now that a %s goes to \"%.63s\", not to "
                   "\"%s\"",
                   step->change.kind, parent != NULL ? parent : "no tier", step->change.tier);
}
