/* bough generate: documents that are made from the tables, so that they can't say anything else. */
#include "cli/generate.h"

#include "cli/handlers.h"
#include "cli/help.h"
#include "core/failpoint.h"

#include <stdio.h>

static void print_cli_flags(const Flag *flags, size_t count) {
  for (size_t at = 0; at < count && flags[at].name != NULL; at++) {
    AUTO(str_free) char *flag = help_flag(&flags[at]);
    (void)printf("| `%s` | %s |\n", flag, flags[at].summary);
  }
}

static void print_cli_command(const Command *command) {
  AUTO(str_free) char *name = help_name(command);
  AUTO(str_free) char *usage = help_usage(command);
  (void)printf("\n### bough %s\n\n    %s\n\n%c%s.\n", name, usage, command->summary[0] & ~0x20,
               command->summary + 1);
  if (command->details != NULL)
    (void)printf("\n%s\n", command->details);
  if (command->arguments[0].name == NULL && command->flags[0].name == NULL)
    return;
  (void)puts("\n| | |\n|---|---|");
  for (size_t at = 0; at < ARGUMENT_LIMIT && command->arguments[at].name != NULL; at++)
    (void)printf("| `%s` | %s |\n", command->arguments[at].name, command->arguments[at].summary);
  print_cli_flags(command->flags, FLAG_LIMIT);
}

static void print_cli(void) {
  (void)puts(
      "# The command line\n\nGenerated from `src/cli/commands.c` by `tools/gen-docs`.\n\n"
      "Exit status: 0 done, or already so; 1 wrong usage, or nothing to act on; 2 refused; "
      "3 failed; 4 timed out.\nWith `--json` there is one object on stdout: "
      "`{\"ok\":true,\"result\":{...}}` or\n"
      "`{\"ok\":false,\"error\":{\"code\",\"message\",\"hint\"}}`. Text for people goes to "
      "stdout, progress and errors\nto stderr.\n\n## Flags of every command\n\n| | |\n|---|---|");
  print_cli_flags(common_flags, common_flag_count);
  (void)puts("\n## Commands");
  for (size_t at = 0; at < command_count; at++)
    if (!commands[at].hidden)
      print_cli_command(&commands[at]);
}

static void print_errors(void) {
  (void)puts("# Errors\n\nGenerated from `src/core/error.def` by `tools/gen-docs`.\n\n"
             "| code | exit status | HTTP | SQLSTATE | meaning |\n|---|---|---|---|---|");
  for (ErrorCode code = ERROR_NONE + 1; code < ERROR_COUNT_; code++) {
    const ErrorInfo *info = error_info(code);
    (void)printf("| `%s` | %d | %d | %s | %s |\n", info->code, info->exit_status, info->http_status,
                 info->sqlstate, info->meaning);
  }
}

static void print_failpoints(void) {
  (void)puts(
      "# Failure points\n\nGenerated from `src/core/failpoint.def` by `tools/gen-docs`.\n\n"
      "With `BOUGH_FAILPOINT=NAME=ACTION` in the environment of boughd and bough-agent a test "
      "stops an operation\nthere: `crash` kills boughd and the process that got there, `error` "
      "fails the step, `sleep:MS` waits.\n\n| name | where it stands |\n|---|---|");
  for (FailpointId id = 0; id < FAILPOINT_COUNT_; id++)
    (void)printf("| `%s` | %s |\n", failpoint_info(id)->name, failpoint_info(id)->where);
}

static const struct {
  const char *name;
  void (*print)(void);
} documents[] = {
    {"cli", print_cli},
    {"errors", print_errors},
    {"failpoints", print_failpoints},
    {"man", generate_man},
    {"bash", generate_bash},
    {"zsh", generate_zsh},
    {"workflow", generate_workflow},
};

bool cmd_generate_run(Cli *cli, json_t **ret, Error *err) {
  const char *wanted = cli->invocation.arguments[0];
  for (size_t at = 0; at < ARRAY_LENGTH(documents); at++)
    if (str_equal(documents[at].name, wanted)) {
      documents[at].print();
      return true;
    }
  return error_set(err, ERROR_USAGE, "no document \"%.80s\"", wanted);
}
