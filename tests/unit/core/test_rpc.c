/* Frames and calls over real sockets, whole, cut, oversized, and by those who don't keep the rules.
 */
#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "core/str.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Pair {
  int ours, theirs;
} Pair;

static Pair pair_new(void) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return (Pair){ends[0], ends[1]};
}

static void pair_release(Pair *pair) {
  fd_release(&pair->ours);
  fd_release(&pair->theirs);
}

static void send_bytes(Pair *pair, const void *bytes, size_t length) {
  assert_true(io_write(pair->theirs, bytes, length, NULL));
}

/* ---- frames ---- */

static void test_round_trip(void **state) {
  AUTO_RELEASE(pair_release) Pair pair = pair_new();
  AUTO(json_free) json_t *message = json_pack("{s:s, s:[i, n]}", "text", "\xe2\x82\xac", "list", 1);
  static const char blob[] = {'a', '\0', 'b', '\xff'};
  for (size_t length = 0; length <= sizeof blob; length++) {
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = true;
    assert_true(frame_write(pair.theirs, message, blob, length, NULL));
    assert_true(frame_read(pair.ours, &frame, &end, NULL));
    assert_false(end);
    assert_true(json_equal(frame.message, message));
    assert_int_equal(frame.blob_length, length);
    assert_int_equal(frame.blob != NULL, length > 0);
    if (length > 0)
      assert_memory_equal(frame.blob, blob, length);
  }
  fd_release(&pair.theirs);
  AUTO_RELEASE(frame_release) Frame frame = {0};
  bool end = false;
  assert_true(frame_read(pair.ours, &frame, &end, NULL));
  assert_true(end);
  assert_null(frame.message);
}

/* Cut after every byte but none and all: a failure, with and without a listener for it. */
static void test_cut_frames(void **state) {
  AUTO(json_free) json_t *message = json_pack("{s:i}", "a", 1);
  size_t length = 0;
  AUTO(str_free) char *bytes = frame_encode(message, "blob", 4, &length);
  for (size_t cut = 1; cut < length; cut++) {
    for (int listens = 0; listens < 2; listens++) {
      AUTO_RELEASE(pair_release) Pair pair = pair_new();
      AUTO_RELEASE(frame_release) Frame frame = {0};
      Error err = ERROR_INIT;
      bool end = false;
      send_bytes(&pair, bytes, cut);
      fd_release(&pair.theirs);
      assert_false(frame_read(pair.ours, &frame, &end, listens != 0 ? &err : NULL));
      assert_false(end);
      assert_null(frame.message);
      assert_null(frame.blob);
      assert_int_equal(err.code, listens != 0 ? ERROR_IO : ERROR_NONE);
    }
  }
}

static void test_slow_frames(void **state) {
  AUTO_RELEASE(pair_release) Pair pair = pair_new();
  AUTO(json_free) json_t *message = json_pack("{s:i}", "a", 1);
  size_t length = 0;
  AUTO(str_free) char *bytes = frame_encode(message, "blob", 4, &length);
  pid_t pid = fork();
  if (pid == 0) {
    for (size_t at = 0; at < length; at++, clock_sleep_ms(1))
      if (write(pair.theirs, bytes + at, 1) != 1)
        _exit(1);
    _exit(0);
  }
  AUTO_RELEASE(frame_release) Frame frame = {0};
  bool end = false;
  bool ok = frame_read(pair.ours, &frame, &end, NULL);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
  assert_true(ok);
  assert_true(json_equal(frame.message, message));
  assert_memory_equal(frame.blob, "blob", 4);
}

