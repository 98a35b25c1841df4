/* The built-in forge against a real catalog and real repositories: what is merged is exactly what
 * was looked at, once, whatever kills it in between; promotions; comments that are kept up to date.
 */
#include "scm/forge.h"

#include "branch/access.h"
#include "branch/audit.h"
#include "catalog/forge.h"
#include "core/io.h"
#include "core/str.h"
#include "harness/cluster.h"
#include "scm/repository.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static Cluster *cluster;
static char *conninfo;
static Home home;
static Context context;
static ProjectRow project = {.id = "prj-aaaaaaaaaaaa",
                             .name = "shop",
                             .state = ROW_READY,
                             .root_branch = "br-aaaaaaaaaaaa",
                             .created_by = "ann"};
static Forge *forge;
static Git git;
static char *path;
static Error err;

typedef char Oid[GIT_OID_SIZE];

static void require(bool ok) {
  if (!ok)
    fail_msg("%s: %s", error_info(err.code)->code, err.message);
}

#define REQUIRE(call)                                                                              \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    require(call);                                                                                 \
  } while (0)
#define REFUSED(error_code, call)                                                                  \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    assert_false(call);                                                                            \
    assert_int_equal(err.code, error_code);                                                        \
  } while (0)

/* ---- a repository ---- */

static void run_git(const char *const *arguments, const char *input, Oid ret) {
  static const char *const identity[] = {"GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@localhost",
                                         "GIT_COMMITTER_NAME=ann",
                                         "GIT_COMMITTER_EMAIL=ann@localhost", NULL};
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  Git writing = git;
  writing.environment = identity;
  REQUIRE(git_run(&writing, arguments, input, strlen(input), &result, &err));
  if (result.status != 0)
    fail_msg("%s", result.errors);
  result.output[strcspn(result.output, "\n")] = '\0';
  (void)snprintf(ret, GIT_OID_SIZE, "%s", result.output);
}

/* A commit on top of parent (NULL: none) in which that file holds that text, and no other does. */
static void make_commit(const char *parent, const char *file, const char *text, Oid ret) {
  Oid blob, tree;
  run_git(GIT("hash-object", "-w", "--stdin"), text, blob);
  AUTO_RELEASE(git_result_release) GitResult others = {0};
  if (parent != NULL)
    REQUIRE(git_run(&git, GIT("ls-tree", parent), NULL, 0, &others, &err));
  AUTO_RELEASE(buffer_release) Buffer entries = {0};
  AUTO(str_free) char *own = str_format("\t%s\n", file);
  if (others.output != NULL && strstr(others.output, own) == NULL)
    buffer_add_text(&entries, others.output);
  buffer_add_format(&entries, "100644 blob %s%s", blob, own);
  run_git(GIT("mktree"), entries.text, tree);
  if (parent != NULL)
    run_git(GIT("commit-tree", "-m", file, "-p", parent, tree), "", ret);
  else
    run_git(GIT("commit-tree", "-m", file, tree), "", ret);
}

static void head_of(const char *branch, Oid ret) {
  bool found = false;
  REQUIRE(forge_branch_head(forge, branch, ret, &found, &err));
  assert_true(found);
}

/* The tier at one commit, the feature one ahead of it, and its pull request. */
static int64_t begin(const char *file, const char *text, Oid ret_base, Oid ret_head) {
  bool found = false;
  PullRequest pull = {0};
  Oid old;
  REQUIRE(forge_branch_head(forge, "production", ret_base, &found, &err));
  if (!found) {
    make_commit(NULL, "README", "shop", ret_base);
    REQUIRE(git_move_branch(&git, "production", NULL, ret_base, &err));
  }
  make_commit(ret_base, file, text, ret_head);
  REQUIRE(forge_branch_head(forge, "feature/split", old, &found, &err));
  REQUIRE(git_move_branch(&git, "feature/split", found ? old : NULL, ret_head, &err));
  const PullWish wish = {.head_branch = "feature/split", .title = file};
  REQUIRE(forge_pull_open(forge, &wish, &pull, &err));
  assert_string_equal(pull.head, ret_head);
  assert_string_equal(pull.base, ret_base);
  assert_string_equal(pull.base_branch, "production");
  int64_t number = pull.number;
  pull_request_release(&pull);
  return number;
}

static void expect_merged(int64_t number, const char *commit) {
  PullRequest pull = {0};
  Oid now;
  head_of("production", now);
  assert_string_equal(now, commit);
  REQUIRE(forge_pull_read(forge, number, &pull, &err));
  assert_int_equal(pull.state, PULL_MERGED);
  assert_string_equal(pull.merge_commit, commit);
  assert_true(pull.merged_at > 0);
  pull_request_release(&pull);
}

