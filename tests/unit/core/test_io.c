/* Files as they are read, replaced and removed, with links and strangers' files in the way. */
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/bough-io-XXXXXX";

static int set_up(void **state) {
  return mkdtemp(root) != NULL && chdir(root) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
  return chdir("/") == 0 && io_remove_tree(root, NULL) ? 0 : -1;
}

static void make(const char *path, const char *text) {
  Error err = ERROR_INIT;
  if (!io_write_file(path, text, strlen(text), 0600, &err))
    fail_msg("%s", err.message);
}

static void expect(const char *path, const char *text) {
  AUTO(str_free) char *found = NULL;
  Error err = ERROR_INIT;
  if (!io_read_file(path, 1 << 20, &found, NULL, &err))
    fail_msg("%s", err.message);
  assert_string_equal(found, text);
}

static void test_read_is_bounded(void **state) {
  char *text = NULL;
  size_t length = 0;
  Error err = ERROR_INIT;
  make("ten", "0123456789");
  assert_true(io_read_file("ten", 10, &text, &length, &err));
  assert_int_equal(length, 10);
  assert_string_equal(text, "0123456789");
  str_free(text);
  text = NULL;
  assert_false(io_read_file("ten", 9, &text, &length, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
  assert_false(io_read_file("/dev/zero", 100000, &text, &length, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
  assert_false(io_read_file("none", 10, &text, &length, &err));
  assert_int_equal(err.code, ERROR_IO);
  assert_non_null(strstr(err.message, strerror(ENOENT)));
  assert_false(io_read_file(".", 10, &text, &length, &err));
  assert_null(text);
  assert_int_equal(length, 10);
}

static void test_write_replaces_as_a_whole(void **state) {
  struct stat before;
  struct stat after;
  make("file", "one");
  assert_int_equal(stat("file", &before), 0);
  mode_t mask = umask(0077);
  assert_true(io_write_file("file", "two", 3, 0644, NULL));
  (void)umask(mask);
  assert_int_equal(stat("file", &after), 0);
  assert_int_equal(after.st_mode & 07777, 0644); /* whatever the umask is */
  assert_true(before.st_ino != after.st_ino);
  expect("file", "two");
  assert_true(io_write_file("file", NULL, 0, 0600, NULL));
  expect("file", "");
}

static void test_write_replaces_a_link_not_its_target(void **state) {
  make("target", "kept");
  assert_int_equal(symlink("target", "link"), 0);
  make("link", "new");
  expect("target", "kept");
  expect("link", "new");
  struct stat status;
  assert_int_equal(lstat("link", &status), 0);
  assert_true(S_ISREG(status.st_mode));
}

/* Whatever stands where the temporary file would: it's replaced, never written into. */
static void test_write_beside_a_stale_temporary_file(void **state) {
  AUTO(str_free) char *temporary = str_format("busy.%d.new", (int)getpid());
  make("victim", "kept");
  assert_int_equal(link("victim", temporary), 0);
  make("busy", "new");
  assert_int_equal(symlink("victim", temporary), 0);
  make("busy", "newer");
  assert_int_equal(mkfifo(temporary, 0600), 0);
  make("busy", "newest");
  expect("busy", "newest");
  expect("victim", "kept");
  assert_false(io_exists(temporary));
}

static void test_write_to_a_full_device_keeps_the_old_file(void **state) {
  struct rlimit small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
  struct rlimit before;
  Error err = ERROR_INIT;
  char bytes[5000] = {0};
  make("kept", "old");
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  bool ok = io_write_file("kept", bytes, sizeof bytes, 0600, &err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_false(ok);
  assert_non_null(strstr(err.message, "\"kept\""));
  assert_non_null(strstr(err.message, strerror(EFBIG)));
  expect("kept", "old");
  AUTO(str_free) char *temporary = str_format("kept.%d.new", (int)getpid());
  assert_false(io_exists(temporary));
  assert_false(io_write_file("none/file", "x", 1, 0600, &err));
  assert_int_equal(mkdir("directory", 0700), 0);
  Error second = ERROR_INIT;
  assert_false(io_write_file("directory", "x", 1, 0600, &second));
  assert_non_null(strstr(second.message, strerror(EISDIR)));
}

static void test_positioned(void **state) {
  AUTO_RELEASE(fd_release) int fd = open("positioned", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char bytes[4];
  Error err = ERROR_INIT;
  assert_true(io_pwrite(fd, "abcdef", 6, 10, &err));
  assert_true(io_pread(fd, bytes, 4, 12, &err));
  assert_memory_equal(bytes, "cdef", 4);
  assert_true(io_pread(fd, bytes, 0, 16, &err));
  assert_false(io_pread(fd, bytes, 4, 14, &err));
  assert_non_null(strstr(err.message, "2 bytes early"));
  assert_true(io_write(fd, "xy", 2, &err));
  assert_true(io_fsync_path("positioned", &err));
  assert_true(io_fsync_path(".", &err));
  assert_false(io_fsync_path("none", &err));
}

static void test_directories(void **state) {
  Error err = ERROR_INIT;
  assert_true(io_make_directories("a/b//c", 0750, &err));
  assert_true(io_make_directories("a/b/c", 0750, &err));
  assert_true(io_make_directories("a/b/c/", 0750, &err));
  assert_true(io_make_directories("/", 0750, &err));
  struct stat status;
  assert_int_equal(stat("a/b", &status), 0);
  assert_int_equal(status.st_mode & 07777, 0750);
  make("plain", "");
  assert_false(io_make_directories("plain", 0700, &err));
  assert_false(io_make_directories("plain/below", 0700, &err));
  assert_false(io_make_directories("", 0700, &err));
  assert_true(io_is_directory("a"));
  assert_int_equal(symlink("a", "to-a"), 0);
  assert_false(io_is_directory("to-a"));
  assert_true(io_exists("to-a"));
  assert_int_equal(symlink("nowhere", "dangling"), 0);
  assert_false(io_exists("dangling"));
}

static void test_remove_doesnt_follow_links(void **state) {
  Error err = ERROR_INIT;
  assert_true(io_make_directories("outside/below", 0700, &err));
  make("outside/file", "kept");
  assert_true(io_make_directories("tree/inner", 0700, &err));
  make("tree/inner/file", "gone");
  assert_int_equal(symlink("../outside", "tree/to-directory"), 0);
  assert_int_equal(symlink("../../outside/file", "tree/inner/to-file"), 0);
  assert_int_equal(symlink("loop", "tree/loop"), 0);
  assert_int_equal(mkfifo("tree/fifo", 0600), 0);
  assert_true(io_remove_tree("tree", &err));
  assert_false(io_exists("tree"));
  expect("outside/file", "kept");
  assert_true(io_is_directory("outside/below"));
}

static void test_remove_takes_whatever_there_is(void **state) {
  Error err = ERROR_INIT;
  assert_true(io_make_directories("real", 0700, &err));
  assert_int_equal(symlink("real", "a-link"), 0);
  assert_true(io_remove_tree("a-link", &err)); /* the link alone */
  assert_true(io_is_directory("real"));
  make("a-file", "");
  assert_true(io_remove_tree("a-file", &err));
  assert_false(io_exists("a-file"));
  assert_true(io_remove_tree("never-there", &err));
  assert_true(io_remove_file("never-there", &err));
  assert_true(io_remove_file("real/never-there", &err));
  assert_false(io_remove_file("real", &err));
  AUTO_RELEASE(fd_release) int directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  assert_true(io_remove_tree_at(directory, "real", &err));
  assert_false(io_exists("real"));
}

static void test_remove_many_and_deep(void **state) {
  Error err = ERROR_INIT;
  assert_int_equal(mkdir("big", 0700), 0);
  for (int file = 0; file < 5000; file++) {
    AUTO(str_free) char *path = str_format("big/%d", file);
    AUTO_RELEASE(fd_release) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
  }
  AUTO_RELEASE(buffer_release) Buffer deep = {0};
  buffer_add_text(&deep, "big");
  for (int level = 0; level < 700; level++)
    buffer_add_text(&deep, "/d");
  assert_true(io_make_directories(deep.text, 0700, &err));
  if (!io_remove_tree("big", &err))
    fail_msg("%s", err.message);
  assert_false(io_exists("big"));
}

static void test_remove_stays_on_its_file_system(void **state) {
  Error err = ERROR_INIT;
  assert_true(io_make_directories("host/mount", 0700, &err));
  if (mount("bough-test", "host/mount", "tmpfs", 0, "size=1m") != 0) {
    print_message("mounting needs root: %s\n", strerror(errno));
    skip();
  }
  make("host/mount/file", "kept");
  bool removed = io_remove_tree("host", &err);
  bool kept = io_exists("host/mount/file");
  assert_int_equal(umount("host/mount"), 0);
  assert_false(removed);
  assert_true(kept);
  assert_non_null(strstr(err.message, "another file system"));
  assert_true(io_remove_tree("host", &err));
}

static void test_guard(void **state) {
  for (int armed = 0; armed < 2; armed++) {
    assert_int_equal(mkdir("guarded", 0700), 0);
    {
      AUTO_RELEASE(tree_guard_release) TreeGuard guard = {"guarded"};
      if (armed == 0)
        guard.path = NULL;
    }
    assert_int_equal(io_exists("guarded"), armed == 0);
    (void)rmdir("guarded");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_read_is_bounded),
      cmocka_unit_test(test_write_replaces_as_a_whole),
      cmocka_unit_test(test_write_replaces_a_link_not_its_target),
      cmocka_unit_test(test_write_beside_a_stale_temporary_file),
      cmocka_unit_test(test_write_to_a_full_device_keeps_the_old_file),
      cmocka_unit_test(test_positioned),
      cmocka_unit_test(test_directories),
      cmocka_unit_test(test_remove_doesnt_follow_links),
      cmocka_unit_test(test_remove_takes_whatever_there_is),
      cmocka_unit_test(test_remove_many_and_deep),
      cmocka_unit_test(test_remove_stays_on_its_file_system),
      cmocka_unit_test(test_guard),
  };
  return cmocka_run_group_tests_name("io", tests, set_up, tear_down);
}
