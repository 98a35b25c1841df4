/* The checksum against the vectors of RFC 3720, and both ways of computing it against each other.
 */
#include "core/crc32c.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint32_t sum(const void *bytes, size_t length) {
  return crc32c_end(crc32c_add(CRC32C_START, bytes, length));
}

static void test_vectors(void **state) {
  uint8_t zeros[32] = {0};
  uint8_t ones[32];
  uint8_t rising[32];
  uint8_t falling[32];
  memset(ones, 0xff, sizeof ones);
  for (uint8_t at = 0; at < sizeof rising; at++) {
    rising[at] = at;
    falling[at] = (uint8_t)(31 - at);
  }
  assert_int_equal(sum(zeros, sizeof zeros), 0x8a9136aa);
  assert_int_equal(sum(ones, sizeof ones), 0x62a8ab43);
  assert_int_equal(sum(rising, sizeof rising), 0x46dd794e);
  assert_int_equal(sum(falling, sizeof falling), 0x113fdb5c);
  assert_int_equal(sum("123456789", 9), 0xe3069283);
  assert_int_equal(sum("", 0), 0);
}

static void test_portable_agrees_at_every_length_and_alignment(void **state) {
  uint8_t bytes[100];
  for (size_t at = 0; at < sizeof bytes; at++)
    bytes[at] = (uint8_t)(at * 37 + 11);
  for (size_t start = 0; start < 9; start++)
    for (size_t length = 0; start + length <= sizeof bytes; length++)
      assert_int_equal(crc32c_add(CRC32C_START, bytes + start, length),
                       crc32c_add_portable(CRC32C_START, bytes + start, length));
}

static void test_pieces_make_the_whole(void **state) {
  static const char text[] = "the quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut < sizeof text; cut++) {
    Crc32c crc = crc32c_add(CRC32C_START, text, cut);
    assert_int_equal(crc32c_end(crc32c_add(crc, text + cut, sizeof text - cut)),
                     sum(text, sizeof text));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_portable_agrees_at_every_length_and_alignment),
      cmocka_unit_test(test_pieces_make_the_whole),
  };
  return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