static int64_t count_between(const char *base, const char *tip) {
  AUTO(str_free) char *range = str_format("%s..%s", base, tip);
  AUTO(str_free) char *text = NULL;
  REQUIRE(git_line(&git, GIT("rev-list", "--first-parent", "--count", range), &text, &err));
  return strtoll(text, NULL, 10);
}

/* ---- set-up ---- */

static void add_rows(void) {
  const PrincipalRow ann = {.id = "pri-aaaaaaaaaaaa",
                            .name = "ann",
                            .type = "human",
                            .os_uid = -1,
                            .is_platform = true,
                            .created_at = 1};
  const BranchRow root = {.id = "br-aaaaaaaaaaaa",
                          .project = "prj-aaaaaaaaaaaa",
                          .name = "production",
                          .kind = "root",
                          .state = ROW_READY,
                          .volume = "vol-aaaaaaaaaaaa",
                          .generation = 1,
                          .size_class = "standard",
                          .created_by = "ann",
                          .created_at = 1,
                          .forked_at = 1};
  BranchRow split = root;
  (void)snprintf(split.id, sizeof split.id, "br-bbbbbbbbbbbb");
  (void)snprintf(split.name, sizeof split.name, "split");
  (void)snprintf(split.kind, sizeof split.kind, "feature");
  (void)snprintf(split.parent, sizeof split.parent, "%s", root.id);
  (void)snprintf(split.volume, sizeof split.volume, "vol-bbbbbbbbbbbb");
  project.details = json_object();
  project.created_at = 1;
  REQUIRE(principal_insert(context.catalog, &ann, &err));
  project.root_branch[0] = '\0'; /* each refers to the other */
  REQUIRE(project_insert(context.catalog, &project, &err));
  REQUIRE(branch_insert(context.catalog, &root, &err));
  (void)snprintf(project.root_branch, sizeof project.root_branch, "%s", root.id);
  REQUIRE(project_update(context.catalog, &project, &err));
  REQUIRE(branch_insert(context.catalog, &split, &err));
  REQUIRE(principal_by_name(context.catalog, "ann", &context.caller, &err));
}

static int set_up(void **state) {
  char template[] = "/tmp/bough-forge-XXXXXX";
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    exit(77);
  }
  cluster = cluster_new(NULL);
  cluster_start(cluster, NULL);
  str_free(cluster_sql(cluster, "postgres", "CREATE DATABASE system TEMPLATE template0"));
  conninfo = str_format("host=%s user=postgres dbname=system", cluster->root);
  assert_non_null(mkdtemp(template));
  home = (Home){.root = str_dup(template), .config = json_object()};
  context = (Context){.home = &home, .access = access_new()};
  AUTO(str_free) char *locks = home_path(&home, "locks");
  REQUIRE(io_make_directories(locks, 0700, &err));
  REQUIRE(catalog_migrate(conninfo, &err));
  REQUIRE(catalog_open(conninfo, &context.catalog, &err));
  add_rows();
  REQUIRE(forge_open(&context, &project, &forge, &err));
  path = repository_path(&context, &project);
  git = git_server(path);
  return 0;
}

static int tear_down(void **state) {
  forge_free(forge);
  str_free(path);
  trail_release(&context.trail);
  catalog_free(context.catalog);
  access_free(context.access);
  str_free(conninfo);
  json_free(project.details);
  REQUIRE(io_remove_tree(home.root, &err));
  str_free(home.root);
  json_free(home.config);
  cluster_free(STEAL(cluster));
  return 0;
}

/* ---- tests ---- */

static void test_merge(void **state) {
  Oid base, head, merged, again, other;
  int64_t number = begin("one", "1", base, head);
  REFUSED(ERROR_MERGE_STALE, forge_merge(forge, number, base, base, "Merge", merged, &err));
  REFUSED(ERROR_MERGE_STALE, forge_merge(forge, number, head, head, "Merge", merged, &err));
  head_of("production", other);
  assert_string_equal(other, base); /* nothing has moved */
  REQUIRE(forge_merge(forge, number, head, base, "Merge one", merged, &err));
  expect_merged(number, merged);
  REQUIRE(forge_merge(forge, number, head, base, "Merge one", again, &err));
  assert_string_equal(again, merged);
  assert_int_equal(count_between(base, merged), 1);
  bool contained = false;
  REQUIRE(forge_branch_contains(forge, "production", head, &contained, &err));
  assert_true(contained);
}

