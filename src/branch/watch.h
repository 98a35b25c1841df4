/* What is looked at all the time: room in the pool, and branches that eat it. */
#pragma once

#include "branch/context.h"

/* Suspends ephemeral branches that wrote more than they may ("branch_bytes" in config.json, default
 * 20 GB), and, when creates are refused already, the one that wrote most since the last look, so
 * that the parents can go on writing. Each suspended branch is a text in *ret_events (array,
 * owned). */
CHECKED bool watch_pool(Context *context, json_t **ret_events, Error *err);
