/* The forge github: its calls in their order against canned answers; and, with
 * BOUGH_GITHUB_MOCK="HOST:PORT", every call against a mock of GitHub's own API description, which
 * refuses what doesn't fit it. */
#include "../http/answers.h"
#include "scm/github.h"

#include <stddef.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccc"
#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "Connection: close\r\n\r\n"
#define JSON(body) HEAD("200 OK", "") body
#define REFUSED(status, message) HEAD(status, "") "{\"message\":\"" message "\"}"
#define REF(commit) JSON("{\"object\":{\"type\":\"commit\",\"sha\":\"" commit "\"}}")
#define NO_REF REFUSED("404 Not Found", "Not Found")
#define PULL(state, merged, more)                                                                  \
  "{\"number\":7,\"state\":\"" state "\",\"merged_at\":" merged ",\"merge_commit_sha\":\"" C       \
  "\",\"title\":\"t\",\"user\":{\"login\":\"octocat\"}," more                                      \
  "\"head\":{\"ref\":\"feature/x\",\"sha\":\"" A "\",\"repo\":{\"full_name\":\"acme/shop\"}},"     \
  "\"base\":{\"ref\":\"staging\",\"sha\":\"" C "\"}}"
#define OPEN PULL("open", "null", "")
#define MERGED PULL("closed", "\"2026-05-04T12:00:00Z\"", "")

/* Which branch of the database goes with a head is the catalog's to say. */
bool __wrap_repository_branch(Context *context, const ProjectRow *project, const char *git_branch,
                              BranchRow *ret, Error *err);
bool __wrap_repository_branch(Context *context, const ProjectRow *project, const char *git_branch,
                              BranchRow *ret, Error *err) {
  if (!str_starts(git_branch, "feature/"))
    return error_set(err, ERROR_INVALID_NAME, "no branch goes with it");
  *ret = (BranchRow){.id = "br-abcdefgh2345"};
  return true;
}

static Buffer authors; /* that were noted */

bool __wrap_principal_by_name(Catalog *catalog, const char *name, PrincipalRow *ret, Error *err);
bool __wrap_principal_by_name(Catalog *catalog, const char *name, PrincipalRow *ret, Error *err) {
  *ret = (PrincipalRow){0};
  (void)snprintf(ret->name, sizeof ret->name, "%s", name);
  if (str_equal(name, "agent-of-ben"))
    (void)snprintf(ret->on_behalf_of, sizeof ret->on_behalf_of, "ben");
  return strchr(name, ':') == NULL || error_set(err, ERROR_PRINCIPAL_NOT_FOUND, "nobody");
}

bool __wrap_author_add(Catalog *catalog, const char *branch, const char *principal, Error *err);
bool __wrap_author_add(Catalog *catalog, const char *branch, const char *principal, Error *err) {
  buffer_add_format(&authors, "%s of %s\n", principal, branch);
  return true;
}

typedef struct Stand {
  Answers server;
  Github github;
  Forge forge;
} Stand;

static void stand_up(Stand *stand, const char *const *answers) {
  *stand = (Stand){0};
  answers_start(&stand->server, answers);
  assert_true(github_api_init(&stand->github.api, stand->server.origin + strlen("http://"),
                              "acme/shop", "token", NULL));
  stand->github.api.budget_ms = 3000;
  stand->forge = (Forge){.driver = &forge_github, .state = &stand->github};
}

/* "GET /pulls/7" of each request, one a line, without what all of them begin with. Owned. */
static char *lines_of(const char *seen) {
  Buffer lines = {0};
  buffer_add_text(&lines, "");
  for (const char *end = strstr(seen, " HTTP/1.1\r\n"); end != NULL;
       end = strstr(end + 1, " HTTP/1.1\r\n")) {
    const char *start = end;
    while (start > seen && start[-1] != '\n')
      start--;
    AUTO(str_free) char *line = str_ndup(start, (size_t)(end - start));
    char *prefix = strstr(line, "/api/v3/repos/acme/shop");
    if (prefix != NULL)
      memmove(prefix, prefix + 23, strlen(prefix + 23) + 1);
    buffer_add_format(&lines, "%s\n", line);
  }
  return buffer_steal(&lines);
}

