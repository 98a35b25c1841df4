/* A tier's git branch and its database move one after the other. Whoever needs both of the same
 * moment holds the tier shared; a promotion holds it alone from before its migrations until git has
 * moved. */
#pragma once

#include "core/lock.h"
#include "scm/forge.h"

/* *ret is a descriptor; closing it lets go. BRANCH_BUSY after timeout_ms. */
CHECKED bool tier_hold(const Context *context, const char *project, const char *tier, LockMode mode,
                       int timeout_ms, int *ret, Error *err);
/* Whether a promotion stands between the two, or nobody knows how far it is: its worker was killed,
 * or it stopped and waits for somebody to finish it. Asked while the tier is held. */
CHECKED bool tier_is_half_way(Context *context, const char *project, const char *tier, bool *ret,
                              Error *err);
