/* `.lakebase/workflow-state.json`: made from the server's record, and held against it. */
#pragma once

#include "catalog/change.h"
#include "core/json.h"
#include "policy/policy.h"

/* What the file of a work tree that stands on that change's branch says; change NULL or abandoned:
 * scaffold-complete. Owned by the caller. */
json_t *mirror_make(const char *project_id, const Policy *policy, const ChangeRow *change);

/* Holds the text of a file against what it is to say. STATE_FILE_DIFFERS names the first member
 * that is otherwise, or says that the text is no JSON. text NULL: NO_STATE_FILE. */
CHECKED bool mirror_check(const json_t *expected, const char *text, Error *err);
