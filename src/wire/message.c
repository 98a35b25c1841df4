/* Reads, writes and follows messages. */
#include "wire/message.h"

#include <arpa/inet.h>
#include <string.h>

enum { LENGTH_SIZE = 4 };

uint32_t wire_u32(const char *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return ntohl(value);
}

void wire_add_u32(Buffer *out, uint32_t value) {
  uint32_t bytes = htonl(value);
  buffer_add(out, &bytes, sizeof bytes);
}

void wire_add_string(Buffer *out, const char *text) {
  buffer_add(out, text, strlen(text) + 1);
}

bool message_read(const char *bytes, size_t length, size_t limit, Message *ret, Error *err) {
  if (length < MESSAGE_HEADER_SIZE) {
    *ret = (Message){0};
    return true;
  }
  uint32_t claimed = wire_u32(bytes + 1);
  if (claimed < LENGTH_SIZE || claimed - LENGTH_SIZE > limit)
    return error_set(err, ERROR_PROTOCOL, "a message of invalid length %u", claimed);
  size_t size = (size_t)claimed + 1;
  *ret = (Message){.type = bytes[0],
                   .body = bytes + MESSAGE_HEADER_SIZE,
                   .length = size - MESSAGE_HEADER_SIZE,
                   .size = size <= length ? size : 0};
  return true;
}

size_t message_begin(Buffer *out, char type) {
  if (type != '\0')
    buffer_add(out, &type, 1);
  size_t start = out->length;
  wire_add_u32(out, 0);
  return start;
}

void message_end(Buffer *out, size_t start) {
  uint32_t length = htonl((uint32_t)(out->length - start));
  memcpy(out->text + start, &length, sizeof length);
}

/* The header is complete: how much of the body is to come. */
static void start_body(MessageWalk *walk) {
  uint32_t claimed = wire_u32(walk->header + 1);
  walk->lost = claimed < LENGTH_SIZE;
  walk->left = walk->lost ? 0 : claimed - LENGTH_SIZE;
}

size_t message_walk(MessageWalk *walk, const char *bytes, size_t length) {
  size_t at = 0;
  if (walk->lost)
    return length;
  if (walk->have == MESSAGE_HEADER_SIZE && walk->left == 0)
    walk->have = 0;
  if (walk->have < MESSAGE_HEADER_SIZE) {
    while (walk->have < MESSAGE_HEADER_SIZE && at < length)
      walk->header[walk->have++] = bytes[at++];
    if (walk->have < MESSAGE_HEADER_SIZE)
      return at;
    start_body(walk);
    if (walk->lost)
      return length;
  }
  size_t rest = length - at;
  size_t step = rest < walk->left ? rest : walk->left;
  walk->left -= (uint32_t)step;
  return at + step;
}

void message_walk_all(MessageWalk *walk, const char *bytes, size_t length) {
  for (size_t at = 0; at < length;)
    at += message_walk(walk, bytes + at, length - at);
}

bool message_walk_at_boundary(const MessageWalk *walk) {
  return !walk->lost && walk->left == 0 && (walk->have == 0 || walk->have == MESSAGE_HEADER_SIZE);
}

char message_walk_type(const MessageWalk *walk) {
  return walk->header[0];
}
