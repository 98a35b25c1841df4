/* What GitHub answers: the examples of its own API description, and what is wrong with others. */
#include "core/io.h"
#include "scm/github_api.h"
#include "scm/github_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COMMIT "6dcb09b5b57875f334f61aebed695e2e4193db5e"

static json_t *examples;
static json_t *settings;

static int load(void **state) {
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  settings = json_pack("{s:{s:s, s:s}}", "people", "octocat", "anna", "hubot", "No Name");
  return io_read_file(EXAMPLES, 1 << 20, &text, &length, NULL) &&
                 json_parse(text, length, &examples, NULL)
             ? 0
             : -1;
}

static int unload(void **state) {
  json_decref(examples);
  json_decref(settings);
  return 0;
}

/* A copy of the example with one member, by its path, replaced; NULL: taken out. */
static json_t *changed(const char *example, const char *where, json_t *value) {
  json_t *copy = json_deep_copy(json_object_get(examples, example));
  json_t *at = copy;
  AUTO(str_free) char *path = str_dup(where);
  char *rest = path;
  for (char *dot = strchr(rest, '.'); dot != NULL; dot = strchr(rest, '.')) {
    *dot = '\0';
    at = json_object_get(at, rest);
    rest = dot + 1;
  }
  if (value == NULL)
    assert_int_equal(json_object_del(at, rest), 0);
  else
    assert_int_equal(json_object_set_new(at, rest, value), 0);
  return copy;
}

static void reads_a_pull_request(void **state) {
  PullRequest pull;
  assert_true(github_parse_pull(json_object_get(examples, "pull"), "octocat/hello-world", settings,
                                &pull, NULL));
  assert_int_equal(pull.number, 1347);
  assert_int_equal(pull.state, PULL_OPEN);
  assert_string_equal(pull.head_branch, "new-topic");
  assert_string_equal(pull.base_branch, "master");
  assert_string_equal(pull.head, COMMIT);
  assert_string_equal(pull.base, "");
  assert_string_equal(pull.merge_commit, "");
  assert_string_equal(pull.author, "anna");
  assert_string_equal(pull.title, "Amazing new feature");
  assert_string_equal(pull.url, "https://github.com/octocat/Hello-World/pull/1347");
  assert_string_equal(pull.body, "Please pull these awesome changes in!");
  assert_int_equal(pull.created_at, 1296068472000000);
  str_free(pull.body);
}

static void tells_states_apart(void **state) {
  PullRequest pull;
  AUTO(json_free) json_t *merged = changed("pull", "state", json_string("closed"));
  AUTO(json_free) json_t *closed = json_deep_copy(merged);
  assert_true(github_parse_pull(merged, "octocat/Hello-World", NULL, &pull, NULL));
  assert_int_equal(pull.state, PULL_MERGED);
  assert_string_equal(pull.merge_commit, "e5bd3914e2e596debea16f433f57875b5b90bcd6");
  assert_string_equal(pull.author, "github:octocat");
  str_free(pull.body);
  (void)json_object_set_new(closed, "merged_at", json_null());
  assert_true(github_parse_pull(closed, "octocat/Hello-World", NULL, &pull, NULL));
  assert_int_equal(pull.state, PULL_CLOSED);
  str_free(pull.body);
}

/* A branch of a fork with the name of one of ours, and a fork that is gone. */
static void takes_no_fork_for_ours(void **state) {
  PullRequest pull;
  AUTO(json_free)
  json_t *fork = changed("pull", "head.repo.full_name", json_string("mallory/Hello-World"));
  AUTO(json_free) json_t *gone = changed("pull", "head.repo", json_null());
  assert_true(github_parse_pull(fork, "octocat/Hello-World", NULL, &pull, NULL));
  assert_string_equal(pull.head_branch, "mallory/Hello-World:new-topic");
  str_free(pull.body);
  assert_true(github_parse_pull(gone, "octocat/Hello-World", NULL, &pull, NULL));
  assert_string_equal(pull.head_branch, "unknown:new-topic");
  assert_false(git_branch_check(pull.head_branch, NULL));
  str_free(pull.body);
}

