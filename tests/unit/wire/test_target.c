/* Which branch is meant. */
#include "core/str.h"
#include "wire/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EP "ep-abcdefghijkl"
#define EP2 "ep-mnopqrstuvwx"

static const struct {
  const char *server_name, *options, *database;
  const char *endpoint, *branch, *rest;
} good[] = {
    {NULL, NULL, "app@main", NULL, "main", "app"},
    {NULL, NULL, "a@b@main", NULL, "main", "a@b"},
    {NULL, EP, "app", EP, NULL, "app"},
    {EP, NULL, "app", EP, NULL, "app"},
    {EP, EP, "app@main", EP, "main", "app"},
    {NULL, NULL, "system", NULL, NULL, "system"},
    {NULL, NULL, "system@main", NULL, "main", "system"},
};

static const struct {
  const char *server_name, *options, *database;
  ErrorCode code;
  const char *says;
} bad[] = {
    {NULL, NULL, "app", ERROR_DATABASE, "app"},
    {NULL, NULL, "@main", ERROR_DATABASE, "database"},
    {NULL, NULL, "app@", ERROR_INVALID_NAME, ""},
    {NULL, NULL, "app@Main", ERROR_INVALID_NAME, "Main"},
    {NULL, NULL, "app@../x", ERROR_INVALID_NAME, "../x"},
    {NULL, "ep/../x", "app", ERROR_INVALID_NAME, "ep/../x"},
    {EP, EP2, "app", ERROR_USAGE, EP2},
    {EP, EP2, "app@main", ERROR_USAGE, EP},
};

static void find_names(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    AUTO_RELEASE(target_release) Target target = {0};
    Error err = ERROR_INIT;
    if (!target_resolve(good[at].server_name, good[at].options, good[at].database, &target, &err))
      fail_msg("%s: %s", good[at].database, err.message);
    assert_true(str_equal(target.endpoint, good[at].endpoint));
    assert_true(str_equal(target.branch, good[at].branch));
    assert_string_equal(target.database, good[at].rest);
  }
}

static void refuse_names(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    Target target = {0};
    Error err = ERROR_INIT;
    if (target_resolve(bad[at].server_name, bad[at].options, bad[at].database, &target, &err))
      fail_msg("%s passed", bad[at].database);
    assert_int_equal(err.code, bad[at].code);
    assert_non_null(strstr(err.message, bad[at].says));
  }
}

static void read_server_names(void **state) {
  static const struct {
    const char *name, *domain, *endpoint;
  } names[] = {
      {NULL, NULL, NULL},
      {"localhost", NULL, NULL},
      {"db.example.org", NULL, NULL},
      {EP ".example.org", NULL, EP},
      {EP ".example.org", "example.org", EP},
      {EP ".Example.ORG", "example.org", EP},
      {EP ".other.org", "example.org", NULL},
      {"feature-one.example.org", "example.org", "feature-one"},
      {"a.b.example.org", "example.org", NULL},
      {"Bad_Name.example.org", "example.org", NULL},
      {".example.org", "example.org", NULL},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++) {
    AUTO(str_free)
    char *endpoint = target_endpoint_of_server_name(names[at].name, names[at].domain);
    if (!str_equal(endpoint, names[at].endpoint))
      fail_msg("%s is \"%s\"", names[at].name, endpoint != NULL ? endpoint : "(none)");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(find_names),
      cmocka_unit_test(refuse_names),
      cmocka_unit_test(read_server_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
