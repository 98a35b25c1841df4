/* bough scm doctor: holds the work tree against git, the database and the server's record. */
#include "cli/handlers.h"
#include "cli/scm_env.h"
#include "cli/scm_hooks.h"
#include "cli/scm_schema.h"
#include "cli/show.h"
#include "core/io.h"
#include "http/client.h"
#include "migration/migration.h"

#include <string.h>

typedef enum FindingId {
#define SCM_FINDING(name, id, severity, fix, meaning, remedy) FINDING_##name,
#include "scm/findings.def"
#undef SCM_FINDING
} FindingId;

static const struct {
  const char *id, *severity, *fix, *meaning, *remedy;
} findings[] = {
#define SCM_FINDING(name, id, severity, fix, meaning, remedy)                                      \
  {(id), (severity), (fix), (meaning), (remedy)},
#include "scm/findings.def"
#undef SCM_FINDING
};

typedef struct Doctor {
  ScmTree tree;
  json_t *answer; /* of the server: what the work tree is to hold */
  json_t *list;
} Doctor;

static void add(Doctor *doctor, FindingId id, const char *detail) {
  AUTO(str_free)
  char *message = str_format("%s%s%s", findings[id].meaning, detail[0] != '\0' ? ": " : "", detail);
  AUTO(str_free)
  char *fix = findings[id].fix[0] != '\0' ? str_format("bough scm doctor --fix %s: %s",
                                                       findings[id].fix, findings[id].remedy)
                                          : str_dup(findings[id].remedy);
  (void)json_array_append_new(doctor->list,
                              json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "id", findings[id].id,
                                        "severity", findings[id].severity, "subject", "work tree",
                                        "message", json_line(message), "fix", fix, "fixable",
                                        findings[id].fix[0] != '\0'));
}

/* ---- the two files ---- */

static void look_at_state(Doctor *doctor) {
  AUTO(str_free) char *path = path_join(doctor->tree.top, SCM_STATE_FILE);
  AUTO(json_free) json_t *state = scm_tree_state(&doctor->tree);
  Error wrong = ERROR_INIT;
  if (!io_exists(path))
    add(doctor, FINDING_STATE_MISSING, "");
  else if (state == NULL)
    add(doctor, FINDING_STATE_INVALID, "it is no JSON object");
  else if (!scm_schema_check(state, &wrong))
    add(doctor, FINDING_STATE_INVALID, wrong.message);
  else if (!scm_tree_agrees(&doctor->tree, doctor->answer))
    add(doctor, FINDING_STATE_DIFFERS, "");
}

static bool look_at_tracked(Doctor *doctor, Error *err) {
  bool state = false;
  bool env = false;
  if (!git_is_tracked(&doctor->tree.git, SCM_STATE_FILE, &state, err) ||
      !git_is_tracked(&doctor->tree.git, ".env", &env, err))
    return false;
  if (state)
    add(doctor, FINDING_STATE_TRACKED, "");
  if (env)
    add(doctor, FINDING_ENV_TRACKED, "");
  return true;
}

/* One that git tracks is somebody's own. */
static bool look_at_env(Doctor *doctor, Error *err) {
  AUTO(str_free) char *branch = NULL;
  bool theirs = false;
  const char *expected = json_string_or(json_object_get(doctor->answer, "branch"), "name", "");
  if (!git_is_tracked(&doctor->tree.git, ".env", &theirs, err) ||
      !scm_env_branch(doctor->tree.top, &branch, err))
    return false;
  if (theirs)
    return true;
  if (branch == NULL)
    add(doctor, FINDING_ENV_MISSING, "");
  else if (!str_equal(branch, expected))
    add(doctor, FINDING_ENV_DRIFT, branch);
  return true;
}

/* ---- git ---- */

static bool look_at_hook(Doctor *doctor, Error *err) {
  HookState state = HOOK_MISSING;
  if (!scm_hook_look(&doctor->tree, &state, NULL, err))
    return false;
  if (state == HOOK_MISSING || state == HOOK_OLD)
    add(doctor, FINDING_HOOK_MISSING, "");
  else if (state == HOOK_THEIRS)
    add(doctor, FINDING_HOOK_FOREIGN, "");
  return true;
}

static bool look_at_remote(Doctor *doctor, bool *ret_there, Error *err) {
  AUTO(str_free) char *remote = NULL;
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!scm_tree_remote(&doctor->tree, &remote, err) ||
      !git_run(&doctor->tree.git, GIT("remote", "get-url", remote), NULL, 0, &result, err))
    return false;
  *ret_there = result.status == 0;
  if (!*ret_there)
    add(doctor, FINDING_REMOTE_MISSING, remote);
  return true;
}

