/* What ends by itself: branches whose time is over. */
#pragma once

#include "branch/context.h"

/* One look: announces branches that end soon (audit branch.expiring, webhook), and deletes those
 * whose time is over, as operations; one that others were forked from is closed and loses its name
 * until they have gone. Protected branches and tiers are left alone, whatever their rows say.
 *
 * When the wall clock jumped by more than an hour, nothing is announced or removed for
 * "expiry_hold_seconds" of config.json (3600), which the audit (expiry.held) and doctor say.
 *
 * A look ends after some seconds with *ret_more true where there is more to do. *ret_events: what
 * to log, an array of texts, owned. */
CHECKED bool reaper_look(Context *context, json_t **ret_events, bool *ret_more, Error *err);
