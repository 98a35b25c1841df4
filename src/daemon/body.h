/* The members of requests' bodies, as docs/api.md has them. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

/* body is an object. Members that are missing or null are fine, of another type than they should be
 * are ERROR_USAGE; so are those of its "source". */
CHECKED bool body_check(const json_t *body, Error *err);