static void refuses_what_it_cannot_use(void **state) {
  AUTO(str_free) char *longer = mem_new(1000, 1);
  memset(longer, 'x', 999);
  const struct {
    const char *where;
    json_t *value;
  } wrong[] = {
      {"number", NULL},
      {"number", json_string("1347")},
      {"number", json_integer(-1)},
      {"state", json_string("draft")},
      {"state", NULL},
      {"head", NULL},
      {"head", json_array()},
      {"head.sha", json_string("6dcb09")},
      {"head.sha", json_string("refs/heads/x")},
      {"head.sha", json_null()},
      {"head.ref", json_string("")},
      {"head.ref", json_string(longer)},
      {"base.ref", NULL},
      {"base.ref", json_string(longer)},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(wrong); at++) {
    AUTO(json_free) json_t *value = changed("pull", wrong[at].where, wrong[at].value);
    PullRequest pull;
    Error err = ERROR_INIT;
    if (github_parse_pull(value, "octocat/Hello-World", NULL, &pull, &err))
      fail_msg("taken with a wrong %s", wrong[at].where);
    assert_int_equal(err.code, ERROR_FORGE_FAILED);
  }
}

/* What is only shown is cut, between characters; links that aren't to the web are left out. */
static void cuts_what_is_shown(void **state) {
  AUTO(str_free) char *title = mem_new(2 * FORGE_TITLE_SIZE + 1, 1);
  for (size_t at = 0; at < FORGE_TITLE_SIZE; at++)
    memcpy(title + 2 * at, "\xc3\xa4", 2);
  AUTO(json_free) json_t *value = changed("pull", "title", json_string(title));
  (void)json_object_set_new(value, "html_url", json_string("javascript:alert(1)"));
  (void)json_object_set_new(value, "body", json_null());
  PullRequest pull;
  assert_true(github_parse_pull(value, "octocat/Hello-World", NULL, &pull, NULL));
  assert_int_equal(strlen(pull.title), 256);
  assert_string_equal(pull.url, "");
  assert_string_equal(pull.body, "");
  str_free(pull.body);
}

static void reads_reviews(void **state) {
  const json_t *example = json_array_get(json_object_get(examples, "reviews"), 0);
  Review review;
  bool given = false;
  assert_true(github_parse_review(example, settings, &review, &given, NULL));
  assert_true(given);
  assert_int_equal(review.verdict, REVIEW_APPROVED);
  assert_string_equal(review.reviewer, "anna");
  assert_string_equal(review.head, "ecdd80bb57125d7ba9641ffaa4d7d2c19d3f3091");
  assert_string_equal(review.base_branch, "");
  assert_int_equal(review.created_at, 1574012623000000);
  str_free(review.body);

  static const struct {
    const char *name;
    bool known, given;
    ReviewVerdict verdict;
  } states[] = {
      {"CHANGES_REQUESTED", true, true, REVIEW_CHANGES}, {"COMMENTED", true, true, REVIEW_COMMENT},
      {"DISMISSED", true, true, REVIEW_DISMISSED},       {"PENDING", true, false, REVIEW_COMMENT},
      {"approved", false, false, REVIEW_COMMENT},        {"", false, false, REVIEW_COMMENT}};
  for (size_t at = 0; at < ARRAY_LENGTH(states); at++) {
    AUTO(json_free) json_t *value = json_deep_copy(example);
    (void)json_object_set_new(value, "state", json_string(states[at].name));
    assert_int_equal(github_parse_review(value, NULL, &review, &given, NULL), states[at].known);
    if (!states[at].known)
      continue;
    assert_int_equal(given, states[at].given);
    assert_int_equal(review.verdict, states[at].verdict);
    str_free(review.body);
  }
}

