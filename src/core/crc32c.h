/* CRC-32C (Castagnoli), the checksum of PostgreSQL's log and control file.
 *
 *   Crc32c crc = CRC32C_START;
 *   crc = crc32c_add(crc, bytes, length);   as often as needed
 *   uint32_t sum = crc32c_end(crc); */
#pragma once

#include "core/base.h"

typedef uint32_t Crc32c;

#define CRC32C_START ((Crc32c)0xFFFFFFFF)

Crc32c crc32c_add(Crc32c crc, const void *bytes, size_t length);

static inline uint32_t crc32c_end(Crc32c crc) {
  return crc ^ 0xFFFFFFFF;
}

/* The same without the processor's instruction, for machines that lack it and for the test that
 * compares both. */
Crc32c crc32c_add_portable(Crc32c crc, const void *bytes, size_t length);
