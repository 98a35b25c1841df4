/* bough: parse, do, tell. */
#include "cli/command.h"
#include "cli/help.h"
#include "core/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void show_result(Cli *cli, const json_t *result) {
  const Command *command = cli->invocation.command;
  bool is_silenced = cli->output.is_quiet && command->changes;
  if (cli->output.is_json)
    output_result(result);
  else if (command->show != NULL && !is_silenced)
    command->show(cli, result);
}

static bool run_command(Cli *cli, Error *err) {
  const Command *command = cli->invocation.command;
  AUTO(json_free) json_t *result = NULL;
  AUTO(json_free) json_t *body = command->body != NULL ? command->body(cli) : NULL;
  bool ok = command->run != NULL ? command->run(cli, &result, err)
                                 : cli_request(cli, command, body, &result, err);
  if (!ok)
    return false;
  if (result != NULL)
    show_result(cli, result);
  /* A full disk behind stdout must not look like success. */
  if (fflush(stdout) != 0 || ferror(stdout) != 0)
    return error_set(err, ERROR_IO, "could not write to stdout");
  return true;
}

static bool run(Cli *cli, int argc, char **argv, Error *err) {
  Invocation *invocation = &cli->invocation;
  bool ok = invocation_parse(argc, argv, invocation, err);
  output_start(&cli->output, invocation_has(invocation, "json"),
               invocation_has(invocation, "quiet"));
  if (!ok)
    return false;
  if (invocation->wants_version)
    (void)printf("bough %s\n", BOUGH_VERSION);
  else if (invocation->wants_help)
    help_print(invocation, &cli->output);
  else
    return run_command(cli, err);
  return true;
}

/* Called by the name of a command of the workflow's, it is that command. *ret: owned by the caller.
 */
static int rename_call(int argc, char **argv, char ***ret) {
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  const char *verb = alias_verb(slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "");
  int more = verb != NULL ? 2 : 0;
  char **all = mem_new((size_t)argc + (size_t)more + 1, sizeof *all);
  static char program[] = "bough";
  static char noun[] = "scm";
  for (int at = 0; at < argc; at++)
    all[at == 0 ? 0 : at + more] = argv[at];
  if (verb != NULL) {
    all[0] = program;
    all[1] = noun;
    all[2] = (char *)verb;
  }
  *ret = all;
  return argc + more;
}

int main(int argc, char **argv) {
  (void)signal(SIGPIPE, SIG_DFL);
  char **words = NULL;
  int count = rename_call(argc, argv, &words);
  Cli cli = {.argv = words};
  Error err = ERROR_INIT;
  bool ok = run(&cli, count, words, &err);
  if (!ok)
    output_error(&cli.output, &err);
  client_free(cli.client);
  str_free(cli.project);
  invocation_release(&cli.invocation);
  mem_free(words);
  return ok ? cli.exit_status : error_info(err.code)->exit_status;
}
