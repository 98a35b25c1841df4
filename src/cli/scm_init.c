/* bough init: a git repository comes under Bough. What is there already stays as it is. */
#include "cli/handlers.h"
#include "cli/scm_hooks.h"
#include "cli/show.h"
#include "core/embed.h"
#include "core/io.h"
#include "http/client.h"

#include <string.h>

extern const EmbeddedFile scm_scaffold_files[];
extern const size_t scm_scaffold_files_count;

enum { FILE_LIMIT = 1024 * 1024, PUSH_WORDS = 4, TIERS_LIMIT = 64 };

/* What one run of init does and tells. */
typedef struct Init {
  ScmTree tree;
  json_t *answer; /* of the server */
  json_t *made;   /* paths that are new or changed, to be committed */
  json_t *notes;
} Init;

static void init_release(Init *init) {
  scm_tree_release(&init->tree);
  json_free(init->answer);
  json_free(init->made);
  json_free(init->notes);
}

/* ---- files ---- */

/* What is there and says something else is somebody's, and that is told. */
static void leave(Init *init, const char *path, const char *full, const char *text) {
  AUTO(str_free) char *there = NULL;
  size_t length = 0;
  Error ignored = ERROR_INIT; /* whatever it is, it stays */
  if (!io_read_file(full, FILE_LIMIT, &there, &length, &ignored) || !str_equal(there, text))
    (void)json_array_append_new(init->notes,
                                json_pack("s+", path, " is there already and stays as it is"));
}

static bool write_missing(Init *init, const char *path, const char *text, Error *err) {
  AUTO(str_free) char *full = path_join(init->tree.top, path);
  AUTO(str_free) char *folder = str_ndup(full, (size_t)(strrchr(full, '/') - full));
  if (io_exists(full)) {
    leave(init, path, full, text);
    return true;
  }
  if (!io_make_directories(folder, 0755, err) ||
      !io_write_file(full, text, strlen(text), 0644, err))
    return false;
  (void)json_array_append_new(init->made, json_string(path));
  return true;
}

/* The policy in force, as it was written: what is applied, and what is in git, start as one. */
static bool write_policy(Init *init, Error *err) {
  AUTO(json_free) json_t *policy = NULL;
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, init->tree.project);
  buffer_add_text(&path, "/policy");
  return cli_call(init->tree.cli, "GET", path.text, NULL, &policy, err) &&
         write_missing(init, "bough.yaml", json_string_or(policy, "text", ""), err);
}

static bool has_line(const char *text, const char *line) {
  size_t length = strlen(line);
  for (const char *at = text; *at != '\0';) {
    size_t there = strcspn(at, "\n");
    if (there == length && strncmp(at, line, length) == 0)
      return true;
    at += there;
    at += *at == '\n';
  }
  return false;
}

/* What belongs to one work tree and one person isn't committed. */
static bool write_ignore(Init *init, Error *err) {
  static const char *const lines[] = {".env", SCM_STATE_FILE};
  AUTO(str_free) char *path = path_join(init->tree.top, ".gitignore");
  AUTO(str_free) char *before = NULL;
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  size_t length = 0;
  if (io_exists(path) && !io_read_file(path, FILE_LIMIT, &before, &length, err))
    return false;
  buffer_add_text(&text, before != NULL ? before : "");
  for (size_t at = 0; at < ARRAY_LENGTH(lines); at++)
    if (!has_line(text.text, lines[at]))
      buffer_add_format(&text, "%s%s\n",
                        text.length > 0 && text.text[text.length - 1] != '\n' ? "\n" : "",
                        lines[at]);
  if (text.length == length)
    return true;
  (void)json_array_append_new(init->made, json_string(".gitignore"));
  return io_write_file(path, text.text, text.length, 0644, err);
}

static bool write_files(Init *init, Error *err) {
  AUTO(str_free) char *migrations = path_join(init->tree.top, "migrations");
  if (!write_policy(init, err) || !write_ignore(init, err) ||
      (!io_exists(migrations) && !write_missing(init, "migrations/.gitkeep", "", err)))
    return false;
  for (size_t at = 0; at < scm_scaffold_files_count; at++) {
    AUTO(str_free) char *path = str_format(".github/workflows/%s", scm_scaffold_files[at].name);
    if (!write_missing(init, path, scm_scaffold_files[at].text, err))
      return false;
  }
  return true;
}

/* ---- git ---- */

/* A clone has the repository as a remote already, under whatever name. */
static bool find_remote(const ScmTree *tree, const char *url, char **ret, Error *err) {
  char **entries = NULL;
  size_t count = 0;
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  *ret = NULL;
  if (!git_run(&tree->git,
               GIT("config", "--local", "--name-only", "--get-regexp", "^remote\\..*\\.url$"), NULL,
               0, &result, err))
    return false;
  if (result.status != 0)
    return true;
  if (!git_texts(&tree->git, GIT("config", "--local", "-z", "--get-regexp", "^remote\\..*\\.url$"),
                 &entries, &count, err))
    return false;
  for (size_t at = 0; at < count && *ret == NULL; at++) { /* "remote.NAME.url\nURL" */
    const char *line = strchr(entries[at], '\n');
    size_t length = line != NULL ? (size_t)(line - entries[at]) : 0;
    if (length > strlen("remote.") + strlen(".url") && str_equal(line + 1, url))
      *ret = str_ndup(entries[at] + strlen("remote."), length - strlen("remote.") - strlen(".url"));
  }
  mem_free(entries);
  return true;
}