/* Checks what was asked; sent (may be NULL): a part of what was sent with it. */
static void stand_down(Stand *stand, const char *asked, const char *sent) {
  AUTO(str_free) char *seen = answers_stop(&stand->server);
  AUTO(str_free) char *lines = lines_of(seen);
  github_api_release(&stand->github.api);
  str_free(stand->github.login);
  assert_string_equal(lines, asked);
  if (sent != NULL && strstr(seen, sent) == NULL)
    fail_msg("not sent: %s\n%s", sent, seen);
}

/* ---- pull requests ---- */

static void reads_with_the_live_base(void **state) {
  Stand stand;
  AUTO_RELEASE(pull_request_release) PullRequest pull = {0};
  Error err = ERROR_INIT;
  stand_up(&stand, (const char *const[]){JSON(OPEN), REF(B), NO_REF, NULL});
  assert_true(github_pull_read(&stand.forge, 7, &pull, NULL));
  assert_string_equal(pull.head, A);
  assert_string_equal(pull.base, B);
  assert_string_equal(pull.branch_id, "br-abcdefgh2345");
  PullRequest none = {0};
  assert_false(github_pull_read(&stand.forge, 8, &none, &err));
  assert_int_equal(err.code, ERROR_PULL_NOT_FOUND);
  stand_down(&stand, "GET /pulls/7\nGET /git/ref/heads%2Fstaging\nGET /pulls/8\n", NULL);
}

static void opens_once(void **state) {
  Stand stand;
  const PullWish wish = {.head_branch = "feature/x", .base_branch = "staging", .title = "t"};
  AUTO_RELEASE(pull_request_release) PullRequest made = {0};
  AUTO_RELEASE(pull_request_release) PullRequest updated = {0};
  stand_up(&stand, (const char *const[]){JSON("[]"), JSON(OPEN), REF(B), JSON("[" OPEN "]"),
                                         JSON(OPEN), REF(B), NULL});
  assert_true(github_pull_open(&stand.forge, &wish, &made, NULL));
  assert_true(github_pull_open(&stand.forge, &wish, &updated, NULL));
  assert_int_equal(made.number, 7);
  stand_down(&stand,
             "GET /pulls?state=open&head=acme%3Afeature%2Fx&per_page=100\n"
             "POST /pulls\n"
             "GET /git/ref/heads%2Fstaging\n"
             "GET /pulls?state=open&head=acme%3Afeature%2Fx&per_page=100\n"
             "PATCH /pulls/7\n"
             "GET /git/ref/heads%2Fstaging\n",
             "{\"title\":\"t\",\"body\":\"\",\"base\":\"staging\",\"head\":\"feature/x\"}");
}

/* A filter that the other side doesn't know gives everything there is. */
static void updates_no_other(void **state) {
  Stand stand;
  const PullWish wish = {.head_branch = "feature/y", .base_branch = "staging", .title = "t"};
  AUTO_RELEASE(pull_request_release) PullRequest pull = {0};
  stand_up(&stand, (const char *const[]){JSON("[" OPEN "]"), JSON(OPEN), REF(B), NULL});
  assert_true(github_pull_open(&stand.forge, &wish, &pull, NULL));
  stand_down(&stand,
             "GET /pulls?state=open&head=acme%3Afeature%2Fy&per_page=100\n"
             "POST /pulls\n"
             "GET /git/ref/heads%2Fstaging\n",
             NULL);
}

static void lists_with_each_base_once(void **state) {
  Stand stand;
  PullRequest *list = NULL;
  size_t count = 0;
  stand_up(&stand, (const char *const[]){JSON("[" OPEN "," MERGED "]"), REF(B), NULL});
  assert_true(github_pull_list(&stand.forge, false, &list, &count, NULL));
  assert_int_equal(count, 2);
  assert_string_equal(list[1].base, B);
  assert_int_equal(list[1].state, PULL_MERGED);
  pull_requests_free(list, count);
  stand_down(&stand,
             "GET /pulls?state=all&sort=created&direction=desc&per_page=100\n"
             "GET /git/ref/heads%2Fstaging\n",
             NULL);
}

