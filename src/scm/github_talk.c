/* Reviews, comments and statuses at GitHub. */
#include "scm/github.h"

#include "catalog/policy.h"
#include "core/str.h"
#include "scm/github_parse.h"

#include <string.h>

enum { FORBIDDEN = 403, NOT_FOUND = 404, DESCRIPTION_LIMIT = 140, COMMENT_LIMIT = 65536 };

/* ---- reviews ---- */

/* The server's token is nobody's vote: reviewers give theirs at GitHub, as themselves. */
bool github_review_add(Forge *forge, const PullRequest *pull, ReviewVerdict verdict,
                       const char *body, Error *err) {
  (void)body;
  (void)error_set(err, ERROR_UNSUPPORTED, "reviews (%s) of this project are given at GitHub",
                  review_verdict_text(verdict));
  return error_hint(err, "%.400s", pull->url);
}

/* When the pull request got the base that it has now; 0: it always had it. */
static bool base_since(Forge *forge, int64_t number, int64_t *ret, Error *err) {
  AUTO(str_free) char *path = str_format("issues/%lld/events", (long long)number);
  AUTO(json_free) json_t *events = NULL;
  size_t at = 0;
  const json_t *event = NULL;
  if (!github_list(&github_of(forge)->api, path, NULL, FORGE_LIST_LIMIT, &events, err))
    return false;
  json_array_foreach(events, at, event) {
    int64_t time = github_time(event, "created_at");
    if (str_equal(json_string_or(event, "event", ""), "base_ref_changed") && time > *ret)
      *ret = time;
  }
  return true;
}

/* A review that was given before the base was changed went to another one. */
static void add_base_branch(Review *review, const PullRequest *pull, int64_t since) {
  if (review->created_at > since)
    memcpy(review->base_branch, pull->base_branch, sizeof review->base_branch);
}

/* What an account wrote, the principal that it is wrote, and whom that one acts for. */
static bool note_author(Forge *forge, const char *branch, const json_t *account, Error *err) {
  char name[NAME_MAX_LENGTH + 1];
  PrincipalRow principal;
  Error unknown = ERROR_INIT; /* one who is nobody here can't approve either */
  github_person(forge->settings, json_string_or(account, "login", "ghost"), name);
  if (!principal_by_name(forge->context->catalog, name, &principal, &unknown))
    return true;
  return author_add(forge->context->catalog, branch, principal.name, err) &&
         (principal.on_behalf_of[0] == '\0' ||
          author_add(forge->context->catalog, branch, principal.on_behalf_of, err));
}

/* Nobody pushes through Bough here, so who wrote the change is read from its commits, before it is
 * asked whose approvals count. Whoever claims to be somebody else takes that one's vote, never
 * more. */
static bool note_authors(Forge *forge, const PullRequest *pull, Error *err) {
  AUTO(str_free) char *path = str_format("pulls/%lld/commits", (long long)pull->number);
  AUTO(json_free) json_t *commits = NULL;
  size_t at = 0;
  const json_t *commit = NULL;
  if (pull->branch_id[0] == '\0' || json_object_get(forge->settings, "people") == NULL)
    return true;
  if (!github_list(&github_of(forge)->api, path, NULL, FORGE_LIST_LIMIT, &commits, err))
    return false;
  json_array_foreach(commits, at, commit) {
    if (!note_author(forge, pull->branch_id, json_object_get(commit, "author"), err) ||
        !note_author(forge, pull->branch_id, json_object_get(commit, "committer"), err))
      return false;
  }
  return true;
}

bool github_review_list(Forge *forge, int64_t number, Review **ret, size_t *ret_count, Error *err) {
  AUTO(str_free) char *path = str_format("pulls/%lld/reviews", (long long)number);
  AUTO_RELEASE(pull_request_release) PullRequest pull = {0};
  AUTO(json_free) json_t *values = NULL;
  int64_t since = 0;
  if (!github_pull_read(forge, number, &pull, err) || !note_authors(forge, &pull, err) ||
      !base_since(forge, number, &since, err) ||
      !github_list(&github_of(forge)->api, path, NULL, FORGE_LIST_LIMIT, &values, err))
    return false;
  Review *list = mem_new(json_array_size(values) + 1, sizeof *list);
  size_t count = 0;
  for (size_t at = 0; at < json_array_size(values); at++) {
    bool given = false;
    if (!github_parse_review(json_array_get(values, at), forge->settings, &list[count], &given,
                             err)) {
      reviews_free(list, count);
      return false;
    }
    add_base_branch(&list[count], &pull, since);
    if (given)
      count++;
    else
      str_free(STEAL(list[count].body));
  }
  *ret = list;
  *ret_count = count;
  return true;
}

/* ---- comments ---- */

static bool list_comments(Forge *forge, int64_t number, json_t **ret, Error *err) {
  AUTO(str_free) char *path = str_format("issues/%lld/comments", (long long)number);
  return github_list(&github_of(forge)->api, path, NULL, FORGE_LIST_LIMIT, ret, err);
}

bool github_comment_list(Forge *forge, int64_t number, Comment **ret, size_t *ret_count,
                         Error *err) {
  AUTO(json_free) json_t *values = NULL;
  if (!list_comments(forge, number, &values, err))
    return false;
  size_t wanted = json_array_size(values);
  Comment *list = mem_new(wanted + 1, sizeof *list);
  size_t count = 0;
  while (count < wanted &&
         github_parse_comment(json_array_get(values, count), forge->settings, &list[count], err))
    count++;
  if (count < wanted) {
    comments_free(list, count);
    return false;
  }
  *ret = list;
  *ret_count = count;
  return true;
}

