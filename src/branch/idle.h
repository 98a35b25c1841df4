/* Computes that nobody uses go to sleep. */
#pragma once

#include "branch/context.h"

/* Suspends, by a clean shutdown, the computes of branches that have had no session for as long as
 * the policy in force says of their tier or kind (idle:), else, of ephemeral branches, for
 * "idle_seconds" of config.json (300; 0: never; roots only with "idle_roots"), and ends the
 * sessions of proxy processes that are gone: all but boots, which is NULL as long as that isn't
 * known. *ret_events: what to log, an array of texts. */
CHECKED bool idle_look(Context *context, const json_t *boots, json_t **ret_events, Error *err);