/* ---- merging ---- */

static const PullRequest to_merge = {.number = 7,
                                     .state = PULL_OPEN,
                                     .head = A,
                                     .base = B,
                                     .head_branch = "feature/x",
                                     .base_branch = "staging"};

static void merges_exactly_that_head(void **state) {
  Stand stand;
  char commit[GIT_OID_SIZE] = "";
  stand_up(&stand,
           (const char *const[]){REF(B), JSON("{\"sha\":\"" C "\",\"merged\":true}"), NULL});
  assert_true(github_merge(&stand.forge, &to_merge, B, "Merge it\n\nwith a reason", commit, NULL));
  assert_string_equal(commit, C);
  stand_down(&stand, "GET /git/ref/heads%2Fstaging\nPUT /pulls/7/merge\n",
             "{\"sha\":\"" A "\",\"merge_method\":\"merge\",\"commit_title\":\"Merge it\","
             "\"commit_message\":\"with a reason\"}");
}

static const struct {
  const char *answers[5];
  const char *asked;
  ErrorCode code;
} merges[] = {
    /* the base is somewhere else by now: nothing is asked for */
    {{REF(C)}, "GET /git/ref/heads%2Fstaging\n", ERROR_MERGE_STALE},
    /* the head was moved between the look and the merge */
    {{REF(B), REFUSED("409 Conflict", "Head branch was modified"), JSON(OPEN), REF(B)},
     "GET /git/ref/heads%2Fstaging\nPUT /pulls/7/merge\nGET /pulls/7\n"
     "GET /git/ref/heads%2Fstaging\n",
     ERROR_MERGE_STALE},
    /* both change the same lines */
    {{REF(B), REFUSED("405 Method Not Allowed", "not mergeable"),
      JSON(PULL("open", "null", "\"mergeable_state\":\"dirty\",")), JSON(OPEN), REF(B)},
     "GET /git/ref/heads%2Fstaging\nPUT /pulls/7/merge\nGET /pulls/7\nGET /pulls/7\n"
     "GET /git/ref/heads%2Fstaging\n",
     ERROR_MERGE_CONFLICT},
    /* a rule of the repository's own */
    {{REF(B), REFUSED("405 Method Not Allowed", "Merge commits are not allowed"), JSON(OPEN),
      JSON(OPEN), REF(B)},
     "GET /git/ref/heads%2Fstaging\nPUT /pulls/7/merge\nGET /pulls/7\nGET /pulls/7\n"
     "GET /git/ref/heads%2Fstaging\n",
     ERROR_FORGE_REFUSED},
    /* it was merged, and the answer to that got lost */
    {{REF(B), REFUSED("405 Method Not Allowed", "already merged"), JSON(MERGED), JSON(MERGED),
      REF(B)},
     "GET /git/ref/heads%2Fstaging\nPUT /pulls/7/merge\nGET /pulls/7\nGET /pulls/7\n"
     "GET /git/ref/heads%2Fstaging\n",
     ERROR_NONE},
};

static void tells_why_it_did_not_merge(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(merges); at++) {
    Stand stand;
    Error err = ERROR_INIT;
    char commit[GIT_OID_SIZE] = "";
    const char *answers[ARRAY_LENGTH(merges[at].answers) + 1] = {0};
    memcpy(answers, merges[at].answers, sizeof merges[at].answers);
    stand_up(&stand, answers);
    bool merged = github_merge(&stand.forge, &to_merge, B, "m", commit, &err);
    stand_down(&stand, merges[at].asked, NULL);
    assert_int_equal(merged, merges[at].code == ERROR_NONE);
    if (merged)
      assert_string_equal(commit, C);
    else
      assert_int_equal(err.code, merges[at].code);
  }
}

/* ---- promotion ---- */