static bool look_at_head(Doctor *doctor, Error *err) {
  const char *branch = doctor->tree.branch;
  bool clean = false;
  AUTO(str_free) char *first = NULL;
  if (branch == NULL)
    add(doctor, FINDING_HEAD_DETACHED, "");
  else if (strchr(branch, '/') != NULL && json_is_null(json_object_get(doctor->answer, "change")))
    add(doctor, FINDING_UNCLAIMED_GIT, branch);
  if (!git_is_clean(&doctor->tree.git, NULL, &clean, &first, err))
    return false;
  if (!clean)
    add(doctor, FINDING_DIRTY, first != NULL ? first : "");
  return true;
}

/* What the forge has of the branch, fetched as it is now. */
static bool look_at_commits(Doctor *doctor, Error *err) {
  AUTO(str_free) char *remote = NULL;
  char there[GIT_OID_SIZE];
  bool found = false;
  int64_t ahead = 0;
  int64_t behind = 0;
  Error missing = ERROR_INIT;
  if (doctor->tree.branch == NULL || !scm_tree_remote(&doctor->tree, &remote, err))
    return doctor->tree.branch == NULL;
  if (!scm_tree_fetch(&doctor->tree, doctor->tree.branch, &missing))
    return true; /* it was never pushed */
  AUTO(str_free) char *ref = str_format("refs/remotes/%s/%s", remote, doctor->tree.branch);
  if (!git_commit_of(&doctor->tree.git, ref, there, &found, err) || !found)
    return found;
  if (!git_count_ahead(&doctor->tree.git, there, "HEAD", &ahead, err) ||
      !git_count_ahead(&doctor->tree.git, "HEAD", there, &behind, err))
    return false;
  if (ahead > 0)
    add(doctor, FINDING_UNPUSHED, "");
  if (behind > 0)
    add(doctor, FINDING_BEHIND, "");
  return true;
}

/* ---- the database ---- */

static bool ask_status(Doctor *doctor, const char *folder, json_t **ret, Error *err) {
  MigrationFiles files = {0};
  MigrationSet set = {0};
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  const char *branch = json_string_or(json_object_get(doctor->answer, "branch"), "name", "");
  bool ok = migration_files_read(folder, &files, err);
  if (ok && files.count > 0)
    ok = migration_parse(&files, NULL, &set, err);
  migration_files_release(&files);
  if (!ok)
    return false;
  AUTO(json_free) json_t *body = migration_set_to_json(&set);
  migration_set_release(&set);
  buffer_add_text(&path, "/v1/projects/");
  url_add_encoded(&path, doctor->tree.project);
  buffer_add_text(&path, "/branches/");
  url_add_encoded(&path, branch);
  buffer_add_text(&path, "/migrations/status");
  return cli_call(doctor->tree.cli, "POST", path.text, body, ret, err);
}

static void tell_status(Doctor *doctor, const json_t *status) {
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(show_array(status, "findings"), at, finding) {
    bool ahead = str_equal(json_string_or(finding, "code", ""), "migration-ahead");
    add(doctor, ahead ? FINDING_DB_AHEAD : FINDING_MIGRATIONS,
        json_string_or(finding, "message", ""));
  }
  if (json_integer_or(status, "pending", 0) > 0)
    add(doctor, FINDING_DB_BEHIND, "");
}

/* Of a feature: a tier is ahead of or behind work trees all the time. */
static bool look_at_database(Doctor *doctor, Error *err) {
  AUTO(str_free) char *folder = path_join(doctor->tree.top, "migrations");
  AUTO(json_free) json_t *status = NULL;
  Error wrong = ERROR_INIT;
  bool has_pair = !json_is_null(json_object_get(doctor->answer, "change")) &&
                  !json_is_null(json_object_get(doctor->answer, "branch"));
  if (!has_pair || !io_is_directory(folder))
    return true;
  if (ask_status(doctor, folder, &status, &wrong))
    tell_status(doctor, status);
  else if (wrong.code != ERROR_NOTHING_TO_DO)
    add(doctor, FINDING_MIGRATIONS, wrong.message);
  return true;
}

/* ---- the policy ---- */

static bool look_at_policy(Doctor *doctor, Error *err) {
  enum { POLICY_LIMIT = 512 * 1024 };
  AUTO(str_free) char *path = path_join(doctor->tree.top, "bough.yaml");
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *policy = NULL;
  AUTO_RELEASE(buffer_release) Buffer route = {0};
  size_t length = 0;
  if (!io_exists(path))
    return true;
  buffer_add_text(&route, "/v1/projects/");
  url_add_encoded(&route, doctor->tree.project);
  buffer_add_text(&route, "/policy");
  if (!io_read_file(path, POLICY_LIMIT, &text, &length, err) ||
      !cli_call(doctor->tree.cli, "GET", route.text, NULL, &policy, err))
    return false;
  if (!str_equal(text, json_string_or(policy, "text", "")))
    add(doctor, FINDING_POLICY_FILE, "");
  return true;
}

static bool ask_server(Doctor *doctor, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!scm_tree_call(&doctor->tree, "GET", "/findings", NULL, &answer, err))
    return false;
  return json_array_extend(doctor->list, json_object_get(answer, "findings")) == 0;
}

