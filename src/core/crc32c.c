/* CRC-32C by the processor's instruction where it has one, else by table. */
#include "core/crc32c.h"

#include <string.h>

/* One bit and four bits of the reflected polynomial 0x1EDC6F41. */
#define STEP(crc) (((crc) >> 1) ^ (((crc)&1) != 0 ? 0x82F63B78U : 0U))
#define NIBBLE(value) STEP(STEP(STEP(STEP((uint32_t)(value)))))

/* Sixteen entries rather than 256: this path is for machines that hardly exist, and a table that
 * the compiler derives from the polynomial can't hold a wrong digit. */
static const uint32_t nibbles[16] = {
    NIBBLE(0), NIBBLE(1), NIBBLE(2),  NIBBLE(3),  NIBBLE(4),  NIBBLE(5),  NIBBLE(6),  NIBBLE(7),
    NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15),
};

Crc32c crc32c_add_portable(Crc32c crc, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  for (; length > 0; length--) {
    crc ^= *at++;
    crc = (crc >> 4) ^ nibbles[crc & 15];
    crc = (crc >> 4) ^ nibbles[crc & 15];
  }
  return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static Crc32c add_sse42(Crc32c crc, const void *bytes,
                                                          size_t length) {
  const uint8_t *at = bytes;
  uint64_t wide = crc;
  for (; length >= sizeof wide; length -= sizeof wide, at += sizeof wide) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = (Crc32c)wide;
  for (; length > 0; length--)
    crc = __builtin_ia32_crc32qi(crc, *at++);
  return crc;
}

Crc32c crc32c_add(Crc32c crc, const void *bytes, size_t length) {
  return __builtin_cpu_supports("sse4.2") ? add_sse42(crc, bytes, length)
                                          : crc32c_add_portable(crc, bytes, length);
}
#else
Crc32c crc32c_add(Crc32c crc, const void *bytes, size_t length) {
  return crc32c_add_portable(crc, bytes, length);
}
#endif