static void promotes_forward(void **state) {
  Stand stand;
  char commit[GIT_OID_SIZE] = "";
  stand_up(&stand, (const char *const[]){REF(B), JSON("{\"status\":\"ahead\"}"), REF(A), NULL});
  assert_true(github_promote(&stand.forge, A, "production", B, "m", commit, NULL));
  assert_string_equal(commit, A);
  stand_down(&stand,
             "GET /git/ref/heads%2Fproduction\n"
             "GET /compare/" B "..." A "?per_page=1&page=2\n"
             "PATCH /git/refs/heads%2Fproduction\n",
             "{\"sha\":\"" A "\",\"force\":false}");
}

/* Each has what the other lacks: merged beside, where nobody else merges, then moved forward. */
static void promotes_by_a_merge_beside(void **state) {
  Stand stand;
  char commit[GIT_OID_SIZE] = "";
  stand_up(&stand, (const char *const[]){REF(B), JSON("{\"status\":\"diverged\"}"), NO_REF, REF(B),
                                         JSON("{\"sha\":\"" C "\"}"), REF(C), REF(C),
                                         HEAD("204 No Content", ""), NULL});
  assert_true(github_promote(&stand.forge, A, "production", B, "m", commit, NULL));
  assert_string_equal(commit, C);
  stand_down(&stand,
             "GET /git/ref/heads%2Fproduction\n"
             "GET /compare/" B "..." A "?per_page=1&page=2\n"
             "GET /git/ref/heads%2Fbough-promote%2Fproduction\n"
             "POST /git/refs\n"
             "POST /merges\n"
             "PATCH /git/refs/heads%2Fproduction\n"
             "GET /git/ref/heads%2Fbough-promote%2Fproduction\n"
             "DELETE /git/refs/heads%2Fbough-promote%2Fproduction\n",
             "{\"base\":\"bough-promote/production\",\"head\":\"" A "\",\"commit_message\":\"m\"}");
}

static void does_not_promote_over_others(void **state) {
  Stand stand;
  Error err = ERROR_INIT;
  char commit[GIT_OID_SIZE] = "";
  stand_up(&stand, (const char *const[]){
                       REF(C), REF(B), JSON("{\"status\":\"ahead\"}"),
                       REFUSED("422 Unprocessable Entity", "Update is not a fast forward"), NULL});
  assert_false(github_promote(&stand.forge, A, "production", B, "m", commit, &err));
  assert_int_equal(err.code, ERROR_MERGE_STALE);
  error_clear(&err);
  assert_false(github_promote(&stand.forge, A, "production", B, "m", commit, &err));
  assert_int_equal(err.code, ERROR_MERGE_STALE);
  stand_down(&stand,
             "GET /git/ref/heads%2Fproduction\n"
             "GET /git/ref/heads%2Fproduction\n"
             "GET /compare/" B "..." A "?per_page=1&page=2\n"
             "PATCH /git/refs/heads%2Fproduction\n",
             NULL);
}

static void deletes_only_what_was_looked_at(void **state) {
  Stand stand;
  Error err = ERROR_INIT;
  stand_up(&stand, (const char *const[]){
                       REF(B), NO_REF, REF(A), HEAD("204 No Content", ""), REF(A),
                       REFUSED("422 Unprocessable Entity", "Reference does not exist"), NULL});
  assert_false(github_branch_delete(&stand.forge, "feature/x", A, &err));
  assert_int_equal(err.code, ERROR_MERGE_STALE);
  assert_true(github_branch_delete(&stand.forge, "feature/x", A, NULL)); /* gone already */
  assert_true(github_branch_delete(&stand.forge, "feature/x", A, NULL));
  assert_true(github_branch_delete(&stand.forge, "feature/x", A, NULL)); /* gone meanwhile */
  stand_down(&stand,
             "GET /git/ref/heads%2Ffeature%2Fx\nGET /git/ref/heads%2Ffeature%2Fx\n"
             "GET /git/ref/heads%2Ffeature%2Fx\nDELETE /git/refs/heads%2Ffeature%2Fx\n"
             "GET /git/ref/heads%2Ffeature%2Fx\nDELETE /git/refs/heads%2Ffeature%2Fx\n",
             NULL);
}

