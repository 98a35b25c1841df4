/* Starts bough-agent, bough-runner and boughd under their accounts, and finds and stops them again
 * by pid and start time. */
#include "setup/setup.h"

#include "core/forge_environment.h"
#include "core/io.h"
#include "core/process.h"
#include "core/program.h"
#include "core/service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PID_FILE_LIMIT = 4096,
  GROUP_LIMIT = 64,
  ENVIRONMENT_LIMIT = 16,
  TERM_TIMEOUT_MS = 70 * 1000, /* boughd gives running requests a minute */
  KILL_TIMEOUT_MS = 10 * 1000,
};

static const struct Service {
  const char *program;
  const char *log;
  const char *pid_file; /* below the state directory */
  size_t account;       /* that it runs as: where it stands in Setup */
} agent_service = {"bough-agent", "logs/agent.log", "agent/agent.pid", offsetof(Setup, compute)},
  runner_service = {"bough-runner", "logs/runner.log", "runner/runner.pid",
                    offsetof(Setup, command)},
  boughd_service = {"boughd", "logs/boughd.log", "locks/boughd.pid", offsetof(Setup, control)};

static const Account *account_of(const Setup *setup, const struct Service *service) {
  return (const Account *)(const void *)((const char *)setup + service->account);
}

/* Who it is to become; filled in before the fork, where names can still be looked up. */
typedef struct Identity {
  bool is_needed;
  uid_t uid;
  gid_t gid;
  gid_t groups[GROUP_LIMIT];
  int group_count;
} Identity;

static bool find_identity(const Setup *setup, const struct Service *service, Identity *ret,
                          Error *err) {
  const Account *account = account_of(setup, service);
  *ret = (Identity){.is_needed = setup->system_mode,
                    .uid = account->uid,
                    .gid = account->gid,
                    .group_count = GROUP_LIMIT};
  if (getgrouplist(account->name, account->gid, ret->groups, &ret->group_count) >= 0)
    return true;
  return error_set(err, ERROR_UNSUPPORTED, "account \"%s\" is in more than %d groups",
                   account->name, GROUP_LIMIT);
}

/* In the child: with the last user id go all capabilities, and nothing gives them back. */
static bool become(void *context) {
  const Identity *identity = context;
  (void)umask(0027);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return false;
  return !identity->is_needed || (setgroups((size_t)identity->group_count, identity->groups) == 0 &&
                                  setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
                                  setresuid(identity->uid, identity->uid, identity->uid) == 0);
}

/* Never through a link, and only a file that has no second name. */
static bool open_log(const Setup *setup, const struct Service *service, int *ret, Error *err) {
  const Account *account = account_of(setup, service);
  AUTO(str_free) char *path = path_join(setup->root, service->log);
  AUTO_RELEASE(fd_release)
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return error_set_errno(err, errno, "could not open \"%s\"", path);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
    return error_set(err, ERROR_FORBIDDEN, "\"%s\" is not a plain file", path);
  if (fchown(fd, account->uid, account->gid) != 0)
    return error_set_errno(err, errno, "could not hand \"%s\" to its account", path);
  *ret = fd;
  fd = -1;
  return true;
}

/* Of the caller's environment only what tests steer the programs with, and boughd's way into a
 * forge. */
static void fill_environment(const struct Service *service, char *ret[ENVIRONMENT_LIMIT]) {
  static const char *const passed[] = {"BOUGH_FAILPOINT", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                       "LSAN_OPTIONS"};
  size_t count = 0;
  ret[count++] = str_dup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  ret[count++] = str_dup("LANG=C.UTF-8");
  ret[count++] = str_dup("TZ=UTC");
  count += service_pass_environment(passed, ARRAY_LENGTH(passed), ret + count);
  if (service == &boughd_service)
    count +=
        service_pass_environment(forge_environment, ARRAY_LENGTH(forge_environment), ret + count);
  ret[count] = NULL;
}

