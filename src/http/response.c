/* A state machine over the bytes of an HTTP/1.1 response: lines first, then a body of known length,
 * in chunks, or up to the end of the connection. */
#include "http/response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_LIMIT = 8 * 1024, HEAD_LIMIT = 64 * 1024 };

typedef enum State {
  STATUS,
  HEADER,
  BODY,
  BODY_TO_CLOSE,
  CHUNK_SIZE,
  CHUNK,
  CHUNK_END,
  TRAILER,
  DONE,
  STATE_COUNT,
} State;

/* Handles one whole line, without its end. */
typedef bool LineHandler(Response *response, const char *line, Error *err);

static bool malformed(Error *err, const char *what) {
  return error_set(err, ERROR_INTERNAL, "the server's answer is not HTTP/1.1: %s", what);
}

/* Digits only, in that base; strtoull alone would take signs and blanks. */
static bool parse_number(const char *text, int base, uint64_t *ret) {
  size_t length = strspn(text, base == 16 ? "0123456789abcdefABCDEF" : "0123456789");
  if (length == 0 || length > 15 || text[length] != '\0')
    return false;
  *ret = strtoull(text, NULL, base);
  return true;
}

static bool read_status(Response *response, const char *line, Error *err) {
  if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12 || line[8] != ' ' ||
      strspn(line + 9, "0123456789") != 3)
    return malformed(err, "no status line");
  response->status = atoi(line + 9);
  response->state = HEADER;
  return true;
}

/* The value of "name: value" without blanks around it, NULL when the line is another header. */
static const char *header_value(const char *line, const char *name) {
  size_t length = strlen(name);
  if (strncasecmp(line, name, length) != 0 || line[length] != ':')
    return NULL;
  return line + length + 1 + strspn(line + length + 1, " \t");
}

/* Behind the empty line: what comes next follows from status and headers. */
static void begin_body(Response *response) {
  bool is_interim = response->status / 100 == 1;
  bool has_none = response->status == 204 || response->status == 304 ||
                  (response->has_length && !response->is_chunked && response->rest == 0);
  if (is_interim)
    response->state = STATUS;
  else if (has_none)
    response->state = DONE;
  else if (response->is_chunked)
    response->state = CHUNK_SIZE;
  else
    response->state = response->has_length ? BODY : BODY_TO_CLOSE;
}

static bool read_header(Response *response, const char *line, Error *err) {
  const char *value = NULL;
  if (line[0] == '\0')
    begin_body(response);
  else if ((value = header_value(line, "Content-Length")) != NULL) {
    if (response->has_length || !parse_number(value, 10, &response->rest))
      return malformed(err, "a wrong Content-Length");
    response->has_length = true;
  } else if ((value = header_value(line, "Transfer-Encoding")) != NULL) {
    if (strcasecmp(value, "chunked") != 0)
      return malformed(err, "an unknown Transfer-Encoding");
    response->is_chunked = true;
  } else if ((value = header_value(line, "Content-Type")) != NULL)
    response->is_lines = strncasecmp(value, "application/x-ndjson", 20) == 0;
  return true;
}

static bool read_chunk_size(Response *response, const char *line, Error *err) {
  char size[17] = {0};
  size_t length = strcspn(line, "; \t"); /* extensions are allowed and mean nothing to us */
  if (length < sizeof size)
    memcpy(size, line, length);
  if (!parse_number(size, 16, &response->rest))
    return malformed(err, "a wrong chunk size");
  response->state = response->rest > 0 ? CHUNK : TRAILER;
  return true;
}

static bool read_chunk_end(Response *response, const char *line, Error *err) {
  if (line[0] != '\0')
    return malformed(err, "a chunk longer than its size");
  response->state = CHUNK_SIZE;
  response->head_length = 0; /* the limit is for one head, not for all chunks of a long answer */
  return true;
}

static bool read_trailer(Response *response, const char *line, Error *err) {
  if (line[0] == '\0')
    response->state = DONE;
  return true;
}

static LineHandler *const line_handlers[STATE_COUNT] = {
    [STATUS] = read_status,       [HEADER] = read_header,   [CHUNK_SIZE] = read_chunk_size,
    [CHUNK_END] = read_chunk_end, [TRAILER] = read_trailer,
};

/* Takes bytes up to the end of the line; *ret_used counts them. */
static bool feed_line(Response *response, const char *bytes, size_t length, size_t *ret_used,
                      Error *err) {
  const char *end = memchr(bytes, '\n', length);
  size_t used = end != NULL ? (size_t)(end - bytes) + 1 : length;
  response->head_length += used;
  if (response->line.length + used > LINE_LIMIT || response->head_length > HEAD_LIMIT)
    return malformed(err, "the head is too long");
  buffer_add(&response->line, bytes, used);
  *ret_used = used;
  if (end == NULL)
    return true;
  char *line = response->line.text;
  size_t line_length = response->line.length - 1;
  if (line_length > 0 && line[line_length - 1] == '\r')
    line_length--;
  line[line_length] = '\0';
  if (strlen(line) != line_length)
    return malformed(err, "a zero byte in the head");
  bool ok = line_handlers[response->state](response, line, err);
  buffer_clear(&response->line);
  return ok;
}

static bool feed_body(Response *response, const char *bytes, size_t length, size_t *ret_used,
                      Error *err) {
  bool is_bounded = response->state != BODY_TO_CLOSE;
  size_t used = is_bounded && response->rest < length ? (size_t)response->rest : length;
  if (!response->sink(response->context, bytes, used, err))
    return false;
  if (is_bounded)
    response->rest -= used;
  if (is_bounded && response->rest == 0)
    response->state = response->state == CHUNK ? CHUNK_END : DONE;
  *ret_used = used;
  return true;
}

void response_init(Response *response, ResponseSink *sink, void *context) {
  *response = (Response){.sink = sink, .context = context, .state = STATUS};
}

void response_release(Response *response) {
  buffer_release(&response->line);
}

bool response_feed(Response *response, const char *bytes, size_t length, Error *err) {
  while (length > 0) {
    if (response->state == DONE)
      return malformed(err, "bytes behind its end");
    size_t used = 0;
    bool ok = line_handlers[response->state] != NULL
                  ? feed_line(response, bytes, length, &used, err)
                  : feed_body(response, bytes, length, &used, err);
    if (!ok)
      return false;
    bytes += used;
    length -= used;
  }
  response->is_done = response->state == DONE;
  return true;
}

bool response_finish(Response *response, Error *err) {
  if (response->state != DONE && response->state != BODY_TO_CLOSE) {
    (void)error_set(err, ERROR_DAEMON_DOWN, "the connection to boughd was lost");
    return error_hint(err, "`bough status` tells whether it runs; its log is logs/boughd.log");
  }
  response->is_done = true;
  return true;
}
