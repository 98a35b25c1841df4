/* Where two branches parted: which record of identities is the base of their comparison. */
#pragma once

#include "branch/context.h"

/* The record of what there was when the lineages of the two branches parted, owned by the caller;
 * NULL when there is none that holds: no common ancestor, or one that was reset since. */
CHECKED bool parting_record(Context *context, const BranchRow *left, const BranchRow *right,
                            char **ret, Error *err);
