/* Programs that are run: their output, their limits, and who is killed when they take too long. */
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <fcntl.h>
#include <poll.h>
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

#define SHELL(script) ((const char *const[]){"/bin/sh", "-c", script, NULL})

static bool run(const char *const *argv, const ProcessOptions *options, ProcessResult *ret,
                Error *err) {
  ProcessOptions none = PROCESS_OPTIONS;
  return process_run(argv, options != NULL ? options : &none, ret, err);
}

static void expect_output(const char *const *argv, const ProcessOptions *options, int status,
                          const char *output) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  Error err = ERROR_INIT;
  if (!run(argv, options, &result, &err))
    fail_msg("%s", err.message);
  assert_int_equal(result.status, status);
  assert_string_equal(result.output, output);
}

static void test_output_and_status(void **state) {
  expect_output(SHELL("echo out; echo err >&2; exit 7"), NULL, 7, "out\nerr\n");
  expect_output(SHELL("kill -TERM $$"), NULL, 128 + SIGTERM, "");
  expect_output((const char *const[]){"true", NULL}, NULL, 0, "");
}

static void test_surroundings(void **state) {
  ProcessOptions options = PROCESS_OPTIONS;
  assert_int_equal(setenv("SECRET", "leaks", 1), 0);
  expect_output(SHELL("pwd; echo \"$SECRET$LANG$TZ\"; cat"), NULL, 0, "/\nC.UTF-8UTC\n");
  options.environment = (const char *const[]){"A=b c", NULL};
  options.directory = "/tmp";
  expect_output(SHELL("echo \"$A|$LANG\"; pwd"), &options, 0, "b c|\n/tmp\n");
  options.directory = "/nonexistent";
  expect_output(SHELL("true"), &options, 126, "");
}

static void test_arguments_are_not_interpreted(void **state) {
  expect_output((const char *const[]){"printf", "%s|", "a b", "$HOME", "*", "'; exit 3", "", NULL},
                NULL, 0, "a b|$HOME|*|'; exit 3||");
}

static void test_input_and_errors_apart(void **state) {
  int ends[2];
  int errors[2];
  char text[16] = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
  assert_int_equal(write(ends[1], "said", 4), 4);
  (void)close(ends[1]);
  options.input = ends[0];
  options.errors = errors[1];
  expect_output(SHELL("cat; echo wrong >&2"), &options, 0, "said");
  assert_int_equal(read(errors[0], text, sizeof text), 6);
  assert_string_equal(text, "wrong\n");
  (void)close(ends[0]);
  (void)close(errors[0]);
  (void)close(errors[1]);
}

static void test_descriptors_are_closed(void **state) {
  int leak = dup(STDERR_FILENO); /* not close-on-exec */
  int high = fcntl(STDERR_FILENO, F_DUPFD, 200);
  expect_output(SHELL("fd=3; while [ $fd -lt 256 ]; do [ -e /proc/$$/fd/$fd ] && echo $fd;"
                      " fd=$((fd + 1)); done; true"),
                NULL, 0, "");
  (void)close(leak);
  (void)close(high);
}

/* A program starts with signals as they are at first, whatever this process does with them. */
static void test_signals_are_reset(void **state) {
  static const int ignored[] = {SIGPIPE, SIGINT, SIGHUP, SIGTERM, SIGUSR1};
  sigset_t blocked;
  sigset_t before;
  for (size_t at = 0; at < ARRAY_LENGTH(ignored); at++)
    (void)signal(ignored[at], SIG_IGN);
  (void)sigfillset(&blocked);
  (void)sigprocmask(SIG_SETMASK, &blocked, &before);
  expect_output(SHELL("grep -E '^Sig(Ign|Blk)' /proc/self/status | cut -f2"), NULL, 0,
                "0000000000000000\n0000000000000000\n");
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  for (size_t at = 0; at < ARRAY_LENGTH(ignored); at++)
    (void)signal(ignored[at], SIG_DFL);
}

static void test_what_cant_be_run(void **state) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  Error err = ERROR_INIT;
  assert_false(run((const char *const[]){"/nonexistent/program", NULL}, NULL, &result, &err));
  assert_int_equal(err.code, ERROR_TOOL_FAILED);
  assert_true(err.hint[0] != '\0');
  assert_null(result.output);
}

static bool refuse(void *context) {
  int *calls = context;
  return *calls < 0;
}

static void test_prepare_may_refuse(void **state) {
  int calls = 0;
  ProcessOptions options = PROCESS_OPTIONS;
  options.prepare = refuse;
  options.context = &calls;
  expect_output(SHELL("echo ran"), &options, 126, "");
}

/* ---- output without end ---- */

