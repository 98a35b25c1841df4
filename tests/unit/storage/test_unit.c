/* The mount unit: its name by systemd's rule, its text, and what it refuses. */
#include "storage/storage.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Error err;

static PoolPlan plan_for(const char *image, const char *mount_point) {
  return (PoolPlan){.image = image, .mount_point = mount_point};
}

static void assert_name(const char *mount_point, const char *expected) {
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  const PoolPlan plan = plan_for("/pool.img", mount_point);
  assert_true(pool_mount_unit(&plan, &name, &text, &err));
  assert_string_equal(name, expected);
}

static void test_names_by_the_rule(void **state) {
  assert_name("/var/lib/bough/pool", "var-lib-bough-pool.mount");
  assert_name("/", "-.mount");
  assert_name("//srv///pool/", "srv-pool.mount");
  assert_name("/my-pool", "my\\x2dpool.mount");
  assert_name("/.hidden/.pool", "\\x2ehidden-.pool.mount");
  assert_name("/a b@c", "a\\x20b\\x40c.mount");
  assert_name("/\xc3\xa4", "\\xc3\\xa4.mount");
}

static void test_names_as_systemd_escape_makes_them(void **state) {
  static const char *const paths[] = {
      "/var/lib/bough/pool", "/",       "//srv///pool/", "/my-pool", "/.h/.p", "/a b@c%d",
      "/\xc3\xa4/x_y:z",     "/-/--/a", "/a./..b"};
  if (!io_exists("/usr/bin/systemd-escape"))
    skip();
  for (size_t at = 0; at < ARRAY_LENGTH(paths); at++) {
    AUTO_RELEASE(process_result_release) ProcessResult result = {0};
    const char *argv[] = {"systemd-escape", "-p", "--suffix=mount", "--", paths[at], NULL};
    assert_true(process_run(argv, &PROCESS_OPTIONS, &result, &err));
    assert_int_equal(result.status, 0);
    result.output[strcspn(result.output, "\n")] = '\0';
    assert_name(paths[at], result.output);
  }
}

static void test_text_of_an_image(void **state) {
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  const PoolPlan plan = plan_for("/srv/100% bough.img", "/var/lib/bough/pool");
  assert_true(pool_mount_unit(&plan, &name, &text, &err));
  assert_non_null(strstr(text, "\nWhat=/srv/100%% bough.img\n"));
  assert_non_null(strstr(text, "\nRequiresMountsFor=\"/srv/100%% bough.img\"\n"));
  assert_non_null(strstr(text, "\nWhere=/var/lib/bough/pool\n"));
  assert_non_null(strstr(text, "\nType=btrfs\n"));
  assert_non_null(
      strstr(text, "\nOptions=loop,nodiscard,user_subvol_rm_allowed,noatime,nosuid,nodev\n"));
}

static void test_text_of_a_device(void **state) {
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  const PoolPlan plan = {.device = "/dev/disk/by-id/x", .mount_point = "/pool"};
  assert_true(pool_mount_unit(&plan, &name, &text, &err));
  assert_non_null(strstr(text, "\nWhat=/dev/disk/by-id/x\n"));
  assert_null(strstr(text, "loop"));
}

static void test_paths_that_could_break_out_are_refused(void **state) {
  static const char *const bad[] = {
      "/a\nExecStart=/bin/sh", "relative", "/a\\", "/a\"b", "/a'b", "/a\tb", "/a\x7f", ""};
  AUTO(str_free) char *name = NULL;
  AUTO(str_free) char *text = NULL;
  for (size_t at = 0; at < ARRAY_LENGTH(bad) * 2; at++) {
    const char *path = bad[at / 2];
    const PoolPlan plan = at % 2 == 0 ? plan_for(path, "/pool") : plan_for("/pool.img", path);
    assert_false(pool_mount_unit(&plan, &name, &text, &err));
    assert_int_equal(err.code, ERROR_INVALID_NAME);
  }
  char huge[400];
  memset(huge, 'a', sizeof huge - 1);
  huge[0] = '/';
  huge[sizeof huge - 1] = '\0';
  const PoolPlan plan = plan_for("/pool.img", huge);
  assert_false(pool_mount_unit(&plan, &name, &text, &err));
  const PoolPlan directory = {.path = "/srv/pool"};
  assert_false(pool_mount_unit(&directory, &name, &text, &err));
  assert_int_equal(err.code, ERROR_USAGE);
  assert_null(name);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_by_the_rule),
      cmocka_unit_test(test_names_as_systemd_escape_makes_them),
      cmocka_unit_test(test_text_of_an_image),
      cmocka_unit_test(test_text_of_a_device),
      cmocka_unit_test(test_paths_that_could_break_out_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