/* Nobody becomes a principal by the name of an account at GitHub. */
static void knows_people_by_the_settings_alone(void **state) {
  char person[NAME_MAX_LENGTH + 1];
  github_person(settings, "octocat", person);
  assert_string_equal(person, "anna");
  github_person(settings, "anna", person);
  assert_string_equal(person, "github:anna");
  github_person(settings, "hubot", person); /* to whom the settings give what is no name */
  assert_string_equal(person, "github:hubot");
  github_person(NULL, "dependabot[bot]", person);
  assert_string_equal(person, "github:dependabot[bot]");
  assert_string_equal(github_login(settings), "ghost");
}

static void reads_comments(void **state) {
  const json_t *example = json_array_get(json_object_get(examples, "comments"), 0);
  AUTO(str_free) char *marked = github_marked("ci", "# Result\n");
  static const struct {
    const char *body, *marker, *rest;
  } bodies[] = {
      {"Me too", "", "Me too"},
      {"<!-- bough:ci -->\r\nText", "ci", "Text"},
      {"<!-- bough:ci -->", "ci", ""},
      {"<!-- bough:ci --", "", "<!-- bough:ci --"},
      {"<!-- bough: -->\nText", "", "<!-- bough: -->\nText"},
      {"<!-- bough:CI -->\nText", "", "<!-- bough:CI -->\nText"},
      {" <!-- bough:ci -->\nText", "", " <!-- bough:ci -->\nText"},
  };
  Comment comment;
  for (size_t at = 0; at < ARRAY_LENGTH(bodies); at++) {
    AUTO(json_free) json_t *value = json_deep_copy(example);
    (void)json_object_set_new(value, "body", json_string(bodies[at].body));
    assert_true(github_parse_comment(value, settings, &comment, NULL));
    assert_int_equal(comment.id, 1);
    assert_string_equal(comment.marker, bodies[at].marker);
    assert_string_equal(comment.body, bodies[at].rest);
    str_free(comment.body);
  }
  AUTO(json_free) json_t *value = json_deep_copy(example);
  (void)json_object_set_new(value, "body", json_string(marked));
  assert_true(github_parse_comment(value, settings, &comment, NULL));
  assert_string_equal(comment.marker, "ci");
  assert_string_equal(comment.body, "# Result\n");
  str_free(comment.body);
  (void)json_object_set_new(value, "id", json_string("1"));
  assert_false(github_parse_comment(value, settings, &comment, NULL));
}

static void reads_statuses(void **state) {
  const json_t *status = json_object_get(json_object_get(examples, "status"), "statuses");
  const json_t *run = json_object_get(json_object_get(examples, "check_runs"), "check_runs");
  CommitStatus found;
  assert_true(github_parse_status(json_array_get(status, 0), &found, NULL));
  assert_string_equal(found.name, "continuous-integration/jenkins");
  assert_int_equal(found.state, STATUS_SUCCESS);
  assert_string_equal(found.url, "https://ci.example.com/1000/output");
  assert_string_equal(found.description, "Build has completed successfully");
  assert_int_equal(found.updated_at, 1342747153000000);
  assert_true(github_parse_check_run(json_array_get(run, 0), &found, NULL));
  assert_string_equal(found.name, "mighty_readme");
  assert_int_equal(found.state, STATUS_SUCCESS); /* neutral */

  static const struct {
    const char *status, *conclusion;
    StatusState state;
  } runs[] = {{"queued", "success", STATUS_PENDING},    {"in_progress", "", STATUS_PENDING},
              {"completed", "failure", STATUS_FAILURE}, {"completed", "cancelled", STATUS_ERROR},
              {"completed", "new-one", STATUS_ERROR},   {"completed", "skipped", STATUS_SUCCESS}};
  for (size_t at = 0; at < ARRAY_LENGTH(runs); at++) {
    AUTO(json_free) json_t *value = json_deep_copy(json_array_get(run, 0));
    (void)json_object_set_new(value, "status", json_string(runs[at].status));
    (void)json_object_set_new(value, "conclusion", json_string(runs[at].conclusion));
    assert_true(github_parse_check_run(value, &found, NULL));
    assert_int_equal(found.state, runs[at].state);
  }
  assert_false(github_parse_check_run(NULL, &found, NULL));
  assert_false(github_parse_status(settings, &found, NULL));
}

