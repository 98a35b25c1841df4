/* Framing, error responses and cancel keys. */
#include "wire/cancel.h"
#include "wire/error_response.h"
#include "wire/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 100 };

static void refuse_lengths_that_make_no_sense(void **state) {
  static const char *const headers[] = {"Q\0\0\0\0",         "Q\0\0\0\3",   "Q\0\0\0\x69",
                                        "Q\x7f\xff\xff\xff", "Q\x80\0\0\0", "Q\xff\xff\xff\xff"};
  for (size_t at = 0; at < ARRAY_LENGTH(headers); at++) {
    Message message;
    Error err = ERROR_INIT;
    assert_false(message_read(headers[at], MESSAGE_HEADER_SIZE, LIMIT, &message, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
  }
}

static void read_a_message_when_it_is_whole(void **state) {
  static const char bytes[] = "p\0\0\0\7abcQ";
  for (size_t length = 0; length < sizeof bytes; length++) {
    Message message;
    assert_true(message_read(bytes, length, LIMIT, &message, NULL));
    assert_int_equal(message.size, length >= 8 ? 8 : 0);
  }
  Message message;
  assert_true(message_read(bytes, 9, 3, &message, NULL));
  assert_int_equal(message.type, 'p');
  assert_int_equal(message.length, 3);
  assert_memory_equal(message.body, "abc", 3);
  assert_false(message_read(bytes, 9, 2, &message, NULL));
}

/* However the stream is cut, the borders are the same. */
static void walk_over_pieces(void **state) {
  static const char bytes[] = "S\0\0\0\7abcZ\0\0\0\5IC\0\0\0\4D\0\0\0\6xy";
  const size_t length = sizeof bytes - 1;
  static const size_t borders[] = {0, 8, 14, 19, 26};
  for (size_t piece = 1; piece <= length; piece++) {
    MessageWalk walk = {0};
    for (size_t at = 0; at < length;) {
      size_t step = length - at < piece ? length - at : piece;
      at += message_walk(&walk, bytes + at, step);
      bool is_border = false;
      for (size_t border = 0; border < ARRAY_LENGTH(borders); border++)
        is_border = is_border || borders[border] == at;
      assert_int_equal(message_walk_at_boundary(&walk), is_border);
    }
    assert_int_equal(message_walk_type(&walk), 'D');
  }
}

static void walk_stops_at_each_border(void **state) {
  static const char bytes[] = "S\0\0\0\7abcZ\0\0\0\5I";
  MessageWalk walk = {0};
  assert_int_equal(message_walk(&walk, bytes, sizeof bytes - 1), 8);
  assert_true(message_walk_at_boundary(&walk));
  assert_int_equal(message_walk(&walk, bytes + 8, 6), 6);
}

static void walk_gives_up_on_nonsense(void **state) {
  MessageWalk walk = {0};
  message_walk_all(&walk, "S\0\0\0\3xyzxyzxyz", 14);
  assert_false(message_walk_at_boundary(&walk));
  message_walk_all(&walk, "Z\0\0\0\5I", 6);
  assert_false(message_walk_at_boundary(&walk));
}

static void error_response_comes_back(void **state) {
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  Error err = ERROR_INIT;
  Message message;
  ErrorResponse said;
  (void)error_set(&err, ERROR_SHUTDOWN, "going");
  (void)error_hint(&err, "come again");
  error_response_add(&out, &err);
  assert_true(message_read(out.text, out.length, out.length, &message, NULL));
  assert_int_equal(message.type, 'E');
  assert_int_equal(message.size, out.length);
  error_response_read(message.body, message.length, &said);
  assert_string_equal(said.sqlstate, "57P01");
  assert_string_equal(said.message, "going");
  assert_memory_equal(message.body, "SFATAL\0VFATAL\0C57P01\0Mgoing\0Hcome again\0\0",
                      message.length);
}

static void error_response_may_be_cut_anywhere(void **state) {
  static const char body[] = "SFATAL\0C57P03\0Mno\0";
  for (size_t length = 0; length <= sizeof body; length++) {
    AUTO(str_free) char *copy = mem_new(length, 1); /* so that reading past it is seen */
    memcpy(copy, body, length);
    ErrorResponse said;
    error_response_read(copy, length, &said);
    assert_string_equal(said.sqlstate, length >= 14 ? "57P03" : "");
  }
}

static void cancel_keys_come_back(void **state) {
  const CancelKey key = {.pid = 77, .secret = 0xdeadbeef};
  CancelKey read = {0};
  AUTO_RELEASE(buffer_release) Buffer out = {0};
  Message message;
  Error err = ERROR_INIT;
  cancel_add_key(&out, &key);
  assert_true(message_read(out.text, out.length, LIMIT, &message, NULL));
  assert_true(cancel_read_key(&message, &read, NULL));
  assert_memory_equal(&read, &key, sizeof key);
  message.length--;
  assert_false(cancel_read_key(&message, &read, &err));
  assert_int_equal(err.code, ERROR_PROTOCOL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuse_lengths_that_make_no_sense),
      cmocka_unit_test(read_a_message_when_it_is_whole),
      cmocka_unit_test(walk_over_pieces),
      cmocka_unit_test(walk_stops_at_each_border),
      cmocka_unit_test(walk_gives_up_on_nonsense),
      cmocka_unit_test(error_response_comes_back),
      cmocka_unit_test(error_response_may_be_cut_anywhere),
      cmocka_unit_test(cancel_keys_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
