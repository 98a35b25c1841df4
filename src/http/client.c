/* One HTTP/1.1 exchange with boughd: connect, send, read the answer with an eye on the clock. */
#include "http/client.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/rpc.h"
#include "http/response.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  ANSWER_LIMIT =
      64 * 1024 * 1024, /* of a whole JSON answer, or of one line of an answer in lines */
  TICK_MS = 100,
  JOIN_LIMIT = 64 * 1024,
};

struct Client {
  char *socket_path; /* NULL for TCP */
  struct sockaddr_storage address;
  socklen_t address_length;
  char *host;  /* for the Host header */
  char *token; /* may be NULL */
};

/* What came so far of one answer. */
typedef struct Answer {
  const ClientCall *call;
  Response response;
  Buffer pending;  /* the body, or its unfinished last line */
  json_t *message; /* the last object that was no progress */
} Answer;

static void answer_release(Answer *answer) {
  response_release(&answer->response);
  buffer_release(&answer->pending);
  json_free(answer->message);
}

/* Where to connect
 * ---------------------------------------------------------------------------------- */

static bool set_address(Client *client, const char *host, uint16_t port) {
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, str_equal(host, "localhost") ? "127.0.0.1" : host, &v4) == 1) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4};
    memcpy(&client->address, &in, sizeof in);
    client->address_length = sizeof in;
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  if (inet_pton(AF_INET6, host, &v6) == 1) {
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = v6};
    memcpy(&client->address, &in6, sizeof in6);
    client->address_length = sizeof in6;
    return IN6_IS_ADDR_LOOPBACK(&v6);
  }
  return false;
}

/* "HOST:PORT", an IPv6 address in brackets, perhaps a slash at the end. */
static bool parse_tcp(Client *client, const char *text, Error *err) {
  AUTO(str_free) char *host = str_dup(text);
  size_t length = strlen(host);
  if (length > 0 && host[length - 1] == '/')
    host[length - 1] = '\0';
  client->host = str_dup(host);
  char *colon = strrchr(host, ':');
  char *end = NULL;
  long port = colon != NULL ? strtol(colon + 1, &end, 10) : 0;
  if (port < 1 || port > 65535 || *end != '\0')
    return error_set(err, ERROR_USAGE, "\"http://%.200s\" names no port", text);
  *colon = '\0';
  bool is_bracketed = host[0] == '[' && str_ends(host, "]");
  if (is_bracketed)
    host[strlen(host) - 1] = '\0';
  if (set_address(client, is_bracketed ? host + 1 : host, (uint16_t)port))
    return true;
  (void)error_set(err, ERROR_UNSUPPORTED, "\"%.200s\" is not this machine", client->host);
  return error_hint(err, "plain HTTP is for 127.0.0.1, [::1] and localhost; reach other machines "
                         "through an SSH tunnel");
}

bool client_new(const char *server, const char *token, Client **ret, Error *err) {
  AUTO(client_free) Client *client = mem_new(1, sizeof *client);
  client->token = token != NULL ? str_dup(token) : NULL;
  if (token != NULL && token[strcspn(token, "\r\n")] != '\0')
    return error_set(err, ERROR_USAGE, "the token holds a line break");
  if (str_starts(server, "unix:///")) {
    client->socket_path = str_dup(server + strlen("unix://"));
    client->host = str_dup("localhost");
  } else if (str_starts(server, "http://")) {
    if (!parse_tcp(client, server + strlen("http://"), err))
      return false;
  } else {
    (void)error_set(err, ERROR_USAGE, "\"%.200s\" is no server", server);
    return error_hint(err, "give unix:///path/to/boughd.sock or http://127.0.0.1:PORT");
  }
  *ret = STEAL(client);
  return true;
}

void client_free(Client *client) {
  if (client == NULL)
    return;
  str_free(client->socket_path);
  str_free(client->host);
  str_free(client->token);
  mem_free(client);
}

static bool connect_tcp(const Client *client, int *ret, Error *err) {
  AUTO_RELEASE(fd_release)
  int fd = socket(client->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&client->address, client->address_length) != 0)
    return error_set_errno(err, errno, "could not connect to \"%s\"", client->host);
  *ret = fd;
  fd = -1;
  return true;
}

static bool connect_to_server(const Client *client, int *ret, Error *err) {
  Error failure = ERROR_INIT;
  bool ok = client->socket_path != NULL ? rpc_connect(client->socket_path, ret, &failure)
                                        : connect_tcp(client, ret, &failure);
  if (ok)
    return fcntl(*ret, F_SETFL, O_NONBLOCK) == 0 ||
           error_set_errno(err, errno, "could not connect");
  (void)error_set(err, ERROR_DAEMON_DOWN, "boughd doesn't answer: %s", failure.message);
  return error_hint(err, "run `bough up`, or name another server with --server");
}

/* The clock
 * ----------------------------------------------------------------------------------------- */

/* Waits until fd has one of events; false with ERROR_TIMEOUT past the deadline. */
static bool wait_for(int fd, short events, const ClientCall *call, int64_t deadline, Error *err) {
  for (;;) {
    int64_t rest = deadline - clock_monotonic_ms();
    if (rest <= 0) {
      (void)error_set(err, ERROR_TIMEOUT, "no answer within %d seconds", call->timeout_ms / 1000);
      return error_hint(err, "it may still be going on: see `bough operation list`");
    }
    bool has_tick = call->on_tick != NULL && rest > TICK_MS;
    struct pollfd poller = {.fd = fd, .events = events};
    if (poll(&poller, 1, (int)(has_tick ? TICK_MS : rest)) > 0)
      return true;
    if (call->on_tick != NULL)
      call->on_tick(call->context);
  }
}

