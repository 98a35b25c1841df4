/* What boughd does with the audit once a second: partitions of the coming days, repeats that were
 * counted, the chain, its anchors, and the end of days that are past keeping. */
#pragma once

#include "branch/context.h"

/* now_us: the wall clock. *ret: {"events": [text]} for the log. */
CHECKED bool audit_keep(Context *context, int64_t now_us, json_t **ret, Error *err);
/* Before boughd ends: what was counted becomes rows, all rows get their places. */
CHECKED bool audit_settle(Context *context, Error *err);
