/* evhttp with limits, peer credentials and answers that may come later. */
#include "http/server.h"

#include "core/io.h"
#include "core/rpc.h"
#include "core/str.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MS = 100 };

struct HttpServer {
  struct evhttp *http;
  struct evhttp_bound_socket *socket; /* NULL: stopped accepting */
  struct event *resume;
  int idle_seconds;
  HttpHandler *handler;
  void *context;
};

struct HttpExchange {
  struct evhttp_request *request; /* NULL once the client has gone */
  struct evhttp_connection *connection;
  int idle_seconds;
  bool streaming; /* the headers are out */
};

/* A client that waits for its answer has nothing to say: only between requests is that held against
 * it. */
static void limit_silence(const HttpExchange *exchange, bool is_limited) {
  const struct timeval idle = {.tv_sec = exchange->idle_seconds};
  (void)bufferevent_set_timeouts(evhttp_connection_get_bufferevent(exchange->connection),
                                 is_limited ? &idle : NULL, &idle);
}

/* The connection was closed while the answer is still being made. When the client did it, evhttp
 * has taken the request off the connection and leaves it to us; at the server's own end it frees
 * it. */
static void on_close(struct evhttp_connection *connection, void *context) {
  (void)connection;
  HttpExchange *exchange = context;
  if (evhttp_request_get_connection(exchange->request) == NULL)
    evhttp_request_free(exchange->request);
  exchange->request = NULL;
  exchange->connection = NULL;
}

static void on_request(struct evhttp_request *request, void *context) {
  HttpServer *server = context;
  HttpExchange *exchange = mem_new(1, sizeof *exchange);
  exchange->request = request;
  exchange->connection = evhttp_request_get_connection(request);
  exchange->idle_seconds = server->idle_seconds;
  evhttp_connection_set_closecb(exchange->connection, on_close, exchange);
  limit_silence(exchange, false);
  server->handler(server->context, exchange);
}

/* Descriptors are given out from the lowest, so the next one tells how many are in use. */
static bool is_crowded(const HttpServer *server) {
  struct rlimit limit = {.rlim_cur = HTTP_DESCRIPTORS_LIMIT};
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  rlim_t share = limit.rlim_cur / 8 * 7;
  AUTO_RELEASE(fd_release)
  int next = fcntl(evhttp_bound_socket_get_fd(server->socket), F_DUPFD_CLOEXEC, 0);
  return next < 0 || next >= HTTP_DESCRIPTORS_LIMIT || (rlim_t)next >= share;
}

/* Clients that come now wait in the socket's queue. If it came to accept failing, the loop would do
 * nothing but try again: the socket stays readable. */
static void pause_accepting(HttpServer *server) {
  const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
  (void)evconnlistener_disable(evhttp_bound_socket_get_listener(server->socket));
  (void)event_add(server->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short events, void *context) {
  (void)fd;
  (void)events;
  HttpServer *server = context;
  if (server->socket == NULL)
    return;
  if (is_crowded(server))
    pause_accepting(server);
  else
    (void)evconnlistener_enable(evhttp_bound_socket_get_listener(server->socket));
}

/* evhttp asks for the buffer of each connection that it accepted. */
static struct bufferevent *on_connection(struct event_base *base, void *context) {
  HttpServer *server = context;
  if (server->socket != NULL && is_crowded(server))
    pause_accepting(server);
  return bufferevent_socket_new(base, -1, 0);
}

bool http_server_new(struct event_base *base, int fd, int idle_seconds, HttpHandler *handler,
                     void *context, HttpServer **ret, Error *err) {
  HttpServer *server = mem_new(1, sizeof *server);
  server->idle_seconds = idle_seconds;
  server->handler = handler;
  server->context = context;
  server->http = evhttp_new(base);
  if (server->http != NULL && evutil_make_socket_nonblocking(fd) == 0)
    server->socket = evhttp_accept_socket_with_handle(server->http, fd);
  server->resume = evtimer_new(base, on_resume, server);
  if (server->socket == NULL || server->resume == NULL) {
    http_server_free(server);
    return error_set(err, ERROR_INTERNAL, "could not set up the HTTP server");
  }
  evhttp_set_max_body_size(server->http, HTTP_BODY_LIMIT);
  evhttp_set_max_headers_size(server->http, HTTP_HEADERS_LIMIT);
  evhttp_set_timeout(server->http, idle_seconds);
  evhttp_set_allowed_methods(server->http,
                             EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
  evhttp_set_gencb(server->http, on_request, server);
  evhttp_set_bevcb(server->http, on_connection, server);
  *ret = server;
  return true;
}

void http_server_stop_accepting(HttpServer *server) {
  if (server->socket != NULL)
    evhttp_del_accept_socket(server->http, server->socket);
  server->socket = NULL;
}

void http_server_free(HttpServer *server) {
  if (server == NULL)
    return;
  if (server->http != NULL)
    evhttp_free(server->http);
  if (server->resume != NULL)
    event_free(server->resume);
  mem_free(server);
}

const char *http_method(const HttpExchange *exchange) {
  switch (evhttp_request_get_command(exchange->request)) {
  case EVHTTP_REQ_GET:
    return "GET";
  case EVHTTP_REQ_POST:
    return "POST";
  case EVHTTP_REQ_PUT:
    return "PUT";
  case EVHTTP_REQ_DELETE:
    return "DELETE";
  default:
    return "";
  }
}

const char *http_path(const HttpExchange *exchange) {
  const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(exchange->request);
  const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
  return path != NULL ? path : "";
}

json_t *http_query(const HttpExchange *exchange) {
  json_t *object = json_object();
  const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(exchange->request);
  const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
  struct evkeyvalq pairs = {0};
  if (query == NULL || evhttp_parse_query_str(query, &pairs) != 0)
    return object;
  for (const struct evkeyval *pair = pairs.tqh_first; pair != NULL; pair = pair->next.tqe_next) {
    json_t *value = json_string(pair->value);
    if (value != NULL)
      (void)json_object_set_new(object, pair->key, value);
  }
  evhttp_clear_headers(&pairs);
  return object;
}

const char *http_header(const HttpExchange *exchange, const char *name) {
  return evhttp_find_header(evhttp_request_get_input_headers(exchange->request), name);
}

const char *http_body(HttpExchange *exchange, size_t *ret_length) {
  struct evbuffer *buffer = evhttp_request_get_input_buffer(exchange->request);
  *ret_length = evbuffer_get_length(buffer);
  return *ret_length > 0 ? (const char *)evbuffer_pullup(buffer, -1) : "";
}

bool http_peer(const HttpExchange *exchange, unsigned *ret_uid, int *ret_pid) {
  int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(exchange->connection));
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 || address.ss_family != AF_UNIX)
    return false;
  return rpc_peer(fd, ret_uid, ret_pid, NULL);
}

