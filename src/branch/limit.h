/* How many branches a project, and a person, may have. */
#pragma once

#include "branch/context.h"

/* LIMIT_REACHED where branch would be one too many. Inside of the transaction that makes its row,
 * after access_confirm and before the row is there: nobody else counts meanwhile. */
CHECKED bool limit_check(Context *context, const BranchRow *branch, Error *err);

/* What stands: of the project, and of a kind those that person made or had agents make. */
typedef struct LimitCounts {
  int64_t branches, own;
} LimitCounts;
CHECKED bool limit_count(Context *context, const char *project, const char *kind,
                         const char *person, LimitCounts *ret, Error *err);
