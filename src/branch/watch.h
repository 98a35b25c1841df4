/* What is looked at all the time: room in the pool, and branches that eat it. */
#pragma once

#include "branch/context.h"

/* Suspends ephemeral branches, which are all but roots and tiers, that wrote more since their
 * compute was started than "branch_bytes" in config.json (default 20 GB) or the policy's
 * limits.branch_bytes allows, and, when creates are refused already, the one that wrote most, so
 * that the parents can go on writing. Looking at all writers costs a little for each: while there
 * is room it is done only with measure_all. Each suspended branch is a text in *ret_events (array,
 * owned). */
CHECKED bool watch_pool(Context *context, bool measure_all, json_t **ret_events, Error *err);
