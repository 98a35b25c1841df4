/* Reading the audit: by the API, and as database "system" through the proxy. */
#pragma once

#include "branch/context.h"

/* Whether the caller has audit.read. */
CHECKED bool audit_may_read(Context *context, Error *err);

/* query: {since?: "1h", principal?, branch?, action?, refused?: "1", limit?: "100", after?}, all
 * strings. *ret: {"events": [...]}, oldest first. */
CHECKED bool audit_show(Context *context, const json_t *query, json_t **ret, Error *err);

/* Where the caller reads the catalog with SQL: {url, host, port, user, database, proxied}. */
CHECKED bool audit_url(Context *context, json_t **ret, Error *err);

/* ---- sessions ---- */

/* Whether a client of the proxy means the catalog: database "system" and no branch. */
bool session_is_system(const json_t *params);
/* The route to it, with the session on record; context->caller is the client. params are those of
 * proxy/control.h, token the id of the one it proved to have, trail what is recorded of it. */
CHECKED bool session_route_system(Context *context, const json_t *params, const char *token,
                                  const json_t *trail, json_t **ret, Error *err);
/* Ends those whose principal has lost the right; adds to *ret_count how many. */
CHECKED bool audit_end_unentitled(Context *context, size_t *ret_count, Error *err);
