/* From a value that passed every check to a Policy. Private to src/policy. */
#pragma once

#include "policy/source.h"

/* The form that says the same for the same meaning, see policy_json. Owned by the caller. */
json_t *policy_canonical(const json_t *value);

/* Takes canonical over. */
Policy *policy_build(json_t *canonical, const Yaml *yaml);
