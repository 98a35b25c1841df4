/* The API's server in a process of its own, and clients of every manner. The child ends through
 * exit, so that the leak check of a sanitized build covers what it served. */
#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "core/str.h"
#include "http/client.h"
#include "http/server.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
  IDLE_SECONDS = 1,
  LATER_MS = 100,
  LONG_MS = 2500,
  BIG = 16 * 1024 * 1024,
  PATIENCE_MS = 15000
};

/* ---- the server ---- */

typedef struct Service {
  struct event_base *base;
  int answered;
} Service;

typedef struct Later {
  Service *service;
  HttpExchange *exchange;
  struct event *timer;
  int steps;
} Later;

static void answer(Service *service, HttpExchange *exchange, json_t *result) {
  http_answer(exchange, result, NULL);
  json_free(result);
  service->answered++;
}

static void on_later(evutil_socket_t fd, short events, void *context) {
  Later *later = context;
  if (later->steps-- > 0) {
    AUTO(json_free) json_t *progress = json_pack("{s:i}", "left", later->steps);
    const struct timeval soon = {.tv_usec = 20 * 1000};
    http_progress(later->exchange, progress);
    (void)event_add(later->timer, &soon);
    return;
  }
  answer(later->service, later->exchange, json_pack("{s:b}", "late", true));
  event_free(later->timer);
  mem_free(later);
}

static void answer_after(Service *service, HttpExchange *exchange, int delay_ms, int steps) {
  const struct timeval soon = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
  Later *later = mem_new(1, sizeof *later);
  *later = (Later){.service = service, .exchange = exchange, .steps = steps};
  later->timer = evtimer_new(service->base, on_later, later);
  (void)event_add(later->timer, &soon);
}

static void answer_later(Service *service, HttpExchange *exchange, int steps) {
  answer_after(service, exchange, LATER_MS, steps);
}

static json_t *describe(HttpExchange *exchange) {
  size_t length = 0;
  const char *body = http_body(exchange, &length);
  const char *header = http_header(exchange, "X-Test");
  json_t *text = json_stringn(body, length < 100 ? length : 100);
  return json_pack("{s:s, s:s, s:o, s:I, s:o, s:s?}", "method", http_method(exchange), "path",
                   http_path(exchange), "query", http_query(exchange), "length", (json_int_t)length,
                   "body", text != NULL ? text : json_null(), "header", header);
}

static json_t *describe_peer(const HttpExchange *exchange) {
  unsigned uid = 0;
  int pid = 0;
  bool known = http_peer(exchange, &uid, &pid);
  return json_pack("{s:b, s:i, s:i}", "known", known, "uid", (int)uid, "pid", pid);
}

static void refuse(HttpExchange *exchange) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_BRANCH_BUSY, "not now");
  http_answer(exchange, NULL, &failure);
}

static void answer_big(Service *service, HttpExchange *exchange) {
  AUTO(str_free) char *text = mem_new(BIG + 1, 1);
  memset(text, 'x', BIG);
  answer(service, exchange, json_pack("{s:s}", "text", text));
}

/* Doesn't count itself. */
static void answer_count(const Service *service, HttpExchange *exchange) {
  AUTO(json_free) json_t *result = json_pack("{s:i}", "answered", service->answered);
  http_answer(exchange, result, NULL);
}

static void on_request(void *context, HttpExchange *exchange) {
  Service *service = context;
  const char *path = http_path(exchange);
  if (str_equal(path, "/peer"))
    answer(service, exchange, describe_peer(exchange));
  else if (str_equal(path, "/later"))
    answer_later(service, exchange, 0);
  else if (str_equal(path, "/long"))
    answer_after(service, exchange, LONG_MS, 0);
  else if (str_equal(path, "/steps"))
    answer_later(service, exchange, 3);
  else if (str_equal(path, "/big"))
    answer_big(service, exchange);
  else if (str_equal(path, "/refuse"))
    refuse(exchange);
  else if (str_equal(path, "/text"))
    http_answer_text(exchange, "text/plain", "plain words");
  else if (str_equal(path, "/answered"))
    answer_count(service, exchange);
  else
    answer(service, exchange, describe(exchange));
}

