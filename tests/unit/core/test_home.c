/* config.json as it should be and as it shouldn't, and where things of an installation lie. */
#include "core/home.h"
#include "core/io.h"
#include "core/name.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/bough-home-XXXXXX";

static int set_up(void **state) {
  return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state) {
  return io_remove_tree(root, NULL) ? 0 : -1;
}

static json_t *good_config(void) {
  json_t *config = json_pack(
      "{s:s, s:{s:s, s:i, s:i}, s:{s:s, s:i, s:i}, s:{s:s, s:i, s:i}, s:{s:s, s:I}, s:s, s:{s:s, "
      "s:s}}",
      "mode", "system", "control", "name", "bough", "uid", 101, "gid", 201, "compute", "name",
      "bough-compute", "uid", 102, "gid", 202, "command", "name", "bough-command", "uid", 103,
      "gid", 203, "owner", "name", "Ann.Lee", "uid", (json_int_t)4000000000, "postgres_bin",
      "/usr/lib/postgresql/15/bin", "pool", "driver", "btrfs", "path", "/srv/pool");
  assert_non_null(config);
  return config;
}

static bool open_with(const json_t *config, Home **ret, Error *err) {
  AUTO(str_free) char *text = json_text(config);
  AUTO(str_free) char *path = path_join(root, "config.json");
  assert_true(io_write_file(path, text, strlen(text), 0644, NULL));
  return home_open(root, ret, err);
}

static void test_good_config(void **state) {
  AUTO(json_free) json_t *config = good_config();
  AUTO(home_free) Home *home = NULL;
  Error err = ERROR_INIT;
  if (!open_with(config, &home, &err))
    fail_msg("%s", err.message);
  assert_true(home->system_mode);
  assert_string_equal(home->control.name, "bough");
  assert_int_equal(home->control.uid, 101);
  assert_int_equal(home->compute.gid, 202);
  assert_int_equal(home->command.uid, 103);
  assert_int_equal(home->owner_uid, 4000000000);
  assert_string_equal(home->owner_name, "Ann.Lee");
  assert_string_equal(home->login_role, "bough_u__nn__ee");
  assert_string_equal(home->postgres_bin, "/usr/lib/postgresql/15/bin");
  assert_string_equal(home->pool_driver, "btrfs");
  assert_string_equal(home->pool_path, "/srv/pool");
  assert_true(json_equal(home->config, config));
  AUTO(str_free) char *run = path_join(root, "run");
  assert_string_equal(home->run, run);
  AUTO(str_free) char *path = home_path(home, "wal/%s", "vol-x");
  AUTO(str_free) char *expected = str_format("%s/wal/vol-x", root);
  assert_string_equal(path, expected);
}

static void test_without_pool(void **state) {
  AUTO(json_free) json_t *config = good_config();
  AUTO(home_free) Home *home = NULL;
  Error err = ERROR_INIT;
  (void)json_object_del(config, "pool");
  (void)json_object_set_new(config, "mode", json_string("user"));
  assert_true(open_with(config, &home, &err));
  assert_null(home->pool_driver);
  assert_null(home->pool_path);
  assert_false(home->system_mode);
}

static void expect_refusal(const json_t *config, const char *word) {
  Home *home = NULL;
  Error err = ERROR_INIT;
  if (open_with(config, &home, &err))
    fail_msg("a config without a good \"%s\" passed", word);
  assert_null(home);
  assert_int_equal(err.code, ERROR_USAGE);
  assert_non_null(strstr(err.message, "config.json"));
  if (strstr(err.message, word) == NULL)
    fail_msg("\"%s\" doesn't name \"%s\"", err.message, word);
}

static void test_missing_and_wrong_members(void **state) {
  static const char *const members[] = {"control", "compute", "command", "owner", "postgres_bin"};
  for (size_t at = 0; at < ARRAY_LENGTH(members); at++) {
    AUTO(json_free) json_t *config = good_config();
    (void)json_object_set_new(config, members[at], json_true());
    expect_refusal(config, members[at]);
    (void)json_object_del(config, members[at]);
    expect_refusal(config, members[at]);
  }
}