static bool set_remote(Init *init, Error *err) {
  const Git *git = &init->tree.git;
  const char *url = json_string_or(init->answer, "clone_url", "");
  AUTO(str_free) char *remote = NULL;
  if (!find_remote(&init->tree, url, &remote, err))
    return false;
  if (remote == NULL) {
    remote = str_dup("bough");
    if (!git_check(git, GIT("remote", "add", "bough", url), err))
      return error_hint(err,
                        "the remote \"bough\" is something else: rename it, or set its URL to "
                        "%s",
                        url);
  }
  return git_check(git, GIT("config", "bough.remote", remote), err) &&
         git_check(git, GIT("config", "bough.project", json_string_or(init->answer, "project", "")),
                   err);
}

static bool commit_files(Init *init, Error *err) {
  size_t at = 0;
  const json_t *path = NULL;
  const Git *git = &init->tree.git;
  bool found = false;
  json_array_foreach(init->made, at, path) {
    if (!git_check(git, GIT("add", "--", json_string_value(path)), err))
      return false;
  }
  if ((json_array_size(init->made) > 0 || init->tree.head[0] == '\0') &&
      !git_check(git, GIT("commit", "--quiet", "--allow-empty", "-m", "Put under Bough"), err))
    return error_hint(err, "git has to know who you are: git config user.name, user.email");
  return git_commit_of(git, "HEAD", init->tree.head, &found, err);
}

/* The tiers' branches begin with the commit that init leaves: all of them, or none. */
static bool push_tiers(Init *init, Error *err) {
  AUTO(str_free) char *remote = NULL;
  const json_t *tiers = json_object_get(init->answer, "tiers");
  const char *arguments[PUSH_WORDS + TIERS_LIMIT + 1] = {"push", "--quiet", "--atomic"};
  char *specs[TIERS_LIMIT] = {NULL};
  size_t count = json_array_size(tiers);
  if (count > TIERS_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "%zu tiers", count);
  if (!scm_tree_remote(&init->tree, &remote, err))
    return false;
  arguments[PUSH_WORDS - 1] = remote;
  for (size_t at = 0; at < count; at++)
    arguments[PUSH_WORDS + at] = specs[at] = str_format(
        "%s:refs/heads/%s", init->tree.head, json_string_value(json_array_get(tiers, at)));
  bool ok = git_check(&init->tree.git, arguments, err) ||
            error_hint(err, "run `bough init` again when that is put right");
  for (size_t at = 0; at < count; at++)
    str_free(specs[at]);
  return ok;
}

static bool start_repository(Init *init, Error *err) {
  return write_files(init, err) && commit_files(init, err) && push_tiers(init, err) &&
         scm_tree_leave(&init->tree, json_string_or(init->answer, "entry", ""), err);
}

static bool install_hook(Init *init, Error *err) {
  char *note = NULL;
  if (!scm_hook_install(&init->tree, &note, err))
    return false;
  if (note != NULL)
    (void)json_array_append_new(init->notes, json_string(note));
  str_free(note);
  return true;
}

/* What isn't as somebody may expect it. */
static bool note_rest(Init *init, Error *err) {
  bool theirs = false;
  if (!git_is_tracked(&init->tree.git, ".env", &theirs, err))
    return false;
  if (theirs)
    (void)json_array_append_new(
        init->notes, json_string("git tracks .env: it stays as it is, and has no connection of "
                                 "Bough's; `git rm --cached .env` lets it"));
  if (init->tree.branch == NULL)
    (void)json_array_append_new(
        init->notes, json_string("HEAD stands on no branch: the tier's commit is checked out"));
  return true;
}

/* The second time, and in a clone: only what isn't in git. */
static bool run(Init *init, Cli *cli, Error *err) {
  if (!scm_tree_open(cli, &init->tree, err))
    return false;
  AUTO(json_free) json_t *body = json_pack("{s:s*}", "git_branch", init->tree.branch);
  if (!scm_tree_call(&init->tree, "POST", "/init", body, &init->answer, err))
    return false;
  bool first = json_bool_or(init->answer, "first", false);
  if ((first && !scm_tree_require_clean(&init->tree, ".env", err)) || !set_remote(init, err) ||
      (first && !start_repository(init, err)))
    return false;
  if (!install_hook(init, err))
    return false;
  scm_tree_release(&init->tree);
  json_free(init->answer);
  init->answer = NULL;
  return scm_tree_open(cli, &init->tree, err) && note_rest(init, err) &&
         scm_tree_ask(&init->tree, &init->answer, err) &&
         scm_tree_write(&init->tree, init->answer, err);
}

bool cmd_init_run(Cli *cli, json_t **ret, Error *err) {
  AUTO_RELEASE(init_release)
  Init init = {.made = json_array(), .notes = json_array()};
  if (!run(&init, cli, err))
    return false;
  (void)json_object_set(init.answer, "made", init.made);
  (void)json_object_set(init.answer, "notes", init.notes);
  *ret = STEAL(init.answer);
  return true;
}

void cmd_init_show(Cli *cli, const json_t *result) {
  size_t at = 0;
  const json_t *path = NULL;
  json_array_foreach(show_array(result, "made"), at, path)
      show_line(cli, COLOUR_NONE, "made %s", json_string_value(path));
  show_line(cli, COLOUR_GOOD, "the repository is under Bough: project %s, %s",
            show_text(result, "project"), show_text(result, "clone_url"));
  show_notes(cli, result);
  show_line(cli, COLOUR_NONE, "Next: bough scm claim ID");
}