static void on_end(evutil_socket_t fd, short events, void *context) {
  (void)event_base_loopbreak(context);
}

__attribute__((noreturn)) static void serve(int listener, int end, unsigned descriptors) {
  Service service = {.base = event_base_new()};
  HttpServer *server = NULL;
  struct rlimit limit = {descriptors, descriptors};
  (void)signal(SIGPIPE, SIG_IGN);
  if (!http_server_new(service.base, listener, IDLE_SECONDS, on_request, &service, &server, NULL) ||
      (descriptors > 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0))
    _exit(1);
  struct event *ending = event_new(service.base, end, EV_READ, on_end, service.base);
  (void)event_add(ending, NULL);
  (void)event_base_dispatch(service.base);
  event_free(ending);
  http_server_free(server);
  event_base_free(service.base);
  exit(0);
}

typedef struct Server {
  char directory[64];
  char *path, *url;
  int end;
  pid_t pid;
} Server;

/* descriptors: how many the process may have, 0: as usual. */
static void start(Server *server, unsigned descriptors) {
  int ends[2];
  *server = (Server){.directory = "/tmp/bough-server-XXXXXX"};
  assert_non_null(mkdtemp(server->directory));
  server->path = path_join(server->directory, "boughd.sock");
  server->url = str_format("unix://%s", server->path);
  AUTO_RELEASE(fd_release) int listener = -1;
  assert_true(rpc_listen(server->path, 0600, &listener, NULL));
  assert_int_equal(pipe(ends), 0);
  (void)fflush(NULL);
  server->pid = fork();
  assert_true(server->pid >= 0);
  if (server->pid == 0) {
    (void)close(ends[1]);
    serve(listener, ends[0], descriptors);
  }
  (void)close(ends[0]);
  server->end = ends[1];
}

/* What the child ends with: 0, or the sanitizer's status. */
static int stop(Server *server) {
  int status = -1;
  (void)close(server->end);
  assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
  str_free(server->path);
  str_free(server->url);
  assert_true(io_remove_tree(server->directory, NULL));
  return status;
}

static int set_up(void **state) {
  static Server server;
  start(&server, 0);
  *state = &server;
  return 0;
}

static int tear_down(void **state) {
  return stop(*state) == 0 ? 0 : -1;
}

/* ---- clients ---- */

static int connect_to(const Server *server) {
  const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
  int fd = -1;
  Error err = ERROR_INIT;
  if (!rpc_connect(server->path, &fd, &err))
    fail_msg("%s", err.message);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
  return fd;
}

/* Sends what the server takes of it. */
static void send_text(int fd, const char *text) {
  size_t length = strlen(text);
  for (ssize_t count = 0; length > 0; text += count, length -= (size_t)count)
    if ((count = send(fd, text, length, MSG_NOSIGNAL)) <= 0)
      return;
}

static void send_zeros(int fd, size_t length) {
  static const char zeros[65536];
  for (ssize_t count = 0; length > 0; length -= (size_t)count) {
    count = send(fd, zeros, length < sizeof zeros ? length : sizeof zeros, MSG_NOSIGNAL);
    if (count <= 0)
      return;
  }
}

/* Reads until the text holds word (NULL: until the server closes). */
static char *read_until(int fd, const char *word) {
  Buffer text = {0};
  char bytes[65536];
  ssize_t count = 1;
  while (count > 0 && (word == NULL || text.length == 0 || strstr(text.text, word) == NULL)) {
    count = recv(fd, bytes, sizeof bytes, 0);
    if (count > 0)
      buffer_add(&text, bytes, (size_t)count);
  }
  return buffer_steal(&text);
}

static char *ask(const Server *server, const char *request) {
  AUTO_RELEASE(fd_release) int fd = connect_to(server);
  send_text(fd, request);
  return read_until(fd, NULL);
}

static json_t *get(const Server *server, const char *path) {
  AUTO(client_free) Client *client = NULL;
  json_t *result = NULL;
  Error err = ERROR_INIT;
  assert_true(client_new(server->url, NULL, &client, &err));
  ClientCall request = {.method = "GET", .path = path, .timeout_ms = PATIENCE_MS};
  if (!client_call(client, &request, &result, &err))
    fail_msg("%s: %s", path, err.message);
  return result;
}

