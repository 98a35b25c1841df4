/* Numbers in PostgreSQL's files, which have the byte order of the machine that wrote them. Bough
 * reads its own machine's files only, and that one is little-endian. */
#pragma once

#include "core/base.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "layouts are those of little-endian");

static inline uint16_t bytes_u16(const uint8_t *bytes, size_t at) {
  uint16_t value;
  memcpy(&value, bytes + at, sizeof value);
  return value;
}

static inline uint32_t bytes_u32(const uint8_t *bytes, size_t at) {
  uint32_t value;
  memcpy(&value, bytes + at, sizeof value);
  return value;
}

static inline uint64_t bytes_u64(const uint8_t *bytes, size_t at) {
  uint64_t value;
  memcpy(&value, bytes + at, sizeof value);
  return value;
}
