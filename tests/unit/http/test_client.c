/* The client against a process that says what a server might say. */
#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "http/client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Deeper than sun_path reaches. */
#define DEEP                                                                                       \
  "a-directory-whose-name-is-rather-long/and-another-one-below-it-to-be-sure/and-a-third-one"

typedef struct Server {
  char directory[64];
  char *url;
  char *seen; /* file with what it was sent */
  pid_t pid;
} Server;

static void read_head(int fd, Buffer *ret) {
  char byte = 0;
  while ((ret->length < 4 || memcmp(ret->text + ret->length - 4, "\r\n\r\n", 4) != 0) &&
         read(fd, &byte, 1) == 1)
    buffer_add(ret, &byte, 1);
}

/* Takes one request (its body is as long as it says, up to body_limit), writes answer, closes. */
static void serve(int listener, const char *answer, size_t body_limit, const char *seen) {
  int fd = accept(listener, NULL, NULL);
  Buffer request = {0};
  read_head(fd, &request);
  const char *length = request.text != NULL ? strstr(request.text, "Content-Length: ") : NULL;
  size_t rest = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
  char bytes[4096];
  for (size_t taken = 0; taken < rest && taken < body_limit;) {
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count <= 0)
      break;
    buffer_add(&request, bytes, (size_t)count);
    taken += (size_t)count;
  }
  if (!io_write_file(seen, request.text, request.length, 0600, NULL) ||
      !io_write(fd, answer, strlen(answer), NULL))
    _exit(1);
  _exit(0);
}

static void start(Server *server, const char *answer, size_t body_limit) {
  *server = (Server){.directory = "/tmp/bough-http-XXXXXX"};
  assert_non_null(mkdtemp(server->directory));
  AUTO(str_free) char *deep = path_join(server->directory, DEEP);
  assert_true(io_make_directories(deep, 0700, NULL));
  AUTO(str_free) char *socket = path_join(deep, "boughd.sock");
  server->url = str_format("unix://%s", socket);
  server->seen = path_join(server->directory, "seen");
  AUTO_RELEASE(fd_release) int listener = -1;
  assert_true(rpc_listen(socket, 0600, &listener, NULL));
  server->pid = fork();
  if (server->pid == 0)
    serve(listener, answer, body_limit, server->seen);
}

static void server_release(Server *server) {
  (void)kill(server->pid, SIGKILL);
  (void)waitpid(server->pid, NULL, 0);
  str_free(server->url);
  str_free(server->seen);
  (void)!io_remove_tree(server->directory, NULL);
}

static char *request_seen(Server *server) {
  char *text = NULL;
  (void)waitpid(server->pid, NULL, 0);
  assert_true(io_read_file(server->seen, 1 << 24, &text, NULL, NULL));
  return text;
}

static bool call(const Server *server, const ClientCall *request, json_t **ret, Error *err) {
  AUTO(client_free) Client *client = NULL;
  assert_true(client_new(server->url, "sesame", &client, err));
  return client_call(client, request, ret, err);
}

#define GET ((ClientCall){.method = "GET", .path = "/v1/status", .timeout_ms = 5000})

static void test_request_and_result(void **state) {
  AUTO_RELEASE(server_release) Server server;
  AUTO(json_free) json_t *result = NULL;
  AUTO(json_free) json_t *body = json_pack("{s:s}", "name", "x");
  Error err = ERROR_INIT;
  start(&server,
        "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n{\"ok\":true,\"result\":{\"answer\":  42}}",
        SIZE_MAX);
  ClientCall request = GET;
  request.method = "POST";
  request.body = body;
  assert_true(call(&server, &request, &result, &err));
  assert_int_equal(json_integer_or(result, "answer", 0), 42);
  AUTO(str_free) char *seen = request_seen(&server);
  assert_true(str_starts(seen, "POST /v1/status HTTP/1.1\r\nHost: localhost\r\n"));
  assert_non_null(strstr(seen, "\r\nAuthorization: Bearer sesame\r\n"));
  assert_non_null(strstr(seen, "\r\nConnection: close\r\n"));
  assert_non_null(strstr(seen, "\r\nContent-Length: 12\r\n"));
  assert_true(str_ends(seen, "\r\n\r\n{\"name\":\"x\"}"));
}

