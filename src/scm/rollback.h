/* Taking a tier back to what it was before a promotion. */
#pragma once

#include "branch/context.h"

/* What a rollback of that tier would do and leave behind: {tier, to, promotion, snapshot_at, token,
 * lost:[{database, table, transactions}], transactions (null: unknown), known, why}. to: the name
 * of a kept snapshot, or of the branch that an earlier rollback left; NULL: the one that the last
 * promotion took. Counts are of committed transactions, read from the log. */
CHECKED bool rollback_preview(Context *context, const ProjectRow *project, const char *tier,
                              const char *to, json_t **ret, Error *err);

/* Moves the tier's name and endpoint to a new branch of that snapshot; the one that stood stays,
 * for as long as snapshots are kept, and can be gone back to the same way. token: of the preview
 * that was looked at, NULL: whatever is lost. {branch, previous, url, snapshot, duration_ms}. */
CHECKED bool rollback_tier(Context *context, const ProjectRow *project, const char *tier,
                           const char *to, const char *token, json_t **ret, Error *err);
