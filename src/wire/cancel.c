/* Reads and writes cancel keys. */
#include "wire/cancel.h"

bool cancel_read_key(const Message *message, CancelKey *ret, Error *err) {
  if (message->length != 8)
    return error_set(err, ERROR_PROTOCOL, "a cancel key of %zu bytes", message->length);
  ret->pid = wire_u32(message->body);
  ret->secret = wire_u32(message->body + 4);
  return true;
}

void cancel_add_key(Buffer *out, const CancelKey *key) {
  size_t start = message_begin(out, 'K');
  wire_add_u32(out, key->pid);
  wire_add_u32(out, key->secret);
  message_end(out, start);
}

void cancel_add_request(Buffer *out, const CancelKey *key) {
  size_t start = message_begin(out, '\0');
  wire_add_u32(out, CANCEL_REQUEST_CODE);
  wire_add_u32(out, key->pid);
  wire_add_u32(out, key->secret);
  message_end(out, start);
}