/* What comes back, and what the caller is told. */
static const struct {
  const char *answer;
  ErrorCode code; /* ERROR_NONE: a result */
  const char *message;
} answers[] = {
    {"HTTP/1.1 200 OK\r\n\r\n{\"ok\":true,\"result\":{}}", ERROR_NONE, NULL},
    {"HTTP/1.1 409 No\r\n\r\n{\"ok\":false,\"error\":{\"code\":\"branch-exists\",\"message\":\"is "
     "there\","
     "\"hint\":\"h\"}}",
     ERROR_BRANCH_EXISTS, "is there"},
    {"HTTP/1.1 500 "
     "No\r\n\r\n{\"ok\":false,\"error\":{\"code\":\"from-the-future\",\"message\":\"m\"}}",
     ERROR_INTERNAL, "m"},
    {"HTTP/1.1 413 Large\r\nContent-Type: text/html\r\n\r\n<html>", ERROR_INTERNAL,
     "HTTP status 413"},
    {"HTTP/1.1 200 OK\r\n\r\n[]", ERROR_INTERNAL, "HTTP status 200"},
    {"HTTP/1.1 500 No\r\n\r\n{\"ok\":true,\"result\":{}}", ERROR_INTERNAL, "HTTP status 500"},
    {"HTTP/1.1 200 OK\r\n\r\n", ERROR_INTERNAL, "HTTP status 200"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", ERROR_DAEMON_DOWN, "was lost"},
    {"", ERROR_DAEMON_DOWN, "was lost"},
    {"220 smtp\r\n", ERROR_INTERNAL, "not HTTP/1.1"},
};

static void test_answers(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(answers); at++) {
    AUTO_RELEASE(server_release) Server server;
    AUTO(json_free) json_t *result = NULL;
    Error err = ERROR_INIT;
    start(&server, answers[at].answer, SIZE_MAX);
    ClientCall request = GET;
    assert_int_equal(call(&server, &request, &result, &err), answers[at].code == ERROR_NONE);
    assert_int_equal(err.code, answers[at].code);
    if (answers[at].message != NULL && strstr(err.message, answers[at].message) == NULL)
      fail_msg("\"%s\" doesn't say \"%s\"", err.message, answers[at].message);
  }
}

static void note_progress(void *context, const json_t *progress) {
  buffer_add_format(context, "%s %lld;", json_string_or(progress, "text", "?"),
                    (long long)json_integer_or(progress, "done", -1));
}

static void test_progress_comes_in_lines(void **state) {
  AUTO_RELEASE(server_release) Server server;
  AUTO_RELEASE(buffer_release) Buffer notes = {0};
  AUTO(json_free) json_t *result = NULL;
  Error err = ERROR_INIT;
  start(
      &server,
      "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2f\r\n{\"progress\":{\"text\":\"one\",\"done\":1}}\n{\"progress\r\n"
      "1e\r\n\":{\"text\":\"two\",\"done\":2}}\n{\"o\r\n"
      "15\r\nk\":true,\"result\":{}}\n\r\n0\r\n\r\n",
      SIZE_MAX);
  ClientCall request = GET;
  request.on_progress = note_progress;
  request.context = &notes;
  bool ok = call(&server, &request, &result, &err);
  if (!ok)
    fail_msg("%s", err.message);
  assert_string_equal(notes.text, "one 1;two 2;");
  AUTO(str_free) char *seen = request_seen(&server);
  assert_non_null(strstr(seen, "\r\nAccept: application/x-ndjson\r\n"));
}

/* A server may refuse a body before it has read it. */
static void test_an_answer_before_the_end_of_the_request(void **state) {
  AUTO_RELEASE(server_release) Server server;
  AUTO(json_free) json_t *result = NULL;
  enum { LENGTH = 8 * 1024 * 1024 };
  AUTO(str_free) char *bytes = mem_new(LENGTH, 1);
  Error err = ERROR_INIT;
  start(&server,
        "HTTP/1.1 413 "
        "Large\r\n\r\n{\"ok\":false,\"error\":{\"code\":\"too-large\",\"message\":\"m\"}}",
        1024);
  ClientCall request = GET;
  request.method = "PUT";
  request.bytes = bytes;
  request.length = LENGTH;
  assert_false(call(&server, &request, &result, &err));
  /* the reset that follows may overtake the answer */
  assert_true(err.code == ERROR_TOO_LARGE || err.code == ERROR_DAEMON_DOWN);
}

