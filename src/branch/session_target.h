/* Which branch a client of the proxy means. */
#pragma once

#include "branch/context.h"

/* params: {endpoint, branch}, either or both, names or an endpoint's id; those that disagree are
 * refused. A branch that the caller may not see and one that isn't there are the same refusal.
 * only: the id of the one branch that the caller's token opens, which is what it means where
 * several projects have a branch of that name; "": it opens all. *ret is what was found so far also
 * after a failure. */
CHECKED bool session_target(Context *context, const json_t *params, const char *only,
                            BranchRow *ret, Error *err);
