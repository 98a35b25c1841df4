/* Sizes as people write them. */
#pragma once

#include "core/base.h"
#include "core/error.h"

/* "512MiB", "5G", "20GB" to bytes, at least 1: K, M, G, T with or without iB are powers of 1024,
 * kB, MB, GB, TB powers of 1000. */
CHECKED bool size_parse(const char *text, int64_t *ret, Error *err);