/* ---- reviews ---- */

#define REVIEW(state, when)                                                                        \
  "{\"state\":\"" state "\",\"commit_id\":\"" A "\",\"user\":{\"login\":\"octocat\"},"             \
  "\"submitted_at\":\"2026-05-04T" when "Z\",\"body\":\"\"}"

/* An approval for staging says nothing of production. */
static void knows_which_base_was_reviewed(void **state) {
  Stand stand;
  Review *list = NULL;
  size_t count = 0;
  stand_up(&stand,
           (const char *const[]){
               JSON(OPEN), REF(B),
               JSON("[{\"event\":\"labeled\",\"created_at\":\"2026-05-04T15:00:00Z\"},"
                    "{\"event\":\"base_ref_changed\",\"created_at\":\"2026-05-04T11:00:00Z\"}]"),
               JSON("[" REVIEW("APPROVED", "10:00:00") "," REVIEW("PENDING", "10:30:00") "," REVIEW(
                   "APPROVED", "12:00:00") "]"),
               NULL});
  assert_true(github_review_list(&stand.forge, 7, &list, &count, NULL));
  assert_int_equal(count, 2);
  assert_string_equal(list[0].base_branch, "");
  assert_string_equal(list[1].base_branch, "staging");
  reviews_free(list, count);
  stand_down(&stand,
             "GET /pulls/7\nGET /git/ref/heads%2Fstaging\n"
             "GET /issues/7/events?per_page=100\nGET /pulls/7/reviews?per_page=100\n",
             NULL);
}

/* Who wrote commits of the change is an author of it, before anybody's approval is counted. */
static void notes_who_wrote_it(void **state) {
  Stand stand;
  Review *list = NULL;
  size_t count = 0;
  AUTO(json_free)
  json_t *settings =
      json_pack("{s:{s:s, s:s}}", "people", "octocat", "anna", "robot", "agent-of-ben");
  stand_up(&stand,
           (const char *const[]){
               JSON(OPEN), REF(B),
               JSON("[{\"author\":{\"login\":\"octocat\"},\"committer\":null},"
                    "{\"author\":{\"login\":\"anna\"},\"committer\":{\"login\":\"robot\"}}]"),
               JSON("[]"), JSON("[]"), NULL});
  stand.forge.settings = settings;
  Context context = {0};
  stand.forge.context = &context;
  buffer_clear(&authors);
  assert_true(github_review_list(&stand.forge, 7, &list, &count, NULL));
  reviews_free(list, count);
  assert_string_equal(authors.text, "anna of br-abcdefgh2345\n"
                                    "agent-of-ben of br-abcdefgh2345\n"
                                    "ben of br-abcdefgh2345\n");
  buffer_release(&authors);
  stand_down(&stand,
             "GET /pulls/7\nGET /git/ref/heads%2Fstaging\nGET /pulls/7/commits?per_page=100\n"
             "GET /issues/7/events?per_page=100\nGET /pulls/7/reviews?per_page=100\n",
             NULL);
}

static void gives_no_reviews_in_other_names(void **state) {
  Stand stand;
  Error err = ERROR_INIT;
  stand_up(&stand, (const char *const[]){NULL});
  assert_false(github_review_add(&stand.forge, &to_merge, REVIEW_APPROVED, "", &err));
  assert_int_equal(err.code, ERROR_UNSUPPORTED);
  stand_down(&stand, "", NULL);
}

/* ---- comments ---- */

#define COMMENT(id, login, body)                                                                   \
  "{\"id\":" id ",\"user\":{\"login\":\"" login "\",\"type\":\"User\"},\"body\":\"" body "\"}"
#define MARK "<!-- bough:ci -->\\n"
#define ME JSON("{\"login\":\"bough-bot\"}")

