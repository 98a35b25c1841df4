/* Endpoints: starting and stopping the compute of a branch, and what to do when one ended by
 * itself. */
#pragma once

#include "branch/context.h"

/* How the error of an endpoint begins that endpoint_suspend stopped. */
#define ENDPOINT_SUSPENDED "suspended: "

/* Whether the branch may be opened for anybody: BRANCH_EXPIRED, BRANCH_BUSY, BRANCH_FAILED. */
CHECKED bool endpoint_check_openable(const BranchRow *branch, Error *err);

/* Starts the branch's compute and waits until it answers; one that runs is left as it is. At the
 * first start of a volume its log must reach its recorded end, and the branch is cleaned, before
 * anybody is given the route. A branch whose log is short becomes failed and is never opened. */
CHECKED bool endpoint_start(Context *context, const char *branch, EndpointRow *ret, Error *err);

/* The same for one that is still being made: for the operation that makes it. */
CHECKED bool endpoint_start_new(Context *context, const char *branch, EndpointRow *ret, Error *err);

/* The same as what the request at hand asks for: its row of the audit is in the transaction that
 * says that it runs. */
CHECKED bool endpoint_start_asked(Context *context, const char *branch, EndpointRow *ret,
                                  Error *err);

/* Called in the transaction of what was done. */
typedef bool EndpointTold(void *arg, Context *context, const EndpointRow *endpoint, Error *err);

/* The same for whichever branch the endpoint leads to once it can be started: a repoint may move it
 * meanwhile. told may be NULL, and isn't called where it was awake. */
CHECKED bool endpoint_wake(Context *context, const char *endpoint, EndpointTold *told, void *arg,
                           EndpointRow *ret, Error *err);

/* session_get of a compute that may be starting, recovering, or ending: it is waited for, at most
 * limit_ms, for as long as it lives. waiting: what is reported each second; may be NULL. */
CHECKED bool endpoint_session(Context *context, const EndpointRow *endpoint, int limit_ms,
                              const char *waiting, Conn **ret, Error *err);
/* The same for a session of one's own, to be freed. */
CHECKED bool endpoint_own_session(Context *context, const EndpointRow *endpoint, int limit_ms,
                                  const char *waiting, Conn **ret, Error *err);

/* Stops it; nothing to stop is fine. immediate: its data is not needed any more. */
CHECKED bool endpoint_stop(Context *context, const char *branch, bool immediate, EndpointRow *ret,
                           Error *err);
/* The same, cleanly, as what the request at hand asks for: with its row of the audit. */
CHECKED bool endpoint_stop_asked(Context *context, const char *branch, EndpointRow *ret,
                                 Error *err);

/* Stops at once that run of a compute, which fills the pool; false in ret where it has ended by
 * itself. It isn't started again (POOL_FULL), whoever comes and for what, but by
 * endpoint_start_asked; a reset leaves it behind. */
CHECKED bool endpoint_suspend(Context *context, const EndpointRow *run, const char *reason,
                              bool *ret, Error *err);

/* endpoint_stop for a caller that holds the volume's lock: no gap for a start behind it. */
CHECKED bool endpoint_stop_held(Context *context, const BranchRow *branch, bool immediate,
                                EndpointRow *endpoint, Error *err);

/* Writes the settings of a running compute anew and has them read: who may log in may have changed.
 */
CHECKED bool endpoint_configure(Context *context, const BranchRow *branch,
                                const EndpointRow *endpoint, Error *err);

/* Whether it runs, is to go on running, and its process lives. */
bool endpoint_is_awake(const EndpointRow *endpoint);

/* boughd saw the process of that endpoint end: it is started again if it was wanted. */
CHECKED bool endpoint_revive(Context *context, const char *endpoint, Error *err);

/* Adds the endpoint's process to what boughd watches. */
void endpoint_watch(Context *context, const EndpointRow *endpoint);

/* Whether the process that the row names still runs. */
bool endpoint_is_alive(const EndpointRow *endpoint);

/* Stops every compute cleanly, and remembers which are wanted, so that the next start brings them
 * back. */
CHECKED bool endpoint_stop_all(Context *context, Error *err);
