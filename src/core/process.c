/* fork, exec, wait. */
#include "core/process.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  OUTPUT_LIMIT = 256 * 1024,
  PIPE_CAPACITY = 64 * 1024, /* Linux's default */
  EXIT_PREPARE = 126,
  EXIT_EXEC = 127,
};

static const char *const default_environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TZ=UTC",
    NULL};

void process_result_release(ProcessResult *result) {
  str_free(result->output);
  *result = (ProcessResult){0};
}

/* Never returns. Descriptors from 3 on are closed, signals are as at the start of a program. */
__attribute__((noreturn)) static void become(const char *const *argv, const ProcessOptions *options,
                                             int output) {
  int input = options->input >= 0 ? options->input : open("/dev/null", O_RDONLY);
  int errors = options->errors > 0 ? options->errors : output;
  if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(errors, STDERR_FILENO) < 0)
    _exit(EXIT_PREPARE);
  (void)syscall(SYS_close_range, 3U, ~0U, 0U);
  for (int number = 1; number < NSIG; number++)
    (void)signal(number,
                 SIG_DFL); /* ignored ones stay ignored over exec: SIGPIPE, SIGCHLD, SIGINT */
  sigset_t none;
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  if (chdir(options->directory != NULL ? options->directory : "/") != 0 ||
      (options->prepare != NULL && !options->prepare(options->context)))
    _exit(EXIT_PREPARE);
  const char *const *environment =
      options->environment != NULL ? options->environment : default_environment;
  (void)execvpe(argv[0], (char *const *)argv, (char *const *)environment);
  _exit(EXIT_EXEC);
}

static void keep_end(Buffer *buffer) {
  if (buffer->length <= OUTPUT_LIMIT)
    return;
  memmove(buffer->text, buffer->text + buffer->length - OUTPUT_LIMIT, OUTPUT_LIMIT + 1);
  buffer->length = OUTPUT_LIMIT;
}

/* Takes one piece of output off the pipe, which doesn't block: 0 at its end, less when there is
 * none now. */
static ssize_t take_output(int fd, const ProcessOptions *options, Buffer *ret) {
  char chunk[8192];
  ssize_t count = read(fd, chunk, sizeof chunk);
  if (count <= 0)
    return count;
  buffer_add(ret, chunk, (size_t)count);
  if (ret->length > 2 * OUTPUT_LIMIT)
    keep_end(ret);
  if (options->on_output != NULL)
    options->on_output(options->output_context, chunk, (size_t)count);
  return count;
}

/* Until the program has ended, which its output doesn't tell: it may be closed earlier, and a
 * process that was left behind may keep it open. False when the deadline (0: none) passed first. */
static bool collect(int fd, int pidfd, int64_t deadline, const ProcessOptions *options,
                    Buffer *ret) {
  struct pollfd pollers[] = {{.fd = pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  while (pollers[0].revents == 0) {
    int64_t rest = deadline == 0 ? -1 : deadline - clock_monotonic_ms();
    if (deadline != 0 && rest <= 0)
      return false;
    if (poll(pollers, ARRAY_LENGTH(pollers), (int)rest) > 0 && pollers[1].revents != 0 &&
        take_output(fd, options, ret) == 0)
      pollers[1].fd = -1;
  }
  for (size_t taken = 0; taken < PIPE_CAPACITY;) { /* what it wrote last */
    ssize_t count = take_output(fd, options, ret);
    if (count <= 0)
      break;
    taken += (size_t)count;
  }
  keep_end(ret);
  return true;
}

static int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/* False when somebody else took the status, as the kernel does where SIGCHLD is ignored. */
static bool reap(pid_t pid, int *ret_status) {
  pid_t found = 0;
  while ((found = waitpid(pid, ret_status, 0)) < 0 && errno == EINTR)
    ;
  return found == pid;
}

/* In the child: it ends with the thread that made it, also if that has ended by now. */
static void end_with(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    _exit(EXIT_PREPARE);
}

__attribute__((noreturn)) static void become_child(const char *const *argv,
                                                   const ProcessOptions *options, int output,
                                                   pid_t parent) {
  (void)setpgid(0, 0);
  end_with(parent);
  become(argv, options, options->output >= 0 ? options->output : output);
}

/* Where nothing of the caller's runs in the child, its memory isn't copied for it: this process
 * stands still until the child has become the program. Signals wait meanwhile, since a handler
 * would run in memory that both have. */
static pid_t start(const char *const *argv, const ProcessOptions *options, int output) {
  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  (void)sigprocmask(SIG_SETMASK, &all, &before);
  pid_t self = getpid();
  pid_t pid = options->prepare == NULL ? vfork() : fork();
  if (pid == 0)
    become_child(argv, options, output, self);
  (void)sigprocmask(SIG_SETMASK, &before, NULL);
  return pid;
}

/* Waits for the child, which is reaped in any case. */
static bool finish(pid_t pid, int from_child, const char *name, const ProcessOptions *options,
                   Buffer *output, int *ret_status, Error *err) {
  AUTO_RELEASE(fd_release) int pidfd = process_open_pidfd(pid);
  int64_t deadline = options->timeout_ms > 0 ? clock_monotonic_ms() + options->timeout_ms : 0;
  int status = 0;
  bool in_time = pidfd >= 0 && collect(from_child, pidfd, deadline, options, output);
  if (!in_time)
    (void)kill(-pid, SIGKILL);
  bool reaped = reap(pid, &status);
  if (pidfd < 0 || !reaped)
    return error_set(err, ERROR_INTERNAL, "could not watch \"%s\"", name);
  if (!in_time)
    return error_set(err, ERROR_TIMEOUT, "\"%s\" took more than %d ms", name, options->timeout_ms);
  *ret_status = exit_status(status);
  return true;
}

bool process_run(const char *const *argv, const ProcessOptions *options, ProcessResult *ret,
                 Error *err) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not run \"%s\"", argv[0]);
  AUTO_RELEASE(fd_release) int from_child = pipe_ends[0];
  AUTO_RELEASE(fd_release) int to_parent = pipe_ends[1];
  pid_t pid = fcntl(from_child, F_SETFL, O_NONBLOCK) == 0 ? start(argv, options, to_parent) : -1;
  if (pid < 0)
    return error_set_errno(err, errno, "could not run \"%s\"", argv[0]);
  (void)setpgid(pid, pid); /* also here: the group may have to be killed before the child ran */
  fd_release(&to_parent);
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  int status = 0;
  if (!finish(pid, from_child, argv[0], options, &output, &status, err))
    return false;
  if (status == EXIT_EXEC && output.length == 0) {
    (void)error_set(err, ERROR_TOOL_FAILED, "could not run \"%s\"", argv[0]);
    return error_hint(err, "is it installed?");
  }
  ret->status = status;
  ret->output = buffer_steal(&output);
  return true;
}