static void test_nothing_to_merge(void **state) {
  Oid base, head, merged;
  PullRequest pull = {0};
  const PullWish wish = {.head_branch = "feature/split", .title = "again"};
  int64_t number = begin("none", "0", base, head);
  REQUIRE(forge_merge(forge, number, head, base, "Merge", merged, &err));
  REFUSED(ERROR_NOTHING_TO_DO, forge_pull_open(forge, &wish, &pull, &err));
}

static void test_conflict(void **state) {
  Oid base, head, other, merged, now;
  int64_t number = begin("same", "mine", base, head);
  make_commit(base, "same", "theirs", other);
  REQUIRE(git_move_branch(&git, "production", base, other, &err));
  REFUSED(ERROR_MERGE_CONFLICT, forge_merge(forge, number, head, other, "Merge", merged, &err));
  assert_non_null(strstr(err.message, "same"));
  head_of("production", now);
  assert_string_equal(now, other);
  REQUIRE(forge_pull_close(forge, number, &err));
  REFUSED(ERROR_NOTHING_TO_DO, forge_merge(forge, number, head, other, "Merge", merged, &err));
}

/* What that process does: a program of its own, because failure points are read once. */
static int merge_as_told(char **argv) {
  Oid ignored;
  home = (Home){.root = argv[2], .config = json_object()};
  context = (Context){.home = &home, .access = access_new()};
  if (catalog_open(argv[3], &context.catalog, &err) &&
      project_find(context.catalog, "shop", &project, &err) &&
      principal_by_name(context.catalog, "ann", &context.caller, &err) &&
      forge_open(&context, &project, &forge, &err))
    (void)!forge_merge(forge, strtoll(argv[4], NULL, 10), argv[5], argv[6], "Merge", ignored, &err);
  (void)fprintf(stderr, "not killed: %s\n", err.message);
  return 2;
}