static void test_header_limits(void **state) {
  static const struct {
    uint32_t json, blob;
    bool passes;
  } rows[] = {{0, 0, true},
              {RPC_LIMIT, RPC_LIMIT, true},
              {RPC_LIMIT + 1, 0, false},
              {0, RPC_LIMIT + 1, false},
              {UINT32_MAX, 0, false},
              {0, UINT32_MAX, false},
              {0x80000000, 0x80000000, false}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    uint32_t lengths[2] = {htonl(rows[at].json), htonl(rows[at].blob)};
    unsigned char header[RPC_HEADER_SIZE];
    size_t json = 0;
    size_t blob = 0;
    Error err = ERROR_INIT;
    memcpy(header, lengths, sizeof header);
    assert_int_equal(frame_decode_header(header, &json, &blob, &err), rows[at].passes);
    assert_int_equal(err.code, rows[at].passes ? ERROR_NONE : ERROR_TOO_LARGE);
    assert_int_equal(json, rows[at].passes ? rows[at].json : 0);
    assert_int_equal(blob, rows[at].passes ? rows[at].blob : 0);
  }
}

static void test_oversized_frames_are_not_sent(void **state) {
  AUTO_RELEASE(pair_release) Pair pair = pair_new();
  AUTO(json_free) json_t *message = json_object();
  AUTO(str_free) char *blob = mem_new(RPC_LIMIT + 1, 1);
  char byte = 0;
  Error err = ERROR_INIT;
  assert_false(frame_write(pair.theirs, message, blob, RPC_LIMIT + 1, &err));
  assert_int_equal(err.code, ERROR_TOO_LARGE);
  assert_int_equal(recv(pair.ours, &byte, 1, MSG_DONTWAIT), -1);
}

static void test_frames_that_are_no_json(void **state) {
  static const char *const texts[] = {"", "{", "1", "nonsense", "{}x"};
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    AUTO_RELEASE(pair_release) Pair pair = pair_new();
    AUTO_RELEASE(frame_release) Frame frame = {0};
    uint32_t lengths[2] = {htonl((uint32_t)strlen(texts[at])), htonl(1)};
    bool end = false;
    send_bytes(&pair, lengths, sizeof lengths);
    send_bytes(&pair, texts[at], strlen(texts[at]));
    send_bytes(&pair, "b", 1);
    assert_false(frame_read(pair.ours, &frame, &end, NULL));
    assert_null(frame.message);
  }
}

static void test_writing_to_nobody(void **state) {
  AUTO_RELEASE(pair_release) Pair pair = pair_new();
  AUTO(json_free) json_t *message = json_object();
  Error err = ERROR_INIT;
  fd_release(&pair.theirs);
  assert_false(frame_write(pair.ours, message, NULL, 0, &err)); /* and no SIGPIPE */
  assert_int_equal(err.code, ERROR_IO);
}

/* ---- calls ---- */

static bool on_echo(void *context, const RpcCall *call, json_t **ret, Error *err) {
  *ret = json_pack("{s:O, s:s, s:i}", "params", call->params, "context", (const char *)context,
                   "blob", (int)call->blob_length);
  return true;
}

static bool on_nothing(void *context, const RpcCall *call, json_t **ret, Error *err) {
  return true;
}

static bool on_refuse(void *context, const RpcCall *call, json_t **ret, Error *err) {
  (void)error_set(err, ERROR_BRANCH_BUSY, "not now");
  return error_hint(err, "later");
}

static bool on_steps(void *context, const RpcCall *call, json_t **ret, Error *err) {
  for (int step = 1; step <= 3; step++)
    rpc_report(call, json_pack("{s:i}", "done", step));
  return true;
}

/* An answer larger than a frame. */
static bool on_huge(void *context, const RpcCall *call, json_t **ret, Error *err) {
  AUTO(str_free) char *text = mem_new(RPC_LIMIT + 1, 1);
  memset(text, 'x', RPC_LIMIT);
  *ret = json_pack("{s:s}", "text", text);
  return true;
}

static const RpcMethod methods[] = {
    {"echo", on_echo},   {"nothing", on_nothing}, {"refuse", on_refuse},
    {"steps", on_steps}, {"huge", on_huge},
};

typedef struct Service {
  Pair pair;
  pid_t pid;
} Service;

static void service_start(Service *service) {
  service->pair = pair_new();
  service->pid = fork();
  assert_true(service->pid >= 0);
  if (service->pid == 0) {
    char context[] = "ctx";
    Error err = ERROR_INIT;
    (void)close(service->pair.ours);
    _exit(rpc_serve(service->pair.theirs, methods, ARRAY_LENGTH(methods), context, &err) ? 0 : 3);
  }
  fd_release(&service->pair.theirs);
}

