#include "core/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes_come_back(void **state) {
  unsigned char bytes[256];
  unsigned char back[256];
  char text[513];
  for (size_t at = 0; at < sizeof bytes; at++)
    bytes[at] = (unsigned char)at;
  hex_write(bytes, sizeof bytes, text);
  assert_int_equal(strlen(text), 512);
  assert_memory_equal(text, "000102", 6);
  assert_string_equal(text + 506, "fdfeff");
  assert_true(hex_read(text, back, sizeof back));
  assert_memory_equal(back, bytes, sizeof bytes);
}

static void test_nothing_is_the_empty_text(void **state) {
  char text[1] = "x";
  hex_write(NULL, 0, text);
  assert_string_equal(text, "");
}

static void test_anything_else_is_refused(void **state) {
  static const char *const wrong[] = {NULL,   "",     "0a1",  "0a1b2",    "0A1b",
                                      "0a1g", " 0a1", "0x1b", "0a1b0a1b", "+a-b"};
  for (size_t at = 0; at < ARRAY_LENGTH(wrong); at++) {
    unsigned char bytes[2] = {7, 7};
    assert_false(hex_read(wrong[at], bytes, sizeof bytes));
    assert_int_equal(bytes[0], 7);
    assert_int_equal(bytes[1], 7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes_come_back),
      cmocka_unit_test(test_nothing_is_the_empty_text),
      cmocka_unit_test(test_anything_else_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
