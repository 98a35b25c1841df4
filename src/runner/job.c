/* Runs one command: its directory, its confinement, its limits, its end. */
#include "runner/job.h"

#include "compute/compute.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/log.h"
#include "core/name.h"
#include "core/process.h"
#include "core/rpc.h"
#include "core/str.h"
#include "runner/descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  OUTPUT_CHUNK = 32 * 1024,
  ENVIRONMENT_MAX = 64,
  DAY_S = 24 * 60 * 60,
  UNPACK_S = 600,
  FIXED_VARIABLES = 6,
  NICENESS = 5,
  OPEN_FILES = 4096,
  PROCESSES = 2048, /* of the whole account */
};
#define FILE_SIZE_LIMIT (8LL * 1024 * 1024 * 1024)
#define ARCHIVE_LIMIT (2LL * 1024 * 1024 * 1024)

typedef struct Job {
  const Home *home;
  int connection;
  int leash;
  char *directory; /* of this job; NULL before it is made */
  char *source, *home_directory, *temporary;
} Job;

typedef struct Limits {
  const Job *job;
  Confinement confinement;
} Limits;

/* ---- the directory ---- */

static bool make_directories(Job *job, Error *err) {
  char id[ID_SIZE];
  id_new("job", id);
  job->directory = home_path(job->home, "runner/jobs/%s", id);
  job->source = path_join(job->directory, "source");
  job->home_directory = path_join(job->directory, "home");
  job->temporary = path_join(job->directory, "tmp");
  return io_make_directories(job->source, 0700, err) &&
         io_make_directories(job->home_directory, 0700, err) &&
         io_make_directories(job->temporary, 0700, err);
}

/* First what was started, which could go on making files. */
static void job_release(Job *job) {
  Error failure = ERROR_INIT;
  descendants_end();
  if (job->directory != NULL && !io_remove_tree(job->directory, &failure))
    log_error(&failure, "a job's directory stays");
  str_free(job->directory);
  str_free(job->source);
  str_free(job->home_directory);
  str_free(job->temporary);
}

/* ---- in the process that becomes the command ---- */

static bool set_limit(__rlimit_resource_t resource, rlim_t most) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0)
    return false;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
    limit.rlim_max = most;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > limit.rlim_max)
    limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit) == 0;
}

/* In user mode the account is somebody's own: its processes aren't counted against a job's. */
static bool set_limits(const Home *home) {
  errno = 0;
  (void)!nice(NICENESS); /* what can't be made nicer runs as it is */
  return set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_NOFILE, OPEN_FILES) &&
         set_limit(RLIMIT_FSIZE, (rlim_t)FILE_SIZE_LIMIT) &&
         (!home->system_mode || set_limit(RLIMIT_NPROC, PROCESSES));
}

static bool become_confined(void *context) {
  const Limits *limits = context;
  int level = 0;
  Error failure = ERROR_INIT;
  (void)umask(0077);
  if (set_limits(limits->job->home) && confine(&limits->confinement, &level, &failure))
    return true;
  (void)!write(STDERR_FILENO, failure.message, strlen(failure.message));
  return false;
}

static pid_t start(const char *const *argv, const char *const *environment, const Limits *limits,
                   int input, int output) {
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  (void)setsid();
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int number = 1; number < NSIG; number++)
    (void)signal(number, SIG_DFL);
  if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(output, STDERR_FILENO) < 0 || close_range(3, ~0U, 0) != 0 ||
      chdir(limits->job->source) != 0 || !become_confined((void *)limits))
    _exit(126);
  (void)execve(argv[0], (char *const *)argv, (char *const *)environment);
  _exit(127);
}

/* ---- running ---- */

/* Reads what there is and sends it on; false at the end of the output, or of the connection. */
static bool pass_on(const Job *job, int output, Error *err) {
  char chunk[OUTPUT_CHUNK];
  AUTO(json_free) json_t *message = json_pack("{s:b}", "progress", 1);
  ssize_t count = read(output, chunk, sizeof chunk);
  return count > 0 && frame_write(job->connection, message, chunk, (size_t)count, err);
}

