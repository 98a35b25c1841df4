/* Requests to others: what is sent, what is taken, what is refused. */
#include "answers.h"
#include "core/clock.h"
#include "http/request.h"

#include <stddef.h>

static bool ask(const Answers *server, const char *path, HttpReply *ret, Error *err) {
  AUTO(str_free) char *url = str_format("%s%s", server->origin, path);
  const HttpRequest request = {.method = "PATCH",
                               .url = url,
                               .headers = (const char *const[]){"X-Test: yes", NULL},
                               .body = "{\"a\":1}",
                               .timeout_ms = 2000,
                               .limit = 100};
  return http_request(&request, ret, err);
}

static void sends_and_takes(void **state) {
  Answers server;
  AUTO_RELEASE(http_reply_release) HttpReply reply = {0};
  answers_start(&server, (const char *const[]){"HTTP/1.1 201 Created\r\nX-One: 1\r\nX-Two: a\r\n"
                                               "x-two: b\r\nContent-Length: 5\r\n\r\nhello",
                                               NULL});
  assert_true(ask(&server, "/path?x=1", &reply, NULL));
  AUTO(str_free) char *seen = answers_stop(&server);
  assert_int_equal(reply.status, 201);
  assert_int_equal(reply.length, 5);
  assert_string_equal(reply.body, "hello");
  assert_string_equal(http_reply_header(&reply, "x-one"), "1");
  assert_string_equal(http_reply_header(&reply, "x-two"), "b");
  assert_string_equal(http_reply_header(&reply, "x-three"), "");
  assert_ptr_equal(strstr(seen, "PATCH /path?x=1 HTTP/1.1\r\n"), seen);
  assert_non_null(strstr(seen, "\r\nX-Test: yes\r\n"));
  assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
}

static const struct {
  const char *answer;
  ErrorCode code;
} broken[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", ERROR_TOOL_FAILED},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", ERROR_TOOL_FAILED},
    {"nonsense\r\n\r\n", ERROR_TOOL_FAILED},
    {"", ERROR_TOOL_FAILED},
    {"HTTP/1.1 200 OK\r\n\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789",
     ERROR_TOO_LARGE},
};

static void refuses_what_is_broken(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(broken); at++) {
    Answers server;
    Error err = ERROR_INIT;
    HttpReply reply = {0};
    answers_start(&server, (const char *const[]){broken[at].answer, NULL});
    bool taken = ask(&server, "/", &reply, &err);
    AUTO(str_free) char *seen = answers_stop(&server);
    assert_false(taken);
    assert_int_equal(err.code, broken[at].code);
    assert_null(reply.body);
  }
}

/* A redirect is an answer like others: nothing is sent to where it points. */
static void stays_where_it_is(void **state) {
  Answers server;
  Answers other;
  AUTO_RELEASE(http_reply_release) HttpReply reply = {0};
  answers_start(&other,
                (const char *const[]){"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL});
  AUTO(str_free)
  char *answer =
      str_format("HTTP/1.1 302 Found\r\nLocation: %s/\r\nContent-Length: 0\r\n\r\n", other.origin);
  answers_start(&server, (const char *const[]){answer, NULL});
  assert_true(ask(&server, "/", &reply, NULL));
  AUTO(str_free) char *seen = answers_stop(&server);
  AUTO(str_free) char *elsewhere = answers_stop(&other);
  assert_int_equal(reply.status, 302);
  assert_string_equal(elsewhere, "");
}

static void ends_in_time(void **state) {
  Answers server;
  Error err = ERROR_INIT;
  HttpReply reply = {0};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  (void)snprintf(server.origin, sizeof server.origin, "http://127.0.0.1:%d",
                 ntohs(address.sin_port));
  assert_false(ask(&server, "/", &reply, &err));
  assert_int_equal(err.code, ERROR_TIMEOUT);
  close(listener);
}

static void checks_urls(void **state) {
  static const struct {
    const char *url;
    bool good;
  } urls[] = {
      {"https://api.example.org/x", true},
      {"http://127.0.0.1:80/", true},
      {"http://[::1]/", true},
      {"http://localhost:1/", true},
      {"http://example.org/", false},
      {"http://127.0.0.1.example.org/", false},
      {"ftp://127.0.0.1/", false},
      {"file:///etc/passwd", false},
      {"https://a:b@example.org/", false},
      {"nothing", false},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(urls); at++)
    assert_int_equal(http_request_check_url(urls[at].url, NULL), urls[at].good);
}

static void compares_origins(void **state) {
  assert_true(http_same_origin("https://a.org/x", "https://A.org:443/y"));
  assert_false(http_same_origin("https://a.org/", "http://a.org/"));
  assert_false(http_same_origin("https://a.org/", "https://b.a.org/"));
  assert_false(http_same_origin("https://a.org/", "https://a.org:444/"));
  assert_false(http_same_origin("https://a.org/", "//a.org/"));
  AUTO(str_free) char *relative = http_resolve("https://a.org/x/y?z", "../w?v=1");
  AUTO(str_free) char *absolute = http_resolve("https://a.org/x", "https://b.org/");
  AUTO(str_free) char *hostless = http_resolve("https://a.org/x", "//b.org/w");
  assert_string_equal(relative, "https://a.org/w?v=1");
  assert_string_equal(absolute, "https://b.org/");
  assert_string_equal(hostless, "https://b.org/w");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sends_and_takes),   cmocka_unit_test(refuses_what_is_broken),
      cmocka_unit_test(stays_where_it_is), cmocka_unit_test(ends_in_time),
      cmocka_unit_test(checks_urls),       cmocka_unit_test(compares_origins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