static int answered(const Server *server) {
  AUTO(json_free) json_t *result = get(server, "/answered");
  return (int)json_integer_or(result, "answered", -1);
}

static void expect_text(const char *text, const char *part) {
  if (strstr(text, part) == NULL)
    fail_msg("\"%.300s\" doesn't hold \"%s\"", text, part);
}

#define CLOSING " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define KEEPING " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* ---- what a request says ---- */

static void test_peer(void **state) {
  AUTO(json_free) json_t *result = get(*state, "/peer");
  assert_true(json_bool_or(result, "known", false));
  assert_int_equal(json_integer_or(result, "uid", -1), geteuid());
  assert_int_equal(json_integer_or(result, "pid", -1), getpid());
}

static void test_parts_of_a_request(void **state) {
  AUTO(json_free) json_t *result = get(*state, "/a%2fb/%c3%a4?x=1%202&empty=&bad=%ff&x=3");
  const json_t *query = json_object_get(result, "query");
  assert_string_equal(json_string_or(result, "method", ""), "GET");
  assert_string_equal(json_string_or(result, "path", ""), "/a%2fb/%c3%a4");
  assert_string_equal(json_string_or(query, "x", ""), "3");
  assert_string_equal(json_string_or(query, "empty", "none"), "");
  assert_null(json_object_get(query, "bad"));
  assert_null(json_string_or(result, "header", NULL));
  AUTO(str_free)
  char *text = ask(*state, "PUT /x HTTP/1.1\r\nx-TEST: seen\r\nContent-Length: 5\r\n"
                           "Connection: close\r\n\r\nhello");
  expect_text(text, "\"body\":\"hello\"");
  expect_text(text, "\"header\":\"seen\"");
  expect_text(text, "\"method\":\"PUT\"");
}

static void test_answers(void **state) {
  AUTO(str_free) char *refusal = ask(*state, "POST /refuse" CLOSING);
  expect_text(refusal, "HTTP/1.1 409 ");
  expect_text(refusal,
              "{\"ok\":false,\"error\":{\"code\":\"branch-busy\",\"message\":\"not now\"}}");
  AUTO(str_free) char *text = ask(*state, "GET /text" CLOSING);
  expect_text(text, "Content-Type: text/plain\r\n");
  expect_text(text, "\r\n\r\nplain words");
}

/* None of them reaches the handler; all are answered or hung up on, and the next one is served. */
static void test_what_is_no_request(void **state) {
  static const char *const requests[] = {
      "PATCH /" CLOSING,
      "HEAD /" CLOSING,
      "OPTIONS *" CLOSING,
      "CONNECT a:1" CLOSING,
      "TRACE /" CLOSING,
      "BREW /" CLOSING,
      "GET",
      "\r\n\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
  };
  int before = answered(*state);
  for (size_t at = 0; at < ARRAY_LENGTH(requests); at++) {
    AUTO_RELEASE(fd_release) int fd = connect_to(*state);
    send_text(fd, requests[at]);
    (void)shutdown(fd, SHUT_WR);
    AUTO(str_free) char *text = read_until(fd, NULL);
    if (strstr(text, "HTTP/1.1 200") != NULL)
      fail_msg("\"%s\" was served", requests[at]);
  }
  assert_int_equal(answered(*state), before);
}

/* ---- limits ---- */

static char *put(const Server *server, const char *headers, size_t length) {
  AUTO_RELEASE(fd_release) int fd = connect_to(server);
  AUTO(str_free)
  char *head = str_format("PUT /x HTTP/1.1\r\nConnection: close\r\n%s\r\n\r\n", headers);
  send_text(fd, head);
  send_zeros(fd, length);
  return read_until(fd, NULL);
}

static void test_body_limit(void **state) {
  AUTO(str_free) char *fits = str_format("Content-Length: %d", HTTP_BODY_LIMIT);
  AUTO(str_free) char *exceeds = str_format("Content-Length: %d", HTTP_BODY_LIMIT + 1);
  AUTO(str_free) char *length = str_format("\"length\":%d,", HTTP_BODY_LIMIT);
  AUTO(str_free) char *taken = put(*state, fits, HTTP_BODY_LIMIT);
  expect_text(taken, length);
  AUTO(str_free) char *refused = put(*state, exceeds, HTTP_BODY_LIMIT + 1);
  expect_text(refused, "HTTP/1.1 413 ");
  AUTO(str_free) char *unsent = put(*state, exceeds, 0);
  expect_text(unsent, "HTTP/1.1 413 ");
}