static void count_tick(void *context) {
  (*(int *)context)++;
}

static void test_time_runs_out(void **state) {
  AUTO_RELEASE(server_release) Server server;
  AUTO(json_free) json_t *result = NULL;
  Error err = ERROR_INIT;
  int ticks = 0;
  start(&server, "HTTP/1.1 200 OK\r\n", SIZE_MAX);
  (void)kill(server.pid, SIGSTOP);
  ClientCall request = GET;
  request.timeout_ms = 450;
  request.on_tick = count_tick;
  request.context = &ticks;
  int64_t started = clock_monotonic_ms();
  assert_false(call(&server, &request, &result, &err));
  assert_int_equal(err.code, ERROR_TIMEOUT);
  assert_true(clock_monotonic_ms() - started >= 450);
  assert_true(ticks >= 2 && ticks <= 5);
}

static void test_nobody_there(void **state) {
  AUTO(client_free) Client *client = NULL;
  AUTO(json_free) json_t *result = NULL;
  Error err = ERROR_INIT;
  ClientCall request = GET;
  assert_true(client_new("unix:///nonexistent/boughd.sock", NULL, &client, &err));
  assert_false(client_call(client, &request, &result, &err));
  assert_int_equal(err.code, ERROR_DAEMON_DOWN);
  assert_non_null(strstr(err.hint, "bough up"));
}

static const struct {
  const char *server;
  ErrorCode code;
} servers[] = {
    {"unix:///x/boughd.sock", ERROR_NONE},
    {"http://127.0.0.1:80", ERROR_NONE},
    {"http://127.1.2.3:6431/", ERROR_NONE},
    {"http://localhost:6431", ERROR_NONE},
    {"http://[::1]:6431", ERROR_NONE},
    {"http://10.0.0.1:80", ERROR_UNSUPPORTED},
    {"http://example.org:80", ERROR_UNSUPPORTED},
    {"http://[fe80::1]:80", ERROR_UNSUPPORTED},
    {"http://127.0.0.1", ERROR_USAGE},
    {"http://127.0.0.1:0", ERROR_USAGE},
    {"http://127.0.0.1:99999", ERROR_USAGE},
    {"http://127.0.0.1:80x", ERROR_USAGE},
    {"https://127.0.0.1:80", ERROR_USAGE},
    {"unix://relative", ERROR_USAGE},
    {"", ERROR_USAGE},
    {"http://", ERROR_USAGE},
};

static void test_servers(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(servers); at++) {
    AUTO(client_free) Client *client = NULL;
    Error err = ERROR_INIT;
    bool ok = client_new(servers[at].server, NULL, &client, &err);
    if (ok != (servers[at].code == ERROR_NONE) || err.code != servers[at].code)
      fail_msg("\"%s\": %s", servers[at].server, ok ? "accepted" : err.message);
  }
}

static void test_a_token_can_not_add_headers(void **state) {
  AUTO(client_free) Client *client = NULL;
  Error err = ERROR_INIT;
  assert_false(client_new("unix:///x", "a\r\nX-Other: b", &client, &err));
}

static void test_paths_are_encoded(void **state) {
  AUTO_RELEASE(buffer_release) Buffer url = {0};
  url_add_encoded(&url, "a-Z_0.~/?&=%# \xc3\xa4\r\n");
  assert_string_equal(url.text, "a-Z_0.~%2F%3F%26%3D%25%23%20%C3%A4%0D%0A");
}

int main(void) {
  (void)signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request_and_result),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_progress_comes_in_lines),
      cmocka_unit_test(test_an_answer_before_the_end_of_the_request),
      cmocka_unit_test(test_time_runs_out),
      cmocka_unit_test(test_nobody_there),
      cmocka_unit_test(test_servers),
      cmocka_unit_test(test_a_token_can_not_add_headers),
      cmocka_unit_test(test_paths_are_encoded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