bool http_wants_progress(const HttpExchange *exchange) {
  const char *accept = http_header(exchange, "Accept");
  return accept != NULL && strstr(accept, "application/x-ndjson") != NULL;
}

static void start_stream(HttpExchange *exchange) {
  if (exchange->streaming)
    return;
  exchange->streaming = true;
  evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Content-Type",
                    "application/x-ndjson");
  evhttp_send_reply_start(exchange->request, 200, "OK");
}

void http_set_header(HttpExchange *exchange, const char *name, const char *value) {
  if (exchange->request != NULL)
    evhttp_add_header(evhttp_request_get_output_headers(exchange->request), name, value);
}

static void send_line(HttpExchange *exchange, const json_t *object) {
  AUTO(str_free) char *text = json_text(object);
  struct evbuffer *buffer = evbuffer_new();
  (void)evbuffer_add_printf(buffer, "%s\n", text);
  evhttp_send_reply_chunk(exchange->request, buffer);
  evbuffer_free(buffer);
}

void http_progress(HttpExchange *exchange, const json_t *progress) {
  if (exchange->request == NULL || !http_wants_progress(exchange))
    return;
  start_stream(exchange);
  AUTO(json_free) json_t *line = json_pack("{s:O}", "progress", progress);
  send_line(exchange, line);
}

static void send_whole(HttpExchange *exchange, int status, const char *type, const char *text) {
  struct evbuffer *buffer = evbuffer_new();
  (void)evbuffer_add(buffer, text, strlen(text));
  evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Content-Type", type);
  evhttp_send_reply(exchange->request, status, status == 200 ? "OK" : "Error", buffer);
  evbuffer_free(buffer);
}

static void finish(HttpExchange *exchange) {
  if (exchange->connection != NULL) {
    limit_silence(exchange, true);
    evhttp_connection_set_closecb(exchange->connection, NULL, NULL);
  }
  mem_free(exchange);
}

void http_answer(HttpExchange *exchange, const json_t *result, const Error *failure) {
  if (exchange->request == NULL) {
    finish(exchange);
    return;
  }
  AUTO(json_free) json_t *nothing = json_object();
  AUTO(json_free)
  json_t *object =
      failure != NULL
          ? json_pack("{s:b, s:o}", "ok", false, "error", json_from_error(failure))
          : json_pack("{s:b, s:O}", "ok", true, "result", result != NULL ? result : nothing);
  if (exchange->streaming) {
    send_line(exchange, object);
    evhttp_send_reply_end(exchange->request);
  } else {
    AUTO(str_free) char *text = json_text(object);
    send_whole(exchange, failure != NULL ? error_info(failure->code)->http_status : 200,
               "application/json", text);
  }
  finish(exchange);
}

void http_answer_text(HttpExchange *exchange, const char *type, const char *text) {
  if (exchange->request != NULL)
    send_whole(exchange, 200, type, text);
  finish(exchange);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *http_unescape(const char *text, size_t length) {
  AUTO_RELEASE(buffer_release) Buffer result = {0};
  for (size_t at = 0; at < length; at++) {
    char c = text[at];
    if (c == '%') {
      int high = at + 2 < length ? hex_digit(text[at + 1]) : -1;
      int low = at + 2 < length ? hex_digit(text[at + 2]) : -1;
      if (high < 0 || low < 0)
        return NULL;
      c = (char)(high * 16 + low);
      at += 2;
    }
    if (c == '\0')
      return NULL;
    buffer_add(&result, &c, 1);
  }
  return buffer_steal(&result);
}