static void reads_commits(void **state) {
  char commit[GIT_OID_SIZE] = "";
  AUTO(json_free) json_t *tag = changed("ref", "object.type", json_string("tag"));
  assert_true(github_parse_ref(json_object_get(examples, "ref"), commit, NULL));
  assert_string_equal(commit, "aa218f56b14c9653891f9e74264a383fa43fefbd");
  assert_false(github_parse_ref(tag, commit, NULL));
  assert_true(github_parse_commit(json_object_get(examples, "merge"), commit, NULL));
  assert_string_equal(commit, COMMIT);
  assert_false(github_parse_commit(json_object_get(examples, "merge_405"), commit, NULL));
}

/* ---- headers ---- */

static void finds_the_next_page(void **state) {
  static const struct {
    const char *link, *next;
  } links[] = {
      {"<https://api.github.com/x?page=2>; rel=\"next\", <https://api.github.com/x?page=9>; "
       "rel=\"last\"",
       "https://api.github.com/x?page=2"},
      {"<https://a/1>; rel=\"prev\", <https://a/3>; rel=\"next\"", "https://a/3"},
      {"<https://a/1?x=a,b>; rel=\"next\"", "https://a/1?x=a,b"},
      {"<https://a/1>; rel=\"last\"", NULL},
      {"<https://a/1", NULL},
      {"", NULL},
      {"rel=\"next\"", NULL},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(links); at++) {
    AUTO(str_free) char *next = github_next_link(links[at].link);
    assert_true(str_equal(next, links[at].next));
  }
}

static void knows_how_long_to_wait(void **state) {
  const int64_t now = 1000;
  static const struct {
    int status;
    const char *headers, *body;
    int64_t wait_ms;
  } answers[] = {
      {200, "{\"retry-after\":\"5\"}", "", -1},
      {404, "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"1010\"}", "", -1},
      {403, "{\"x-ratelimit-remaining\":\"12\"}", "{\"message\":\"no\"}", -1},
      {403, "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"1010\"}", "", 11000},
      {429, "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"1010\"}", "", 11000},
      {403,
       "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"1010\","
       "\"date\":\"Thu, 01 Jan 1970 00:16:45 GMT\"}",
       "", 6000}, /* their clock says 1005 */
      {403, "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"10\"}", "", 0},
      {403, "{\"x-ratelimit-remaining\":\"0\",\"x-ratelimit-reset\":\"soon\"}", "", 60000},
      {403, "{\"retry-after\":\"7\"}", "", 7000},
      {403, "{}", "{\"message\":\"You have exceeded a secondary rate limit\"}", 60000},
      {429, "{}", "", 60000},
      {503, "{\"retry-after\":\"2\"}", "", 2000},
      {503, "{\"retry-after\":\"tomorrow\"}", "", 60000},
      {503, "{}", "", -1},
      {429, "{\"retry-after\":\"99999999999999999999\"}", "", 86400000},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(answers); at++) {
    AUTO_RELEASE(http_reply_release)
    HttpReply reply = {.status = answers[at].status, .body = str_dup(answers[at].body)};
    assert_true(json_parse(answers[at].headers, strlen(answers[at].headers), &reply.headers, NULL));
    if (github_wait_ms(&reply, now) != answers[at].wait_ms)
      fail_msg("%zu: %lld", at, (long long)github_wait_ms(&reply, now));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_pull_request),
      cmocka_unit_test(tells_states_apart),
      cmocka_unit_test(takes_no_fork_for_ours),
      cmocka_unit_test(refuses_what_it_cannot_use),
      cmocka_unit_test(cuts_what_is_shown),
      cmocka_unit_test(reads_reviews),
      cmocka_unit_test(knows_people_by_the_settings_alone),
      cmocka_unit_test(reads_comments),
      cmocka_unit_test(reads_statuses),
      cmocka_unit_test(reads_commits),
      cmocka_unit_test(finds_the_next_page),
      cmocka_unit_test(knows_how_long_to_wait),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
