/* Runs git and takes what it writes. */
#include "git/git.h"

#include "core/io.h"
#include "core/process.h"
#include "core/str.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

enum { ARGUMENT_LIMIT = 64, ERRORS_LIMIT = 2000, ENVIRONMENT_LIMIT = 4096 };

/* Of everybody: a program that waits for somebody at a terminal would wait for ever; a ref of
 * refs/replace would show other files than those that are merged. */
static const char *const common_environment[] = {
    "GIT_TERMINAL_PROMPT=0",    "GIT_PAGER=cat",       "GIT_EDITOR=false",
    "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0",
    "GIT_LITERAL_PATHSPECS=1",  "LC_ALL=C.UTF-8",      NULL};

static const char *const server_environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/nonexistent",
    "TZ=UTC",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_ASKPASS=false",
    "GIT_SSH_COMMAND=false",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_PAGER=cat",
    "GIT_EDITOR=false",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_NO_LAZY_FETCH=1",
    "GIT_LITERAL_PATHSPECS=1",
    "LC_ALL=C.UTF-8",
    NULL};

static const char *const server_prefix[] = {"git",
                                            "-c",
                                            "core.hooksPath=/dev/null",
                                            "-c",
                                            "core.fsmonitor=false",
                                            "-c",
                                            "core.attributesFile=/dev/null",
                                            "-c",
                                            "core.excludesFile=/dev/null",
                                            "-c",
                                            "core.sshCommand=false",
                                            "-c",
                                            "protocol.allow=never",
                                            "-c",
                                            "gc.auto=0",
                                            "-c",
                                            "maintenance.auto=false"};
_Static_assert(ARRAY_LENGTH(server_prefix) <= GIT_PREFIX, "room for the first words");

Git git_server(const char *bare_repository) {
  return (Git){.directory = bare_repository, .is_server = true};
}

Git git_client(const char *directory) {
  return (Git){.directory = directory};
}

void git_result_release(GitResult *result) {
  str_free(result->output);
  str_free(result->errors);
  *result = (GitResult){0};
}

size_t git_server_prefix(const char **argv) {
  memcpy(argv, server_prefix, sizeof server_prefix);
  return ARRAY_LENGTH(server_prefix);
}

const char *const *git_server_environment(void) {
  return server_environment;
}

/* ---- how it is started ---- */

static void add_all(const char **list, size_t *count, const char *const *more) {
  for (; more != NULL && *more != NULL && *count < ENVIRONMENT_LIMIT; more++)
    list[(*count)++] = *more;
}

static const char **make_environment(const Git *git) {
  const char **list = mem_new(ENVIRONMENT_LIMIT + 1, sizeof *list);
  size_t count = 0;
  add_all(list, &count, git->environment); /* the first of a name is the one that counts */
  add_all(list, &count, git->is_server ? server_environment : common_environment);
  if (!git->is_server)
    add_all(list, &count, (const char *const *)environ);
  return list;
}

static bool make_arguments(const Git *git, const char *const *arguments, const char **argv,
                           const char *directory, Error *err) {
  size_t count = 0;
  if (git->is_server)
    count = git_server_prefix(argv);
  else
    argv[count++] = "git";
  argv[count++] = directory;
  if (!git->is_server)
    argv[count++] = git->directory;
  while (*arguments != NULL && count < ARGUMENT_LIMIT)
    argv[count++] = *arguments++;
  argv[count] = NULL;
  return *arguments == NULL || error_set(err, ERROR_INTERNAL, "too many arguments for git");
}

static bool memory_file(const void *bytes, size_t length, int *ret, Error *err) {
  AUTO_RELEASE(fd_release) int fd = memfd_create("bough-git", MFD_CLOEXEC);
  if (fd < 0 || (length > 0 && !io_write(fd, bytes, length, err)) || lseek(fd, 0, SEEK_SET) != 0)
    return error_set(err, ERROR_INTERNAL, "no memory for git's input");
  *ret = fd;
  fd = -1;
  return true;
}

/* ---- what it writes ---- */

typedef struct Taken {
  Buffer bytes;
  bool is_too_large;
} Taken;

static void take(void *context, const char *bytes, size_t length) {
  Taken *taken = context;
  if (taken->bytes.length + length > GIT_OUTPUT_LIMIT)
    taken->is_too_large = true;
  else
    buffer_add(&taken->bytes, bytes, length);
}

