/* How everything is: status says each part's state, doctor looks for what is wrong and how to mend
 * it. Both answer when parts are missing: that is when they are needed. */
#pragma once

#include "branch/context.h"

/* daemon: what boughd knows of itself (may be NULL). context->catalog may be NULL: it doesn't
 * answer. */
CHECKED bool doctor_status(Context *context, const json_t *daemon, json_t **ret, Error *err);
CHECKED bool doctor_run(Context *context, const json_t *daemon, json_t **ret, Error *err);
