/* The process of an endpoint, from its start to where clients may be let in. The caller holds the
 * volume's lock and decides (branch/endpoint.h). */
#pragma once

#include "branch/context.h"

/* Starts it and waits until it answers; the first time its recovery is proven and the branch is
 * cleaned. endpoint says running then, which its caller stores. After a failure the process may be
 * there. */
CHECKED bool endpoint_open(Context *context, BranchRow *branch, EndpointRow *endpoint, Error *err);

/* Bytes that the running process has written since it was opened, so without its recovery, and of
 * its memory; -1: unknown. ret_memory, which takes longer, may be NULL. */
CHECKED bool endpoint_measure(Context *context, const EndpointRow *endpoint, int64_t *ret_written,
                              int64_t *ret_memory, Error *err);

/* Ends the process that the row names, and clears it there; the row isn't stored. immediate: its
 * data is not needed any more. */
CHECKED bool endpoint_end_process(Context *context, const char *volume, EndpointRow *endpoint,
                                  bool immediate, Error *err);
