/* Migrations on branches, for whoever calls: what a database has, applying, taking back, proving.
 * Each checks the caller's right and runs strangers' SQL with no more than that right.
 *
 * A request is {database?, layout, migrations:[...] as of migration_set_to_json, to?,
 * accept?:[code], lock_timeout_ms?, attempts?}; answers are described in docs/api.md and owned by
 * the caller. */
#pragma once

#include "branch/context.h"

CHECKED bool migrate_status(Context *context, const ProjectRow *project, const char *branch,
                            const json_t *body, json_t **ret, Error *err);
/* Applies what is pending, in order, up to version "to". "baseline": true notes it as applied
 * without running it. */
CHECKED bool migrate_apply(Context *context, const ProjectRow *project, const char *branch,
                           const json_t *body, json_t **ret, Error *err);
/* Applies to next, whose compute runs and which nobody uses, what the tier's ledgers have in force
 * and its own lack, in the order in which it was applied to the tier: for a tier that is built anew
 * from its parent. Not asked for by a principal: each was allowed when it was applied. Fails with
 * the first that does. *ret_applied: an array of versions, owned. (branch/schedule.h) */
CHECKED bool migrate_reapply(Context *context, const ProjectRow *project, const BranchRow *tier,
                             const BranchRow *next, json_t **ret_applied, Error *err);
/* Takes back what is above version "to"; without one, the last. What the folder lacks is undone as
 * the ledger kept it. */
CHECKED bool migrate_rollback(Context *context, const ProjectRow *project, const char *branch,
                              const json_t *body, json_t **ret, Error *err);

/* Proves what is pending on scratch branches of the branch: that it applies, that the ledger keeps
 * it from being run twice, that its undo restores schema and data; and measures what it locks and
 * costs. A migration that doesn't hold is a result, not a failure. "keep": true leaves the last
 * scratch branch, with all of it applied, when all was proved. */
CHECKED bool migrate_verify(Context *context, const ProjectRow *project, const char *branch,
                            const json_t *body, json_t **ret, Error *err);

/* What tools with code of their own say that they applied, by their ledgers in the database. */
CHECKED bool migrate_tools(Context *context, const ProjectRow *project, const char *branch,
                           const json_t *body, json_t **ret, Error *err);
