/* Sessions that had more than they may by the policy that is in force now. */
#pragma once

#include "branch/context.h"

/* Ends those on the project's branches, and what they have at work on computes; adds to *ret_count
 * how many. */
CHECKED bool session_end_lost(Context *context, const char *project, size_t *ret_count, Error *err);
