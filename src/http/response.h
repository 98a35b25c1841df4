/* Reads one HTTP/1.1 response, fed in pieces as they come: no I/O in here, every length is bounded,
 * so that a broken or hostile server costs an error and nothing else. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"

/* Takes a piece of the body. */
typedef bool ResponseSink(void *context, const char *bytes, size_t length, Error *err);

typedef struct Response {
  int status;    /* 0 until the first line is read */
  bool is_lines; /* the body is application/x-ndjson */
  bool is_done;  /* the whole response was read; bytes behind it are refused */
  /* The rest belongs to response.c. */
  ResponseSink *sink;
  void *context;
  int state;
  Buffer line;        /* the line being read, where the state reads lines */
  size_t head_length; /* bytes of all lines so far */
  uint64_t rest;      /* of the body or chunk, bytes */
  bool has_length, is_chunked;
} Response;

void response_init(Response *response, ResponseSink *sink, void *context);
void response_release(Response *response);

CHECKED bool response_feed(Response *response, const char *bytes, size_t length, Error *err);

/* The other side closed: fails with ERROR_DAEMON_DOWN when the response isn't whole. */
CHECKED bool response_finish(Response *response, Error *err);
