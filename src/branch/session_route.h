/* What bough-proxy asks about sessions: where a client is to go, and what became of it. Params and
 * answers are those of proxy/control.h; boughd adds the proxy process's "boot" to the params. */
#pragma once

#include "branch/context.h"

/* The route of an authenticated client, and its session on record; or, when the compute isn't
 * awake,
 * {"wake": endpoint id} and nothing recorded. A refusal is recorded before this returns. */
CHECKED bool session_route(Context *context, const json_t *params, json_t **ret, Error *err);

/* Starts the compute for those who wait: params {endpoint, principal}. */
CHECKED bool session_wake(Context *context, const json_t *params, json_t **ret, Error *err);

/* {boot, sessions: [{session}]}: ends what isn't listed, pushes the end of what must not be. */
CHECKED bool session_hello(Context *context, const json_t *params, Error *err);
/* {sessions: [{session, bytes_in, bytes_out, duration_ms, reason}]} */
CHECKED bool sessions_ended(Context *context, const json_t *params, Error *err);
CHECKED bool session_reported(Context *context, const json_t *params, Error *err);
CHECKED bool session_refused(Context *context, const json_t *params, Error *err);
