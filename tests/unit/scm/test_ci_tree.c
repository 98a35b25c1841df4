/* What counts as a test, and whose files a run's tests see. */
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "scm/ci_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_knows_tests_by_custom(void **state) {
  static const char *const tests[] = {"tests/run.sh",       "a/test/b.sql",    "spec/x.rb",
                                      "src/__tests__/a.js", "src/test_api.py", "src/api_test.go",
                                      "src/api.test.ts",    "src/api_spec.rb", "a/b.spec.js"};
  static const char *const others[] = {"src/api.c",       "contest/a.sh", "src/latest.py",
                                       "testing.md",      "tests",        "src/testes/a.c",
                                       "a/inspect.spec/", "protest.go",   ""};
  (void)state;
  for (size_t at = 0; at < ARRAY_LENGTH(tests); at++)
    if (!ci_tree_is_test(tests[at]))
      fail_msg("%s is a test", tests[at]);
  for (size_t at = 0; at < ARRAY_LENGTH(others); at++)
    if (ci_tree_is_test(others[at]))
      fail_msg("%s is no test", others[at]);
}

typedef struct Fixture {
  char root[64];
  char *repository;
  char *work;
  char base[GIT_OID_SIZE], result[GIT_OID_SIZE];
} Fixture;

static void git_in(const char *directory, const char *const *arguments) {
  const char *argv[16] = {"git", "-C", directory, "-c", "user.name=t", "-c", "user.email=t@t"};
  size_t count = 7;
  Error err = ERROR_INIT;
  ProcessOptions options = PROCESS_OPTIONS;
  while (*arguments != NULL)
    argv[count++] = *arguments++;
  if (!process_check(argv, &options, &err))
    fail_msg("%s", err.message);
}

static void put(const Fixture *fixture, const char *name, const char *text) {
  AUTO(str_free) char *path = path_join(fixture->work, name);
  AUTO(str_free) char *folder = str_ndup(path, (size_t)(strrchr(path, '/') - path));
  Error err = ERROR_INIT;
  assert_true(io_make_directories(folder, 0700, &err));
  assert_true(io_write_file(path, text, strlen(text), 0644, &err));
}

static void commit(const Fixture *fixture, char ret[GIT_OID_SIZE]) {
  const Git git = git_server(fixture->repository);
  bool found = false;
  Error err = ERROR_INIT;
  git_in(fixture->work, GIT("add", "--all"));
  git_in(fixture->work, GIT("commit", "-q", "-m", "x"));
  assert_true(git_commit_of(&git, "HEAD", ret, &found, &err));
  assert_true(found);
}

static int set_up(void **state) {
  Fixture *fixture = mem_new(1, sizeof *fixture);
  memcpy(fixture->root, "/tmp/bough-test-tree-XXXXXX", 28);
  if (mkdtemp(fixture->root) == NULL)
    return 1;
  fixture->work = path_join(fixture->root, "work");
  fixture->repository = path_join(fixture->work, ".git");
  git_in(fixture->root, GIT("init", "-q", fixture->work));
  *state = fixture;
  return 0;
}

static int tear_down(void **state) {
  Fixture *fixture = *state;
  Error err = ERROR_INIT;
  bool ok = io_remove_tree(fixture->root, &err);
  str_free(fixture->work);
  str_free(fixture->repository);
  mem_free(fixture);
  return ok ? 0 : 1;
}

static void expect_file(const char *directory, const char *name, const char *text) {
  AUTO(str_free) char *path = path_join(directory, name);
  AUTO(str_free) char *content = NULL;
  size_t length = 0;
  Error err = ERROR_INIT;
  if (text == NULL) {
    assert_false(io_exists(path));
    return;
  }
  if (!io_read_file(path, 65536, &content, &length, &err))
    fail_msg("%s", err.message);
  assert_string_equal(content, text);
}

/* Commits what there is as the result, and writes the tree that the line would be run in. */
static char *write_tree(Fixture *fixture, const char *test, bool keeps_tests, json_t **ret_notes) {
  char *directory = path_join(fixture->root, "tree");
  const Git git = git_server(fixture->repository);
  const CiTree tree = {.directory = directory,
                       .base = fixture->base,
                       .result = fixture->result,
                       .test = test,
                       .keeps_tests = keeps_tests};
  Error err = ERROR_INIT;
  commit(fixture, fixture->result);
  if (!ci_tree_write(&git, &tree, ret_notes, &err))
    fail_msg("%s", err.message);
  return directory;
}