static void count(void *context, const char *bytes, size_t length) {
  size_t *total = context;
  *total += length;
}

static void test_the_end_of_much_output_is_kept(void **state) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  size_t seen = 0;
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  options.on_output = count;
  options.output_context = &seen;
  assert_true(
      run(SHELL("head -c 400000 /dev/zero | tr '\\0' x; echo the end"), &options, &result, &err));
  assert_int_equal(seen, 400008);
  assert_int_equal(strlen(result.output), 256 * 1024);
  assert_true(str_ends(result.output, "xthe end\n"));
}

static void test_check_tells_the_end(void **state) {
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  assert_true(process_check(SHELL("exit 0"), &options, &err));
  assert_false(process_check(SHELL("head -c 5000 /dev/zero | tr '\\0' x; echo the reason; exit 3"),
                             &options, &err));
  assert_int_equal(err.code, ERROR_TOOL_FAILED);
  assert_true(str_starts(err.message, "sh ended with status 3: xxx"));
  assert_true(str_ends(err.message, "xthe reason"));
}

/* ---- time ---- */

/* The pid in a file that a script wrote. */
static pid_t pid_in(const char *path) {
  AUTO(str_free) char *text = NULL;
  for (int tries = 0; tries < 500; tries++, clock_sleep_ms(10)) {
    str_free(text);
    text = NULL;
    if (io_read_file(path, 64, &text, NULL, NULL) && strchr(text, '\n') != NULL)
      return (pid_t)atoi(text);
  }
  fail_msg("no pid in %s", path);
  return 0;
}

static void wait_gone(pid_t pid) {
  for (int tries = 0; tries < 500 && process_start_time(pid) != 0; tries++)
    clock_sleep_ms(10);
  assert_int_equal(process_start_time(pid), 0);
}

static void expect_timeout(const char *script, int output) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  options.timeout_ms = 200;
  options.output = output;
  int64_t started = clock_monotonic_ms();
  assert_false(run(SHELL(script), &options, &result, &err));
  assert_in_range(clock_monotonic_ms() - started, 190, 10000);
  assert_int_equal(err.code, ERROR_TIMEOUT);
  assert_null(result.output);
}

static void test_timeout_kills_the_group(void **state) {
  char root[] = "/tmp/bough-process-XXXXXX";
  assert_non_null(mkdtemp(root));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {root};
  AUTO(str_free) char *path = path_join(root, "pid");
  AUTO(str_free)
  char *script =
      str_format("trap '' TERM INT; sleep 60 & echo $! > %s; echo; wait; sleep 60", path);
  expect_timeout(script, -1);
  wait_gone(pid_in(path));
}

/* The limit holds for the program, not for its output. */
static void test_timeout_without_output(void **state) {
  AUTO_RELEASE(fd_release) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  expect_timeout("exec >&- 2>&-; exec sleep 60", -1);
  expect_timeout("exec sleep 60", null);
  expect_timeout("while :; do echo y; done", -1);
}

/* What a program leaves behind may keep its output open, and keeps nobody waiting. */
static void test_leftover_holds_the_output(void **state) {
  int64_t started = clock_monotonic_ms();
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  Error err = ERROR_INIT;
  assert_true(run(SHELL("sleep 60 & echo $!"), NULL, &result, &err));
  pid_t left = (pid_t)atoi(result.output);
  assert_true(left > 1);
  assert_true(process_signal(left, process_start_time(left), SIGKILL, &err));
  assert_in_range(clock_monotonic_ms() - started, 0, 10000);
}