static bool send_comment(Forge *forge, const char *method, const char *path, const char *text,
                         Error *err) {
  AUTO(json_free) json_t *body = json_pack("{s:s}", "body", text);
  AUTO(json_free) json_t *value = NULL;
  if (strlen(text) > COMMENT_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "a comment of %zu bytes is too long for GitHub",
                     strlen(text));
  return github_do(&github_of(forge)->api, method, path, body, &value, err);
}

bool github_comment_add(Forge *forge, int64_t number, const char *body, Error *err) {
  AUTO(str_free) char *path = str_format("issues/%lld/comments", (long long)number);
  return send_comment(forge, "POST", path, body, err);
}

/* Whose token it is. An app's token has no user: GitHub doesn't say then ("" is kept). */
static bool own_login(Forge *forge, const char **ret, Error *err) {
  Github *github = github_of(forge);
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (github->login == NULL) {
    if (!github_call(&github->api, "GET", "/user", NULL, &answer, err))
      return false;
    if (answer.status / 100 != 2 && answer.status != FORBIDDEN && answer.status != NOT_FOUND)
      return github_refusal(&answer, err);
    github->login =
        str_dup(answer.status / 100 == 2 ? json_string_or(answer.value, "login", "") : "");
  }
  *ret = github->login;
  return true;
}

/* Anybody can write a comment that begins with our marker: only our own is ours to change. */
static bool is_ours(const json_t *value, const char *login) {
  const char *type = json_string_or(json_object_get(value, "user"), "type", "");
  return *login != '\0' ? strcasecmp(github_login(value), login) == 0 : str_equal(type, "Bot");
}

typedef struct Marked {
  int64_t id; /* 0: there is none */
  bool is_same;
} Marked;

static bool find_marked(Forge *forge, int64_t number, const char *marker, const char *body,
                        Marked *ret, Error *err) {
  AUTO(json_free) json_t *values = NULL;
  const char *login = NULL;
  size_t at = 0;
  const json_t *value = NULL;
  if (!own_login(forge, &login, err) || !list_comments(forge, number, &values, err))
    return false;
  json_array_foreach(values, at, value) {
    Comment comment = {0};
    if (ret->id != 0 || !is_ours(value, login))
      continue;
    if (!github_parse_comment(value, forge->settings, &comment, err))
      return false;
    if (str_equal(comment.marker, marker))
      *ret = (Marked){comment.id, str_equal(comment.body, body)};
    str_free(comment.body);
  }
  return true;
}

static bool remove_comment(Forge *forge, const char *path, Error *err) {
  AUTO_RELEASE(github_answer_release) GithubAnswer answer = {0};
  if (!github_call(&github_of(forge)->api, "DELETE", path, NULL, &answer, err))
    return false;
  return answer.status / 100 == 2 || answer.status == NOT_FOUND || github_refusal(&answer, err);
}

bool github_comment_set(Forge *forge, int64_t number, const char *marker, const char *body,
                        Error *err) {
  Marked found = {0};
  if (!find_marked(forge, number, marker, body, &found, err))
    return false;
  if (found.id == 0 && body == NULL)
    return true;
  AUTO(str_free) char *text = body != NULL ? github_marked(marker, body) : NULL;
  AUTO(str_free) char *path = str_format("issues/comments/%lld", (long long)found.id);
  if (body == NULL)
    return remove_comment(forge, path, err);
  if (found.id == 0)
    return github_comment_add(forge, number, text, err);
  return found.is_same || send_comment(forge, "PATCH", path, text, err);
}

/* ---- statuses ---- */

bool github_status_set(Forge *forge, const char *commit, const CommitStatus *status, Error *err) {
  AUTO(str_free) char *path = str_format("statuses/%s", commit);
  AUTO(json_free)
  json_t *body =
      json_pack("{s:s, s:s}", "state", status_state_text(status->state), "context", status->name);
  AUTO(json_free) json_t *value = NULL;
  size_t length = strlen(status->description);
  for (length = length < DESCRIPTION_LIMIT ? length : DESCRIPTION_LIMIT;
       length > 0 && ((unsigned char)status->description[length] & 0xC0) == 0x80;)
    length--; /* GitHub takes so many characters: no more bytes, none of them cut */
  (void)json_object_set_new(body, "description", json_stringn(status->description, length));
  if (status->url[0] != '\0')
    (void)json_object_set_new(body, "target_url", json_string(status->url));
  return github_do(&github_of(forge)->api, "POST", path, body, &value, err);
}

typedef bool ParseStatus(const json_t *value, CommitStatus *ret, Error *err);

static bool add_statuses(Forge *forge, const char *path, const char *member, ParseStatus *parse,
                         CommitStatus **list, size_t *count, Error *err) {
  AUTO(json_free) json_t *values = NULL;
  size_t at = 0;
  const json_t *value = NULL;
  if (!github_list(&github_of(forge)->api, path, member, FORGE_LIST_LIMIT, &values, err))
    return false;
  *list = mem_resize(*list, *count + json_array_size(values) + 1, sizeof **list);
  json_array_foreach(values, at, value) {
    if (!parse(value, &(*list)[*count], err))
      return false;
    ++*count;
  }
  return true;
}

bool github_status_list(Forge *forge, const char *commit, CommitStatus **ret, size_t *ret_count,
                        Error *err) {
  AUTO(str_free) char *statuses = str_format("commits/%s/status", commit);
  AUTO(str_free) char *runs = str_format("commits/%s/check-runs", commit);
  CommitStatus *list = NULL;
  size_t count = 0;
  if (!add_statuses(forge, statuses, "statuses", github_parse_status, &list, &count, err) ||
      !add_statuses(forge, runs, "check_runs", github_parse_check_run, &list, &count, err)) {
    mem_free(list);
    return false;
  }
  *ret = list;
  *ret_count = count;
  return true;
}
