/* One POST to somebody else's server (http/request.h), whose answer's body isn't looked at. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* headers: "Name: value" each, NULL-terminated. True for a status of 2xx. */
CHECKED bool http_post(const char *url, const char *const *headers, const char *body,
                       int timeout_ms, Error *err);
