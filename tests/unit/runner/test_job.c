/* Jobs as bough-runner serves them: what they may, how they end, what they leave. */
#include "compute/compute.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/rpc.h"
#include "runner/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 60 * 1000, STEP_MS = 10 };

static char root[] = "/tmp/bough-test-runner-XXXXXX";
static Home home;

typedef struct Served {
  pid_t pid;
  int connection, leash;
} Served;

static Served serve(void) {
  int ends[2];
  int leash[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  assert_int_equal(pipe(leash), 0);
  pid_t pid = fork();
  if (pid == 0) {
    (void)close(ends[0]);
    (void)close(leash[1]);
    _exit(job_serve(&home, ends[1], leash[0]));
  }
  (void)close(ends[1]);
  (void)close(leash[0]);
  return (Served){.pid = pid, .connection = ends[0], .leash = leash[1]};
}

static void ask(const Served *served, const char *line, int timeout_s, bool archive) {
  Error err = ERROR_INIT;
  AUTO(json_free)
  json_t *message =
      json_pack("{s:s, s:{s:s, s:[s], s:i, s:b}}", "method", "run", "params", "command", line,
                "environment", "GIVEN=yes", "timeout_s", timeout_s, "archive", archive);
  assert_true(frame_write(served->connection, message, NULL, 0, &err));
}

/* The last frame; the output is collected. */
static json_t *answer(Served *served, Buffer *output) {
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    Error err = ERROR_INIT;
    bool end = false;
    assert_true(frame_read(served->connection, &frame, &end, &err));
    assert_false(end);
    buffer_add(output, frame.blob, frame.blob_length);
    if (json_object_get(frame.message, "progress") != NULL)
      continue;
    (void)close(served->connection);
    (void)close(served->leash);
    assert_int_equal(waitpid(served->pid, NULL, 0), served->pid);
    return json_incref(frame.message);
  }
}

static size_t directories_left(void) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  AUTO(str_free) char *jobs = home_path(&home, "runner/jobs");
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  assert_true(process_run((const char *const[]){"ls", jobs, NULL}, &options, &result, &err));
  return strlen(result.output);
}

static int run(const char *line, Buffer *output) {
  Served served = serve();
  ask(&served, line, 60, false);
  AUTO(json_free) json_t *message = answer(&served, output);
  assert_int_equal(directories_left(), 0);
  return (int)json_integer_or(json_object_get(message, "result"), "status", -1);
}

static void test_runs(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  assert_int_equal(
      run("echo $GIVEN $CI; cd \"$HOME\" && cd \"$TMPDIR\" && echo out >&2; exit 7", &output), 7);
  assert_string_equal(output.text, "yes true\nout\n");
}

static void test_passes_no_environment_on(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  (void)setenv("BOUGH_SECRET", "hidden", 1);
  assert_int_equal(run("env", &output), 0);
  assert_null(strstr(output.text, "hidden"));
}

static void test_is_confined(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  Error err = ERROR_INIT;
  AUTO(str_free) char *secret = home_path(&home, "secret");
  if (confine_level() == 0) {
    print_message("skipped: this kernel has no Landlock\n");
    skip();
  }
  assert_true(io_write_file(secret, "x", 1, 0644, &err));
  AUTO(str_free) char *reads = str_format("cat %s", secret);
  AUTO(str_free) char *writes = str_format("echo y >%s", secret);
  assert_int_not_equal(run(reads, &output), 0);
  assert_int_not_equal(run(writes, &output), 0);
  assert_int_equal(run("ln -s a b && mkfifo c && printf '#!/bin/sh\necho own\n' >d && chmod +x d "
                       "&& ./d | grep -q own",
                       &output),
                   0);
}

static bool runs_still(const char *marker) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  assert_true(
      process_run((const char *const[]){"pgrep", "-f", marker, NULL}, &options, &result, &err));
  return result.status == 0;
}

static void test_ends_what_it_left(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  assert_int_equal(
      run("setsid sh -c 'setsid sleep 86123 & setsid sleep 86123' & sleep 0.2", &output), 0);
  assert_false(runs_still("sleep 86123"));
}

