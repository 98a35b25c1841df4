/* What GitHub may answer, and whoever sits between: a kind of answer by the first byte, then JSON
 * or a header. What is taken must be whole: names that pass their checks, texts that end. */
#include "fuzz.h"
#include "scm/github_api.h"
#include "scm/github_parse.h"

#include <string.h>

static void pull(const json_t *value) {
  PullRequest pull;
  if (!github_parse_pull(value, "acme/shop", value, &pull, NULL))
    return;
  HOLDS(git_oid_check(pull.head) && pull.number > 0);
  HOLDS(pull.head_branch[0] != '\0' && pull.base_branch[0] != '\0');
  HOLDS((pull.state == PULL_MERGED) == (pull.merge_commit[0] != '\0'));
  str_free(pull.body);
}

static void review(const json_t *value) {
  Review review;
  bool given = false;
  if (!github_parse_review(value, value, &review, &given, NULL))
    return;
  HOLDS(review.head[0] == '\0' || git_oid_check(review.head));
  HOLDS(strlen(review.reviewer) > 0);
  str_free(review.body);
}

static void comment(const json_t *value) {
  Comment comment;
  if (!github_parse_comment(value, NULL, &comment, NULL))
    return;
  AUTO(str_free) char *marked = github_marked(comment.marker, comment.body);
  HOLDS(strlen(comment.marker) < sizeof comment.marker);
  HOLDS(comment.marker[0] == '\0' || strstr(marked, comment.body) != NULL);
  str_free(comment.body);
}

static void status(const json_t *value) {
  CommitStatus status;
  if (github_parse_status(value, &status, NULL))
    HOLDS(status.name[0] != '\0' && strlen(status.url) < sizeof status.url);
  if (github_parse_check_run(value, &status, NULL))
    HOLDS(status.state < STATUS_STATE_COUNT_);
}

static void commit(const json_t *value) {
  char commit[GIT_OID_SIZE];
  if (github_parse_ref(value, commit, NULL) || github_parse_commit(value, commit, NULL))
    HOLDS(git_oid_check(commit));
  const GithubAnswer answer = {.status = 422, .value = (json_t *)value};
  Error err = ERROR_INIT;
  HOLDS(!github_refusal(&answer, &err) && strpbrk(err.message, "\r\n") == NULL);
}

static void next_page(const char *text) {
  AUTO(str_free) char *next = github_next_link(text);
  HOLDS(next == NULL || strstr(text, next) != NULL);
}

static void (*const kinds[])(const json_t *value) = {pull, review, comment, status, commit};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  AUTO(json_free) json_t *value = NULL;
  if (length < 2)
    return 0;
  AUTO(str_free) char *text = fuzz_text(bytes + 1, length - 1);
  next_page(text);
  if (json_parse(text, strlen(text), &value, NULL))
    kinds[bytes[0] % ARRAY_LENGTH(kinds)](value);
  return 0;
}