static void test_body_limit_in_chunks(void **state) {
  AUTO_RELEASE(fd_release) int fd = connect_to(*state);
  send_text(fd, "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int chunk = 0; chunk < 6; chunk++) {
    send_text(fd, "100000\r\n");
    send_zeros(fd, 0x100000);
    send_text(fd, "\r\n");
  }
  AUTO(str_free) char *text = read_until(fd, NULL);
  assert_null(strstr(text, "HTTP/1.1 200"));
}

static char *get_with_header(const Server *server, size_t length) {
  AUTO(str_free) char *value = mem_new(length + 1, 1);
  memset(value, 'x', length);
  AUTO(str_free)
  char *request = str_format("GET / HTTP/1.1\r\nConnection: close\r\nX: %s\r\n\r\n", value);
  return ask(server, request);
}

static void test_header_limit(void **state) {
  AUTO(str_free) char *taken = get_with_header(*state, HTTP_HEADERS_LIMIT - 200);
  expect_text(taken, "HTTP/1.1 200 ");
  AUTO(str_free) char *refused = get_with_header(*state, HTTP_HEADERS_LIMIT + 1);
  assert_null(strstr(refused, "HTTP/1.1 200"));
  AUTO(str_free) char *endless = get_with_header(*state, 8 * 1024 * 1024);
  assert_null(strstr(endless, "HTTP/1.1 200"));
}

static void expect_hang_up(int fd, int64_t started) {
  AUTO(str_free) char *text = read_until(fd, NULL);
  int64_t waited = clock_monotonic_ms() - started;
  assert_null(strstr(text, "HTTP/1.1 200"));
  assert_in_range(waited, 500, PATIENCE_MS - 1000);
}

static void test_slow_senders_are_hung_up_on(void **state) {
  static const char *const beginnings[] = {"", "GET / HTTP/1.1\r\nHos",
                                           "PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"};
  int fds[ARRAY_LENGTH(beginnings)];
  int64_t started = clock_monotonic_ms();
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++) {
    fds[at] = connect_to(*state);
    send_text(fds[at], beginnings[at]);
  }
  AUTO(json_free) json_t *meanwhile = get(*state, "/peer");
  assert_non_null(meanwhile);
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++) {
    expect_hang_up(fds[at], started);
    fd_release(&fds[at]);
  }
}

/* Who doesn't read an answer loses it, and holds nobody up. */
static void test_slow_readers_are_hung_up_on(void **state) {
  AUTO_RELEASE(fd_release) int fd = connect_to(*state);
  send_text(fd, "GET /big" CLOSING);
  clock_sleep_ms(IDLE_SECONDS * 1000 + 1500);
  AUTO(json_free) json_t *meanwhile = get(*state, "/peer");
  assert_non_null(meanwhile);
  AUTO(str_free) char *text = read_until(fd, NULL);
  assert_true(strlen(text) < BIG);
}

/* ---- answers that come later ---- */

/* Who waits is silent for longer than who has nothing to wait for may be. */
static void test_answer_that_takes_long(void **state) {
  AUTO_RELEASE(fd_release) int fd = connect_to(*state);
  send_text(fd, "GET /long" KEEPING);
  AUTO(str_free) char *text = read_until(fd, "}}");
  expect_text(text, "\"late\":true");
  expect_hang_up(fd, clock_monotonic_ms()); /* afterwards it may be silent so long again */
}

static void wait_answered(const Server *server, int count) {
  int found = answered(server);
  for (int tries = 0; tries < 200 && found < count; tries++) {
    clock_sleep_ms(20);
    found = answered(server);
  }
  assert_int_equal(found, count);
}