static bool look(Doctor *doctor, Error *err) {
  bool has_remote = false;
  look_at_state(doctor);
  return look_at_tracked(doctor, err) && look_at_env(doctor, err) && look_at_hook(doctor, err) &&
         look_at_head(doctor, err) && look_at_remote(doctor, &has_remote, err) &&
         (!has_remote || look_at_commits(doctor, err)) && look_at_database(doctor, err) &&
         look_at_policy(doctor, err) && ask_server(doctor, err);
}

/* ---- --fix ---- */

static bool fix_files(Doctor *doctor, Error *err) {
  return scm_tree_write(&doctor->tree, doctor->answer, err);
}

static bool fix_hook(Doctor *doctor, Error *err) {
  char *note = NULL;
  bool ok = scm_hook_install(&doctor->tree, &note, err);
  str_free(note);
  return ok;
}

static bool fix_tracked(Doctor *doctor, Error *err) {
  return git_check(&doctor->tree.git,
                   GIT("rm", "--quiet", "--cached", "--ignore-unmatch", "--", SCM_STATE_FILE), err);
}

/* By its name: what is said of the work tree isn't what this is about. */
static bool post_event(Doctor *doctor, const char *feature, const char *event, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer rest = {0};
  AUTO(json_free) json_t *body = json_object();
  AUTO(json_free) json_t *answer = NULL;
  buffer_add_text(&rest, "/");
  url_add_encoded(&rest, feature);
  buffer_add_format(&rest, "/%s", event);
  return scm_tree_call(&doctor->tree, "POST", rest.text, body, &answer, err);
}

/* Every merge that stopped half-way, as the server tells them. */
static bool end_merges(Doctor *doctor, const char *event, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  size_t at = 0;
  const json_t *finding = NULL;
  if (!scm_tree_call(&doctor->tree, "GET", "/findings", NULL, &answer, err))
    return false;
  json_array_foreach(json_object_get(answer, "findings"), at, finding) {
    bool is_one = str_equal(json_string_or(finding, "id", ""), findings[FINDING_MERGE_STOPPED].id);
    if (is_one && !post_event(doctor, json_string_or(finding, "subject", ""), event, err))
      return false;
  }
  json_free(STEAL(doctor->answer));
  return scm_tree_ask(&doctor->tree, &doctor->answer, err) &&
         scm_tree_write(&doctor->tree, doctor->answer, err);
}

static bool finish_merge(Doctor *doctor, Error *err) {
  return end_merges(doctor, "merge", err);
}

static bool undo_merge(Doctor *doctor, Error *err) {
  return end_merges(doctor, "undo-merge", err);
}

static const struct {
  const char *name;
  bool (*fix)(Doctor *doctor, Error *err);
} fixes[] = {{"state-file", fix_files},
             {"env", fix_files},
             {"hook", fix_hook},
             {"untrack", fix_tracked},
             {"finish-merge", finish_merge},
             {"undo-merge", undo_merge}};

/* The fix of that name, or of the finding of that id. */
static bool put_right(Doctor *doctor, const char *wish, Error *err) {
  const char *name = wish;
  for (size_t at = 0; at < ARRAY_LENGTH(findings); at++) {
    if (!str_equal(findings[at].id, wish))
      continue;
    if (findings[at].fix[0] == '\0')
      return error_set(err, ERROR_USAGE, "%s isn't put right by itself: %s", wish,
                       findings[at].remedy);
    name = findings[at].fix;
  }
  for (size_t at = 0; at < ARRAY_LENGTH(fixes); at++)
    if (str_equal(fixes[at].name, name))
      return fixes[at].fix(doctor, err);
  return error_set(err, ERROR_USAGE, "there is no finding \"%.80s\"", wish);
}

static bool has_error(const json_t *list) {
  size_t at = 0;
  const json_t *finding = NULL;
  json_array_foreach(list, at, finding) {
    if (str_equal(json_string_or(finding, "severity", ""), "error"))
      return true;
  }
  return false;
}

bool cmd_scm_doctor_run(Cli *cli, json_t **ret, Error *err) {
  enum { EXIT_FOUND = 3 };
  Doctor doctor = {.list = json_array()};
  const char *wish = invocation_value(&cli->invocation, "fix");
  bool ok = scm_tree_open(cli, &doctor.tree, err) &&
            scm_tree_ask(&doctor.tree, &doctor.answer, err) &&
            (wish == NULL || put_right(&doctor, wish, err)) && look(&doctor, err);
  if (ok) {
    cli->exit_status = has_error(doctor.list) ? EXIT_FOUND : 0;
    *ret = json_pack("{s:O, s:b}", "findings", doctor.list, "ok", !has_error(doctor.list));
  }
  scm_tree_release(&doctor.tree);
  json_free(doctor.answer);
  json_free(doctor.list);
  return ok;
}

void cmd_scm_doctor_show(Cli *cli, const json_t *result) {
  cmd_doctor_show(cli, result);
}
