/* What the workflow tells of itself, as JSON of docs/api.md. */
#pragma once

#include "scm/step.h"

/* What the work tree is to hold after the step, see scm_tree. Owned by the caller. */
CHECKED bool show_step(Step *step, json_t **ret, Error *err);
/* One change: {feature, kind, state, git_branch, tier, branch, ...}. Owned by the caller. */
json_t *show_change(const ChangeRow *change);
