/* Strings and buffers. */
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_memory_of_nothing(void **state) {
  char *none = mem_new(0, 0);
  assert_non_null(none);
  none = mem_resize(none, 0, 8);
  assert_non_null(none);
  mem_free(none);
  mem_free(NULL);
  str_free(NULL);
}

static void test_copies(void **state) {
  AUTO(str_free) char *whole = str_dup("text");
  AUTO(str_free) char *part = str_ndup("text", 2);
  AUTO(str_free) char *longer = str_ndup("text", 99);
  AUTO(str_free) char *formatted = str_format("%s-%05d", "x", 42);
  assert_string_equal(whole, "text");
  assert_string_equal(part, "te");
  assert_string_equal(longer, "text");
  assert_string_equal(formatted, "x-00042");
}

static void test_comparisons(void **state) {
  assert_true(str_equal(NULL, NULL));
  assert_false(str_equal(NULL, ""));
  assert_false(str_equal("", NULL));
  assert_true(str_equal("a", "a"));
  assert_false(str_equal("a", "A"));
  assert_true(str_starts("abc", ""));
  assert_true(str_starts("abc", "abc"));
  assert_false(str_starts("ab", "abc"));
  assert_true(str_ends("abc", "bc"));
  assert_true(str_ends("abc", ""));
  assert_false(str_ends("bc", "abc"));
}

static void test_constant_time_comparison(void **state) {
  static const unsigned char base[32] = {1, 2, 3};
  assert_true(mem_equal_constant_time(base, base, sizeof base));
  assert_true(mem_equal_constant_time("a", "b", 0));
  for (size_t byte = 0; byte < sizeof base; byte++)
    for (unsigned bit = 0; bit < 8; bit++) {
      unsigned char other[sizeof base];
      memcpy(other, base, sizeof base);
      other[byte] = (unsigned char)(other[byte] ^ (1U << bit));
      assert_false(mem_equal_constant_time(base, other, sizeof base));
    }
}

static void test_buffer_grows_and_ends_with_zero(void **state) {
  AUTO_RELEASE(buffer_release) Buffer buffer = {0};
  for (size_t round = 0; round < 1000; round++) {
    buffer_add(&buffer, "0123456", 7);
    buffer_add_format(&buffer, "%s", "");
    assert_int_equal(buffer.length, (round + 1) * 7);
    assert_int_equal(buffer.text[buffer.length], '\0');
    assert_true(buffer.capacity > buffer.length);
  }
  for (size_t round = 0; round < 1000; round++)
    assert_memory_equal(buffer.text + round * 7, "0123456", 7);
}

static void test_buffer_holds_zero_bytes(void **state) {
  AUTO_RELEASE(buffer_release) Buffer buffer = {0};
  buffer_add(&buffer, "a\0b", 3);
  buffer_add_text(&buffer, "c");
  assert_int_equal(buffer.length, 4);
  assert_memory_equal(buffer.text, "a\0bc", 5);
}

/* Formats at every length around the points where the memory grows. */
static void test_buffer_formats_at_its_edges(void **state) {
  for (int width = 1; width < 300; width++) {
    AUTO_RELEASE(buffer_release) Buffer buffer = {0};
    buffer_add_format(&buffer, "%*d", width, 7);
    assert_int_equal(buffer.length, width);
    assert_int_equal(strlen(buffer.text), width);
    assert_int_equal(buffer.text[width - 1], '7');
  }
}

static void test_buffer_is_given_away(void **state) {
  Buffer buffer = {0};
  AUTO(str_free) char *empty = buffer_steal(&buffer);
  assert_string_equal(empty, "");
  buffer_add_text(&buffer, "text");
  AUTO(str_free) char *text = buffer_steal(&buffer);
  assert_string_equal(text, "text");
  assert_null(buffer.text);
  buffer_clear(&buffer);
  buffer_add_text(&buffer, "again");
  buffer_clear(&buffer);
  assert_string_equal(buffer.text, "");
  buffer_release(&buffer);
  buffer_release(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_memory_of_nothing),
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_comparisons),
      cmocka_unit_test(test_constant_time_comparison),
      cmocka_unit_test(test_buffer_grows_and_ends_with_zero),
      cmocka_unit_test(test_buffer_holds_zero_bytes),
      cmocka_unit_test(test_buffer_formats_at_its_edges),
      cmocka_unit_test(test_buffer_is_given_away),
  };
  return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
