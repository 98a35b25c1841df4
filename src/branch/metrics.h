/* GET /metrics: the text that Prometheus reads. */
#pragma once

#include "branch/context.h"

/* {"text"}; daemon: what boughd knows of itself. For the platform. Without a catalog only that. */
CHECKED bool metrics_show(Context *context, const json_t *daemon, json_t **ret, Error *err);
