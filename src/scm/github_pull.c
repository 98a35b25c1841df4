/* Pull requests at GitHub: opened, read with their live base, merged. */
#include "scm/github.h"

#include "core/str.h"
#include "core/url.h"
#include "scm/github_parse.h"
#include "scm/repository.h"

#include <string.h>

enum { NOT_FOUND = 404, NOT_ALLOWED = 405, CONFLICT = 409 };

/* The base that GitHub tells in a pull request is the one of its last look: this one is live. */
static bool add_base(Forge *forge, PullRequest *pull, Error *err) {
  bool found = false;
  return github_branch_head(forge, pull->base_branch, pull->base, &found, err);
}

static bool parse(Forge *forge, const json_t *value, PullRequest *ret, Error *err) {
  return github_parse_pull(value, github_of(forge)->api.repository, forge->settings, ret, err);
}

/* The database branch that goes with the head, if there is one: a fork's has none. */
static void add_branch(Forge *forge, PullRequest *pull) {
  BranchRow branch;
  Error ignored = ERROR_INIT;
  if (repository_branch(forge->context, forge->project, pull->head_branch, &branch, &ignored))
    memcpy(pull->branch_id, branch.id, sizeof pull->branch_id);
}

static bool parse_with_base(Forge *forge, const json_t *value, PullRequest *ret, Error *err) {
  AUTO_RELEASE(pull_request_release) PullRequest pull = {0};
  if (!parse(forge, value, &pull, err) || !add_base(forge, &pull, err))
    return false;
  add_branch(forge, &pull);
  *ret = pull;
  pull = (PullRequest){0};
  return true;
}

/* ---- reading ---- */

bool github_pull_read(Forge *forge, int64_t number, PullRequest *ret, Error *err) {
  AUTO(str_free) char *path = str_format("pulls/%lld", (long long)number);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "GET", path, NULL, &answer, err))
    return false;
  if (answer.status == NOT_FOUND)
    return error_set(err, ERROR_PULL_NOT_FOUND, "there is no pull request %lld in %s",
                     (long long)number, github_of(forge)->api.repository);
  return answer.status / 100 == 2 ? parse_with_base(forge, answer.value, ret, err)
                                  : github_refusal(&answer, err);
}

/* The open one of a branch of this repository: its value, owned; NULL: none. */
static bool find_open(Forge *forge, const char *head_branch, json_t **ret, Error *err) {
  const char *repository = github_of(forge)->api.repository;
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  AUTO(str_free)
  char *head = str_format("%.*s:%s", (int)strcspn(repository, "/"), repository, head_branch);
  AUTO(json_free) json_t *list = NULL;
  size_t at = 0;
  json_t *value = NULL;
  buffer_add_text(&path, "pulls?state=open&head=");
  url_add_encoded(&path, head);
  if (!github_list(&github_of(forge)->api, path.text, NULL, GITHUB_PAGE, &list, err))
    return false;
  json_array_foreach(list, at, value) { /* a filter that was passed over must not choose another */
    const char *ref = json_string_or(json_object_get(value, "head"), "ref", "");
    if (*ret == NULL && str_equal(ref, head_branch))
      *ret = json_incref(value);
  }
  return true;
}

/* Most pull requests have one base, so that it is asked for once. */
static bool complete(Forge *forge, PullRequest *list, size_t count, Error *err) {
  for (size_t at = 0; at < count; at++) {
    size_t before = 0;
    while (before < at && !str_equal(list[before].base_branch, list[at].base_branch))
      before++;
    if (before < at)
      memcpy(list[at].base, list[before].base, sizeof list[at].base);
    else if (!add_base(forge, &list[at], err))
      return false;
    add_branch(forge, &list[at]);
  }
  return true;
}

bool github_pull_list(Forge *forge, bool only_open, PullRequest **ret, size_t *ret_count,
                      Error *err) {
  AUTO(str_free)
  char *path = str_format("pulls?state=%s&sort=created&direction=desc", only_open ? "open" : "all");
  AUTO(json_free) json_t *values = NULL;
  if (!github_list(&github_of(forge)->api, path, NULL, FORGE_LIST_LIMIT, &values, err))
    return false;
  size_t wanted = json_array_size(values);
  PullRequest *list = mem_new(wanted + 1, sizeof *list);
  size_t count = 0;
  while (count < wanted && parse(forge, json_array_get(values, count), &list[count], err))
    count++;
  if (count < wanted || !complete(forge, list, count, err)) {
    pull_requests_free(list, count);
    return false;
  }
  *ret = list;
  *ret_count = count;
  return true;
}

/* ---- opening and closing ---- */

static bool update(Forge *forge, const json_t *open, json_t *body, PullRequest *ret, Error *err) {
  AUTO(json_free) json_t *owned = body;
  AUTO(json_free) json_t *value = NULL;
  AUTO(str_free)
  char *path = str_format("pulls/%lld", (long long)json_integer_or(open, "number", 0));
  return github_do(&github_of(forge)->api, "PATCH", path, owned, &value, err) &&
         parse_with_base(forge, value, ret, err);
}

