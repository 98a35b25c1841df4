/* Starts bough-setup with stdout in a pipe and stderr as it is, and reads the one object it
 * answers. */
#include "cli/setup_ask.h"

#include "cli/words.h"
#include "core/io.h"
#include "core/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 64 * 1024 };

static bool spawn(const char *program, char *const *argv, int output, pid_t *ret, Error *err) {
  posix_spawn_file_actions_t actions;
  (void)posix_spawn_file_actions_init(&actions);
  (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  int failure = posix_spawn(ret, program, &actions, NULL, argv, environ);
  (void)posix_spawn_file_actions_destroy(&actions);
  return failure == 0 || error_set_errno(err, failure, "could not run \"%s\"", program);
}

static void read_all(int fd, Buffer *ret) {
  for (;;) {
    char bytes[4096];
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    if (ret->length < ANSWER_LIMIT)
      buffer_add(ret, bytes, (size_t)count);
  }
}

static bool take_answer(const Buffer *output, int status, json_t **ret, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  Error ignored = ERROR_INIT;
  if (output->length == 0 || !json_parse(output->text, output->length, &answer, &ignored))
    return error_set(err, ERROR_TOOL_FAILED, "bough-setup ended with status %d and no answer",
                     status);
  const json_t *error = json_object_get(answer, "error");
  if (error != NULL) {
    json_to_error(error, err);
    return false;
  }
  *ret = json_incref(json_object_get(answer, "result"));
  return true;
}

static bool is_own_flag(const Command *command, const Flag *flag) {
  return flag >= command->flags && flag < command->flags + ARRAY_LENGTH(command->flags);
}

static void add_words(Words *words, const Cli *cli, const char *program, const char *verb) {
  const Invocation *invocation = &cli->invocation;
  words_add(words, str_dup(program));
  words_add(words, str_dup(verb));
  if (cli->output.is_quiet)
    words_add(words, str_dup("--quiet"));
  for (size_t at = 0; at < invocation->flag_count; at++) {
    const Flag *flag = invocation->flags[at].flag;
    const char *value = invocation->flags[at].value;
    if (is_own_flag(invocation->command, flag))
      words_add(words, value != NULL ? str_format("--%s=%s", flag->name, value)
                                     : str_format("--%s", flag->name));
  }
}

bool setup_ask(const Cli *cli, const char *verb, json_t **ret, Error *err) {
  AUTO(str_free) char *program = NULL;
  AUTO_RELEASE(words_release) Words words = {0};
  if (!program_path("bough-setup", &program, err))
    return false;
  add_words(&words, cli, program, verb);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return error_set_errno(err, errno, "could not make a pipe");
  AUTO_RELEASE(fd_release) int reader = ends[0];
  AUTO_RELEASE(fd_release) int writer = ends[1];
  pid_t pid = 0;
  if (!spawn(program, words.words, writer, &pid, err))
    return false;
  fd_release(&writer);
  AUTO_RELEASE(buffer_release) Buffer output = {0};
  read_all(reader, &output);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  return take_answer(&output, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), ret,
                     err);
}
