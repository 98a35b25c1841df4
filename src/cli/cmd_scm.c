/* bough scm ...: each command looks at the work tree first, has the server move the state, and then
 * puts the work tree where the new state is. What is cut short is gone on with by the same command.
 */
#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/queue.h"
#include "cli/scm_tree.h"
#include "cli/show.h"
#include "core/clock.h"
#include "core/duration.h"
#include "http/client.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_DEFAULT_S = 30 * 60, POLL_MS = 500, POLL_LIMIT_MS = 2000 };

/* A command's work on an open tree. */
typedef bool TreeDeed(ScmTree *tree, json_t **ret, Error *err);

static bool with_tree(Cli *cli, TreeDeed *deed, json_t **ret, Error *err) {
  ScmTree tree = {0};
  if (!scm_tree_open(cli, &tree, err))
    return false;
  bool ok = deed(&tree, ret, err);
  scm_tree_release(&tree);
  return ok;
}

static const char *flag_of(const ScmTree *tree, const char *name) {
  return invocation_value(&tree->cli->invocation, name);
}

static void add_flag(const ScmTree *tree, json_t *body, const char *name) {
  const char *value = flag_of(tree, name);
  if (value != NULL)
    (void)json_object_set_new(body, name, json_string(value));
}

/* POST .../workflow/FEATURE/EVENT */
static bool post(const ScmTree *tree, const char *feature, const char *event, const json_t *body,
                 json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer rest = {0};
  buffer_add_text(&rest, "/");
  url_add_encoded(&rest, feature);
  buffer_add_format(&rest, "/%s", event);
  return scm_tree_call(tree, "POST", rest.text, body, ret, err);
}

/* The feature that is named, or the one whose branch HEAD stands on, by the server's record. Where
 * that knows none the state file's word leads to the refusal that explains it. */
static bool find_feature(const ScmTree *tree, char **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  AUTO(json_free) json_t *state = NULL;
  if (tree->cli->invocation.word_count > 1)
    return error_set(err, ERROR_USAGE, "one feature at a time");
  if (tree->cli->invocation.word_count == 1) {
    *ret = str_dup(tree->cli->invocation.words[0]);
    return true;
  }
  if (!scm_tree_ask(tree, &answer, err))
    return false;
  const char *feature = json_string_or(json_object_get(answer, "change"), "feature", NULL);
  if (feature == NULL) {
    state = scm_tree_state(tree);
    feature = json_string_or(state, "feature_id", NULL);
  }
  if (feature != NULL) {
    *ret = str_dup(feature);
    return true;
  }
  if (state == NULL && str_equal(json_string_or(answer, "state", ""), "none")) {
    (void)error_set(err, ERROR_NO_STATE_FILE, "the repository isn't under Bough");
    return error_hint(err, "put it there: `bough init`");
  }
  (void)error_set(err, ERROR_BAD_PRECONDITION, "nothing is claimed on branch \"%s\"",
                  tree->branch != NULL ? tree->branch : "(none)");
  return error_hint(err, "claim a feature: `bough scm claim ID`; `bough scm status` lists those "
                         "in flight");
}

static const char *change_text(const json_t *answer, const char *key) {
  return json_string_or(json_object_get(answer, "change"), key, "");
}

/* ---- claim, adopt ---- */

/* Checks out the branch of the change: the one that is there, or a new one from the tier's commit.
 */
static bool check_branch_out(const ScmTree *tree, const json_t *answer, Error *err) {
  const char *branch = change_text(answer, "git_branch");
  const char *commit = change_text(answer, "claim_commit");
  char there[GIT_OID_SIZE];
  bool found = false;
  if (str_equal(tree->branch, branch))
    return true;
  if (!git_branch_head(&tree->git, branch, there, &found, err))
    return false;
  if (found)
    return scm_tree_checkout(tree, branch, err);
  if (!git_commit_of(&tree->git, commit, there, &found, err) ||
      (!found && !scm_tree_fetch(tree, change_text(answer, "tier"), err)))
    return false;
  return git_check(&tree->git, GIT("checkout", "--quiet", "--no-track", "-b", branch, commit), err);
}

