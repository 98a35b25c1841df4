/* scm-workflow-state.schema.json, as this build has it. */
#pragma once

#include "core/error.h"
#include "core/json.h"

/* STATE_FILE_DIFFERS with the first place that isn't as the schema says. */
CHECKED bool scm_schema_check(const json_t *state, Error *err);