static const struct {
  const char *comments; /* that are there */
  const char *body;     /* to be set */
  const char *asked;    /* after the two looks */
  const char *sent;
} sets[] = {
    {"[]", "new", "POST /issues/7/comments\n", "{\"body\":\"<!-- bough:ci -->\\nnew\"}"},
    {"[" COMMENT("3", "bough-bot", MARK "old") "]", "new", "PATCH /issues/comments/3\n",
     "{\"body\":\"<!-- bough:ci -->\\nnew\"}"},
    {"[" COMMENT("3", "bough-bot", MARK "new") "]", "new", "", NULL},
    {"[" COMMENT("3", "bough-bot", MARK "old") "]", NULL, "DELETE /issues/comments/3\n", NULL},
    {"[]", NULL, "", NULL},
    /* somebody else's with our marker, ours with another one */
    {"[" COMMENT("2", "mallory", MARK "all green") "," COMMENT("3", "bough-bot", "hello") "]",
     "new", "POST /issues/7/comments\n", "{\"body\":\"<!-- bough:ci -->\\nnew\"}"},
    {"[" COMMENT("2", "mallory", MARK "all green") "]", NULL, "", NULL},
};

static void keeps_one_comment(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(sets); at++) {
    Stand stand;
    AUTO(str_free) char *comments = str_format(JSON("%s"), sets[at].comments);
    AUTO(str_free)
    char *asked =
        str_format("GET /api/v3/user\nGET /issues/7/comments?per_page=100\n%s", sets[at].asked);
    stand_up(&stand, (const char *const[]){ME, comments, JSON("{}"), NULL});
    assert_true(github_comment_set(&stand.forge, 7, "ci", sets[at].body, NULL));
    stand_down(&stand, asked, sets[at].sent);
  }
}

/* An app's token has no account: its comments are those of a bot. */
static void knows_an_app(void **state) {
  Stand stand;
  stand_up(&stand, (const char *const[]){
                       REFUSED("403 Forbidden", "Resource not accessible by integration"),
                       JSON("[" COMMENT("2", "mallory",
                                        MARK "x") ",{\"id\":3,\"user\":{\"login\":"
                                                  "\"app[bot]\",\"type\":\"Bot\"},\"body\":\"" MARK
                                                  "old\"}]"),
                       JSON("{}"), NULL});
  assert_true(github_comment_set(&stand.forge, 7, "ci", "new", NULL));
  stand_down(&stand,
             "GET /api/v3/user\nGET /issues/7/comments?per_page=100\nPATCH /issues/comments/3\n",
             NULL);
}

static void sets_a_status(void **state) {
  Stand stand;
  CommitStatus status = {.name = "ci", .state = STATUS_FAILURE, .url = "https://ci.example.org/7"};
  memset(status.description, 'x', 200);
  stand_up(&stand, (const char *const[]){HEAD("201 Created", "") "{}", NULL});
  assert_true(github_status_set(&stand.forge, A, &status, NULL));
  stand_down(&stand, "POST /statuses/" A "\n", "\"context\":\"ci\",\"description\":\"xxx");
}

/* ---- a mock of GitHub's own description ---- */

static Forge mocked_forge(Github *github) {
  assert_true(github_api_init(&github->api, getenv("BOUGH_GITHUB_MOCK"), "octocat/Hello-World",
                              "token", NULL));
  static Context context;
  return (Forge){.driver = &forge_github, .state = github, .context = &context};
}

static void done(Github *github) {
  github_api_release(&github->api);
  str_free(github->login);
}