/* The end of what it complained about, without line ends, which messages don't have. */
static char *read_errors(int fd) {
  char text[ERRORS_LIMIT + 1];
  off_t size = lseek(fd, 0, SEEK_END);
  off_t start = size > ERRORS_LIMIT ? size - ERRORS_LIMIT : 0;
  ssize_t length = size > 0 ? pread(fd, text, ERRORS_LIMIT, start) : 0;
  Buffer line = {0};
  buffer_add_text(&line, "");
  while (length > 0 && text[length - 1] == '\n')
    length--;
  for (ssize_t at = 0; at < length; at++) {
    if (text[at] == '\n')
      buffer_add_text(&line, "; ");
    else if ((unsigned char)text[at] >= ' ')
      buffer_add(&line, &text[at], 1);
  }
  return buffer_steal(&line);
}

static bool run(const char *const *argv, const ProcessOptions *options, int errors, GitResult *ret,
                Error *err) {
  AUTO_RELEASE(process_result_release) ProcessResult result = {0};
  Taken *taken = options->output_context;
  if (!process_run(argv, options, &result, err))
    return false;
  if (taken->is_too_large)
    return error_set(err, ERROR_TOO_LARGE, "git wrote more than %d MB",
                     GIT_OUTPUT_LIMIT / 1024 / 1024);
  size_t length = taken->bytes.length;
  *ret = (GitResult){.status = result.status,
                     .length = length,
                     .output = buffer_steal(&taken->bytes),
                     .errors = read_errors(errors)};
  return true;
}

bool git_run(const Git *git, const char *const *arguments, const void *input, size_t input_length,
             GitResult *ret, Error *err) {
  const char *argv[GIT_PREFIX + ARGUMENT_LIMIT + 3];
  AUTO(str_free)
  char *directory = git->is_server ? str_format("--git-dir=%s", git->directory) : str_dup("-C");
  AUTO_RELEASE(fd_release) int stdin_file = -1;
  AUTO_RELEASE(fd_release) int errors = -1;
  if (!make_arguments(git, arguments, argv, directory, err) || !memory_file("", 0, &errors, err) ||
      (input != NULL && !memory_file(input, input_length, &stdin_file, err)))
    return false;
  Taken taken = {0};
  const char **environment = make_environment(git);
  ProcessOptions options = {
      .environment = environment,
      .directory = git->is_server ? NULL : ".",
      .input = stdin_file,
      .output = -1,
      .errors = errors,
      .timeout_ms = git->timeout_ms > 0 ? git->timeout_ms : GIT_TIMEOUT_MS,
      .on_output = take,
      .output_context = &taken,
  };
  bool ok = run(argv, &options, errors, ret, err);
  buffer_release(&taken.bytes);
  mem_free(environment);
  return ok;
}

static bool require_success(const char *const *arguments, const GitResult *result, Error *err) {
  if (result->status == 0)
    return true;
  return error_set(err, ERROR_TOOL_FAILED, "git %s ended with status %d: %s", arguments[0],
                   result->status, result->errors);
}

bool git_check(const Git *git, const char *const *arguments, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  return git_run(git, arguments, NULL, 0, &result, err) && require_success(arguments, &result, err);
}

bool git_line(const Git *git, const char *const *arguments, char **ret, Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(git, arguments, NULL, 0, &result, err) || !require_success(arguments, &result, err))
    return false;
  *ret = str_ndup(result.output, strcspn(result.output, "\n"));
  return true;
}

bool git_texts(const Git *git, const char *const *arguments, char ***ret, size_t *ret_count,
               Error *err) {
  AUTO_RELEASE(git_result_release) GitResult result = {0};
  if (!git_run(git, arguments, NULL, 0, &result, err) || !require_success(arguments, &result, err))
    return false;
  size_t count = 0;
  for (size_t at = 0; at < result.length; at++)
    count += result.output[at] == '\0';
  char **list = mem_new((count + 1) * sizeof *list + result.length + 1, 1);
  char *text = (char *)(list + count + 1);
  memcpy(text, result.output, result.length);
  for (size_t at = 0; at < count; at++, text += strlen(text) + 1)
    list[at] = text;
  *ret = list;
  *ret_count = count;
  return true;
}
