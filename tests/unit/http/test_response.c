/* The response reader: answers as they come over the wire, whole and in pieces of every length. */
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
  const char *wire;
  int status; /* 0: refused */
  const char *body;
  bool is_lines;
} cases[] = {
    {OK "Content-Length: 5\r\n\r\nhello", 200, "hello", false},
    {OK "content-length:5\r\n\r\nhello", 200, "hello", false},
    {OK "Content-Length: 0\r\n\r\n", 200, "", false},
    {"HTTP/1.0 503 Busy\r\n\r\nto the end", 503, "to the end", false},
    {"HTTP/1.1 204 None\r\n\r\n", 204, "", false},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nok", 200, "ok", false},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", 200,
     "abc0123456789", false},
    {OK "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\nTrailer: t\r\n\r\n", 200, "a", false},
    {OK "Content-Type: application/x-ndjson\r\nContent-Length: 3\r\n\r\n{}\n", 200, "{}\n", true},
    {OK "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false},
    {OK "Content-Length: 2\n\nok", 200, "ok", false}, /* bare newlines */
    {"SSH-2.0-OpenSSH\r\n", 0, NULL, false},
    {"HTTP/1.1 OK\r\n\r\n", 0, NULL, false},
    {"HTTP/1.1 20\r\n\r\n", 0, NULL, false},
    {OK "Content-Length: 5\r\n\r\nhell", 0, NULL, false},
    {OK "Content-Length: 2\r\n\r\nokok", 0, NULL, false},
    {OK "Content-Length: -1\r\n\r\n", 0, NULL, false},
    {OK "Content-Length: 1x\r\n\r\na", 0, NULL, false},
    {OK "Content-Length: 99999999999999999999\r\n\r\n", 0, NULL, false},
    {OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, NULL, false},
    {OK "Transfer-Encoding: gzip\r\n\r\n", 0, NULL, false},
    {OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 0, NULL, false},
    {OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 0, NULL, false},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 0, NULL, false},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 0, NULL, false}, /* cut before its end */
    {OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab", 0, NULL, false},
    {OK "Content-Length: 5\r\n", 0, NULL, false},
    {"", 0, NULL, false},
};

static bool collect(void *context, const char *bytes, size_t length, Error *err) {
  buffer_add(context, bytes, length);
  return true;
}

/* Feeds wire in pieces; the outcome must be the same for each length of them. */
static void check(size_t index, size_t piece) {
  const char *wire = cases[index].wire;
  size_t length = strlen(wire);
  AUTO_RELEASE(buffer_release) Buffer body = {0};
  AUTO_RELEASE(response_release) Response response;
  Error err = ERROR_INIT;
  bool ok = true;
  response_init(&response, collect, &body);
  for (size_t at = 0; ok && at < length; at += piece)
    ok = response_feed(&response, wire + at, length - at < piece ? length - at : piece, &err);
  ok = ok && response_finish(&response, &err);
  if (ok != (cases[index].status != 0))
    fail_msg("case %zu in pieces of %zu: %s", index, piece, ok ? "accepted" : err.message);
  assert_true(ok || err.code != ERROR_NONE);
  if (!ok)
    return;
  assert_true(response.is_done);
  assert_int_equal(response.status, cases[index].status);
  assert_int_equal(response.is_lines, cases[index].is_lines);
  assert_string_equal(body.length > 0 ? body.text : "", cases[index].body);
}

static void test_answers_in_pieces_of_every_length(void **state) {
  for (size_t index = 0; index < ARRAY_LENGTH(cases); index++)
    for (size_t piece = 1; piece <= 64; piece++)
      check(index, piece);
}

static void feed_endlessly(const char *start, const char *more, size_t limit) {
  AUTO_RELEASE(buffer_release) Buffer body = {0};
  AUTO_RELEASE(response_release) Response response;
  Error err = ERROR_INIT;
  response_init(&response, collect, &body);
  assert_true(response_feed(&response, start, strlen(start), &err));
  size_t fed = 0;
  while (fed < limit && response_feed(&response, more, strlen(more), &err))
    fed += strlen(more);
  assert_true(fed < limit);
  assert_int_equal(err.code, ERROR_INTERNAL);
}

static void test_heads_are_bounded(void **state) {
  feed_endlessly("", "x", 10000);         /* a line */
  feed_endlessly(OK, "A: b\r\n", 100000); /* many of them */
  feed_endlessly(OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: x\r\n", 100000); /* trailers */
}

static void test_a_long_chunked_answer_is_no_long_head(void **state) {
  AUTO_RELEASE(buffer_release) Buffer body = {0};
  AUTO_RELEASE(response_release) Response response;
  static const char head[] = OK "Transfer-Encoding: chunked\r\n\r\n";
  Error err = ERROR_INIT;
  response_init(&response, collect, &body);
  assert_true(response_feed(&response, head, strlen(head), &err));
  for (int at = 0; at < 50000; at++)
    assert_true(response_feed(&response, "1\r\na\r\n", 6, &err));
  assert_true(response_feed(&response, "0\r\n\r\n", 5, &err));
  assert_true(response.is_done);
  assert_int_equal(body.length, 50000);
}

static void test_a_zero_byte_in_the_head_is_refused(void **state) {
  static const char wire[] = "HTTP/1.1 200 OK\r\nA: \0b\r\n\r\n";
  AUTO_RELEASE(response_release) Response response;
  Error err = ERROR_INIT;
  response_init(&response, collect, NULL);
  assert_false(response_feed(&response, wire, sizeof wire - 1, &err));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers_in_pieces_of_every_length),
      cmocka_unit_test(test_heads_are_bounded),
      cmocka_unit_test(test_a_long_chunked_answer_is_no_long_head),
      cmocka_unit_test(test_a_zero_byte_in_the_head_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
