/* The database that `project create --from` copies: reached, and its password found, before
 * anything starts. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

/* Connects to conninfo with the environment of the caller (PGPASSFILE, ~/.pgpass, PGPASSWORD). *ret
 * is
 * {"password": text or null, "server_version": 150020}, owned. A password in conninfo is refused; a
 * server that can't be reached is ERROR_SOURCE_UNREACHABLE. */
CHECKED bool source_resolve(const char *conninfo, json_t **ret, Error *err);

/* The same through the program bough-source: libpq and the libraries it needs take longer to load
 * than a branch takes to be made, so bough itself isn't linked with them. */
CHECKED bool source_ask(const char *conninfo, json_t **ret, Error *err);