/* The client is gone before its answer, in the middle of progress, or before it read it. */
static void test_client_that_leaves(void **state) {
  static const char *const requests[] = {
      "GET /later" KEEPING,
      "GET /later" CLOSING,
      "GET /steps HTTP/1.1\r\nAccept: application/x-ndjson\r\n\r\n",
      "GET /big" KEEPING,
      "GET /later" KEEPING "GET /later" KEEPING,
  };
  static const int patience_ms[] = {0, 30, LATER_MS + 30};
  for (size_t at = 0; at < ARRAY_LENGTH(requests); at++)
    for (size_t wait = 0; wait < ARRAY_LENGTH(patience_ms); wait++) {
      int before = answered(*state);
      int fd = connect_to(*state);
      send_text(fd, requests[at]);
      clock_sleep_ms(patience_ms[wait]);
      fd_release(&fd);
      clock_sleep_ms(LATER_MS + 150);
      int after = answered(*state);
      assert_in_range(after - before, 1, 2);
    }
}

static void test_progress_in_lines(void **state) {
  AUTO(str_free)
  char *lines = ask(*state, "GET /steps HTTP/1.1\r\nAccept: application/x-ndjson\r\n"
                            "Connection: close\r\n\r\n");
  expect_text(lines, "Content-Type: application/x-ndjson\r\n");
  expect_text(lines, "{\"progress\":{\"left\":2}}\n");
  expect_text(lines, "{\"progress\":{\"left\":0}}\n");
  expect_text(lines, "{\"ok\":true,\"result\":{\"late\":true}}\n");
  AUTO(str_free) char *unasked = ask(*state, "GET /steps" CLOSING);
  assert_null(strstr(unasked, "progress"));
  expect_text(unasked, "\r\n\r\n{\"ok\":true,\"result\":{\"late\":true}}");
}

static void test_keep_alive(void **state) {
  AUTO_RELEASE(fd_release) int fd = connect_to(*state);
  for (int round = 0; round < 5; round++) {
    AUTO(str_free) char *request = str_format("GET /round%d" KEEPING, round);
    AUTO(str_free) char *expected = str_format("\"path\":\"/round%d\"", round);
    send_text(fd, request);
    AUTO(str_free) char *text = read_until(fd, "}}");
    expect_text(text, expected);
  }
  send_text(fd, "GET /steps HTTP/1.1\r\nAccept: application/x-ndjson\r\n\r\n");
  AUTO(str_free) char *lines = read_until(fd, "0\r\n\r\n");
  expect_text(lines, "\"late\":true");
  send_text(fd, "GET /one" KEEPING "GET /later" KEEPING "GET /three" CLOSING);
  AUTO(str_free) char *text = read_until(fd, NULL);
  const char *one = strstr(text, "/one");
  const char *later = strstr(text, "\"late\"");
  const char *three = strstr(text, "/three");
  assert_true(one != NULL && later > one && three > later);
}

static void test_many_at_once(void **state) {
  int fds[200];
  wait_answered(*state, answered(*state));
  int before = answered(*state);
  int64_t started = clock_monotonic_ms();
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    fds[at] = connect_to(*state);
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    send_text(fds[at], "GET /later" CLOSING);
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++) {
    AUTO(str_free) char *text = read_until(fds[at], NULL);
    expect_text(text, "\"late\":true");
    fd_release(&fds[at]);
  }
  assert_true(clock_monotonic_ms() - started < (int64_t)ARRAY_LENGTH(fds) * LATER_MS / 2);
  assert_int_equal(answered(*state) - before, ARRAY_LENGTH(fds));
}

/* ---- the end of descriptors ---- */

static int64_t cpu_ms(pid_t pid) {
  AUTO(str_free) char *path = str_format("/proc/%d/schedstat", (int)pid);
  AUTO(str_free) char *text = NULL;
  assert_true(io_read_file(path, 256, &text, NULL, NULL));
  return strtoll(text, NULL, 10) / 1000000;
}

/* More clients than descriptors: the server waits for one to leave, and doesn't spin meanwhile. */
static void test_out_of_descriptors(void **state) {
  Server server;
  int fds[100];
  start(&server, 64);
  AUTO(json_free) json_t *first = get(&server, "/peer");
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    fds[at] = connect_to(&server);
  clock_sleep_ms(200);
  int64_t before = cpu_ms(server.pid);
  clock_sleep_ms(500);
  int64_t used = cpu_ms(server.pid) - before;
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    fd_release(&fds[at]);
  AUTO(json_free) json_t *afterwards = get(&server, "/peer");
  assert_int_equal(stop(&server), 0);
  assert_non_null(first);
  assert_non_null(afterwards);
  assert_in_range(used, 0, 200);
}