static bool start_service(const Setup *setup, const struct Service *service, Error *err) {
  AUTO(str_free) char *program = NULL;
  AUTO_RELEASE(fd_release) int log = -1;
  Identity identity;
  if (!program_path(service->program, &program, err) || !open_log(setup, service, &log, err) ||
      !find_identity(setup, service, &identity, err))
    return false;
  setup_say(setup, "starting %s", service->program);
  char *environment[ENVIRONMENT_LIMIT];
  fill_environment(service, environment);
  ProcessOptions options = PROCESS_OPTIONS;
  options.environment = (const char *const *)environment;
  options.output = log;
  options.prepare = become;
  options.context = &identity;
  pid_t pid = 0;
  bool ok = process_spawn((const char *const[]){program, "--home", setup->root, NULL}, &options,
                          true, &pid, err);
  for (char **variable = environment; *variable != NULL; variable++)
    str_free(*variable);
  return ok;
}

/* Finding
 * ------------------------------------------------------------------------------------------- */

static bool find_service(const Setup *setup, const struct Service *service, pid_t *ret_pid,
                         uint64_t *ret_start_time) {
  AUTO(str_free) char *path = path_join(setup->root, service->pid_file);
  AUTO(str_free) char *text = NULL;
  AUTO(json_free) json_t *note = NULL;
  size_t length = 0;
  int64_t pid = 0;
  int64_t start_time = 0;
  Error ignored = ERROR_INIT; /* no file, no process */
  if (!io_read_file(path, PID_FILE_LIMIT, &text, &length, &ignored) ||
      !json_parse(text, length, &note, &ignored) ||
      !json_get_integer(note, "pid", &pid, &ignored) ||
      !json_get_integer(note, "start_time", &start_time, &ignored))
    return false;
  if (pid <= 1 || start_time <= 0 || process_start_time((pid_t)pid) != (uint64_t)start_time)
    return false;
  *ret_pid = (pid_t)pid;
  *ret_start_time = (uint64_t)start_time;
  return true;
}

static bool service_runs(const Setup *setup, const struct Service *service) {
  pid_t pid = 0;
  uint64_t start_time = 0;
  return find_service(setup, service, &pid, &start_time);
}

bool service_agent_runs(const Setup *setup) {
  return service_runs(setup, &agent_service);
}

bool service_runner_runs(const Setup *setup) {
  return service_runs(setup, &runner_service);
}

bool service_boughd_runs(const Setup *setup) {
  return service_runs(setup, &boughd_service);
}

bool service_start(const Setup *setup, Error *err) {
  if (!service_agent_runs(setup) && !start_service(setup, &agent_service, err))
    return false;
  return (service_runner_runs(setup) || start_service(setup, &runner_service, err)) &&
         wait_for_agent(setup, err) && wait_for_runner(setup, err) &&
         (service_boughd_runs(setup) || start_service(setup, &boughd_service, err)) &&
         wait_for_boughd(setup, err);
}

/* Both survive being killed: what they were doing is taken up by the next start. */
static bool end_process(pid_t pid, uint64_t start_time, Error *err) {
  Error in_time = ERROR_INIT;
  return process_signal(pid, start_time, SIGTERM, err) &&
         (process_wait_gone(pid, start_time, TERM_TIMEOUT_MS, &in_time) ||
          (process_signal(pid, start_time, SIGKILL, err) &&
           process_wait_gone(pid, start_time, KILL_TIMEOUT_MS, err)));
}

static bool stop_service(const Setup *setup, const struct Service *service, bool *ret_stopped,
                         Error *err) {
  pid_t pid = 0;
  uint64_t start_time = 0;
  *ret_stopped = find_service(setup, service, &pid, &start_time);
  if (!*ret_stopped)
    return true;
  setup_say(setup, "stopping %s", service->program);
  return end_process(pid, start_time, err) || error_prefix(err, "%s", service->program);
}

bool service_stop_agent(const Setup *setup, bool *ret_stopped, Error *err) {
  return stop_service(setup, &agent_service, ret_stopped, err);
}

bool service_stop_runner(const Setup *setup, bool *ret_stopped, Error *err) {
  return stop_service(setup, &runner_service, ret_stopped, err);
}

bool service_stop_boughd(const Setup *setup, bool *ret_stopped, Error *err) {
  return stop_service(setup, &boughd_service, ret_stopped, err);
}