/* Merges in a process that is killed at that point. */
static void merge_and_die(const char *point, int64_t number, const char *head, const char *base) {
  AUTO(str_free) char *setting = str_format("%s=crash", point);
  AUTO(str_free) char *text = str_format("%lld", (long long)number);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    if (setenv("BOUGH_FAILPOINT", setting, 1) == 0)
      (void)execl("/proc/self/exe", "test_forge", "merge", home.root, conninfo, text, head, base,
                  (char *)NULL);
    _exit(1);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_killed(const char *point, const char *file, bool has_moved) {
  Oid base, head, now, merged;
  int64_t number = begin(file, "x", base, head);
  merge_and_die(point, number, head, base);
  head_of("production", now);
  assert_int_equal(strcmp(now, base) != 0, has_moved);
  REQUIRE(forge_merge(forge, number, head, base, "Merge", merged, &err));
  if (has_moved)
    assert_string_equal(merged, now);
  expect_merged(number, merged);
  assert_int_equal(count_between(base, merged), 1);
}

static void test_killed_before_the_branch_moves(void **state) {
  check_killed("forge-merge-planned", "planned", false);
}

static void test_killed_after_the_branch_moved(void **state) {
  check_killed("forge-merge-moved", "moved", true);
}

/* What was planned for another head is no merge of this one. */
static void test_killed_and_rewritten(void **state) {
  Oid base, head, other, merged;
  int64_t number = begin("first", "x", base, head);
  merge_and_die("forge-merge-planned", number, head, base);
  make_commit(base, "second", "y", other);
  REQUIRE(git_move_branch(&git, "feature/split", head, other, &err));
  REFUSED(ERROR_MERGE_STALE, forge_merge(forge, number, head, base, "Merge", merged, &err));
  REQUIRE(forge_merge(forge, number, other, base, "Merge", merged, &err));
  expect_merged(number, merged);
  bool contained = true;
  REQUIRE(forge_branch_contains(forge, "production", head, &contained, &err));
  assert_false(contained);
}

/* A batch: each result is the base of the next, and nothing moves. */
static void test_try(void **state) {
  Oid base, one, two, first, second, again, now;
  bool is_part = false;
  head_of("production", base);
  make_commit(base, "batch-one", "1", one);
  make_commit(base, "batch-two", "2", two);
  REQUIRE(forge_merge_try(forge, base, one, first, &err));
  REQUIRE(forge_merge_try(forge, base, one, again, &err));
  assert_string_equal(first, again);
  REQUIRE(forge_merge_try(forge, first, two, second, &err));
  REQUIRE(git_is_ancestor(&git, one, second, &is_part, &err));
  assert_true(is_part);
  REQUIRE(git_is_ancestor(&git, two, second, &is_part, &err));
  assert_true(is_part);
  head_of("production", now);
  assert_string_equal(now, base);
}

static void test_promote(void **state) {
  Oid base, next, other, moved, again;
  head_of("production", base);
  make_commit(base, "promoted", "1", next);
  REFUSED(ERROR_NOTHING_TO_DO, forge_promote(forge, next, "nowhere", base, "Up", moved, &err));
  REFUSED(ERROR_MERGE_STALE, forge_promote(forge, next, "production", next, "Up", moved, &err));
  REQUIRE(forge_promote(forge, next, "production", base, "Up", moved, &err));
  assert_string_equal(moved, next); /* forward */
  REQUIRE(forge_promote(forge, next, "production", base, "Up", again, &err));
  assert_string_equal(again, next); /* done already */
  make_commit(base, "hotfix", "2", other);
  REQUIRE(forge_promote(forge, other, "production", next, "Up", moved, &err));
  assert_int_equal(count_between(next, moved), 1); /* both are kept */
  head_of("production", again);
  assert_string_equal(again, moved);
}

static void expect_comment(int64_t number, const char *text) {
  Comment *list = NULL;
  size_t count = 0;
  REQUIRE(forge_comment_list(forge, number, &list, &count, &err));
  assert_int_equal(count, text != NULL ? 1 : 0);
  if (text != NULL)
    assert_string_equal(list[0].body, text);
  comments_free(list, count);
}

static void test_comments(void **state) {
  Oid base, head;
  int64_t number = begin("commented", "x", base, head);
  REQUIRE(forge_comment_set(forge, number, "ci", "red", &err));
  expect_comment(number, "red");
  REQUIRE(forge_comment_set(forge, number, "ci", "green", &err));
  expect_comment(number, "green");
  REQUIRE(forge_comment_set(forge, number, "ci", NULL, &err));
  REQUIRE(forge_comment_set(forge, number, "ci", NULL, &err));
  expect_comment(number, NULL);
  REFUSED(ERROR_USAGE, forge_comment_set(forge, number, "a marker", "x", &err));
  REFUSED(ERROR_USAGE, forge_comment_add(forge, number, "", &err));
  REFUSED(ERROR_PULL_NOT_FOUND, forge_comment_add(forge, 999, "x", &err));
  REQUIRE(forge_pull_close(forge, number, &err));
}

static void test_delete(void **state) {
  Oid base, head, old;
  bool found = true;
  head_of("production", base);
  make_commit(base, "gone", "x", head);
  head_of("feature/split", old);
  REQUIRE(git_move_branch(&git, "feature/split", old, head, &err));
  REFUSED(ERROR_MERGE_STALE, forge_branch_delete(forge, "feature/split", base, &err));
  REQUIRE(forge_branch_delete(forge, "feature/split", head, &err));
  REQUIRE(forge_branch_delete(forge, "feature/split", head, &err)); /* gone is fine */
  REQUIRE(forge_branch_head(forge, "feature/split", head, &found, &err));
  assert_false(found);
}

static void test_pushes_in_the_wrong_shape(void **state) {
  Oid base;
  head_of("production", base);
  PushedRef refs[PUSH_REFS_LIMIT + 1];
  for (size_t at = 0; at < ARRAY_LENGTH(refs); at++)
    refs[at] = (PushedRef){.ref = "refs/heads/feature/split", .old = base, .new = base};
  REFUSED(ERROR_TOO_LARGE, repository_ask_push(&context, &project, refs, ARRAY_LENGTH(refs), &err));
  REFUSED(ERROR_TOO_LARGE, repository_ask_push(&context, &project, refs, 0, &err));
  refs[0].new = "HEAD";
  REFUSED(ERROR_PROTOCOL, repository_ask_push(&context, &project, refs, 1, &err));
  refs[0] = (PushedRef){.ref = "refs/heads/production", .old = base, .new = base};
  REFUSED(ERROR_FORBIDDEN, repository_ask_push(&context, &project, refs, 1, &err));
  refs[0].ref = "refs/heads/feature/split\nrefs/heads/x";
  REFUSED(ERROR_FORBIDDEN, repository_ask_push(&context, &project, refs, 1, &err));
}

int main(int argc, char **argv) {
  if (argc == 7)
    return merge_as_told(argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_merge),
      cmocka_unit_test(test_nothing_to_merge),
      cmocka_unit_test(test_conflict),
      cmocka_unit_test(test_killed_before_the_branch_moves),
      cmocka_unit_test(test_killed_after_the_branch_moved),
      cmocka_unit_test(test_killed_and_rewritten),
      cmocka_unit_test(test_try),
      cmocka_unit_test(test_promote),
      cmocka_unit_test(test_comments),
      cmocka_unit_test(test_delete),
      cmocka_unit_test(test_pushes_in_the_wrong_shape),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