/* The exit status after our end is closed. */
static int service_end(Service *service) {
  int status = 0;
  pair_release(&service->pair);
  assert_int_equal(waitpid(service->pid, &status, 0), service->pid);
  return status;
}

static bool call(Service *service, const char *method, json_t **ret, Error *err) {
  return rpc_call(service->pair.ours, method, NULL, NULL, NULL, ret, err);
}

static void test_calls(void **state) {
  Service service;
  Error err = ERROR_INIT;
  AUTO(json_free) json_t *params = json_pack("{s:i}", "n", 5);
  AUTO(json_free) json_t *result = NULL;
  AUTO(json_free) json_t *empty = NULL;
  service_start(&service);
  bool echoed = rpc_call(service.pair.ours, "echo", params, NULL, NULL, &result, &err);
  bool nothing = call(&service, "nothing", &empty, &err) && call(&service, "nothing", NULL, &err);
  assert_int_equal(service_end(&service), 0);
  assert_true(echoed);
  assert_true(json_equal(json_object_get(result, "params"), params));
  assert_string_equal(json_string_or(result, "context", ""), "ctx");
  assert_true(nothing);
  assert_true(json_is_object(empty));
  assert_int_equal(json_object_size(empty), 0);
}

static void test_refusals_keep_the_connection(void **state) {
  Service service;
  Error refusal = ERROR_INIT;
  Error unknown = ERROR_INIT;
  Error err = ERROR_INIT;
  service_start(&service);
  bool refused = !call(&service, "refuse", NULL, &refusal);
  bool was_unknown = !call(&service, "no-such-method", NULL, &unknown);
  bool silent = !call(&service, "refuse", NULL, NULL);
  bool goes_on = call(&service, "nothing", NULL, &err);
  assert_int_equal(service_end(&service), 0);
  assert_true(refused && was_unknown && silent && goes_on);
  assert_int_equal(refusal.code, ERROR_BRANCH_BUSY);
  assert_string_equal(refusal.message, "not now");
  assert_string_equal(refusal.hint, "later");
  assert_int_equal(unknown.code, ERROR_INTERNAL);
  assert_non_null(strstr(unknown.message, "no-such-method"));
}

static void note(void *context, const json_t *progress) {
  int *sum = context;
  *sum = *sum * 10 + (int)json_integer_or(progress, "done", 0);
}

static void test_progress(void **state) {
  Service service;
  Error err = ERROR_INIT;
  int notes = 0;
  service_start(&service);
  bool told = rpc_call(service.pair.ours, "steps", NULL, note, &notes, NULL, &err);
  bool untold = call(&service, "steps", NULL, &err);
  assert_int_equal(service_end(&service), 0);
  assert_true(told && untold);
  assert_int_equal(notes, 123);
}

static void test_huge_answer_is_a_lost_connection(void **state) {
  Service service;
  Error err = ERROR_INIT;
  service_start(&service);
  bool ok = call(&service, "huge", NULL, &err);
  int status = service_end(&service);
  assert_false(ok);
  assert_int_equal(err.code, ERROR_AGENT_DOWN);
  assert_int_equal(WEXITSTATUS(status), 3);
}

static void test_malformed_calls(void **state) {
  static const char *const texts[] = {"{}", "[]", "{\"method\":5}",
                                      "{\"method\":\"echo\",\"params\":7}"};
  Service service;
  service_start(&service);
  size_t answered = 0;
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    AUTO(json_free) json_t *message = NULL;
    AUTO_RELEASE(frame_release) Frame frame = {0};
    bool end = false;
    answered += json_parse(texts[at], strlen(texts[at]), &message, NULL) &&
                frame_write(service.pair.ours, message, NULL, 0, NULL) &&
                frame_read(service.pair.ours, &frame, &end, NULL) && !end &&
                json_object_get(frame.message, at == 3 ? "result" : "error") != NULL;
  }
  assert_int_equal(service_end(&service), 0);
  assert_int_equal(answered, ARRAY_LENGTH(texts));
}

