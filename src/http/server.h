/* The server side of the API: HTTP/1.1 on libevent's evhttp, one loop, nothing that blocks. It
 * bounds every request in size and time and tells who is asking; what a request means is the
 * callback's business. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

#include <event2/event.h>

enum {
  HTTP_BODY_LIMIT = 4 * 1024 * 1024 + 1024,
  HTTP_HEADERS_LIMIT = 16 * 1024,
  HTTP_DESCRIPTORS_LIMIT = 900, /* of the process; then new clients wait */
};

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange; /* one request and its answer */

/* Called for each request; must end, now or later, with exactly one http_answer for the exchange.
 */
typedef void HttpHandler(void *context, HttpExchange *exchange);

/* Serves on fd, a listening socket that the server owns from now on. idle_seconds: how long a
 * client may take to send its request or to read the answer. */
CHECKED bool http_server_new(struct event_base *base, int fd, int idle_seconds,
                             HttpHandler *handler, void *context, HttpServer **ret, Error *err);
void http_server_free(HttpServer *server);
void http_server_stop_accepting(HttpServer *server);

/* What was asked; borrowed, valid until http_answer. */
const char *http_method(const HttpExchange *exchange); /* "GET", ... */
const char *http_path(const HttpExchange *exchange);   /* still escaped */
json_t *http_query(const HttpExchange *exchange);      /* object of strings, new reference */
const char *http_header(const HttpExchange *exchange, const char *name); /* NULL: none */
const char *http_body(HttpExchange *exchange, size_t *ret_length);
/* The caller's uid by the kernel's word; false on TCP. */
bool http_peer(const HttpExchange *exchange, unsigned *ret_uid, int *ret_pid);
/* Whether the client asked for progress lines (Accept: application/x-ndjson). */
bool http_wants_progress(const HttpExchange *exchange);

/* A header of the answer, before anything of it is sent. */
void http_set_header(HttpExchange *exchange, const char *name, const char *value);
/* One line {"progress":...} ahead of the answer. */
void http_progress(HttpExchange *exchange, const json_t *progress);
/* Ends the exchange: {"ok":true,"result":...} or, with failure, {"ok":false,"error":...}. A client
 * that has gone is no failure. */
void http_answer(HttpExchange *exchange, const json_t *result, const Error *failure);
/* The same with a text of another kind (metrics). */
void http_answer_text(HttpExchange *exchange, const char *type, const char *text);

/* Undoes %XX in one path segment, owned; NULL when it is malformed or holds a \0. */
char *http_unescape(const char *text, size_t length);