static void test_accounts_are_checked(void **state) {
  static const struct {
    const char *account, *key;
    json_int_t value;
  } rows[] = {{"control", "uid", -1},
              {"compute", "gid", 4294967295},
              {"command", "uid", 4294967296},
              {"owner", "uid", 9223372036854775807}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    AUTO(json_free) json_t *config = good_config();
    json_t *account = json_object_get(config, rows[at].account);
    (void)json_object_set_new(account, rows[at].key, json_integer(rows[at].value));
    expect_refusal(config, rows[at].key);
    (void)json_object_set_new(account, rows[at].key, json_string("0"));
    expect_refusal(config, rows[at].key);
    (void)json_object_del(account, rows[at].key);
    expect_refusal(config, rows[at].key);
  }
}

static void test_no_json(void **state) {
  static const char *const texts[] = {"", "{", "[]", "null",
                                      "{\"mode\":\"user\",\"mode\":\"user\"}"};
  AUTO(str_free) char *path = path_join(root, "config.json");
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    Home *home = NULL;
    Error err = ERROR_INIT;
    assert_true(io_write_file(path, texts[at], strlen(texts[at]), 0644, NULL));
    assert_false(home_open(root, &home, &err));
    assert_true(str_starts(err.message, path));
  }
  AUTO(str_free) char *large = mem_new(100001, 1);
  memset(large, ' ', 100000);
  Home *home = NULL;
  Error err = ERROR_INIT;
  assert_true(io_write_file(path, large, 100000, 0644, NULL));
  assert_false(home_open(root, &home, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
  assert_true(io_remove_file(path, NULL));
  assert_false(home_open(root, &home, &err));
  assert_int_equal(err.code, ERROR_NOTHING_TO_DO);
  assert_non_null(strstr(err.hint, "bough up"));
}

/* Whatever the root's length, the sockets below the run directory fit into sun_path. */
static void test_run_directory(void **state) {
  char id[ID_SIZE];
  id_new("ep", id);
  size_t below_root = 0;
  for (size_t length = 1; length < 300; length++) {
    AUTO(str_free) char *path = mem_new(length + 1, 1);
    memset(path, 'x', length);
    path[0] = '/';
    AUTO(str_free) char *run = home_run_directory(path, 4294967294U);
    AUTO(str_free) char *again = home_run_directory(path, 4294967294U);
    AUTO(str_free) char *socket = str_format("%s/%s/.s.PGSQL.65432.lock", run, id);
    assert_string_equal(run, again);
    assert_in_range(strlen(socket) - 1, 1, 107); /* Bough's port has four digits */
    if (str_starts(run, path))
      below_root = length;
    else
      assert_true(str_starts(run, "/tmp/bough-4294967294-"));
  }
  assert_in_range(below_root, 60, 80);
}

static void test_run_directories_differ(void **state) {
  AUTO_RELEASE(buffer_release) Buffer path = {0};
  while (path.length < 150)
    buffer_add_text(&path, "/deep");
  AUTO(str_free) char *one = home_run_directory(path.text, 1000);
  AUTO(str_free) char *other_user = home_run_directory(path.text, 1001);
  buffer_add_text(&path, "x");
  AUTO(str_free) char *other_root = home_run_directory(path.text, 1000);
  assert_string_not_equal(one, other_user);
  assert_string_not_equal(one, other_root);
}

static void expect_root(const char *bough_home, const char *expected) {
  assert_int_equal(setenv("BOUGH_HOME", bough_home, 1), 0);
  AUTO(str_free) char *found = home_default_root();
  assert_string_equal(found, expected);
}

static void test_default_root(void **state) {
  assert_int_equal(chdir(root), 0);
  AUTO(str_free) char *below = path_join(root, "sub/dir");
  AUTO(str_free) char *own = path_join(root, "bough");
  expect_root("/srv/bough", "/srv/bough");
  expect_root("/srv/bough//", "/srv/bough");
  expect_root("/", "/");
  expect_root("sub/dir/", below); /* relative to here, not ignored */
  assert_int_equal(setenv("XDG_DATA_HOME", root, 1), 0);
  expect_root("", geteuid() == 0 ? "/var/lib/bough" : own);
  assert_int_equal(chdir("/"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_config),
      cmocka_unit_test(test_without_pool),
      cmocka_unit_test(test_missing_and_wrong_members),
      cmocka_unit_test(test_accounts_are_checked),
      cmocka_unit_test(test_no_json),
      cmocka_unit_test(test_run_directory),
      cmocka_unit_test(test_run_directories_differ),
      cmocka_unit_test(test_default_root),
  };
  return cmocka_run_group_tests_name("home", tests, set_up, tear_down);
}