typedef struct Course {
  const Job *job;
  pid_t pid;
  int output;
  int64_t deadline;
} Course;

/* Until the command has ended. Its output may end earlier, or be kept open by what it left. */
static bool follow(const Course *course, Error *err) {
  AUTO_RELEASE(fd_release) int pidfd = process_open_pidfd(course->pid);
  struct pollfd pollers[] = {{.fd = pidfd, .events = POLLIN},
                             {.fd = course->output, .events = POLLIN},
                             {.fd = course->job->connection, .events = POLLIN | POLLRDHUP},
                             {.fd = course->job->leash, .events = POLLIN}};
  while (pollers[0].revents == 0) {
    int64_t rest = course->deadline - clock_monotonic_ms();
    if (rest <= 0)
      return error_set(err, ERROR_TIMEOUT, "the command took too long and was ended");
    if (poll(pollers, ARRAY_LENGTH(pollers), (int)rest) < 0 && errno != EINTR)
      return error_set_errno(err, errno, "could not follow the command");
    if (pollers[2].revents != 0 || pollers[3].revents != 0)
      return error_set(err, ERROR_CANCELLED, "nobody waits for the command any more");
    if (pollers[1].revents != 0 && !pass_on(course->job, course->output, err)) {
      if (err->code != ERROR_NONE)
        return false;
      pollers[1].fd = -1;
    }
  }
  return true;
}

/* What it wrote last is still in the pipe. */
static void drain(const Course *course) {
  Error ignored = ERROR_INIT;
  struct pollfd poller = {.fd = course->output, .events = POLLIN};
  for (int pieces = 0; pieces < 16 && poll(&poller, 1, 0) > 0; pieces++)
    if (!pass_on(course->job, course->output, &ignored))
      return;
}

