/* One POST to somebody else's server, by libcurl: https, or http to this machine; no redirects, no
 * proxies from the environment, bounded in time, the answer's body not looked at. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* ERROR_USAGE for what http_post would refuse: another scheme, plain http to elsewhere, a name and
 * password inside. */
CHECKED bool http_post_check_url(const char *url, Error *err);

/* headers: "Name: value" each, NULL-terminated. True for a status of 2xx. */
CHECKED bool http_post(const char *url, const char *const *headers, const char *body,
                       int timeout_ms, Error *err);
