/* The work tree that a command of the workflow stands in: what it says of itself, and git in it. */
#include "cli/scm_tree.h"

#include "cli/scm_env.h"
#include "cli/scm_schema.h"
#include "core/io.h"
#include "http/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_LIMIT = 64 * 1024 };

/* The hook would ask the server for what the command is about to write itself. */
static const char *const quiet_hook[] = {"BOUGH_HOOK=off", NULL};

void scm_tree_release(ScmTree *tree) {
  str_free(tree->top);
  str_free(tree->branch);
  *tree = (ScmTree){0};
}

/* One value of the repository's configuration; NULL: it isn't set. */
static bool read_setting(const ScmTree *tree, const char *name, char **ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(&tree->git, GIT("config", "--local", "--get", name), NULL, 0, &result, err))
    return false;
  size_t length = strcspn(result.output, "\n");
  *ret = result.status == 0 && length > 0 ? str_ndup(result.output, length) : NULL;
  return true;
}

static bool look(ScmTree *tree, Error *err) {
  bool found = false;
  const Git here = git_client(".");
  if (!git_top(&here, &tree->top, err))
    return false;
  tree->git = git_client(tree->top);
  tree->git.environment = quiet_hook;
  tree->project = cli_project(tree->cli);
  return git_current_branch(&tree->git, &tree->branch, err) &&
         git_commit_of(&tree->git, "HEAD", tree->head, &found, err);
}

bool scm_tree_open(Cli *cli, ScmTree *ret, Error *err) {
  ScmTree tree = {.cli = cli};
  if (!look(&tree, err)) {
    scm_tree_release(&tree);
    return false;
  }
  *ret = tree;
  return true;
}

bool scm_tree_require_clean(const ScmTree *tree, const char *but, Error *err) {
  bool clean = false;
  AUTO(str_free) char *first = NULL;
  if (!git_is_clean(&tree->git, but, &clean, &first, err))
    return false;
  if (clean)
    return true;
  (void)error_set(err, ERROR_DIRTY_WORK_TREE,
                  "the work tree has changes that are not committed: "
                  "%.200s",
                  first != NULL ? first : "?");
  return error_hint(err, "commit them, or put them away: `git stash -u`");
}

/* ---- requests ---- */

bool scm_tree_call(const ScmTree *tree, const char *method, const char *rest, const json_t *body,
                   json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, tree->project);
  buffer_add_format(&path, "/workflow%s", rest);
  return cli_call(tree->cli, method, path.text, body, ret, err);
}

static char *state_path(const ScmTree *tree) {
  return path_join(tree->top, SCM_STATE_FILE);
}

/* The bytes as text for JSON; NULL: there is no such file. What isn't UTF-8 is told as no JSON. */
static json_t *state_text(const ScmTree *tree) {
  AUTO(str_free) char *path = state_path(tree);
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  Error ignored = ERROR_INIT;
  if (!io_exists(path))
    return NULL;
  if (!io_read_file(path, STATE_LIMIT, &text, &length, &ignored))
    return json_string("");
  json_t *value = json_stringn(text, length);
  return value != NULL ? value : json_string("");
}

json_t *scm_tree_body(const ScmTree *tree) {
  json_t *text = state_text(tree);
  return json_pack("{s:s*, s:s*, s:o}", "git_branch", tree->branch, "head", str_or_null(tree->head),
                   "state_file", text != NULL ? text : json_null());
}

bool scm_tree_ask(const ScmTree *tree, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer rest = {0};
  buffer_add_text(&rest, "/tree");
  if (tree->branch != NULL) {
    buffer_add_text(&rest, "?git_branch=");
    url_add_encoded(&rest, tree->branch);
  }
  return scm_tree_call(tree, "GET", rest.text, NULL, ret, err);
}

/* ---- the state file ---- */

json_t *scm_tree_state(const ScmTree *tree) {
  AUTO(json_free) json_t *text = state_text(tree);
  json_t *value = NULL;
  Error ignored = ERROR_INIT;
  if (text == NULL ||
      !json_parse(json_string_value(text), json_string_length(text), &value, &ignored))
    return NULL;
  if (json_is_object(value))
    return value;
  json_free(value);
  return NULL;
}

bool scm_tree_agrees(const ScmTree *tree, const json_t *answer) {
  AUTO(json_free) json_t *state = scm_tree_state(tree);
  const json_t *expected = json_object_get(answer, "state_file");
  return state != NULL && expected != NULL && json_same(state, expected);
}

static bool write_state(const ScmTree *tree, const json_t *state, Error *err) {
  AUTO(str_free) char *folder = path_join(tree->top, ".lakebase");
  AUTO(str_free) char *path = state_path(tree);
  if (!scm_schema_check(state, err) || !io_make_directories(folder, 0755, err))
    return false;
  char *text = json_dumps(state, JSON_INDENT(2));
  AUTO(str_free) char *line = str_format("%s\n", text);
  free(text);
  return io_write_file(path, line, strlen(line), 0644, err);
}

bool scm_tree_write(const ScmTree *tree, const json_t *answer, Error *err) {
  const json_t *state = json_object_get(answer, "state_file");
  if (!json_is_object(state))
    return error_set(err, ERROR_INTERNAL, "the server's answer has no state_file");
  bool theirs = false; /* what git tracks is in everybody's commits */
  return write_state(tree, state, err) && git_is_tracked(&tree->git, ".env", &theirs, err) &&
         (theirs || scm_env_write(tree->top, answer, err));
}

/* ---- git ---- */

bool scm_tree_remote(const ScmTree *tree, char **ret, Error *err) {
  char *setting = NULL;
  if (!read_setting(tree, "bough.remote", &setting, err))
    return false;
  *ret = setting != NULL ? setting : str_dup("bough");
  return true;
}

bool scm_tree_fetch(const ScmTree *tree, const char *branch, Error *err) {
  AUTO(str_free) char *remote = NULL;
  if (!scm_tree_remote(tree, &remote, err))
    return false;
  AUTO(str_free)
  char *spec = str_format("+refs/heads/%s:refs/remotes/%s/%s", branch, remote, branch);
  return git_check(&tree->git, GIT("fetch", "--quiet", "--no-tags", remote, spec), err);
}

bool scm_tree_checkout(const ScmTree *tree, const char *branch, Error *err) {
  return git_check(&tree->git, GIT("checkout", "--quiet", branch, "--"), err);
}

static bool bring_forward(const ScmTree *tree, const char *remote_ref, const char *tier,
                          bool is_local, Error *err) {
  if (!is_local)
    return git_check(&tree->git, GIT("checkout", "--quiet", "-b", tier, "--track", remote_ref),
                     err);
  return scm_tree_checkout(tree, tier, err) &&
         git_check(&tree->git, GIT("merge", "--quiet", "--ff-only", remote_ref), err);
}

bool scm_tree_leave(const ScmTree *tree, const char *tier, Error *err) {
  AUTO(str_free) char *remote = NULL;
  bool is_local = false;
  char commit[GIT_OID_SIZE];
  Error stays = ERROR_INIT;
  if (!scm_tree_fetch(tree, tier, err) || !scm_tree_remote(tree, &remote, err) ||
      !git_branch_head(&tree->git, tier, commit, &is_local, err))
    return false;
  AUTO(str_free) char *ref = str_format("%s/%s", remote, tier);
  return bring_forward(tree, ref, tier, is_local, &stays) ||
         git_check(&tree->git, GIT("checkout", "--quiet", "--detach", ref), err);
}
