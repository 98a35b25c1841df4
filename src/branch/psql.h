/* Runs strangers' SQL by psql, as the role that loads, held back in three ways: psql's restricted
 * mode takes no backslash command, Landlock (where there is one) lets it start no program and open
 * no file of ours, and the server lets the role do nothing beyond its own databases. */
#pragma once

#include "branch/importing.h"
#include "branch/verdict.h"

/* Whether the psql of home has a restricted mode (15.14 and its siblings); UNSUPPORTED otherwise.
 */
CHECKED bool psql_check(const Home *home, Error *err);

/* Feeds the script in fd to psql in database, and what stands behind a \connect to one in that
 * other database. total: bytes of the script for the progress that is reported as text, 0: not
 * known. True when psql went through all of it; which statements failed is in report. */
CHECKED bool psql_run(Import *import, const char *database, int fd, int64_t total, const char *text,
                      VerdictReport *report, Error *err);
