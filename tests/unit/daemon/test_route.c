/* Which row a request means, over a table that has every shape of the real one. */
#include "core/str.h"
#include "daemon/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BRANCH "/v1/projects/{p}/branches/{b}"

const Route *route_list(size_t *ret_count) {
  static const Route routes[] = {
      {.method = "GET", .pattern = "/v1/status"},
      {.method = "GET", .pattern = "/v1/projects"},
      {.method = "POST", .pattern = "/v1/projects"},
      {.method = "GET", .pattern = "/v1/projects/{p}"},
      {.method = "GET", .pattern = BRANCH},
      {.method = "POST", .pattern = BRANCH "/endpoint/start"},
      {.method = "PUT", .pattern = "/v1/uploads/{u}", .flags = ROUTE_RAW},
      {.method = "JOB", .pattern = "tick", .flags = ROUTE_INTERNAL},
      {.method = "GET", .pattern = "/v1/internal", .flags = ROUTE_INTERNAL},
  };
  *ret_count = ARRAY_LENGTH(routes);
  return routes;
}

static const struct {
  const char *method, *path, *pattern, *project, *branch, *upload;
} fitting[] = {
    {"GET", "/v1/status", "/v1/status"},
    {"POST", "/v1/projects", "/v1/projects"},
    {"GET", "/v1/projects/shop", "/v1/projects/{p}", "shop"},
    {"GET", "/v1/projects/-", "/v1/projects/{p}", "-"},
    {"GET", "/v1/projects/shop/branches/main", BRANCH, "shop", "main"},
    {"POST", "/v1/projects/a/branches/b/endpoint/start", BRANCH "/endpoint/start", "a", "b"},
    {"PUT", "/v1/uploads/up-abc", "/v1/uploads/{u}", NULL, NULL, "up-abc"},
    {"GET", "/v1/projects/%73hop", "/v1/projects/{p}", "shop"},
    /* A slash in a segment is part of the name, and never of the path. */
    {"GET", "/v1/projects/a%2Fb", "/v1/projects/{p}", "a/b"},
    {"GET", "/v1/projects/..%2f..", "/v1/projects/{p}", "../.."},
    {"GET", "/v1/projects/..", "/v1/projects/{p}", ".."},
    {"GET", "/v1/projects/%252f", "/v1/projects/{p}", "%2f"},
    {"GET", "/v1/projects/caf%C3%A9", "/v1/projects/{p}", "caf\xc3\xa9"},
    {"GET", "/v1/projects/a+b", "/v1/projects/{p}", "a+b"},
};

static void test_fitting(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(fitting); at++) {
    AUTO_RELEASE(route_match_release) RouteMatch match = {0};
    Error err = ERROR_INIT;
    if (!route_match(fitting[at].method, fitting[at].path, &match, &err))
      fail_msg("%s", err.message);
    assert_string_equal(match.route->pattern, fitting[at].pattern);
    assert_string_equal(match.route->method, fitting[at].method);
    assert_true(str_equal(match.project, fitting[at].project));
    assert_true(str_equal(match.branch, fitting[at].branch));
    assert_true(str_equal(match.upload, fitting[at].upload));
  }
}

static const struct {
  const char *method, *path;
} strangers[] = {
    {"GET", ""},
    {"GET", "/"},
    {"GET", "/v1"},
    {"GET", "/v1/"},
    {"GET", "/v1/statu"},
    {"GET", "/v1/statuss"},
    {"GET", "/v1/status/"},
    {"GET", "//v1/status"},
    {"GET", "/v1//status"},
    {"GET", "v1/status"},
    {"GET", "/V1/status"},
    {"GET", "/v1/st%61tus"}, /* fixed words have one spelling */
    {"GET", "/v1/status%00"},
    {"GET", "/v1%2fstatus"},
    {"GET", "/v1/projects/"},
    {"GET", "/v1/projects//"},
    {"GET", "/v1/projects/a/"},
    {"GET", "/v1/projects//branches/b"},
    {"GET", "/v1/projects/a/branches/"},
    {"GET", "/v1/projects/a/branches/b/"},
    {"GET", "/v1/projects/a/branches/b/endpoint"},
    {"GET", "/v1/projects/a%00b"},
    {"GET", "/v1/projects/%00"},
    {"GET", "/v1/projects/%"},
    {"GET", "/v1/projects/a%2"},
    {"GET", "/v1/projects/%zz"},
    {"GET", "/v1/projects/%ff"},
    {"GET", "/v1/projects/%c0%af"},
    {"GET", "/v1/projects/a%ff/branches/b"},
    {"GET", "/v1/../v1/status"},
    {"GET", "/v1/status?x"},
    {"PUT", "/v1/status"},
    {"get", "/v1/status"},
    {"", "/v1/status"},
    {"DELETE", "/v1/projects"},
    {"JOB", "tick"}, /* boughd's own */
    {"JOB", "/tick"},
    {"GET", "/v1/internal"},
};

static void test_strangers(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(strangers); at++) {
    RouteMatch match = {0};
    Error err = ERROR_INIT;
    if (route_match(strangers[at].method, strangers[at].path, &match, &err))
      fail_msg("%s %s passed", strangers[at].method, strangers[at].path);
    assert_int_equal(err.code, ERROR_NOTHING_TO_DO);
    assert_null(match.route);
    assert_null(match.project);
  }
}

static void test_long_paths(void **state) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  buffer_add_text(&path, "/v1/projects/");
  for (int segment = 0; segment < 2000; segment++)
    buffer_add_text(&path, "%61");
  AUTO_RELEASE(route_match_release) RouteMatch match = {0};
  assert_true(route_match("GET", path.text, &match, NULL));
  assert_int_equal(strlen(match.project), 2000);
  RouteMatch none = {0};
  Error err = ERROR_INIT;
  buffer_add_text(&path, "/none");
  assert_false(route_match("GET", path.text, &none, &err));
  assert_true(strlen(err.message) < 300);
}

static void test_jobs(void **state) {
  assert_string_equal(route_job("tick")->method, "JOB");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fitting),
      cmocka_unit_test(test_strangers),
      cmocka_unit_test(test_long_paths),
      cmocka_unit_test(test_jobs),
  };
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