#define EXPECT(call)                                                                               \
  do {                                                                                             \
    Error err_ = ERROR_INIT;                                                                       \
    Error *err = &err_;                                                                            \
    if (!(call))                                                                                   \
      fail_msg("%s: %s", #call, err_.message);                                                     \
  } while (0)

static void fits_the_description_of_pulls(void **state) {
  Github github = {0};
  Forge forge = mocked_forge(&github);
  const PullWish wishes[] = {
      {.head_branch = "feature/new-topic", .base_branch = "master", .title = "t"},
      {.head_branch = "other", .base_branch = "master", .title = "t"}};
  PullRequest pull = {0};
  PullRequest *list = NULL;
  size_t count = 0;
  char commit[GIT_OID_SIZE] = "";
  EXPECT(github_pull_read(&forge, 1347, &pull, err));
  assert_int_equal(pull.number, 1347);
  assert_int_equal(strlen(pull.base), 40);
  EXPECT(github_merge(&forge, &pull, pull.base, "Merge\n\nit", commit, err));
  assert_int_equal(strlen(commit), 40);
  pull_request_release(&pull);
  EXPECT(github_pull_list(&forge, true, &list, &count, err));
  assert_int_equal(count, 1);
  pull_requests_free(list, count);
  for (size_t at = 0; at < ARRAY_LENGTH(wishes); at++) {
    EXPECT(github_pull_open(&forge, &wishes[at], &pull, err));
    assert_int_equal(pull.number, 1347);
    pull_request_release(&pull);
  }
  EXPECT(github_pull_close(&forge, 1347, err));
  done(&github);
}

static void fits_the_description_of_talk(void **state) {
  Github github = {0};
  Forge forge = mocked_forge(&github);
  const CommitStatus status = {.name = "ci", .state = STATUS_PENDING, .description = "runs"};
  Review *reviews = NULL;
  Comment *comments = NULL;
  CommitStatus *statuses = NULL;
  size_t count = 0;
  AUTO(json_free) json_t *settings = json_pack("{s:{s:s}}", "people", "octocat", "anna");
  forge.settings = settings;
  EXPECT(github_review_list(&forge, 1347, &reviews, &count, err));
  assert_int_equal(count, 1);
  assert_string_equal(reviews[0].reviewer, "anna");
  assert_non_null(strstr(authors.text, "anna of br-"));
  buffer_release(&authors);
  reviews_free(reviews, count);
  EXPECT(github_comment_add(&forge, 1347, "text", err));
  EXPECT(github_comment_set(&forge, 1347, "ci", "text", err));
  EXPECT(github_comment_list(&forge, 1347, &comments, &count, err));
  assert_int_equal(count, 1);
  comments_free(comments, count);
  EXPECT(github_status_set(&forge, A, &status, err));
  EXPECT(github_status_list(&forge, A, &statuses, &count, err));
  assert_int_equal(count, 3);
  mem_free(statuses);
  done(&github);
}

static void fits_the_description_of_branches(void **state) {
  Github github = {0};
  Forge forge = mocked_forge(&github);
  char head[GIT_OID_SIZE] = "";
  char commit[GIT_OID_SIZE] = "";
  bool found = false;
  EXPECT(github_branch_head(&forge, "feature/x", head, &found, err));
  assert_true(found);
  EXPECT(github_branch_contains(&forge, "master", A, &found, err));
  EXPECT(github_promote(&forge, A, "master", head, "m", commit, err));
  EXPECT(github_branch_delete(&forge, "feature/x", head, err));
  done(&github);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_with_the_live_base),
      cmocka_unit_test(opens_once),
      cmocka_unit_test(updates_no_other),
      cmocka_unit_test(lists_with_each_base_once),
      cmocka_unit_test(merges_exactly_that_head),
      cmocka_unit_test(tells_why_it_did_not_merge),
      cmocka_unit_test(promotes_forward),
      cmocka_unit_test(promotes_by_a_merge_beside),
      cmocka_unit_test(does_not_promote_over_others),
      cmocka_unit_test(deletes_only_what_was_looked_at),
      cmocka_unit_test(knows_which_base_was_reviewed),
      cmocka_unit_test(notes_who_wrote_it),
      cmocka_unit_test(gives_no_reviews_in_other_names),
      cmocka_unit_test(keeps_one_comment),
      cmocka_unit_test(knows_an_app),
      cmocka_unit_test(sets_a_status),
  };
  const struct CMUnitTest mocked[] = {
      cmocka_unit_test(fits_the_description_of_pulls),
      cmocka_unit_test(fits_the_description_of_talk),
      cmocka_unit_test(fits_the_description_of_branches),
  };
  if (getenv("BOUGH_GITHUB_MOCK") != NULL)
    return cmocka_run_group_tests(mocked, NULL, NULL);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
