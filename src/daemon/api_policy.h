/* Handlers of the policy's routes, for the table in api.c. */
#pragma once

#include "daemon/route.h"

ApiHandler get_policy, get_policy_history, get_policy_explain, post_policy_preview, post_policy;
