/* The wrapper of git: names, reading, merging in a bare repository, work trees. */
#include "git/git.h"

#include "core/io.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/bough-test-git-XXXXXX";
static char *tree, *bare;

static const char *const identity[] = {"GIT_AUTHOR_NAME=ada",
                                       "GIT_AUTHOR_EMAIL=ada@localhost",
                                       "GIT_COMMITTER_NAME=ada",
                                       "GIT_CONFIG_NOSYSTEM=1",
                                       "GIT_COMMITTER_EMAIL=ada@localhost",
                                       "GIT_CONFIG_GLOBAL=/dev/null",
                                       "GIT_CONFIG_COUNT=0",
                                       NULL};

static Git work(void) {
  Git git = git_client(tree);
  git.environment = identity;
  return git;
}

static void must(const char *const *arguments) {
  const Git git = work();
  Error err = ERROR_INIT;
  if (!git_check(&git, arguments, &err))
    fail_msg("%s", err.message);
}

static void write_file(const char *name, const char *text) {
  AUTO(str_free) char *path = path_join(tree, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void commit(const char *name, const char *text) {
  write_file(name, text);
  must(GIT("add", "--all"));
  must(GIT("commit", "--quiet", "--message", name));
}

static void head_of(const Git *git, const char *branch, char ret[GIT_OID_SIZE]) {
  Error err = ERROR_INIT;
  bool found = false;
  assert_true(git_branch_head(git, branch, ret, &found, &err));
  assert_true(found);
}

static int set_up(void **state) {
  Error err = ERROR_INIT;
  assert_non_null(mkdtemp(root));
  tree = path_join(root, "tree");
  bare = path_join(root, "bare.git");
  assert_int_equal(mkdir(tree, 0700), 0);
  assert_true(git_init_bare(bare, "main", &err));
  assert_true(git_init_bare(bare, "main", &err)); /* once more is fine */
  must(GIT("init", "--quiet", "--initial-branch=main"));
  commit("a", "one\ntwo\nthree\n");
  must(GIT("checkout", "--quiet", "-b", "feature/x"));
  commit("b with blank", "b\n");
  must(GIT("checkout", "--quiet", "-b", "feature/y", "main"));
  commit("a", "one\n2\nthree\n");
  must(GIT("checkout", "--quiet", "-b", "feature/z", "main"));
  commit("a", "one\nzwei\nthree\n");
  must(GIT("push", "--quiet", bare, "refs/heads/*:refs/heads/*"));
  return 0;
}

static int tear_down(void **state) {
  Error err = ERROR_INIT;
  bool removed = io_remove_tree(root, &err);
  str_free(tree);
  str_free(bare);
  return removed ? 0 : 1;
}

static void test_names(void **state) {
  static const char *const good[] = {"main", "feature/inventory-split", "hotfix/a.b_c", "a/b/c"};
  static const char *const bad[] = {"",         "-x",          "a b",    "a/../b", "../a", "a//b",
                                    "/a",       "a/",          "a.lock", "a/.b",   "HEAD", "a\nb",
                                    "a@{1}",    "a:b",         "a~1",    "a^",     "a.",   "a/-b",
                                    "a.lock/b", "caf\303\251", "a\\b",   "a*",     "a?",   "a[b"};
  for (size_t at = 0; at < ARRAY_LENGTH(good); at++)
    assert_true(git_branch_check(good[at], NULL));
  for (size_t at = 0; at < ARRAY_LENGTH(bad); at++) {
    Error err = ERROR_INIT;
    if (git_branch_check(bad[at], &err))
      fail_msg("\"%s\" was let be", bad[at]);
    assert_int_equal(err.code, ERROR_INVALID_NAME);
  }
  char longest[GIT_NAME_SIZE + 1];
  memset(longest, 'a', sizeof longest);
  longest[GIT_NAME_SIZE] = '\0';
  assert_false(git_branch_check(longest, NULL));
  longest[GIT_NAME_SIZE - 1] = '\0';
  assert_true(git_branch_check(longest, NULL));
  assert_string_equal(git_ref_branch("refs/heads/feature/x"), "feature/x");
  assert_null(git_ref_branch("refs/replace/0123"));
  assert_null(git_ref_branch("refs/heads/"));
  assert_null(git_ref_branch("HEAD"));
}

static void test_oids(void **state) {
  assert_true(git_oid_check("0123456789abcdef0123456789abcdef01234567"));
  assert_false(git_oid_check("0123456789ABCDEF0123456789abcdef01234567"));
  assert_false(git_oid_check("0123456789abcdef0123456789abcdef0123456"));
  assert_false(git_oid_check(NULL));
  assert_true(git_oid_is_zero("0000000000000000000000000000000000000000"));
  assert_false(git_oid_is_zero("0000000000000000000000000000000000000001"));
}

static void test_reading(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  char base[GIT_OID_SIZE], tip[GIT_OID_SIZE], none[GIT_OID_SIZE] = "-";
  bool found = true, is = false;
  int64_t ahead = 0;
  head_of(&git, "main", base);
  head_of(&git, "feature/x", tip);
  assert_true(git_branch_head(&git, "feature/none", none, &found, &err));
  assert_false(found);
  assert_string_equal(none, "-");
  assert_true(git_count_ahead(&git, base, tip, &ahead, &err));
  assert_int_equal(ahead, 1);
  assert_true(git_is_ancestor(&git, base, tip, &is, &err) && is);
  assert_true(git_is_ancestor(&git, tip, base, &is, &err) && !is);

  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  assert_true(git_read_file(&git, tip, "b with blank", 10, &text, &length, &found, &err));
  assert_true(found);
  assert_string_equal(text, "b\n");
  char *unread = NULL;
  assert_true(git_read_file(&git, tip, "none", 10, &unread, &length, &found, &err));
  assert_false(found);
  assert_false(git_read_file(&git, tip, "a", 3, &unread, &length, &found, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
  err = ERROR_INIT;
  assert_false(git_read_file(&git, tip, "--help", 3, &unread, &length, &found, &err));

  char **paths = NULL;
  size_t count = 0;
  err = ERROR_INIT;
  assert_true(git_list_files(&git, tip, "", &paths, &count, &err));
  assert_int_equal(count, 2);
  assert_string_equal(paths[1], "b with blank");
  mem_free(paths);
  assert_true(git_changed_files(&git, base, tip, &paths, &count, &err));
  assert_int_equal(count, 1);
  assert_null(paths[1]);
  mem_free(paths);
}

static void test_export(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  char tip[GIT_OID_SIZE];
  head_of(&git, "feature/x", tip);
  AUTO(str_free) char *directory = path_join(root, "exported");
  AUTO(str_free) char *file = path_join(directory, "b with blank");
  AUTO(str_free) char *index = str_format("%s.index", directory);
  assert_int_equal(mkdir(directory, 0700), 0);
  if (!git_export(&git, tip, directory, &err))
    fail_msg("%s", err.message);
  assert_true(io_exists(file));
  assert_false(io_exists(index));
}

static bool merge(const Git *git, const char *base, const char *head, char ret[GIT_OID_SIZE],
                  Error *err) {
  return git_merge(git,
                   &(GitMerge){.base = base,
                               .head = head,
                               .message = "Merge",
                               .author = {"ada <x>\nlovelace", "ada@localhost"},
                               .at_us = 1700000000000000},
                   ret, err);
}

static void test_merge(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  char base[GIT_OID_SIZE], x[GIT_OID_SIZE], y[GIT_OID_SIZE], z[GIT_OID_SIZE];
  char one[GIT_OID_SIZE], again[GIT_OID_SIZE], two[GIT_OID_SIZE], now[GIT_OID_SIZE];
  head_of(&git, "main", base);
  head_of(&git, "feature/x", x);
  head_of(&git, "feature/y", y);
  head_of(&git, "feature/z", z);
  if (!merge(&git, base, x, one, &err))
    fail_msg("%s", err.message);
  assert_true(merge(&git, base, x, again, &err));
  assert_string_equal(one, again); /* the same merge is the same commit */
  head_of(&git, "main", now);
  assert_string_equal(now, base); /* nothing has moved */
  assert_true(git_move_branch(&git, "main", base, one, &err));
  assert_false(git_move_branch(&git, "main", base, x, &err));
  assert_int_equal(err.code, ERROR_MERGE_STALE);
  err = ERROR_INIT;
  assert_true(merge(&git, one, y, two, &err));
  assert_false(merge(&git, two, z, again, &err));
  assert_int_equal(err.code, ERROR_MERGE_CONFLICT);
  assert_non_null(strstr(err.message, "change the same: a"));
  const char *const persons[] = {"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@x",
                                 "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@x", NULL};
  Git orphaning = git;
  orphaning.environment = persons;
  AUTO(str_free) char *orphan = NULL;
  err = ERROR_INIT;
  assert_true(git_line(&orphaning, GIT("commit-tree", "-m", "x", "main^{tree}"), &orphan, &err));
  assert_false(merge(&git, two, orphan, again, &err));
  assert_int_equal(err.code, ERROR_MERGE_CONFLICT);
  assert_non_null(strstr(err.message, "no commit in common"));
  err = ERROR_INIT;
  AUTO(str_free) char *who = NULL;
  assert_true(git_line(&git, GIT("log", "-1", "--format=%an %ae %cn %at", two), &who, &err));
  assert_string_equal(who, "ada xlovelace ada@localhost Bough 1700000000");
}

static void test_move(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  char x[GIT_OID_SIZE], now[GIT_OID_SIZE];
  bool found = true;
  head_of(&git, "feature/x", x);
  assert_true(git_move_branch(&git, "new", NULL, x, &err));
  assert_false(git_move_branch(&git, "new", NULL, x, &err)); /* there is one */
  assert_int_equal(err.code, ERROR_MERGE_STALE);
  err = ERROR_INIT;
  assert_true(git_move_branch(&git, "new", x, NULL, &err));
  assert_true(git_branch_head(&git, "new", now, &found, &err));
  assert_false(found);
  assert_false(git_move_branch(&git, "../evil", NULL, x, &err));
  assert_int_equal(err.code, ERROR_INVALID_NAME);
}

/* What a repository or an environment could bring along isn't looked at. */
static void test_isolation(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  AUTO(str_free) char *hooks = path_join(bare, "hooks");
  AUTO(str_free) char *hook = path_join(hooks, "reference-transaction");
  AUTO(str_free) char *mark = path_join(root, "ran");
  AUTO(str_free) char *script = str_format("#!/bin/sh\ntouch %s\n", mark);
  char x[GIT_OID_SIZE], y[GIT_OID_SIZE], seen[GIT_OID_SIZE];
  head_of(&git, "feature/x", x);
  head_of(&git, "feature/y", y);
  assert_true(io_make_directories(hooks, 0700, &err));
  assert_true(io_write_file(hook, script, strlen(script), 0700, &err));
  assert_int_equal(setenv("GIT_DIR", "/nonexistent", 1), 0);
  assert_int_equal(setenv("GIT_CONFIG_PARAMETERS", "'core.bare'='nonsense'", 1), 0);
  assert_true(git_move_branch(&git, "hooked", NULL, x, &err));
  assert_false(io_exists(mark));
  AUTO(str_free) char *replace = str_format("refs/replace/%s", x);
  assert_true(git_move_ref(&git, replace, NULL, y, &err));
  AUTO(str_free) char *parent = NULL;
  assert_true(git_line(&git, GIT("log", "-1", "--format=%s", x), &parent, &err));
  assert_string_equal(parent, "b with blank"); /* not what stands in its place */
  head_of(&git, "hooked", seen);
  assert_string_equal(seen, x);
  assert_int_equal(unsetenv("GIT_DIR"), 0);
  assert_int_equal(unsetenv("GIT_CONFIG_PARAMETERS"), 0);
}

static void test_work_tree(void **state) {
  const Git git = work();
  Error err = ERROR_INIT;
  bool clean = false;
  AUTO(str_free) char *top = NULL;
  AUTO(str_free) char *branch = NULL;
  AUTO(str_free) char *first = NULL;
  assert_true(git_top(&git, &top, &err));
  assert_string_equal(top, tree);
  assert_true(git_current_branch(&git, &branch, &err));
  assert_string_equal(branch, "feature/z");
  assert_true(git_is_clean(&git, NULL, &clean, &first, &err));
  assert_true(clean);
  assert_null(first);
  write_file("new\nline", "x");
  assert_true(git_is_clean(&git, NULL, &clean, &first, &err));
  assert_false(clean);
  assert_string_equal(first, "new\nline");
  must(GIT("checkout", "--quiet", "--detach"));
  char *none = NULL;
  assert_true(git_current_branch(&git, &none, &err));
  assert_null(none);
  const Git outside = git_client(root);
  assert_false(git_top(&outside, &none, &err));
  assert_int_equal(err.code, ERROR_NOTHING_TO_DO);
}

static void test_failures(void **state) {
  const Git git = git_server(bare);
  Error err = ERROR_INIT;
  assert_false(git_check(&git, GIT("rev-parse", "--verify", "none"), &err));
  assert_int_equal(err.code, ERROR_TOOL_FAILED);
  assert_non_null(strstr(err.message, "git rev-parse ended with status 128: fatal: "));
  assert_null(strchr(err.message, '\n'));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),     cmocka_unit_test(test_oids),
      cmocka_unit_test(test_reading),   cmocka_unit_test(test_export),
      cmocka_unit_test(test_merge),     cmocka_unit_test(test_move),
      cmocka_unit_test(test_isolation), cmocka_unit_test(test_work_tree),
      cmocka_unit_test(test_failures),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