/* Sending
 * ------------------------------------------------------------------------------------------- */

static void add_head(Buffer *head, const Client *client, const ClientCall *call, size_t length,
                     const char *type) {
  buffer_add_format(head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", call->method,
                    call->path, client->host);
  buffer_add_format(head, "Accept: %s\r\n",
                    call->on_progress != NULL ? "application/x-ndjson" : "application/json");
  if (client->token != NULL)
    buffer_add_format(head, "Authorization: Bearer %s\r\n", client->token);
  buffer_add_format(head, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, length);
}

/* *ret_gone: the other side doesn't read any more. It may have answered before it stopped. */
static bool send_bytes(int fd, const ClientCall *call, const char *bytes, size_t length,
                       int64_t deadline, bool *ret_gone, Error *err) {
  while (length > 0 && !*ret_gone) {
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
    if (count >= 0) {
      bytes += count;
      length -= (size_t)count;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      *ret_gone = true;
    } else if (errno == EAGAIN || errno == EINTR) {
      if (!wait_for(fd, POLLOUT, call, deadline, err))
        return false;
    } else {
      return error_set_errno(err, errno, "could not send the request");
    }
  }
  return true;
}

static bool send_request(const Client *client, int fd, const ClientCall *call, int64_t deadline,
                         Error *err) {
  AUTO(str_free) char *text = call->body != NULL ? json_text(call->body) : NULL;
  const char *body = text != NULL ? text : call->bytes != NULL ? call->bytes : "";
  size_t length = text != NULL ? strlen(text) : call->length;
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  add_head(&head, client, call, length,
           text != NULL ? "application/json" : "application/octet-stream");
  size_t joined = length <= JOIN_LIMIT ? length : 0; /* one packet wakes the server once */
  buffer_add(&head, body, joined);
  bool gone = false;
  return send_bytes(fd, call, head.text, head.length, deadline, &gone, err) &&
         send_bytes(fd, call, body + joined, length - joined, deadline, &gone, err);
}

/* Reading
 * ------------------------------------------------------------------------------------------- */

static bool not_json(int status, Error *err) {
  return error_set(err, ERROR_INTERNAL,
                   "the server answered with HTTP status %d and no JSON object", status);
}

static bool take_object(Answer *answer, const char *text, size_t length, Error *err) {
  if (length == 0)
    return true;
  Error failure = ERROR_INIT;
  AUTO(json_free) json_t *object = NULL;
  if (!json_parse(text, length, &object, &failure))
    return not_json(answer->response.status, err);
  const json_t *progress = json_object_get(object, "progress");
  if (progress != NULL) {
    if (answer->call->on_progress != NULL)
      answer->call->on_progress(answer->call->context, progress);
    return true;
  }
  json_free(answer->message);
  answer->message = STEAL(object);
  return true;
}

/* Parses the whole lines in pending and keeps the rest. */
static bool take_lines(Answer *answer, Error *err) {
  char *at = answer->pending.text;
  char *end = at + answer->pending.length;
  for (char *newline; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1)
    if (!take_object(answer, at, (size_t)(newline - at), err))
      return false;
  answer->pending.length = (size_t)(end - at);
  memmove(answer->pending.text, at, answer->pending.length);
  return true;
}

static bool take_body(void *context, const char *bytes, size_t length, Error *err) {
  Answer *answer = context;
  if (answer->pending.length + length > ANSWER_LIMIT)
    return error_set(err, ERROR_TOO_LARGE, "the server's answer is larger than %d MiB",
                     ANSWER_LIMIT / (1024 * 1024));
  buffer_add(&answer->pending, bytes, length);
  return !answer->response.is_lines || memchr(bytes, '\n', length) == NULL ||
         take_lines(answer, err);
}

static bool read_answer(int fd, Answer *answer, int64_t deadline, Error *err) {
  while (!answer->response.is_done) {
    char bytes[65536];
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count > 0) {
      if (!response_feed(&answer->response, bytes, (size_t)count, err))
        return false;
    } else if (count == 0 || errno == ECONNRESET) {
      if (!response_finish(&answer->response, err))
        return false;
    } else if (errno == EAGAIN || errno == EINTR) {
      if (!wait_for(fd, POLLIN, answer->call, deadline, err))
        return false;
    } else {
      return error_set_errno(err, errno, "could not read the answer");
    }
  }
  return take_object(answer, answer->pending.text, answer->pending.length, err);
}

static bool take_result(const Answer *answer, json_t **ret, Error *err) {
  if (!json_is_object(answer->message))
    return not_json(answer->response.status, err);
  const json_t *error = json_object_get(answer->message, "error");
  if (json_is_object(error)) {
    if (err != NULL)
      json_to_error(error, err);
    return false;
  }
  json_t *result = json_object_get(answer->message, "result");
  if (!json_is_object(result) || answer->response.status / 100 != 2)
    return not_json(answer->response.status, err);
  *ret = json_incref(result);
  return true;
}

bool client_call(const Client *client, const ClientCall *call, json_t **ret, Error *err) {
  int64_t deadline = clock_monotonic_ms() + call->timeout_ms;
  AUTO_RELEASE(fd_release) int fd = -1;
  AUTO_RELEASE(answer_release) Answer answer = {.call = call};
  response_init(&answer.response, take_body, &answer);
  return connect_to_server(client, &fd, err) && send_request(client, fd, call, deadline, err) &&
         read_answer(fd, &answer, deadline, err) && take_result(&answer, ret, err);
}