static bool claim(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  AUTO(json_free) json_t *answer = NULL;
  add_flag(tree, body, "kind");
  add_flag(tree, body, "parent");
  if (!scm_tree_require_clean(tree, NULL, err) ||
      !post(tree, tree->cli->invocation.arguments[0], "claim", body, &answer, err) ||
      !check_branch_out(tree, answer, err) || !scm_tree_write(tree, answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_claim_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, claim, ret, err);
}

static bool adopt(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  AUTO(json_free) json_t *answer = NULL;
  const char *slash = tree->branch != NULL ? strchr(tree->branch, '/') : NULL;
  if (slash == NULL) {
    (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is \"%s\", which is no feature's branch",
                    tree->branch != NULL ? tree->branch : "on no branch");
    return error_hint(err, "check the branch out first: `git checkout feature/ID`");
  }
  AUTO(str_free) char *kind = str_ndup(tree->branch, (size_t)(slash - tree->branch));
  (void)json_object_set_new(body, "kind", json_string(kind));
  if (!post(tree, slash + 1, "adopt", body, &answer, err) || !scm_tree_write(tree, answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_adopt_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, adopt, ret, err);
}

/* ---- prepare-pr ---- */

/* A forced push takes the place of the commit that was there when it was last looked at. */
static bool push(const ScmTree *tree, Error *err) {
  AUTO(str_free) char *remote = NULL;
  AUTO(str_free) char *spec = str_format("HEAD:refs/heads/%s", tree->branch);
  const char *force = invocation_has(&tree->cli->invocation, "force") ? "--force" : "--no-force";
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!scm_tree_remote(tree, &remote, err) ||
      !git_run(&tree->git, GIT("push", "--quiet", force, remote, spec), NULL, 0, &result, err))
    return false;
  if (result.status == 0)
    return true;
  (void)error_set(err, ERROR_PUSH_FAILED, "git push: %.700s", result.errors);
  return error_hint(err, "what the server has is no part of what you have: `git pull`, or, when it "
                         "was rewritten on purpose, --force");
}

/* Nothing is pushed from a work tree whose state isn't the server's, or from another branch. */
static bool check_pushable(const ScmTree *tree, const char *feature, const json_t *body,
                           Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!scm_tree_call(tree, "POST", "/check", body, &answer, err))
    return false;
  if (str_equal(change_text(answer, "feature"), feature))
    return true;
  (void)error_set(err, ERROR_WRONG_BRANCH, "HEAD is \"%s\", which isn't the branch of \"%s\"",
                  tree->branch != NULL ? tree->branch : "on no branch", feature);
  return error_hint(err, "check it out first: `bough scm status` lists what is in flight");
}

