/* Branches at GitHub: where they are, and moving them from where they were found. */
#include "scm/github.h"

#include "core/str.h"
#include "core/url.h"
#include "scm/github_parse.h"

#include <stdio.h>
#include <string.h>

enum { NOT_FOUND = 404, CONFLICT = 409, UNPROCESSABLE = 422 };

/* "git/refs/heads%2Ffeature%2Fx": a ref is one parameter of the path. */
static char *ref_path(const char *ref_or_refs, const char *branch) {
  Buffer path = {0};
  AUTO(str_free) char *ref = str_format("heads/%s", branch);
  buffer_add_format(&path, "git/%s/", ref_or_refs);
  url_add_encoded(&path, ref);
  return buffer_steal(&path);
}

static bool says(const GithubAnswer *answer, const char *what) {
  return strcasestr(json_string_or(answer->value, "message", ""), what) != NULL;
}

bool github_branch_head(Forge *forge, const char *branch, char ret[GIT_OID_SIZE], bool *ret_found,
                        Error *err) {
  AUTO(str_free) char *path = ref_path("ref", branch);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "GET", path, NULL, &answer, err))
    return false;
  *ret_found = answer.status / 100 == 2;
  if (answer.status == NOT_FOUND)
    return true;
  return *ret_found ? github_parse_ref(answer.value, ret, err) : github_refusal(&answer, err);
}

bool github_expect_head(Forge *forge, const char *branch, const char *expected, Error *err) {
  char head[GIT_OID_SIZE] = "";
  bool found = false;
  if (!github_branch_head(forge, branch, head, &found, err))
    return false;
  return str_equal(head, expected) ||
         error_set(err, ERROR_MERGE_STALE, "%s is at %.12s by now, not at %.12s", branch,
                   found ? head : "nothing", expected);
}

bool github_branch_delete(Forge *forge, const char *branch, const char *expected, Error *err) {
  AUTO(str_free) char *path = ref_path("refs", branch);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  char head[GIT_OID_SIZE] = "";
  bool found = false;
  if (!github_branch_head(forge, branch, head, &found, err))
    return false;
  if (!found)
    return true;
  if (expected != NULL && !str_equal(head, expected))
    return error_set(err, ERROR_MERGE_STALE, "%s is at %.12s by now, not at %.12s", branch, head,
                     expected);
  if (!github_call(&github_of(forge)->api, "DELETE", path, NULL, &answer, err))
    return false;
  bool is_gone = answer.status == NOT_FOUND ||
                 (answer.status == UNPROCESSABLE && says(&answer, "Reference does not exist"));
  return answer.status / 100 == 2 || is_gone || github_refusal(&answer, err);
}

/* How the second commit stands to the first: "ahead", "behind", "identical", "diverged"; "" where
 * one of them isn't known. The second page tells it without the files that differ. */
static bool compare(Forge *forge, const char *first, const char *second, char ret[16], Error *err) {
  AUTO(str_free) char *path = str_format("compare/%s...%s?per_page=1&page=2", first, second);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "GET", path, NULL, &answer, err))
    return false;
  if (answer.status / 100 != 2 && answer.status != NOT_FOUND)
    return github_refusal(&answer, err);
  (void)snprintf(ret, 16, "%s", json_string_or(answer.value, "status", ""));
  return true;
}

bool github_branch_contains(Forge *forge, const char *branch, const char *commit, bool *ret,
                            Error *err) {
  char head[GIT_OID_SIZE] = "";
  char standing[16] = "";
  bool found = false;
  if (!github_branch_head(forge, branch, head, &found, err) ||
      (found && !compare(forge, commit, head, standing, err)))
    return false;
  *ret = str_equal(standing, "ahead") || str_equal(standing, "identical");
  return true;
}

/* ---- promotion ---- */

/* Moves a branch forward; MERGE_STALE when it went somewhere that commit doesn't come from. */
static bool move_forward(Forge *forge, const char *branch, const char *commit, Error *err) {
  AUTO(str_free) char *path = ref_path("refs", branch);
  AUTO(json_free) json_t *body = json_pack("{s:s, s:b}", "sha", commit, "force", 0);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "PATCH", path, body, &answer, err))
    return false;
  if (answer.status == UNPROCESSABLE && says(&answer, "not a fast forward"))
    return error_set(err, ERROR_MERGE_STALE, "%s was moved meanwhile", branch);
  return answer.status / 100 == 2 || github_refusal(&answer, err);
}

/* A branch of its own for making a merge whose first parent is exactly the expected commit: the
 * target itself might have moved by the time that GitHub merges into it. */
static bool make_aside(Forge *forge, const char *name, const char *commit, Error *err) {
  AUTO(str_free) char *ref = str_format("refs/heads/%s", name);
  AUTO(json_free) json_t *body = json_pack("{s:s, s:s}", "ref", ref, "sha", commit);
  AUTO(json_free) json_t *made = NULL;
  return github_branch_delete(forge, name, NULL, err) && /* of one that was killed */
         github_do(&github_of(forge)->api, "POST", "git/refs", body, &made, err);
}

static bool merge_aside(Forge *forge, const char *name, const char *from, const char *message,
                        char ret[GIT_OID_SIZE], Error *err) {
  AUTO(json_free)
  json_t *body =
      json_pack("{s:s, s:s, s:s}", "base", name, "head", from, "commit_message", message);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "POST", "merges", body, &answer, err))
    return false;
  if (answer.status == CONFLICT)
    return error_set(err, ERROR_MERGE_CONFLICT, "%.12s can't be merged: both change the same lines",
                     from);
  return answer.status / 100 == 2 ? github_parse_commit(answer.value, ret, err)
                                  : github_refusal(&answer, err);
}

static bool promote_by_merge(Forge *forge, const char *from_commit, const char *to_branch,
                             const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                             Error *err) {
  AUTO(str_free) char *aside = str_format("bough-promote/%s", to_branch);
  char merged[GIT_OID_SIZE] = "";
  Error ignored = ERROR_INIT; /* the next promotion removes what is left */
  bool done = make_aside(forge, aside, expected_to, err) &&
              merge_aside(forge, aside, from_commit, message, merged, err) &&
              move_forward(forge, to_branch, merged, err);
  (void)!github_branch_delete(forge, aside, NULL, &ignored);
  if (done)
    memcpy(ret, merged, GIT_OID_SIZE);
  return done;
}

bool github_promote(Forge *forge, const char *from_commit, const char *to_branch,
                    const char *expected_to, const char *message, char ret[GIT_OID_SIZE],
                    Error *err) {
  char standing[16] = "";
  if (!github_expect_head(forge, to_branch, expected_to, err) ||
      !compare(forge, expected_to, from_commit, standing, err))
    return false;
  if (str_equal(standing, "identical") || str_equal(standing, "behind")) {
    memcpy(ret, expected_to, strlen(expected_to) + 1); /* it has it already */
    return true;
  }
  if (!str_equal(standing, "ahead"))
    return promote_by_merge(forge, from_commit, to_branch, expected_to, message, ret, err);
  if (!move_forward(forge, to_branch, from_commit, err))
    return false;
  memcpy(ret, from_commit, strlen(from_commit) + 1);
  return true;
}
