/* Messages of PostgreSQL's protocol 3: a type byte, a 32-bit big-endian length that counts itself
 * and the body, the body. Pure: bytes in, bytes out. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/str.h"

enum { MESSAGE_HEADER_SIZE = 5 };

typedef struct Message {
  char type;
  const char *body; /* borrowed */
  size_t length;    /* of the body */
  size_t size;      /* of header and body; 0: more bytes are needed */
} Message;

/* Reads the message at the start of bytes. Lengths under 4 or of a body past limit are refused
 * (ERROR_PROTOCOL) as soon as the header is there. */
CHECKED bool message_read(const char *bytes, size_t length, size_t limit, Message *ret, Error *err);

/* Big-endian numbers. */
uint32_t wire_u32(const char *bytes);
void wire_add_u32(Buffer *out, uint32_t value);
void wire_add_string(Buffer *out, const char *text); /* with its \0 */

/* Writing: start = message_begin(out, 'R'); wire_add_...; message_end(out, start). Type \0 makes a
 * packet without a type byte, as the first one of a connection is. */
size_t message_begin(Buffer *out, char type);
void message_end(Buffer *out, size_t start);

/* Follows a stream of messages that is passed on unread, to know where one ends. {0} stands at a
 * boundary. */
typedef struct MessageWalk {
  uint32_t left; /* bytes of the body still to come */
  uint8_t have;  /* bytes of the header that were seen */
  bool lost;     /* a length made no sense: nothing is known from here on */
  char header[MESSAGE_HEADER_SIZE];
} MessageWalk;

/* Walks to the end of the current message at most; returns the bytes that took. */
size_t message_walk(MessageWalk *walk, const char *bytes, size_t length);
/* Walks over all of them. */
void message_walk_all(MessageWalk *walk, const char *bytes, size_t length);
bool message_walk_at_boundary(const MessageWalk *walk);
/* The type of the last message that began; \0 before the first. */
char message_walk_type(const MessageWalk *walk);
