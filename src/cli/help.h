/* Help for people, written from the command table. */
#pragma once

#include "cli/command.h"

/* On everything, a noun, or one command, as the invocation asks. */
void help_print(const Invocation *invocation, const Output *output);

/* "bough branch create NAME [--parent BRANCH] ...", owned by the caller. */
char *help_usage(const Command *command);
/* "branch create", owned by the caller. */
char *help_name(const Command *command);
/* "--parent BRANCH", owned by the caller. */
char *help_flag(const Flag *flag);
