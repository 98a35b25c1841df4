/* Whether two branches have the same schema, told by their storage: the shortcut of schema diffs.
 */
#pragma once

#include "branch/context.h"

/* True only where that is certain: both are at rest (stopped, or checkpointed and unchanged since),
 * and the catalogs of database lie in the very same blocks. False says nothing; nothing is woken,
 * and no failure is told: who asks goes on to read both. */
bool branches_are_alike(Context *context, const BranchRow *left, const BranchRow *right,
                        const char *database);
