/* Ways into a branch for programs that this one runs. */
#pragma once

#include "cli/command.h"

/* A password for the caller on any branch: the token that was given, else one for some hours. Owned
 * by the caller. */
CHECKED bool connection_password(Cli *cli, char **ret, Error *err);

/* Runs command (an argument vector) with the connection of a branch in its environment: PGHOST,
 * PGPORT, PGUSER, PGDATABASE, DATABASE_URL without a password, and PGPASSFILE, a file that only its
 * owner reads and that is removed afterwards. Its output goes to stderr. *ret_status: its exit
 * status. */
CHECKED bool connection_run(Cli *cli, const char *branch, const char *database,
                            char *const *command, int *ret_status, Error *err);