static bool prepare(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(str_free) char *feature = NULL;
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  AUTO(json_free) json_t *answer = NULL;
  add_flag(tree, body, "title");
  add_flag(tree, body, "body");
  if (!find_feature(tree, &feature, err) || !check_pushable(tree, feature, body, err) ||
      !scm_tree_require_clean(tree, NULL, err) || !push(tree, err) ||
      !post(tree, feature, "prepare-pr", body, &answer, err) || !scm_tree_write(tree, answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_prepare_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, prepare, ret, err);
}

/* ---- wait-ci ---- */

static bool read_limit(const ScmTree *tree, int64_t *ret, Error *err) {
  const char *text = flag_of(tree, "timeout");
  *ret = WAIT_DEFAULT_S;
  return text == NULL || duration_parse(text, ret, err);
}

static bool wait_ci(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(str_free) char *feature = NULL;
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  AUTO(json_free) json_t *answer = NULL;
  int64_t limit_s = 0;
  int64_t pause_ms = POLL_MS;
  if (!read_limit(tree, &limit_s, err) || !find_feature(tree, &feature, err))
    return false;
  for (int64_t end = clock_monotonic_ms() + limit_s * 1000;;) {
    json_free(STEAL(answer));
    if (!post(tree, feature, "wait-ci", body, &answer, err))
      return false;
    const char *pending = json_string_or(answer, "pending", NULL);
    if (pending == NULL)
      break;
    if (clock_monotonic_ms() >= end)
      return error_set(err, ERROR_TIMEOUT, "check \"%s\" isn't over after %lld seconds", pending,
                       (long long)limit_s);
    output_set_progress(&tree->cli->output, "waiting for CI", 0, 0);
    clock_sleep_ms(pause_ms);
    pause_ms = pause_ms * 2 < POLL_LIMIT_MS ? pause_ms * 2 : POLL_LIMIT_MS;
  }
  output_end_progress(&tree->cli->output);
  if (!scm_tree_write(tree, answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_wait_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, wait_ci, ret, err);
}

/* ---- merge, abandon: the work tree goes back to the tier ---- */

/* Only of a work tree that stands on the branch that is gone now. */
static bool go_back(const ScmTree *tree, const char *branch, const char *tier, const json_t *answer,
                    Error *err) {
  if (!str_equal(tree->branch, branch))
    return true;
  return scm_tree_leave(tree, tier, err) &&
         git_check(&tree->git, GIT("branch", "--quiet", "-D", "--", branch), err) &&
         scm_tree_write(tree, answer, err);
}

static bool is_queued(const json_t *answer) {
  return json_object_get(answer, "queued") != NULL;
}

/* Once the queue has merged it, the same request tells of it as if it had done so itself. */
static bool ask_merge(ScmTree *tree, const char *feature, json_t **ret, Error *err) {
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  int64_t limit_s = 0;
  if (!read_limit(tree, &limit_s, err) || !post(tree, feature, "merge", body, ret, err))
    return false;
  if (!is_queued(*ret) || invocation_has(&tree->cli->invocation, "no-wait"))
    return true;
  AUTO(json_free) json_t *queued = STEAL(*ret);
  return queue_wait(tree->cli, tree->project, json_object_get(queued, "queued"), limit_s, err) &&
         post(tree, feature, "merge", body, ret, err);
}

/* Somebody else's work tree keeps its own state. */
static bool merge(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(str_free) char *feature = NULL;
  AUTO(json_free) json_t *answer = NULL;
  if (!find_feature(tree, &feature, err) || !scm_tree_require_clean(tree, NULL, err) ||
      !ask_merge(tree, feature, &answer, err))
    return false;
  if (!is_queued(answer) &&
      !go_back(tree, change_text(answer, "git_branch"), change_text(answer, "tier"), answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_merge_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, merge, ret, err);
}

static bool withdraw(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(str_free) char *feature = NULL;
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  return find_feature(tree, &feature, err) && post(tree, feature, "withdraw", body, ret, err);
}

bool cmd_scm_withdraw_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, withdraw, ret, err);
}

/* Commits that are here alone: neither the tier nor the forge has them. */
static bool check_own_commits(const ScmTree *tree, const char *branch, const char *commit,
                              Error *err) {
  int64_t ahead = 0;
  if (invocation_has(&tree->cli->invocation, "force") || !str_equal(tree->branch, branch))
    return true;
  if (commit[0] != '\0' && !git_count_ahead(&tree->git, commit, "HEAD", &ahead, err))
    return false;
  if (ahead == 0)
    return true;
  (void)error_set(err, ERROR_COMMITS_WOULD_BE_LOST, "\"%s\" has %lld commits that its tier lacks",
                  branch, (long long)ahead);
  return error_hint(err, "throw them away: `bough scm abandon --force`");
}

static bool abandon(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(str_free) char *feature = NULL;
  AUTO(json_free) json_t *body = scm_tree_body(tree);
  AUTO(json_free) json_t *before = NULL;
  AUTO(json_free) json_t *answer = NULL;
  bool force = invocation_has(&tree->cli->invocation, "force");
  (void)json_object_set_new(body, "force", json_boolean(force));
  if (!find_feature(tree, &feature, err) || !scm_tree_ask(tree, &before, err))
    return false;
  const char *branch = change_text(before, "git_branch");
  if ((!force && !scm_tree_require_clean(tree, NULL, err)) ||
      !check_own_commits(tree, branch, change_text(before, "claim_commit"), err) ||
      !post(tree, feature, "abandon", body, &answer, err) ||
      (force && str_equal(tree->branch, branch) &&
       !git_check(&tree->git, GIT("reset", "--quiet", "--hard"), err)) ||
      !go_back(tree, branch, change_text(before, "tier"), answer, err))
    return false;
  (void)json_object_set_new(answer, "abandoned", json_string(feature));
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_abandon_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, abandon, ret, err);
}

/* ---- status, sync, password ---- */

static bool status(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  AUTO(json_free) json_t *list = NULL;
  AUTO(json_free) json_t *queue = NULL;
  if (!scm_tree_ask(tree, &answer, err) || !scm_tree_call(tree, "GET", "", NULL, &list, err) ||
      !queue_read(tree->cli, tree->project, &queue, err))
    return false;
  (void)json_object_set(answer, "queue", json_object_get(queue, "queue"));
  (void)json_object_set(answer, "changes", json_object_get(list, "changes"));
  (void)json_object_set_new(answer, "git_branch",
                            tree->branch != NULL ? json_string(tree->branch) : json_null());
  (void)json_object_set_new(answer, "state_file_agrees",
                            json_boolean(scm_tree_agrees(tree, answer)));
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_status_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, status, ret, err);
}

static bool sync_tree(ScmTree *tree, json_t **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!scm_tree_ask(tree, &answer, err) || !scm_tree_write(tree, answer, err))
    return false;
  *ret = STEAL(answer);
  return true;
}

bool cmd_scm_sync_run(Cli *cli, json_t **ret, Error *err) {
  return with_tree(cli, sync_tree, ret, err);
}

bool cmd_scm_password_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *password = NULL;
  if (!connection_password(cli, &password, err))
    return false;
  *ret = json_pack("{s:s}", "password", password);
  return true;
}
