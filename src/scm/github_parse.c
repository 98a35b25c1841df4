/* Reads what GitHub answers. */
#include "scm/github_parse.h"

#include "core/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MARKER_START "<!-- bough:"
#define MARKER_END " -->\n"

enum { MARKER_LIMIT = 64 };

static bool unusable(const char *what, Error *err) {
  return error_set(err, ERROR_FORGE_FAILED, "GitHub's answer has no usable %s", what);
}

/* ---- texts and times ---- */

/* As much of text as fits, no character cut in two. */
static void take_shown(const char *text, size_t size, char *ret) {
  size_t length = strlen(text);
  if (length >= size)
    for (length = size - 1; length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80;)
      length--;
  memcpy(ret, text, length);
  ret[length] = '\0';
}

/* A text that is only of use as a whole. */
static bool take_whole(const json_t *value, const char *key, size_t size, char *ret, Error *err) {
  const char *text = json_string_or(value, key, "");
  size_t length = strlen(text);
  if (length == 0 || length >= size)
    return unusable(key, err);
  memcpy(ret, text, length + 1);
  return true;
}

/* A web page: people click on it. */
static void take_url(const json_t *value, const char *key, char ret[FORGE_URL_SIZE]) {
  const char *url = json_string_or(value, key, "");
  bool is_web = str_starts(url, "https://") || str_starts(url, "http://");
  take_shown(is_web && strlen(url) < FORGE_URL_SIZE ? url : "", FORGE_URL_SIZE, ret);
}

static char *take_body(const json_t *value) {
  return str_dup(json_string_or(value, "body", ""));
}

int64_t github_time(const json_t *value, const char *key) {
  struct tm parts = {0};
  const char *rest = strptime(json_string_or(value, key, ""), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == NULL || (*rest != 'Z' && *rest != '.'))
    return 0;
  return (int64_t)timegm(&parts) * 1000000;
}

static bool take_commit(const json_t *value, const char *key, char ret[GIT_OID_SIZE], Error *err) {
  const char *commit = json_string_or(value, key, "");
  if (!git_oid_check(commit))
    return unusable(key, err);
  memcpy(ret, commit, strlen(commit) + 1);
  return true;
}

bool github_parse_commit(const json_t *value, char ret[GIT_OID_SIZE], Error *err) {
  return take_commit(value, "sha", ret, err);
}

bool github_parse_ref(const json_t *value, char ret[GIT_OID_SIZE], Error *err) {
  const json_t *object = json_object_get(value, "object");
  return str_equal(json_string_or(object, "type", ""), "commit")
             ? take_commit(object, "sha", ret, err)
             : unusable("commit of a branch", err);
}

/* ---- people ---- */

const char *github_login(const json_t *value) {
  return json_string_or(json_object_get(value, "user"), "login", "ghost");
}

void github_person(const json_t *settings, const char *login, char ret[NAME_MAX_LENGTH + 1]) {
  const char *known = json_string_or(json_object_get(settings, "people"), login, NULL);
  AUTO(str_free) char *unknown = str_format("github:%s", login);
  bool is_name = known != NULL && name_check("principal", known, NULL);
  take_shown(is_name ? known : unknown, NAME_MAX_LENGTH + 1, ret);
}

/* ---- pull requests ---- */

static bool parse_state(const json_t *value, PullState *ret, Error *err) {
  const char *state = json_string_or(value, "state", "");
  bool is_merged = github_time(value, "merged_at") > 0;
  if (!str_equal(state, "open") && !str_equal(state, "closed"))
    return unusable("state", err);
  *ret = str_equal(state, "open") ? PULL_OPEN : is_merged ? PULL_MERGED : PULL_CLOSED;
  return true;
}

/* A fork's branch may have any name: it must not be taken for one of ours. */
static bool parse_head(const json_t *head, const char *repository, PullRequest *pull, Error *err) {
  const char *from = json_string_or(json_object_get(head, "repo"), "full_name", "");
  char branch[GIT_NAME_SIZE];
  if (!take_whole(head, "ref", sizeof branch, branch, err) ||
      !take_commit(head, "sha", pull->head, err))
    return error_prefix(err, "head");
  if (strcasecmp(from, repository) == 0) {
    memcpy(pull->head_branch, branch, sizeof branch);
    return true;
  }
  AUTO(str_free) char *foreign = str_format("%s:%s", *from != '\0' ? from : "unknown", branch);
  take_shown(foreign, sizeof pull->head_branch, pull->head_branch);
  return true;
}

static bool parse_pull(const json_t *value, const char *repository, PullRequest *pull, Error *err) {
  const json_t *base = json_object_get(value, "base");
  if (!json_get_integer(value, "number", &pull->number, NULL) || pull->number < 1)
    return unusable("number", err);
  if (!parse_state(value, &pull->state, err) ||
      !parse_head(json_object_get(value, "head"), repository, pull, err))
    return false;
  if (!take_whole(base, "ref", sizeof pull->base_branch, pull->base_branch, err))
    return error_prefix(err, "base");
  return pull->state != PULL_MERGED ||
         take_commit(value, "merge_commit_sha", pull->merge_commit, err);
}

bool github_parse_pull(const json_t *value, const char *repository, const json_t *settings,
                       PullRequest *ret, Error *err) {
  PullRequest pull = {0};
  if (!parse_pull(value, repository, &pull, err))
    return error_prefix(err, "pull request");
  github_person(settings, github_login(value), pull.author);
  take_shown(json_string_or(value, "title", ""), sizeof pull.title, pull.title);
  take_url(value, "html_url", pull.url);
  pull.created_at = github_time(value, "created_at");
  pull.updated_at = github_time(value, "updated_at");
  pull.merged_at = github_time(value, "merged_at");
  pull.body = take_body(value);
  *ret = pull;
  return true;
}

