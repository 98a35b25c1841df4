/* Runs bough-setup, the only program that may need root. */
#pragma once

#include "cli/command.h"

/* verb: "up", "down", "pool-create"; the flags of this call's command go with it, by the same
 * names. Its progress goes to stderr as it comes; *ret, owned, is the result that it prints on
 * stdout. */
CHECKED bool setup_ask(const Cli *cli, const char *verb, json_t **ret, Error *err);