static size_t count_descriptors(pid_t pid) {
  AUTO(str_free) char *path = str_format("/proc/%d/fd", (int)pid);
  DIR *directory = opendir(path);
  size_t count = 0;
  assert_non_null(directory);
  while (readdir(directory) != NULL)
    count++;
  (void)closedir(directory);
  return count - 2;
}

/* Some descriptors are left for what the process has to do. */
static void test_connections_are_bounded(void **state) {
  Server server;
  static int fds[HTTP_DESCRIPTORS_LIMIT + 200];
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  if (limit.rlim_max < 2 * HTTP_DESCRIPTORS_LIMIT || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    print_message("needs %d descriptors\n", 2 * HTTP_DESCRIPTORS_LIMIT);
    skip();
  }
  start(&server, 0);
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    fds[at] = connect_to(&server);
  clock_sleep_ms(300);
  size_t used = count_descriptors(server.pid);
  for (size_t at = 0; at < ARRAY_LENGTH(fds); at++)
    fd_release(&fds[at]);
  AUTO(json_free) json_t *afterwards = get(&server, "/peer");
  assert_int_equal(stop(&server), 0);
  assert_non_null(afterwards);
  assert_in_range(used, HTTP_DESCRIPTORS_LIMIT - 5, HTTP_DESCRIPTORS_LIMIT + 5);
}

static void test_stop_with_requests_pending(void **state) {
  Server server;
  start(&server, 0);
  AUTO_RELEASE(fd_release) int idle = connect_to(&server);
  AUTO_RELEASE(fd_release) int half = connect_to(&server);
  send_text(half, "PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
  AUTO(json_free) json_t *result = get(&server, "/peer");
  assert_int_equal(stop(&server), 0);
}

/* ---- escapes ---- */

static const struct {
  const char *text, *plain; /* NULL: malformed */
} escapes[] = {
    {"", ""},         {"plain", "plain"}, {"a%20b", "a b"},       {"%2F%2f", "//"}, {"%25", "%"},
    {"%252f", "%2f"}, {"+", "+"},         {"%c3%A4", "\xc3\xa4"}, {"%", NULL},      {"%4", NULL},
    {"a%4", NULL},    {"%zz", NULL},      {"%4g", NULL},          {"%00", NULL},    {"a%00b", NULL},
    {"%%41", NULL},   {"% 41", NULL},     {"%-1", NULL},
};

static void test_unescape(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(escapes); at++) {
    AUTO(str_free) char *plain = http_unescape(escapes[at].text, strlen(escapes[at].text));
    assert_true(str_equal(plain, escapes[at].plain));
  }
  assert_null(http_unescape("%41", 2)); /* never beyond the length */
  assert_null(http_unescape("a\0b", 3));
  AUTO(str_free) char *part = http_unescape("ab/cd", 2);
  assert_string_equal(part, "ab");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_peer),
      cmocka_unit_test(test_parts_of_a_request),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_what_is_no_request),
      cmocka_unit_test(test_body_limit),
      cmocka_unit_test(test_body_limit_in_chunks),
      cmocka_unit_test(test_header_limit),
      cmocka_unit_test(test_slow_senders_are_hung_up_on),
      cmocka_unit_test(test_slow_readers_are_hung_up_on),
      cmocka_unit_test(test_answer_that_takes_long),
      cmocka_unit_test(test_client_that_leaves),
      cmocka_unit_test(test_progress_in_lines),
      cmocka_unit_test(test_keep_alive),
      cmocka_unit_test(test_many_at_once),
      cmocka_unit_test(test_out_of_descriptors),
      cmocka_unit_test(test_connections_are_bounded),
      cmocka_unit_test(test_stop_with_requests_pending),
      cmocka_unit_test(test_unescape),
  };
  return cmocka_run_group_tests_name("server", tests, set_up, tear_down);
}