bool github_pull_open(Forge *forge, const PullWish *wish, PullRequest *ret, Error *err) {
  AUTO(json_free) json_t *open = NULL;
  AUTO(json_free) json_t *value = NULL;
  if (!find_open(forge, wish->head_branch, &open, err))
    return false;
  json_t *body = json_pack("{s:s, s:s, s:s}", "title", wish->title, "body",
                           wish->body != NULL ? wish->body : "", "base", wish->base_branch);
  if (open != NULL)
    return update(forge, open, body, ret, err);
  AUTO(json_free) json_t *owned = body;
  (void)json_object_set_new(owned, "head", json_string(wish->head_branch));
  return github_do(&github_of(forge)->api, "POST", "pulls", owned, &value, err) &&
         parse_with_base(forge, value, ret, err);
}

bool github_pull_close(Forge *forge, int64_t number, Error *err) {
  AUTO_RELEASE(pull_request_release) PullRequest pull = {0};
  AUTO(str_free) char *path = str_format("pulls/%lld", (long long)number);
  AUTO(json_free) json_t *body = json_pack("{s:s}", "state", "closed");
  AUTO(json_free) json_t *value = NULL;
  if (!github_pull_read(forge, number, &pull, err))
    return false;
  return pull.state != PULL_OPEN ||
         github_do(&github_of(forge)->api, "PATCH", path, body, &value, err);
}

/* ---- merging ---- */

/* The first line is the title of the merge commit. */
static json_t *merge_body(const PullRequest *pull, const char *message) {
  size_t length = strcspn(message, "\n");
  const char *rest = message + length + strspn(message + length, "\n");
  return json_pack("{s:s, s:s, s:s%, s:s}", "sha", pull->head, "merge_method", "merge",
                   "commit_title", message, length, "commit_message", rest);
}

/* The answer may have been lost on the way back, or somebody was killed after it. */
static bool is_merged(Forge *forge, const PullRequest *pull, char ret[GIT_OID_SIZE],
                      PullRequest *now, Error *err) {
  if (!github_pull_read(forge, pull->number, now, err))
    return false;
  if (now->state != PULL_MERGED || !str_equal(now->head, pull->head))
    return error_set(err, ERROR_FORGE_FAILED, "it isn't merged");
  memcpy(ret, now->merge_commit, GIT_OID_SIZE);
  return true;
}

/* Why it can't be merged: "dirty" is a conflict, the rest is GitHub's own rules. */
static bool not_mergeable(Forge *forge, const PullRequest *pull, const GithubAnswer *answer,
                          Error *err) {
  AUTO(str_free) char *path = str_format("pulls/%lld", (long long)pull->number);
  AUTO(json_free) json_t *value = NULL;
  Error ignored = ERROR_INIT; /* then GitHub's own words have to do */
  bool known = github_do(&github_of(forge)->api, "GET", path, NULL, &value, &ignored);
  if (known && str_equal(json_string_or(value, "mergeable_state", ""), "dirty"))
    return error_set(err, ERROR_MERGE_CONFLICT, "%s and %s change the same lines",
                     pull->head_branch, pull->base_branch);
  return github_refusal(answer, err);
}

static bool read_merge(Forge *forge, const PullRequest *pull, const GithubAnswer *answer,
                       char ret[GIT_OID_SIZE], Error *err) {
  if (answer->status / 100 == 2)
    return github_parse_commit(answer->value, ret, err);
  if (answer->status == CONFLICT)
    return error_set(err, ERROR_MERGE_STALE, "the head of %s was moved meanwhile",
                     pull->head_branch);
  return answer->status == NOT_ALLOWED ? not_mergeable(forge, pull, answer, err)
                                       : github_refusal(answer, err);
}

static bool ask_to_merge(Forge *forge, const PullRequest *pull, const char *message,
                         char ret[GIT_OID_SIZE], Error *err) {
  AUTO(str_free) char *path = str_format("pulls/%lld/merge", (long long)pull->number);
  AUTO(json_free) json_t *body = merge_body(pull, message);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  return github_call(&github_of(forge)->api, "PUT", path, body, &answer, err) &&
         read_merge(forge, pull, &answer, ret, err);
}

bool github_merge(Forge *forge, const PullRequest *pull, const char *expected_base,
                  const char *message, char ret[GIT_OID_SIZE], Error *err) {
  AUTO_RELEASE(pull_request_release) PullRequest now = {0};
  Error ignored = ERROR_INIT; /* the failure of the merge itself is what is told */
  char commit[GIT_OID_SIZE] = "";
  if (pull->state == PULL_MERGED) {
    memcpy(ret, pull->merge_commit, GIT_OID_SIZE);
    return true;
  }
  if (!github_expect_head(forge, pull->base_branch, expected_base, err))
    return false;
  if (!ask_to_merge(forge, pull, message, commit, err) &&
      !is_merged(forge, pull, commit, &now, &ignored))
    return false;
  memcpy(ret, commit, GIT_OID_SIZE);
  return true;
}
