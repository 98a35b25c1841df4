/* Starts git for one client, with limits and with no hook but Bough's own. */
#include "daemon/git_serve.h"

#include "core/io.h"
#include "core/process.h"
#include "core/program.h"
#include "core/str.h"
#include "git/git.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ENVIRONMENT_LIMIT = 32 };

static const rlim_t file_limit = (rlim_t)2 << 30;
/* Sanitizers reserve terabytes of addresses: in the hook, too, which inherits this. */
static const rlim_t memory_limit = BOUGH_SANITIZED ? RLIM_INFINITY : (rlim_t)4 << 30;
static const int64_t usual_push_limit = (int64_t)512 << 20;

static const char *const settings[] = {
    "receive.fsckObjects=true",
    "receive.denyDeletes=true",
    "receive.denyCurrentBranch=ignore",
    "receive.advertisePushOptions=false",
    "receive.autogc=false",
    "receive.unpackLimit=1000",
    "receive.keepAlive=5",
    "transfer.hideRefs=refs/bough",
    "transfer.hideRefs=refs/replace",
    "core.bigFileThreshold=16m",
    "pack.threads=1",
    "uploadpack.keepAlive=5",
};

static bool limit(int resource, rlim_t value) {
  const struct rlimit both = {.rlim_cur = value, .rlim_max = value};
  return setrlimit((__rlimit_resource_t)resource, &both) == 0;
}

static bool prepare(void *context) {
  (void)context;
  return limit(RLIMIT_FSIZE, file_limit) && limit(RLIMIT_AS, memory_limit) &&
         limit(RLIMIT_CPU, GIT_SERVE_SECONDS) && limit(RLIMIT_CORE, 0);
}

/* The folder in which git looks for a program called pre-receive. Where it can't run it, it would
 * go on without. */
static bool hooks_setting(char **ret, Error *err) {
  AUTO(str_free) char *program = NULL;
  if (!program_path("pre-receive", &program, err))
    return false;
  if (access(program, X_OK) != 0)
    return error_set_errno(err, errno, "could not run \"%s\"", program);
  *strrchr(program, '/') = '\0';
  *ret = str_format("core.hooksPath=%s", program);
  return true;
}

static size_t add_settings(const char **argv, size_t count, const char *hooks,
                           const char *limit_setting) {
  for (size_t at = 0; at < ARRAY_LENGTH(settings); at++) {
    argv[count++] = "-c";
    argv[count++] = settings[at];
  }
  argv[count++] = "-c";
  argv[count++] = hooks;
  argv[count++] = "-c";
  argv[count++] = limit_setting;
  return count;
}

static void add_environment(const char **list, const char *socket, const char *ticket) {
  size_t count = 0;
  const char *const *own = git_server_environment();
  list[count++] = socket;
  list[count++] = ticket;
  while (*own != NULL && count < ENVIRONMENT_LIMIT)
    list[count++] = *own++;
  list[count] = NULL;
}

static bool start(const GitServe *serve, const char *const *argv, const char *const *environment,
                  pid_t *ret, Error *err) {
  AUTO_RELEASE(fd_release) int silent = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const ProcessOptions options = {.environment = environment,
                                  .input = serve->fd,
                                  .output = serve->fd,
                                  .errors = silent,
                                  .prepare = prepare};
  return (silent > 0 || error_set(err, ERROR_IO, "could not open /dev/null")) &&
         process_spawn(argv, &options, false, ret, err);
}

bool git_serve(const GitServe *serve, pid_t *ret, Error *err) {
  const char *argv[GIT_PREFIX + 2 * ARRAY_LENGTH(settings) + 8];
  const char *environment[ENVIRONMENT_LIMIT + 1];
  AUTO(str_free) char *hooks = NULL;
  AUTO(str_free) char *socket = str_format("BOUGH_GIT_SOCKET=%s", serve->socket);
  AUTO(str_free) char *ticket = str_format("BOUGH_GIT_TICKET=%s", serve->ticket);
  AUTO(str_free)
  char *push_limit =
      str_format("receive.maxInputSize=%lld",
                 (long long)(serve->push_limit > 0 ? serve->push_limit : usual_push_limit));
  if (!hooks_setting(&hooks, err))
    return false;
  size_t count = add_settings(argv, git_server_prefix(argv), hooks, push_limit);
  argv[count++] = git_service_text(serve->service);
  argv[count++] = serve->repository;
  argv[count] = NULL;
  add_environment(environment, socket, ticket);
  return start(serve, argv, environment, ret, err);
}
