/* Failure points. The setting is read once per process, so each case is a child of its own. */
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef int Deed(void);

/* The wait status of a child that ran deed under that setting. */
static int run(const char *setting, Deed *deed) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    if (setting == NULL ? unsetenv("BOUGH_FAILPOINT") : setenv("BOUGH_FAILPOINT", setting, 1))
      _exit(99);
    _exit(deed());
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return status;
}

/* 0: passed; 1: failed as it should; 2: failed otherwise. */
static int reach_wal(void) {
  Error err = ERROR_INIT;
  if (failpoint_reach(FAILPOINT_WAL_BEFORE_COPY, &err))
    return err.code == ERROR_NONE ? 0 : 2;
  return err.code == ERROR_INTERNAL && strstr(err.message, "wal-before-copy") != NULL ? 1 : 2;
}

static int slept(void) {
  int64_t started = clock_monotonic_ms();
  return reach_wal() == 0 && clock_monotonic_ms() - started >= 50 ? 0 : 1;
}

static int wants(void) {
  return failpoint_wants(FAILPOINT_WAL_BEFORE_COPY, "checkpoint") +
         2 * failpoint_wants(FAILPOINT_CREATE_FLUSHED, "checkpoint") +
         4 * failpoint_wants(FAILPOINT_WAL_BEFORE_COPY, "check");
}

/* Kills its victim first; 0 when both went. */
static int kill_victim(void) {
  pid_t victim = fork();
  if (victim == 0) {
    clock_sleep_ms(60000);
    _exit(0);
  }
  pid_t culprit = fork();
  if (culprit == 0) {
    failpoint_set_victim(victim);
    (void)reach_wal();
    _exit(0);
  }
  int first = 0;
  int second = 0;
  if (waitpid(culprit, &second, 0) != culprit || waitpid(victim, &first, 0) != victim)
    return 1;
  return WIFSIGNALED(first) && WTERMSIG(first) == SIGKILL && WIFSIGNALED(second) ? 0 : 2;
}

static const struct {
  const char *setting;
  int exit_status;
} settings[] = {
    {NULL, 0},
    {"", 0},
    {"wal-before-copy=error", 1},
    {"wal-before-copy=nonsense", 0},
    {"wal-before-copy", 0},
    {"wal-before-copyx=error", 0},
    {"wal-before=error", 0},
    {"start-launched=error", 0},
};

static void test_actions(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++) {
    int status = run(settings[at].setting, reach_wal);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), settings[at].exit_status);
  }
  assert_int_equal(run("wal-before-copy=sleep:50", slept), 0);
}

static void test_wants(void **state) {
  assert_int_equal(WEXITSTATUS(run("wal-before-copy=checkpoint", wants)), 1);
  assert_int_equal(WEXITSTATUS(run(NULL, wants)), 0);
}

static void test_crash(void **state) {
  int status = run("wal-before-copy=crash", reach_wal);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGKILL);
  assert_int_equal(run("wal-before-copy=crash", kill_victim), 0);
}

static void test_table(void **state) {
  for (FailpointId id = 0; id < FAILPOINT_COUNT_; id++) {
    const FailpointInfo *info = failpoint_info(id);
    assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(info->name));
    assert_true(info->where[0] != '\0');
    for (FailpointId other = 0; other < id; other++)
      assert_string_not_equal(failpoint_info(other)->name, info->name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_actions),
      cmocka_unit_test(test_wants),
      cmocka_unit_test(test_crash),
      cmocka_unit_test(test_table),
  };
  return cmocka_run_group_tests_name("failpoint", tests, NULL, NULL);
}
