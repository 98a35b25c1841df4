/* What every fuzz target shares: libFuzzer's entry point, and input as text. */
#pragma once

#include "core/str.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A property that does not hold: libFuzzer keeps the input. */
#define HOLDS(condition)                                                                           \
  do {                                                                                             \
    if (!(condition))                                                                              \
      abort();                                                                                     \
  } while (0)

/* The input as a string, cut at its first \0. Owned by the caller. */
static inline char *fuzz_text(const uint8_t *bytes, size_t length) {
  return str_ndup((const char *)bytes, length);
}
