/* What boughd does with the audit once a second: partitions of the coming days, repeats that were
 * counted, the chain, its anchors, and the end of days that are past keeping. */
#pragma once

#include "branch/context.h"

/* *ret: {"events": [text]} for the log. */
CHECKED bool audit_keep(Context *context, json_t **ret, Error *err);