static void test_service_that_dies(void **state) {
  Service service;
  Error err = ERROR_INIT;
  service_start(&service);
  assert_int_equal(kill(service.pid, SIGKILL), 0);
  bool ok = call(&service, "nothing", NULL, &err);
  (void)service_end(&service);
  assert_false(ok);
  assert_int_equal(err.code, ERROR_AGENT_DOWN);
  assert_true(str_starts(err.message, "nothing: "));
}

/* A caller that goes away in the middle of progress is no failure of the work. */
static void test_caller_that_leaves(void **state) {
  Service service;
  AUTO(json_free) json_t *message = json_pack("{s:s}", "method", "steps");
  service_start(&service);
  assert_true(frame_write(service.pair.ours, message, NULL, 0, NULL));
  int status = service_end(&service);
  assert_true(WIFEXITED(status)); /* not by SIGPIPE */
}

/* ---- sockets ---- */

#define LONG_NAME                                                                                  \
  "a-rather-long-directory-name-of-fifty-characters-x/"                                            \
  "another-rather-long-directory-name-of-fifty-"                                                   \
  "characters/and-a-third-one"

static void connect_and_compare(const char *path) {
  AUTO_RELEASE(fd_release) int listener = -1;
  AUTO_RELEASE(fd_release) int client = -1;
  Error err = ERROR_INIT;
  if (!rpc_listen(path, 0640, &listener, &err) || !rpc_connect(path, &client, &err))
    fail_msg("%s", err.message);
  AUTO_RELEASE(fd_release) int server = accept(listener, NULL, NULL);
  unsigned uid = 4711;
  int pid = 0;
  assert_true(rpc_peer(server, &uid, &pid, NULL));
  assert_int_equal(uid, geteuid());
  assert_int_equal(pid, getpid());
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
}

static void test_socket_paths(void **state) {
  char root[] = "/tmp/bough-rpc-XXXXXX";
  assert_non_null(mkdtemp(root));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {root};
  AUTO(str_free) char *deep = path_join(root, LONG_NAME);
  AUTO(str_free) char *below = path_join(deep, "agent.sock");
  AUTO(str_free) char *short_path = path_join(root, "agent.sock");
  assert_true(io_make_directories(deep, 0700, NULL));
  connect_and_compare(short_path);
  connect_and_compare(short_path); /* over the stale one */
  connect_and_compare(below);
  Error err = ERROR_INIT;
  int fd = -1;
  assert_false(rpc_connect(below, &fd, &err)); /* nobody listens any more */
  assert_int_equal(err.code, ERROR_IO);
  assert_false(rpc_listen(deep, 0600, &fd, &err)); /* a directory is not replaced */
  assert_true(io_is_directory(deep));
  AUTO(str_free) char *name = mem_new(121, 1);
  memset(name, 'x', 120);
  AUTO(str_free) char *too_long = path_join(root, name);
  assert_false(rpc_listen(too_long, 0600, &fd, &err));
  assert_int_equal(err.code, ERROR_USAGE);
  assert_false(rpc_connect("/nonexistent/agent.sock", &fd, &err));
  assert_int_equal(fd, -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_cut_frames),
      cmocka_unit_test(test_slow_frames),
      cmocka_unit_test(test_header_limits),
      cmocka_unit_test(test_oversized_frames_are_not_sent),
      cmocka_unit_test(test_frames_that_are_no_json),
      cmocka_unit_test(test_writing_to_nobody),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_refusals_keep_the_connection),
      cmocka_unit_test(test_progress),
      cmocka_unit_test(test_huge_answer_is_a_lost_connection),
      cmocka_unit_test(test_malformed_calls),
      cmocka_unit_test(test_service_that_dies),
      cmocka_unit_test(test_caller_that_leaves),
      cmocka_unit_test(test_socket_paths),
  };
  return cmocka_run_group_tests_name("rpc", tests, NULL, NULL);
}
