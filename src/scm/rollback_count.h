/* What was committed to a tier since a position of its log, counted from the log itself. */
#pragma once

#include "branch/context.h"

/* [{database, table, transactions}], the most first; table is null for what isn't there any more;
 * *ret_all: of all databases together. False, with the reason, where the log can't tell. Owned. */
CHECKED bool rollback_count(Context *context, const ProjectRow *project, const BranchRow *tier,
                            Lsn since, json_t **ret, int64_t *ret_all, Error *err);
