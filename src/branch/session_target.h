/* Which branch a client of the proxy means. */
#pragma once

#include "branch/context.h"

/* params: {endpoint, branch}, either or both; those that disagree are refused. A branch that the
 * caller may not see and one that isn't there are the same refusal. *ret is what was found so far
 * also after a failure. */
CHECKED bool session_target(Context *context, const json_t *params, BranchRow *ret, Error *err);