static void test_is_limited_in_time(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  Served served = serve();
  ask(&served, "setsid sleep 86124 & sleep 86124", 1, false);
  AUTO(json_free) json_t *message = answer(&served, &output);
  assert_string_equal(json_string_or(json_object_get(message, "error"), "code", ""), "timeout");
  assert_false(runs_still("sleep 86124"));
  assert_int_equal(directories_left(), 0);
}

static void wait_for_end(const Served *served) {
  int64_t deadline = clock_monotonic_ms() + WAIT_MS;
  while (waitpid(served->pid, NULL, WNOHANG) == 0 && clock_monotonic_ms() < deadline)
    clock_sleep_ms(STEP_MS);
  assert_int_equal(directories_left(), 0);
}

static void test_ends_with_its_caller(void **state) {
  (void)state;
  Served served = serve();
  ask(&served, "echo ready; sleep 86125", 600, false);
  AUTO_RELEASE(frame_release) Frame frame = {0};
  Error err = ERROR_INIT;
  bool end = false;
  assert_true(frame_read(served.connection, &frame, &end, &err));
  (void)close(served.connection);
  wait_for_end(&served);
  (void)close(served.leash);
  assert_false(runs_still("sleep 86125"));
}

static void test_ends_with_the_runner(void **state) {
  (void)state;
  Served served = serve();
  ask(&served, "sleep 86126", 600, false);
  (void)close(served.leash);
  wait_for_end(&served);
  (void)close(served.connection);
  assert_false(runs_still("sleep 86126"));
}

static void test_unpacks(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  AUTO_RELEASE(process_result_release) ProcessResult tar = {0};
  ProcessOptions options = PROCESS_OPTIONS;
  Error err = ERROR_INIT;
  AUTO(str_free) char *folder = home_path(&home, "tree");
  AUTO(str_free) char *file = path_join(folder, "hello.txt");
  AUTO(str_free) char *path = home_path(&home, "tree.tar");
  AUTO(str_free) char *bytes = NULL;
  size_t length = 0;
  AUTO(json_free) json_t *chunk = json_pack("{s:s}", "method", "archive");
  assert_true(io_make_directories(folder, 0700, &err));
  assert_true(io_write_file(file, "hello\n", 6, 0644, &err));
  assert_true(process_check(
      (const char *const[]){"tar", "-C", folder, "-cf", path, "hello.txt", NULL}, &options, &err));
  assert_true(io_read_file(path, 1024 * 1024, &bytes, &length, &err));
  Served served = serve();
  ask(&served, "cat hello.txt", 60, true);
  assert_true(frame_write(served.connection, chunk, bytes, length / 2, &err));
  assert_true(frame_write(served.connection, chunk, bytes + length / 2, length - length / 2, &err));
  assert_true(frame_write(served.connection, chunk, NULL, 0, &err));
  AUTO(json_free) json_t *message = answer(&served, &output);
  assert_int_equal(json_integer_or(json_object_get(message, "result"), "status", -1), 0);
  assert_string_equal(output.text, "hello\n");
}

static void test_refuses_nonsense(void **state) {
  (void)state;
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  Served served = serve();
  ask(&served, "true", 0, false);
  AUTO(json_free) json_t *message = answer(&served, &output);
  assert_string_equal(json_string_or(json_object_get(message, "error"), "code", ""), "usage");
}

static int set_up(void **state) {
  (void)state;
  Error err = ERROR_INIT;
  if (mkdtemp(root) == NULL)
    return 1;
  home.root = root;
  AUTO(str_free) char *jobs = home_path(&home, "runner/jobs");
  return io_make_directories(jobs, 0700, &err) ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  Error err = ERROR_INIT;
  return io_remove_tree(root, &err) ? 0 : 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_runs),
      cmocka_unit_test(test_passes_no_environment_on),
      cmocka_unit_test(test_is_confined),
      cmocka_unit_test(test_ends_what_it_left),
      cmocka_unit_test(test_is_limited_in_time),
      cmocka_unit_test(test_ends_with_its_caller),
      cmocka_unit_test(test_ends_with_the_runner),
      cmocka_unit_test(test_unpacks),
      cmocka_unit_test(test_refuses_nonsense),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
