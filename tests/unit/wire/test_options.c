/* What clients put into options. */
#include "core/str.h"
#include "wire/options.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
  const char *text;
  const char *endpoint;
  const char *rest;
} good[] = {
    {"", NULL, NULL},
    {"   ", NULL, NULL},
    {"endpoint=ep-one", "ep-one", NULL},
    {"-c endpoint=ep-one", "ep-one", NULL},
    {"-cendpoint=ep-one -c endpoint=ep-one", "ep-one", NULL},
    {"--endpoint=ep-one", "ep-one", NULL},
    {"-c geqo=off", NULL, "-c geqo=off"},
    {"--statement-timeout=5s endpoint=e -csearch_path=a,b", "e",
     "-c statement-timeout=5s -c search_path=a,b"},
    {"-c DateStyle=ISO,\\ DMY", NULL, "-c DateStyle=ISO,\\ DMY"},
    {"-c x=a\\\\b", NULL, "-c x=a\\\\b"},
    {"-c x=", NULL, "-c x="},
    {"-c x=\\", NULL, "-c x="},
    {"-c role=other", NULL, "-c role=other"},
    {"-c my.setting=1", NULL, "-c my.setting=1"},
};

static const struct {
  const char *text;
  ErrorCode code;
} bad[] = {
    {"-c", ERROR_USAGE},
    {"-c=", ERROR_USAGE},
    {"-c =", ERROR_USAGE},
    {"--", ERROR_USAGE},
    {"--=x", ERROR_USAGE},
    {"-c x", ERROR_USAGE},
    {"-c 1x=1", ERROR_USAGE},
    {"-c x;y=1", ERROR_USAGE},
    {"endpoint=a endpoint=b", ERROR_USAGE},
    {"endpoint=a -c endpoint=b", ERROR_USAGE},
    {"-W 10", ERROR_UNSUPPORTED},
    {"-f s", ERROR_UNSUPPORTED},
    {"-P", ERROR_UNSUPPORTED},
    {"geqo=off", ERROR_UNSUPPORTED},
    {"-c ignore_system_indexes=on", ERROR_UNSUPPORTED},
    {"-c Ignore-System-Indexes=on", ERROR_UNSUPPORTED},
    {"-c post_auth_delay=10", ERROR_UNSUPPORTED},
    {"--session-preload-libraries=x", ERROR_UNSUPPORTED},
};

static void take_settings_and_endpoint(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++) {
    AUTO_RELEASE(options_release) Options options = {0};
    Error err = ERROR_INIT;
    if (!options_read(good[at].text, &options, &err))
      fail_msg("\"%s\": %s", good[at].text, err.message);
    assert_true(str_equal(options.endpoint, good[at].endpoint));
    if (!str_equal(options.rest, good[at].rest))
      fail_msg("\"%s\" became \"%s\"", good[at].text, options.rest);
  }
}

static void refuse_everything_else(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    Options options = {0};
    Error err = ERROR_INIT;
    if (options_read(bad[at].text, &options, &err))
      fail_msg("\"%s\" passed", bad[at].text);
    assert_int_equal(err.code, bad[at].code);
    assert_null(options.rest);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(take_settings_and_endpoint),
      cmocka_unit_test(refuse_everything_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
