/* A delegated subtree of a real cgroup2 mount: the agent's leaf, a compute's group, its end. The
 * limit itself needs the memory controller, which is v1's on some machines: then it is not looked
 * at. */
#include "compute/cgroup.h"

#include "core/io.h"
#include "core/str.h"
#include "harness/account.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const ComputeSpec spec = {.directory = "/compute/vol-aaaaaaaaaaaa"};

static bool in_group(const char *suffix) {
  AUTO(str_free) char *text = NULL;
  Error err = ERROR_INIT;
  if (!io_read_file("/proc/self/cgroup", 65536, &text, NULL, &err))
    return false;
  char *line = strstr(text, "0::");
  if (line == NULL)
    return false;
  line[strcspn(line, "\n")] = '\0';
  return str_ends(line, suffix);
}

/* As the account without rights that the subtree is delegated to; 0, or the step that failed. */
static int use_subtree(const char *root) {
  ComputeSpec sized = spec;
  AUTO(json_free) json_t *config = json_pack("{s:s}", "cgroup", root);
  Home home = {.config = config};
  bool delegated = false;
  AUTO(str_free) char *group = NULL;
  Error err = ERROR_INIT;
  sized.size = size_class_find("small");
  if (!account_drop_root())
    return 1;
  if (!compute_limits_begin(&home, &delegated, &err) || !delegated || !in_group("/agent"))
    return 2;
  if (!cgroup_make(&home, &sized, &group, &err) || !cgroup_enter(group, &err) ||
      !in_group("/vol-aaaaaaaaaaaa"))
    return 3;
  AUTO(str_free) char *limit = path_join(group, "memory.max");
  AUTO(str_free) char *text = NULL;
  if (io_exists(limit) && (!io_read_file(limit, 64, &text, NULL, &err) ||
                           strtoll(text, NULL, 10) != 2048LL * 1024 * 1024))
    return 4;
  AUTO(str_free) char *leaf = path_join(root, "agent");
  if (!cgroup_enter(leaf, &err)) /* a group with a process in it can't be removed */
    return 5;
  cgroup_remove(&home, &sized);
  return io_exists(group) ? 6 : 0;
}

/* Delegation as systemd does it: the directory and the files that move processes belong to the
 * account. */
static void delegate(const char *root) {
  static const char *const files[] = {"", "cgroup.procs", "cgroup.subtree_control"};
  const struct passwd *nobody = getpwnam("nobody");
  assert_int_equal(mkdir(root, 0755), 0);
  for (size_t at = 0; at < ARRAY_LENGTH(files); at++) {
    AUTO(str_free) char *path = path_join(root, files[at]);
    assert_int_equal(chown(path, nobody->pw_uid, nobody->pw_gid), 0);
  }
}

static void test_delegated(void **state) {
  char mount_point[] = "/tmp/bough-cgroup-XXXXXX";
  int status = -1;
  if (geteuid() != 0 || mkdtemp(mount_point) == NULL ||
      mount("none", mount_point, "cgroup2", 0, NULL) != 0) {
    print_message("skipped: mounting cgroup2 needs root\n");
    skip();
  }
  AUTO(str_free) char *root = str_format("%s/bough-test-%d", mount_point, (int)getpid());
  AUTO(str_free) char *leaf = path_join(root, "agent");
  delegate(root);
  pid_t pid = fork();
  if (pid == 0) {
    Error err = ERROR_INIT;
    _exit(cgroup_enter(root, &err) ? use_subtree(root) : 7);
  }
  bool ended = waitpid(pid, &status, 0) == pid;
  (void)rmdir(leaf);
  (void)rmdir(root);
  assert_int_equal(umount2(mount_point, MNT_DETACH), 0);
  assert_int_equal(rmdir(mount_point), 0);
  assert_true(ended && WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* A path that is no cgroup2 is as none at all. */
static void test_not_delegated(void **state) {
  static const char *const paths[] = {"/tmp", "relative", "/nowhere"};
  for (size_t at = 0; at < ARRAY_LENGTH(paths); at++) {
    AUTO(json_free) json_t *config = json_pack("{s:s}", "cgroup", paths[at]);
    Home home = {.config = config};
    bool delegated = true;
    char *group = NULL;
    Error err = ERROR_INIT;
    assert_true(compute_limits_begin(&home, &delegated, &err));
    assert_false(delegated);
    assert_true(cgroup_make(&home, &spec, &group, &err));
    assert_null(group);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_delegated),
      cmocka_unit_test(test_not_delegated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
