/* One HTTP request to somebody else's server, by libcurl: https, or http to this machine. Bounded
 * in time and size; no redirects, no proxies and no .netrc of whoever runs it, so that what a
 * header carries goes to the host in the URL and to nobody else. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"

/* ERROR_USAGE for what http_request would refuse: another scheme, plain http to elsewhere, a name
 * and password inside. */
CHECKED bool http_request_check_url(const char *url, Error *err);

/* Whether two URLs have the same scheme, host and port. */
bool http_same_origin(const char *a, const char *b);
/* Where a Location or Link (absolute or not) leads from base; owned. NULL: nowhere sensible. */
char *http_resolve(const char *base, const char *reference);

/* Seconds since 1970 of a Date header; -1: it isn't one. */
int64_t http_time(const char *text);

typedef struct HttpRequest {
  const char *method; /* "GET", "POST", ... */
  const char *url;
  const char *const *headers; /* "Name: value" each, NULL-terminated; may be NULL */
  const char *body;           /* NULL: none */
  int timeout_ms;             /* for all of it */
  size_t limit;               /* of the answer's body; 0: it isn't looked at */
} HttpRequest;

typedef struct HttpReply {
  int status;
  json_t *headers; /* object of strings by name in lower case; the last of a name counts; owned */
  char *body;      /* owned, ends with \0; never NULL */
  size_t length;
} HttpReply;
void http_reply_release(HttpReply *reply);
/* "" where there is none. */
const char *http_reply_header(const HttpReply *reply, const char *name);

/* True for any whole answer, whatever its status. TIMEOUT; TOO_LARGE for an answer over the limit;
 * TOOL_FAILED for one that didn't come, or not whole. */
CHECKED bool http_request(const HttpRequest *request, HttpReply *ret, Error *err);
