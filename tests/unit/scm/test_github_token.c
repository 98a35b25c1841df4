/* Where the token for GitHub comes from, and to which hosts it goes. */
#include "core/io.h"
#include "scm/github_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/bough-token-XXXXXX";

static int make_directory(void **state) {
  return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state) {
  return io_remove_tree(directory, NULL) ? 0 : -1;
}

static int forget(void **state) {
  static const char *const names[] = {"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN",
                                      "GITHUB_ENTERPRISE_TOKEN", "GH_HOST"};
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    (void)unsetenv(names[at]);
  return setenv("GH_CONFIG_DIR", directory, 1); /* nobody's own gh is asked */
}

static void expect(json_t *config, const char *host, const char *token) {
  const Home home = {.config = config};
  AUTO(github_token_free) char *found = NULL;
  Error err = ERROR_INIT;
  if (!github_token(&home, host, &found, &err))
    fail_msg("%s: %s", host, err.message);
  assert_string_equal(found, token);
}

static void expect_none(json_t *config, const char *host, ErrorCode code) {
  const Home home = {.config = config};
  char *found = NULL;
  Error err = ERROR_INIT;
  assert_false(github_token(&home, host, &found, &err));
  assert_int_equal(err.code, code);
}

static void is_in_the_environment(void **state) {
  expect_none(NULL, "github.com", ERROR_FORGE_REFUSED);
  (void)setenv("GITHUB_TOKEN", "second", 1);
  expect(NULL, "github.com", "second");
  (void)setenv("GH_TOKEN", "first\n", 1);
  expect(NULL, "github.com", "first");
}

/* Whoever names a host in a project's setting isn't sent the token there. */
static void goes_to_the_declared_host_alone(void **state) {
  (void)setenv("GH_TOKEN", "public", 1);
  (void)setenv("GH_ENTERPRISE_TOKEN", "own", 1);
  expect_none(NULL, "git.example.org", ERROR_FORBIDDEN);
  expect_none(NULL, "127.0.0.1:80", ERROR_FORBIDDEN);
  expect_none(NULL, "api.github.com", ERROR_FORBIDDEN);
  (void)setenv("GH_HOST", "git.example.org", 1);
  expect(NULL, "git.example.org", "own");
  expect(NULL, "github.com", "public");
  expect_none(NULL, "git.example.org.evil.net", ERROR_FORBIDDEN);
  AUTO(json_free) json_t *config = json_pack("{s:s}", "github_host", "code.example.org");
  expect(config, "code.example.org", "own");
  expect_none(config, "git.example.org", ERROR_FORBIDDEN);
  (void)unsetenv("GH_ENTERPRISE_TOKEN"); /* another host's token is no replacement */
  expect_none(config, "code.example.org", ERROR_FORGE_REFUSED);
}

static void is_in_a_private_file(void **state) {
  AUTO(str_free) char *path = path_join(directory, "token");
  AUTO(str_free) char *link = path_join(directory, "link");
  AUTO(json_free) json_t *config = json_pack("{s:s}", "github_token_file", path);
  AUTO(json_free) json_t *linked = json_pack("{s:s}", "github_token_file", link);
  (void)setenv("GH_TOKEN", "other", 1);
  expect_none(config, "github.com", ERROR_IO);
  assert_true(io_write_file(path, "in-a-file\n", 10, 0600, NULL));
  assert_int_equal(symlink(path, link), 0);
  expect(config, "github.com", "in-a-file");
  expect_none(linked, "github.com", ERROR_IO);
  assert_int_equal(chmod(path, 0604), 0);
  expect_none(config, "github.com", ERROR_IO);
  assert_true(io_write_file(path, "\n", 1, 0600, NULL));
  expect_none(config, "github.com", ERROR_IO);
}

static void is_kept_by_gh(void **state) {
  static const char hosts[] = "git.example.org:\n    oauth_token: kept-by-gh\n    user: me\n";
  AUTO(str_free) char *path = path_join(directory, "hosts.yml");
  if (!io_exists("/usr/bin/gh")) {
    print_message("skipped: gh is not installed\n");
    skip();
  }
  assert_true(io_write_file(path, hosts, strlen(hosts), 0600, NULL));
  (void)setenv("GH_HOST", "git.example.org", 1);
  expect(NULL, "git.example.org", "kept-by-gh");
  expect_none(NULL, "github.com", ERROR_FORGE_REFUSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(is_in_the_environment, forget),
      cmocka_unit_test_setup(goes_to_the_declared_host_alone, forget),
      cmocka_unit_test_setup(is_in_a_private_file, forget),
      cmocka_unit_test_setup(is_kept_by_gh, forget),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
