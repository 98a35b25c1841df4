/* Locks between processes. */
#include "core/clock.h"
#include "core/io.h"
#include "core/lock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/bough-lock-XXXXXX";
static char *path;

static int set_up(void **state) {
  if (mkdtemp(root) == NULL)
    return -1;
  path = path_join(root, "lock");
  return 0;
}

static int tear_down(void **state) {
  str_free(path);
  return io_remove_tree(root, NULL) ? 0 : -1;
}

/* Another process that holds the lock; it lives until killed, or for hold_ms. */
static pid_t start_holder(LockMode mode, int hold_ms) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int fd = -1;
    if (!lock_take(path, mode, 1000, &fd, NULL) || write(ends[1], "x", 1) != 1)
      _exit(1);
    clock_sleep_ms(hold_ms);
    _exit(0);
  }
  char byte = 0;
  (void)close(ends[1]);
  assert_int_equal(read(ends[0], &byte, 1), 1);
  (void)close(ends[0]);
  return pid;
}

static void end_holder(pid_t pid) {
  (void)kill(pid, SIGKILL);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool take(LockMode mode, int timeout_ms) {
  AUTO_RELEASE(fd_release) int fd = -1;
  Error err = ERROR_INIT;
  bool taken = lock_take(path, mode, timeout_ms, &fd, &err);
  assert_int_equal(err.code, taken ? ERROR_NONE : ERROR_BRANCH_BUSY);
  assert_int_equal(fd >= 0, taken);
  return taken;
}

static void test_modes(void **state) {
  static const struct {
    LockMode held, wanted;
    bool together;
  } rows[] = {{LOCK_SHARED, LOCK_SHARED, true},
              {LOCK_SHARED, LOCK_EXCLUSIVE, false},
              {LOCK_EXCLUSIVE, LOCK_SHARED, false},
              {LOCK_EXCLUSIVE, LOCK_EXCLUSIVE, false}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    pid_t holder = start_holder(rows[at].held, 60000);
    bool together = take(rows[at].wanted, 0);
    end_holder(holder);
    assert_int_equal(together, rows[at].together);
    assert_true(take(rows[at].wanted, 0)); /* a killed holder holds nothing */
  }
}

static void test_within_one_process(void **state) {
  AUTO_RELEASE(fd_release) int fd = -1;
  assert_true(lock_take(path, LOCK_EXCLUSIVE, 0, &fd, NULL));
  assert_false(take(LOCK_EXCLUSIVE, 0));
  assert_false(take(LOCK_SHARED, 0));
  fd_release(&fd);
  assert_true(take(LOCK_EXCLUSIVE, 0));
}

static void test_waiting(void **state) {
  pid_t holder = start_holder(LOCK_EXCLUSIVE, 60000);
  int64_t started = clock_monotonic_ms();
  bool too_soon = take(LOCK_EXCLUSIVE, 100);
  int64_t waited = clock_monotonic_ms() - started;
  end_holder(holder);
  assert_false(too_soon);
  assert_in_range(waited, 100, 5000);
  holder = start_holder(LOCK_EXCLUSIVE, 100);
  bool taken = take(LOCK_EXCLUSIVE, 20000);
  end_holder(holder);
  assert_true(taken);
}

static void test_file(void **state) {
  struct stat status;
  assert_true(take(LOCK_EXCLUSIVE, 0));
  assert_int_equal(stat(path, &status), 0); /* stays, or two could hold it */
  assert_int_equal(status.st_mode & 07777, 0600);
  AUTO(str_free) char *link_path = path_join(root, "link");
  assert_int_equal(symlink(path, link_path), 0);
  int fd = -1;
  Error err = ERROR_INIT;
  assert_false(lock_take(link_path, LOCK_SHARED, 0, &fd, &err));
  assert_int_equal(err.code, ERROR_IO);
  assert_int_equal(fd, -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_modes),
      cmocka_unit_test(test_within_one_process),
      cmocka_unit_test(test_waiting),
      cmocka_unit_test(test_file),
  };
  return cmocka_run_group_tests_name("lock", tests, set_up, tear_down);
}
