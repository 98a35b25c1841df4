/* Calls of GitHub's API against a server that fails in every way there is. */
#include "../http/answers.h"
#include "core/clock.h"
#include "scm/github_api.h"

#include <stddef.h>

#define TOKEN "ghp_a-token-that-must-not-leave"
#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "Connection: close\r\n"
#define JSON(status, more, body) HEAD(status, more "Content-Type: application/json\r\n") "\r\n" body

static void connect_to(const Answers *server, GithubApi *api) {
  assert_true(github_api_init(api, server->origin + strlen("http://"), "acme/shop", TOKEN, NULL));
  api->budget_ms = 5000;
}

static size_t count(const char *text, const char *what) {
  size_t found = 0;
  for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
    found++;
  return found;
}

static void says_who_and_what(void **state) {
  Answers server;
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *value = NULL;
  AUTO(json_free) json_t *body = json_pack("{s:s}", "title", "x");
  answers_start(&server, (const char *const[]){JSON("201 Created", "", "{\"number\":7}"), NULL});
  connect_to(&server, &api);
  assert_true(github_do(&api, "POST", "pulls", body, &value, NULL));
  AUTO(str_free) char *seen = answers_stop(&server);
  assert_int_equal(json_integer_or(value, "number", 0), 7);
  assert_ptr_equal(strstr(seen, "POST /api/v3/repos/acme/shop/pulls HTTP/1.1\r\n"), seen);
  assert_non_null(strstr(seen, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
  assert_non_null(strstr(seen, "\r\nX-GitHub-Api-Version: 2022-11-28\r\n"));
  assert_non_null(strstr(seen, "\r\n\r\n{\"title\":\"x\"}"));
}

static const struct {
  const char *name;
  const char *answers[4];
  const char *method;
  size_t requests;
  ErrorCode code;
} trials[] = {
    {"a failure passes",
     {JSON("502 Bad Gateway", "", "<html>"), JSON("200 OK", "", "{\"number\":1}")},
     "GET",
     2,
     ERROR_NONE},
    {"a truncated value is asked for again",
     {JSON("200 OK", "", "{\"number\":"), JSON("200 OK", "", "{\"number\":1}")},
     "GET",
     2,
     ERROR_NONE},
    {"an answer that breaks off is asked for again",
     {JSON("200 OK", "Content-Length: 100\r\n", "{\"number\":"),
      JSON("200 OK", "", "{\"number\":1}")},
     "GET",
     2,
     ERROR_NONE},
    {"a POST isn't sent twice when its outcome isn't known",
     {JSON("502 Bad Gateway", "", "{}"), JSON("200 OK", "", "{}")},
     "POST",
     1,
     ERROR_FORGE_FAILED},
    {"a POST isn't sent twice when its answer is broken",
     {JSON("201 Created", "", "{\"number\":"), JSON("200 OK", "", "{}")},
     "POST",
     1,
     ERROR_FORGE_FAILED},
    {"a POST that was turned away is sent again",
     {JSON("403 Forbidden", "Retry-After: 0\r\n", "{\"message\":\"secondary rate limit\"}"),
      JSON("201 Created", "", "{\"number\":1}")},
     "POST",
     2,
     ERROR_NONE},
    {"a short wait is kept",
     {JSON("429 Too Many Requests", "Retry-After: 1\r\n", "{}"),
      JSON("200 OK", "", "{\"number\":1}")},
     "GET",
     2,
     ERROR_NONE},
    {"a long one is told",
     {JSON("403 Forbidden", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 4102444800\r\n", "{}")},
     "GET",
     1,
     ERROR_FORGE_LIMITED},
    {"a refusal is the last word",
     {JSON("403 Forbidden", "X-RateLimit-Remaining: 9\r\n", "{\"message\":\"no\"}")},
     "GET",
     1,
     ERROR_FORGE_REFUSED},
    {"a wrong token is told",
     {JSON("401 Unauthorized", "", "{\"message\":\"Bad credentials\"}")},
     "GET",
     1,
     ERROR_FORGE_REFUSED},
    {"a redirect within the host is followed",
     {HEAD("301 Moved Permanently", "Location: @/api/v3/repositories/1/pulls\r\n") "\r\n",
      JSON("200 OK", "", "{\"number\":1}")},
     "GET",
     2,
     ERROR_NONE},
    {"with its method where that is kept",
     {HEAD("307 Temporary Redirect", "Location: /api/v3/x\r\n") "\r\n",
      JSON("200 OK", "", "{\"number\":1}")},
     "PATCH",
     2,
     ERROR_NONE},
    {"a redirect of another kind isn't",
     {HEAD("302 Found", "Location: /api/v3/x\r\n") "\r\n"},
     "PATCH",
     1,
     ERROR_FORGE_FAILED},
    {"a redirect to nowhere isn't",
     {HEAD("302 Found", "") "\r\n"},
     "GET",
     4, /* to itself, until it's enough */
     ERROR_FORGE_FAILED},
    {"nonsense isn't taken", {"hello\r\n\r\n"}, "POST", 1, ERROR_FORGE_FAILED},
};

static void keeps_its_head(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(trials); at++) {
    Answers server;
    Error err = ERROR_INIT;
    AUTO_RELEASE(github_api_release) GithubApi api = {0};
    AUTO(json_free) json_t *value = NULL;
    const char *answers[] = {trials[at].answers[0], trials[at].answers[1], NULL, NULL, NULL};
    for (size_t more = 1; trials[at].requests > 2 && more < 4; more++)
      answers[more] = answers[0];
    answers_start(&server, answers);
    connect_to(&server, &api);
    bool done = github_do(&api, trials[at].method, "pulls", NULL, &value, &err);
    AUTO(str_free) char *seen = answers_stop(&server);
    if (err.code != trials[at].code || done != (trials[at].code == ERROR_NONE) ||
        count(seen, " HTTP/1.1\r\n") != trials[at].requests)
      fail_msg("%s: %s: %s\n%s", trials[at].name, error_info(err.code)->code, err.message, seen);
    if (done)
      assert_int_equal(json_integer_or(value, "number", 0), 1);
    assert_null(strstr(err.message, TOKEN));
  }
}

/* Neither a redirect nor a page that is named takes the token to another host: it isn't asked. */
static void goes_nowhere_else(void **state) {
  Answers server;
  Answers other;
  Error err = ERROR_INIT;
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *value = NULL;
  answers_start(&other, (const char *const[]){JSON("200 OK", "", "[]"), NULL});
  AUTO(str_free)
  char *redirect = str_format(HEAD("302 Found", "Location: %s/api/v3/x\r\n") "\r\n", other.origin);
  AUTO(str_free)
  char *page =
      str_format(JSON("200 OK", "Link: <%s/api/v3/x>; rel=\"next\"\r\n", "[1]"), other.origin);
  answers_start(&server, (const char *const[]){redirect, page, NULL});
  connect_to(&server, &api);
  assert_false(github_do(&api, "GET", "pulls", NULL, &value, &err));
  assert_int_equal(err.code, ERROR_FORGE_FAILED);
  assert_non_null(strstr(err.message, "another host"));
  error_clear(&err);
  assert_false(github_list(&api, "pulls", NULL, 100, &value, &err));
  assert_int_equal(err.code, ERROR_FORGE_FAILED);
  AUTO(str_free) char *seen = answers_stop(&server);
  AUTO(str_free) char *elsewhere = answers_stop(&other);
  assert_int_equal(count(seen, " HTTP/1.1\r\n"), 2);
  assert_string_equal(elsewhere, "");
}

static void turns_pages(void **state) {
  Answers server;
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *all = NULL;
  AUTO(json_free) json_t *some = NULL;
  answers_start(
      &server,
      (const char *const[]){
          JSON("200 OK", "Link: <@/api/v3/p?page=2>; rel=\"next\"\r\n", "{\"runs\":[1,2]}"),
          JSON("200 OK", "Link: <@/api/v3/p?page=3>; rel=\"next\"\r\n", "{\"runs\":[3,4]}"),
          JSON("200 OK", "Link: <@/api/v3/p?page=1>; rel=\"first\"\r\n", "{\"runs\":[5]}"),
          JSON("200 OK", "Link: <@/api/v3/p?page=2>; rel=\"next\"\r\n", "{\"runs\":[1,2,3]}"),
          NULL});
  connect_to(&server, &api);
  assert_true(github_list(&api, "runs?x=1", "runs", 100, &all, NULL));
  assert_true(github_list(&api, "runs", "runs", 2, &some, NULL));
  AUTO(str_free) char *seen = answers_stop(&server);
  assert_int_equal(json_array_size(all), 5);
  assert_int_equal(json_array_size(some), 2);
  assert_non_null(strstr(seen, "GET /api/v3/repos/acme/shop/runs?x=1&per_page=100 "));
  assert_non_null(strstr(seen, "GET /api/v3/p?page=2 "));
  assert_non_null(strstr(seen, "GET /api/v3/p?page=3 "));
  assert_non_null(strstr(seen, "GET /api/v3/repos/acme/shop/runs?per_page=100 "));
}

static void wants_a_list(void **state) {
  Answers server;
  Error err = ERROR_INIT;
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *all = NULL;
  answers_start(&server, (const char *const[]){JSON("200 OK", "", "{\"message\":\"x\"}"), NULL});
  connect_to(&server, &api);
  assert_false(github_list(&api, "runs", NULL, 100, &all, &err));
  assert_int_equal(err.code, ERROR_FORGE_FAILED);
  AUTO(str_free) char *seen = answers_stop(&server);
}

/* Nobody there at all: tried again, then told, within the time. */
static void gives_up_in_time(void **state) {
  Error err = ERROR_INIT;
  AUTO_RELEASE(github_api_release) GithubApi api = {0};
  AUTO(json_free) json_t *value = NULL;
  assert_true(github_api_init(&api, "127.0.0.1:1", "acme/shop", TOKEN, NULL));
  api.budget_ms = 1500;
  int64_t start = clock_monotonic_ms();
  assert_false(github_do(&api, "GET", "pulls", NULL, &value, &err));
  assert_true(clock_monotonic_ms() - start < 60 * 1000);
  assert_int_equal(err.code, ERROR_FORGE_FAILED);
}

static void tells_refusals_in_one_line(void **state) {
  GithubAnswer answer = {.status = 422};
  Error err = ERROR_INIT;
  answer.value = json_pack("{s:s, s:[{s:s}, s]}", "message", "Validation\nFailed", "errors",
                           "message", "A pull request already exists", "and more");
  assert_false(github_refusal(&answer, &err));
  assert_int_equal(err.code, ERROR_FORGE_REFUSED);
  assert_null(strchr(err.message, '\n'));
  assert_non_null(strstr(err.message, "A pull request already exists; and more"));
  json_decref(answer.value);
}

static void checks_where_it_goes(void **state) {
  static const struct {
    const char *host, *repository, *token;
    const char *base; /* NULL: refused */
  } places[] = {
      {"github.com", "acme/shop", TOKEN, "https://api.github.com"},
      {"git.example.org", "acme/shop.js", TOKEN, "https://git.example.org/api/v3"},
      {"git.example.org:8443", "a_b/c-d", TOKEN, "https://git.example.org:8443/api/v3"},
      {"127.0.0.1:8080", "acme/shop", TOKEN, "http://127.0.0.1:8080/api/v3"},
      {"127.0.0.1.example.org", "acme/shop", TOKEN, "https://127.0.0.1.example.org/api/v3"},
      {"a@b", "acme/shop", TOKEN, NULL},
      {"a/b", "acme/shop", TOKEN, NULL},
      {"", "acme/shop", TOKEN, NULL},
      {"github.com", "acme", TOKEN, NULL},
      {"github.com", "acme/..", TOKEN, NULL},
      {"github.com", "acme/shop/pulls", TOKEN, NULL},
      {"github.com", "acme/shop?x=1", TOKEN, NULL},
      {"github.com", "/shop", TOKEN, NULL},
      {"github.com", "acme/shop", "", NULL},
      {"github.com", "acme/shop", "two\r\nX-Lines: 1", NULL},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(places); at++) {
    AUTO_RELEASE(github_api_release) GithubApi api = {0};
    bool taken =
        github_api_init(&api, places[at].host, places[at].repository, places[at].token, NULL);
    assert_int_equal(taken, places[at].base != NULL);
    if (taken)
      assert_string_equal(api.base, places[at].base);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(says_who_and_what),    cmocka_unit_test(keeps_its_head),
      cmocka_unit_test(goes_nowhere_else),    cmocka_unit_test(turns_pages),
      cmocka_unit_test(wants_a_list),         cmocka_unit_test(gives_up_in_time),
      cmocka_unit_test(checks_where_it_goes), cmocka_unit_test(tells_refusals_in_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