static bool run(const Job *job, const char *const *argv, const char *const *environment, int input,
                int64_t limit_s, int *ret_status, Error *err) {
  int ends[2];
  int status = 0;
  const char *const executable[] = {"/usr", "/bin", "/sbin", "/lib", job->directory, NULL};
  const char *const readable[] = {"/proc", NULL};
  const char *const writable[] = {job->directory, NULL};
  const Limits limits = {.job = job,
                         .confinement = {.writable = writable,
                                         .readable = readable,
                                         .executable = executable,
                                         .network = true,
                                         .is_command = true}};
  if (pipe2(ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  AUTO_RELEASE(fd_release) int output = ends[0];
  AUTO_RELEASE(fd_release) int to_parent = ends[1];
  Course course = {.job = job,
                   .output = output,
                   .deadline = clock_monotonic_ms() + limit_s * 1000,
                   .pid = start(argv, environment, &limits, input, to_parent)};
  if (course.pid < 0)
    return error_set_errno(err, errno, "could not start the command");
  fd_release(&to_parent);
  if (!follow(&course, err))
    return false; /* descendants_end kills it */
  drain(&course);
  if (waitpid(course.pid, &status, 0) != course.pid)
    return error_set_errno(err, errno, "could not wait for the command");
  *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

/* ---- the archive ---- */

/* Into a file without a name, so that a caller who stops half-way leaves nothing. */
static bool receive_archive(const Job *job, int *ret, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = open(job->temporary, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  int64_t total = 0;
  if (fd < 0)
    return error_set_errno(err, errno, "could not make a file for the archive");
  for (;;) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    if (!frame_read(job->connection, &frame, &end, err))
      return false;
    if (end)
      return error_set(err, ERROR_CANCELLED, "the archive was cut");
    if (frame.blob_length == 0)
      break;
    total += (int64_t)frame.blob_length;
    if (total > ARCHIVE_LIMIT)
      return error_set(err, ERROR_TOO_LARGE, "the archive has more than %lld bytes",
                       (long long)ARCHIVE_LIMIT);
    if (!io_write(fd, frame.blob, frame.blob_length, err))
      return false;
  }
  if (lseek(fd, 0, SEEK_SET) != 0)
    return error_set_errno(err, errno, "could not read the archive");
  *ret = fd;
  fd = -1;
  return true;
}

static bool unpack(const Job *job, const char *const *environment, Error *err) {
  static const char *const argv[] = {"/usr/bin/tar", "--extract", "--file=-",
                                     "--no-same-permissions", NULL};
  AUTO_RELEASE(fd_release) int archive = -1;
  int status = 0;
  if (!receive_archive(job, &archive, err) ||
      !run(job, argv, environment, archive, UNPACK_S, &status, err))
    return false;
  return status == 0 || error_set(err, ERROR_TOOL_FAILED, "tar ended with status %d", status);
}

/* ---- the request ---- */

/* NULL-terminated; the texts are owned by ret's first FIXED_VARIABLES and by params. */
static bool fill_environment(const Job *job, const json_t *params,
                             const char *ret[FIXED_VARIABLES + ENVIRONMENT_MAX + 1], Error *err) {
  const json_t *list = json_object_get(params, "environment");
  size_t count = 0;
  size_t at = 0;
  const json_t *entry = NULL;
  if (json_array_size(list) > ENVIRONMENT_MAX)
    return error_set(err, ERROR_TOO_LARGE, "the environment has too many variables");
  ret[count++] = str_dup("PATH=/usr/local/bin:/usr/bin:/bin");
  ret[count++] = str_dup("LANG=C.UTF-8");
  ret[count++] = str_dup("TZ=UTC");
  ret[count++] = str_dup("CI=true");
  ret[count++] = str_format("HOME=%s", job->home_directory);
  ret[count++] = str_format("TMPDIR=%s", job->temporary);
  json_array_foreach(list, at, entry) {
    if (json_is_string(entry) && strchr(json_string_value(entry), '=') != NULL)
      ret[count++] = json_string_value(entry);
  }
  ret[count] = NULL;
  return true;
}

static bool run_request(Job *job, const json_t *params, json_t **ret, Error *err) {
  const char *line = NULL;
  int64_t limit_s = json_integer_or(params, "timeout_s", 0);
  const char *environment[FIXED_VARIABLES + ENVIRONMENT_MAX + 1];
  int status = 0;
  if (!json_get_string(params, "command", &line, err) || limit_s < 1 || limit_s > DAY_S)
    return error_set(err, ERROR_USAGE, "a command and its time limit must be given");
  if (!make_directories(job, err) || !fill_environment(job, params, environment, err))
    return false;
  AUTO_RELEASE(fd_release) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const char *const argv[] = {"/bin/sh", "-c", line, NULL};
  bool ok = !json_bool_or(params, "archive", false) || unpack(job, environment, err);
  int64_t started = clock_monotonic_us();
  ok = ok && run(job, argv, environment, nothing, limit_s, &status, err);
  for (size_t at = 0; at < FIXED_VARIABLES; at++)
    str_free((char *)environment[at]);
  if (ok)
    *ret = json_pack("{s:i, s:f}", "status", status, "duration_ms",
                     (double)(clock_monotonic_us() - started) / 1000.0);
  return ok;
}

static bool read_request(const Job *job, Frame *ret, Error *err) {
  bool end = false;
  if (!frame_read(job->connection, ret, &end, err))
    return false;
  return (!end && str_equal(json_string_or(ret->message, "method", ""), "run")) ||
         error_set(err, ERROR_PROTOCOL, "a request to run something was expected");
}

int job_serve(const Home *home, int connection, int leash) {
  Job job = {.home = home, .connection = connection, .leash = leash};
  AUTO_RELEASE(frame_release) Frame frame = {0};
  Error failure = ERROR_INIT;
  json_t *result = NULL;
  /* what the command leaves behind comes back here, where it is ended */
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return 1;
  bool ok = read_request(&job, &frame, &failure) &&
            run_request(&job, json_object_get(frame.message, "params"), &result, &failure);
  job_release(&job);
  AUTO(json_free)
  json_t *answer = ok ? json_pack("{s:o}", "result", result)
                      : json_pack("{s:o}", "error", json_from_error(&failure));
  Error ignored = ERROR_INIT; /* the caller may have gone */
  (void)!frame_write(connection, answer, NULL, 0, &ignored);
  return ok ? 0 : 1;
}