static void test_ignored_children_are_told(void **state) {
  pid_t pid = fork();
  if (pid == 0) {
    ProcessResult result = {0};
    (void)signal(SIGCHLD, SIG_IGN); /* the kernel throws the status away */
    _exit(run(SHELL("exit 5"), NULL, &result, NULL) ? 1 : 0);
  }
  int status = -1;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

/* ---- processes that go on ---- */

static void test_spawn_detached(void **state) {
  char root[] = "/tmp/bough-process-XXXXXX";
  assert_non_null(mkdtemp(root));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {root};
  AUTO(str_free) char *path = path_join(root, "pid");
  AUTO(str_free)
  char *script = str_format("cut -d' ' -f6 /proc/$$/stat; echo $$ > %s; exec sleep 60", path);
  AUTO(str_free) char *session_path = path_join(root, "session");
  AUTO_RELEASE(fd_release) int output = open(session_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  pid_t pid = 0;
  options.output = output;
  assert_true(process_spawn(SHELL(script), &options, true, &pid, &err));
  assert_int_equal(pid_in(path), pid);
  uint64_t start_time = process_start_time(pid);
  pid_t session = pid_in(session_path);
  assert_true(start_time != 0);
  assert_true(session != getsid(0));
  assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* not our child */
  assert_true(process_signal(pid, start_time, SIGKILL, &err));
  assert_true(process_wait_gone(pid, start_time, 5000, &err));
}

static void test_spawn_attached(void **state) {
  AUTO_RELEASE(fd_release) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  pid_t pid = 0;
  int status = 0;
  options.output = null;
  assert_true(process_spawn(SHELL("exit 9"), &options, false, &pid, &err));
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(WEXITSTATUS(status), 9);
}

/* A process starts another one, tells which, and is killed. */
static void test_spawned_ends_with_its_maker(void **state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t maker = fork();
  assert_true(maker >= 0);
  if (maker == 0) {
    ProcessOptions options = PROCESS_OPTIONS;
    pid_t pid = 0;
    options.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!process_spawn(SHELL("exec sleep 60"), &options, false, &pid, NULL) ||
        write(ends[1], &pid, sizeof pid) != (ssize_t)sizeof pid)
      _exit(1);
    (void)pause();
    _exit(0);
  }
  Error err = ERROR_INIT;
  pid_t pid = 0;
  assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
  uint64_t start_time = process_start_time(pid);
  assert_true(start_time != 0);
  assert_int_equal(kill(maker, SIGKILL), 0);
  assert_int_equal(waitpid(maker, NULL, 0), maker);
  bool ended = process_wait_gone(pid, start_time, 5000, &err);
  (void)!process_signal(pid, start_time, SIGKILL, NULL);
  assert_true(ended);
  (void)close(ends[0]);
  (void)close(ends[1]);
}

static pid_t start_sleeper(void) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    clock_sleep_ms(60000);
    _exit(0);
  }
  return pid;
}

static void test_identity(void **state) {
  Error err = ERROR_INIT;
  pid_t pid = start_sleeper();
  uint64_t start_time = process_start_time(pid);
  AUTO_RELEASE(fd_release) int pidfd = process_open_pidfd(pid);
  assert_true(start_time >= process_start_time(getpid()));
  assert_true(pidfd >= 0);
  assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
  assert_false(process_wait_gone(pid, start_time, 50, &err));
  assert_int_equal(err.code, ERROR_TIMEOUT);
  assert_true(process_signal(pid, start_time + 1, SIGKILL, &err)); /* somebody else: spared */
  assert_true(process_wait_gone(pid, start_time + 1, 50, &err));
  assert_int_equal(process_start_time(pid), start_time);
  assert_true(process_signal(pid, start_time, SIGKILL, &err));
  assert_true(process_wait_gone(pid, start_time, 5000, &err));
  struct pollfd poller = {.fd = pidfd, .events = POLLIN};
  assert_int_equal(poll(&poller, 1, 0), 1);
  assert_int_equal(process_start_time(pid), 0); /* a zombie is none */
  assert_int_equal(waitpid(pid, NULL, 0), pid);
  assert_int_equal(process_start_time(pid), 0);
  assert_int_equal(process_open_pidfd(pid), -1);
  assert_true(process_signal(pid, start_time, SIGKILL, &err));
}

/* A name with blanks and parentheses, as anybody may give to a process. */
static void test_start_time_behind_an_odd_name(void **state) {
  pid_t pid = fork();
  if (pid == 0) {
    uint64_t before = process_start_time(getpid());
    AUTO_RELEASE(fd_release) int fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
    bool ok = before != 0 && write(fd, "a) Z 1 (b) 9 9", 14) == 14 &&
              process_start_time(getpid()) == before;
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_output_and_status),
      cmocka_unit_test(test_surroundings),
      cmocka_unit_test(test_arguments_are_not_interpreted),
      cmocka_unit_test(test_input_and_errors_apart),
      cmocka_unit_test(test_descriptors_are_closed),
      cmocka_unit_test(test_signals_are_reset),
      cmocka_unit_test(test_what_cant_be_run),
      cmocka_unit_test(test_prepare_may_refuse),
      cmocka_unit_test(test_the_end_of_much_output_is_kept),
      cmocka_unit_test(test_check_tells_the_end),
      cmocka_unit_test(test_timeout_kills_the_group),
      cmocka_unit_test(test_timeout_without_output),
      cmocka_unit_test(test_leftover_holds_the_output),
      cmocka_unit_test(test_ignored_children_are_told),
      cmocka_unit_test(test_spawn_detached),
      cmocka_unit_test(test_spawn_attached),
      cmocka_unit_test(test_spawned_ends_with_its_maker),
      cmocka_unit_test(test_identity),
      cmocka_unit_test(test_start_time_behind_an_odd_name),
  };
  return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