static void test_the_target_says_what_a_test_is(void **state) {
  Fixture *fixture = *state;
  AUTO(json_free) json_t *notes = NULL;
  put(fixture, "Makefile", "test: real\n");
  put(fixture, "tests/kept.sh", "kept\n");
  put(fixture, "tests/deleted.sh", "deleted\n");
  put(fixture, "src/old.c", "old\n");
  commit(fixture, fixture->base);
  put(fixture, "Makefile", "test: true\n");
  put(fixture, "tests/kept.sh", "changed\n");
  put(fixture, "src/new.c", "new\n");
  git_in(fixture->work, GIT("rm", "-q", "tests/deleted.sh", "src/old.c"));
  AUTO(str_free) char *directory = write_tree(fixture, "make test", false, &notes);
  expect_file(directory, "Makefile", "test: real\n");
  expect_file(directory, "tests/kept.sh", "changed\n");
  expect_file(directory, "tests/deleted.sh", "deleted\n");
  expect_file(directory, "src/new.c", "new\n");
  expect_file(directory, "src/old.c", NULL);
  assert_int_equal(json_array_size(notes), 2);
}

/* What make would read first, what it would find made already, and another encoding of it all. */
static void test_nothing_comes_before_the_target(void **state) {
  Fixture *fixture = *state;
  AUTO(json_free) json_t *notes = NULL;
  put(fixture, "Makefile", "test:\n\tsh ci/all.sh\n");
  put(fixture, "ci/all.sh", "real\n");
  commit(fixture, fixture->base);
  put(fixture, "GNUmakefile", "test:\n\t@true\n");
  put(fixture, "makefile", "test:\n\t@true\n");
  put(fixture, "test/made", "already\n");
  put(fixture, "src/makefile", "all:\n");
  put(fixture, ".gitattributes", "Makefile text eol=crlf\n");
  AUTO(str_free) char *directory = write_tree(fixture, "CI=1 make -k test", false, &notes);
  expect_file(directory, "Makefile", "test:\n\tsh ci/all.sh\n");
  expect_file(directory, "GNUmakefile", NULL);
  expect_file(directory, "makefile", NULL);
  expect_file(directory, "test", NULL);
  expect_file(directory, ".gitattributes", NULL);
  expect_file(directory, "src/makefile", "all:\n");
  assert_int_equal(json_array_size(notes), 4);
}

/* The first one that a target gets is run, and said to be the change's. */
static void test_a_target_without_any(void **state) {
  Fixture *fixture = *state;
  AUTO(json_free) json_t *notes = NULL;
  put(fixture, "README", "nothing yet\n");
  commit(fixture, fixture->base);
  put(fixture, "GNUmakefile", "test:\n\tsh test/run.sh\n");
  put(fixture, "test/run.sh", "first\n");
  AUTO(str_free) char *directory = write_tree(fixture, "make test", false, &notes);
  expect_file(directory, "GNUmakefile", "test:\n\tsh test/run.sh\n");
  expect_file(directory, "test/run.sh", "first\n");
  assert_int_equal(json_array_size(notes), 1);
}

/* Also where the change makes their folder something else. */
static void test_scripts_of_the_command_are_the_targets(void **state) {
  Fixture *fixture = *state;
  AUTO(json_free) json_t *notes = NULL;
  put(fixture, "ci/run.sh", "real\n");
  put(fixture, "Makefile", "a\n");
  commit(fixture, fixture->base);
  git_in(fixture->work, GIT("mv", "ci", "mine"));
  put(fixture, "mine/run.sh", "true\n");
  put(fixture, "ci", "mine\n");
  put(fixture, "Makefile", "b\n");
  AUTO(str_free) char *directory = write_tree(fixture, "sh './ci/run.sh' --all", false, &notes);
  expect_file(directory, "ci/run.sh", "real\n");
  expect_file(directory, "Makefile", "b\n");
  assert_int_equal(json_array_size(notes), 1);
}

/* The policy may say that a change's edits of tests don't count. */
static void test_edited_tests_are_the_targets_where_declared(void **state) {
  Fixture *fixture = *state;
  AUTO(json_free) json_t *notes = NULL;
  put(fixture, "tests/muted.sh", "exit 1\n");
  put(fixture, "src/app_test.go", "real\n");
  put(fixture, "src/app.go", "a\n");
  commit(fixture, fixture->base);
  put(fixture, "tests/muted.sh", "exit 0\n");
  put(fixture, "tests/added.sh", "added\n");
  put(fixture, "src/app_test.go", "muted\n");
  put(fixture, "src/app.go", "b\n");
  AUTO(str_free) char *directory = write_tree(fixture, "make test", true, &notes);
  expect_file(directory, "tests/muted.sh", "exit 1\n");
  expect_file(directory, "tests/added.sh", "added\n");
  expect_file(directory, "src/app_test.go", "real\n");
  expect_file(directory, "src/app.go", "b\n");
  assert_int_equal(json_array_size(notes), 2);
}

#define IN_REPOSITORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_knows_tests_by_custom),
      IN_REPOSITORY(test_the_target_says_what_a_test_is),
      IN_REPOSITORY(test_nothing_comes_before_the_target),
      IN_REPOSITORY(test_a_target_without_any),
      IN_REPOSITORY(test_scripts_of_the_command_are_the_targets),
      IN_REPOSITORY(test_edited_tests_are_the_targets_where_declared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
