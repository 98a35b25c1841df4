/* Spans of time as people write them. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* "90s", "30m", "12h", "7d" to seconds, at least 1 and at most ten years. */
CHECKED bool duration_parse(const char *text, int64_t *ret, Error *err);