/* ---- reviews ---- */

static const struct {
  const char *state;
  bool is_given;
  ReviewVerdict verdict;
} verdicts[] = {
    {"APPROVED", true, REVIEW_APPROVED}, {"CHANGES_REQUESTED", true, REVIEW_CHANGES},
    {"COMMENTED", true, REVIEW_COMMENT}, {"DISMISSED", true, REVIEW_DISMISSED},
    {"PENDING", false, REVIEW_COMMENT}, /* its writer has not sent it yet */
};

bool github_parse_review(const json_t *value, const json_t *settings, Review *ret, bool *ret_given,
                         Error *err) {
  const char *state = json_string_or(value, "state", "");
  size_t row = 0;
  while (row < ARRAY_LENGTH(verdicts) && !str_equal(verdicts[row].state, state))
    row++;
  if (row == ARRAY_LENGTH(verdicts))
    return unusable("state of a review", err);
  Review review = {.verdict = verdicts[row].verdict};
  if (git_oid_check(json_string_or(value, "commit_id", ""))) /* null: the commit is gone */
    (void)!take_commit(value, "commit_id", review.head, NULL);
  github_person(settings, github_login(value), review.reviewer);
  review.created_at = github_time(value, "submitted_at");
  review.body = take_body(value);
  *ret_given = verdicts[row].is_given;
  *ret = review;
  return true;
}

/* ---- comments ---- */

char *github_marked(const char *marker, const char *body) {
  return str_format(MARKER_START "%s" MARKER_END "%s", marker, body);
}

/* The length of the marker's line; 0: there is none. */
static size_t parse_marker(const char *body, char ret[MARKER_LIMIT + 1]) {
  size_t start = strlen(MARKER_START);
  if (!str_starts(body, MARKER_START))
    return 0;
  size_t length = strspn(body + start, "abcdefghijklmnopqrstuvwxyz0123456789-");
  /* GitHub gives lines back with the ends that they came with */
  if (length == 0 || length > MARKER_LIMIT || !str_starts(body + start + length, " -->"))
    return 0;
  memcpy(ret, body + start, length);
  ret[length] = '\0';
  size_t line = start + length + strlen(" -->");
  line += body[line] == '\r';
  return line + (body[line] == '\n');
}

bool github_parse_comment(const json_t *value, const json_t *settings, Comment *ret, Error *err) {
  Comment comment = {0};
  const char *body = json_string_or(value, "body", "");
  if (!json_get_integer(value, "id", &comment.id, NULL) || comment.id < 1)
    return unusable("id of a comment", err);
  github_person(settings, github_login(value), comment.author);
  comment.created_at = github_time(value, "created_at");
  comment.updated_at = github_time(value, "updated_at");
  comment.body = str_dup(body + parse_marker(body, comment.marker));
  *ret = comment;
  return true;
}

/* ---- statuses and check runs ---- */

typedef struct StateName {
  const char *name;
  StatusState state;
} StateName;

static const StateName status_names[] = {{"pending", STATUS_PENDING},
                                         {"success", STATUS_SUCCESS},
                                         {"failure", STATUS_FAILURE},
                                         {"error", STATUS_ERROR}};

/* What isn't known here is no success. */
static const StateName conclusion_names[] = {
    {"success", STATUS_SUCCESS}, {"neutral", STATUS_SUCCESS},   {"skipped", STATUS_SUCCESS},
    {"failure", STATUS_FAILURE}, {"timed_out", STATUS_FAILURE}, {"action_required", STATUS_FAILURE},
    {"cancelled", STATUS_ERROR}, {"stale", STATUS_ERROR},       {"startup_failure", STATUS_ERROR},
};

static StatusState state_named(const StateName *names, size_t count, const char *name) {
  for (size_t at = 0; at < count; at++)
    if (str_equal(names[at].name, name))
      return names[at].state;
  return STATUS_ERROR;
}

bool github_parse_status(const json_t *value, CommitStatus *ret, Error *err) {
  CommitStatus status = {0};
  if (json_string_or(value, "context", "")[0] == '\0')
    return unusable("context of a status", err);
  take_shown(json_string_or(value, "context", ""), sizeof status.name, status.name);
  take_shown(json_string_or(value, "description", ""), sizeof status.description,
             status.description);
  take_url(value, "target_url", status.url);
  status.state =
      state_named(status_names, ARRAY_LENGTH(status_names), json_string_or(value, "state", ""));
  status.updated_at = github_time(value, "updated_at");
  *ret = status;
  return true;
}

bool github_parse_check_run(const json_t *value, CommitStatus *ret, Error *err) {
  CommitStatus status = {.state = STATUS_PENDING};
  if (json_string_or(value, "name", "")[0] == '\0')
    return unusable("name of a check run", err);
  take_shown(json_string_or(value, "name", ""), sizeof status.name, status.name);
  take_shown(json_string_or(json_object_get(value, "output"), "title", ""),
             sizeof status.description, status.description);
  take_url(value, "html_url", status.url);
  if (str_equal(json_string_or(value, "status", ""), "completed"))
    status.state = state_named(conclusion_names, ARRAY_LENGTH(conclusion_names),
                               json_string_or(value, "conclusion", ""));
  status.updated_at = github_time(value, "completed_at");
  *ret = status;
  return true;
}
