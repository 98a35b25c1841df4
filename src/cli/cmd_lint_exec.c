/* bough migrate lint: becomes bough-lint, which is the same program with PostgreSQL's parser in it.
 * Loading that takes longer than a branch takes to be made, so the others do without. */
#include "cli/handlers.h"
#include "core/program.h"

#include <errno.h>
#include <unistd.h>

bool cmd_lint_run(Cli *cli, json_t **ret, Error *err) {
  AUTO(str_free) char *program = NULL;
  if (!program_path("bough-lint", &program, err))
    return false;
  (void)execv(program, cli->argv);
  return error_set_errno(err, errno, "could not run %s", program);
}

void cmd_lint_show(Cli *cli, const json_t *result) {
  (void)cli; /* it never comes back */
  (void)result;
}
