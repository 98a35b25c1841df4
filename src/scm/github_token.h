/* The token that Bough's server uses at GitHub. It never stands in the catalog, in arguments or in
 * logs: it is in a file, in the server's environment, or kept by `gh`. */
#pragma once

#include "core/error.h"
#include "core/home.h"

/* The first of: the file that config.json names as github_token_file (its owner's and group's
 * alone); GH_TOKEN or GITHUB_TOKEN, for github.com; GH_ENTERPRISE_TOKEN or GITHUB_ENTERPRISE_TOKEN,
 * for an enterprise host; `gh auth token`. *ret is owned; wipe it with github_token_free.
 *
 * A project's setting names the host, and whoever may set it must not be handed the token: any host
 * but github.com has to be the one that the server's own github_host (config.json) or GH_HOST
 * names. FORBIDDEN for others; FORGE_REFUSED where there is no token. */
CHECKED bool github_token(const Home *home, const char *host, char **ret, Error *err);
void github_token_free(char *token);
DEFINE_AUTO(char *, github_token_free)