bool process_check(const char *const *argv, const ProcessOptions *options, Error *err) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  if (!process_run(argv, options, &result, err))
    return false;
  if (result.status == 0)
    return true;
  size_t length = strlen(result.output);
  const char *end = result.output + (length > 600 ? length - 600 : 0);
  const char *name = strrchr(argv[0], '/');
  return error_set(err, ERROR_TOOL_FAILED, "%s ended with status %d: %s",
                   name != NULL ? name + 1 : argv[0], result.status, end);
}

bool process_spawn(const char *const *argv, const ProcessOptions *options, bool detach, pid_t *ret,
                   Error *err) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not start \"%s\"", argv[0]);
  AUTO_RELEASE(fd_release) int from_child = pipe_ends[0];
  AUTO_RELEASE(fd_release) int to_parent = pipe_ends[1];
  pid_t self = getpid();
  pid_t first = fork();
  if (first < 0)
    return error_set_errno(err, errno, "could not start \"%s\"", argv[0]);
  if (first == 0) {
    (void)setsid();
    pid_t second = detach ? fork() : 0;
    if (second != 0) {
      (void)!write(to_parent, &second, sizeof second);
      _exit(0);
    }
    if (!detach)
      end_with(self);
    become(argv, options, options->output);
  }
  fd_release(&to_parent);
  pid_t pid = first;
  if (detach) {
    int status = 0;
    pid_t second = -1;
    ssize_t count = read(from_child, &second, sizeof second);
    (void)reap(first, &status);
    if (count != (ssize_t)sizeof second || second < 0)
      return error_set(err, ERROR_TOOL_FAILED, "could not start \"%s\"", argv[0]);
    pid = second;
  }
  *ret = pid;
  return true;
}

uint64_t process_start_time(pid_t pid) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  char text[1024];
  ssize_t count = read(fd, text, sizeof text - 1);
  if (count <= 0)
    return 0;
  text[count] = '\0';
  const char *at = strrchr(text, ')'); /* the name may hold spaces and parentheses */
  if (at == NULL || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X')
    return 0;
  for (int field = 2; field < 22 && at != NULL; field++)
    at = strchr(at + 1, ' ');
  return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

int process_open_pidfd(pid_t pid) {
  return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
}

bool process_signal(pid_t pid, uint64_t start_time, int signal_number, Error *err) {
  AUTO_RELEASE(fd_release) int fd = process_open_pidfd(pid);
  if (fd < 0 || process_start_time(pid) != start_time)
    return true;
  if (syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) != 0 && errno != ESRCH)
    return error_set_errno(err, errno, "could not signal process %d", (int)pid);
  return true;
}

bool process_wait_gone(pid_t pid, uint64_t start_time, int timeout_ms, Error *err) {
  AUTO_RELEASE(fd_release) int fd = process_open_pidfd(pid);
  if (fd < 0 || process_start_time(pid) != start_time)
    return true;
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  int64_t deadline = clock_monotonic_ms() + timeout_ms;
  for (;;) {
    int64_t rest = deadline - clock_monotonic_ms();
    if (rest <= 0)
      return error_set(err, ERROR_TIMEOUT, "process %d did not end within %d ms", (int)pid,
                       timeout_ms);
    if (poll(&poller, 1, (int)rest) > 0)
      return true;
  }
}
