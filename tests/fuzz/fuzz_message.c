/* A stream of messages, cut into pieces of a length that the first byte gives: reading and walking
 * must find the same borders. */
#include "fuzz.h"

#include "wire/cancel.h"
#include "wire/error_response.h"

enum { LIMIT = 1 << 16 };

static void read_body(const Message *message) {
  ErrorResponse said;
  CancelKey key;
  error_response_read(message->body, message->length, &said);
  (void)!cancel_read_key(message, &key, NULL);
}

/* The end of the last whole message, or SIZE_MAX when a length makes no sense. */
static size_t read_all(const char *bytes, size_t length) {
  size_t at = 0;
  for (;;) {
    Message message;
    if (!message_read(bytes + at, length - at, LIMIT, &message, NULL))
      return SIZE_MAX;
    if (message.size == 0)
      return at;
    read_body(&message);
    at += message.size;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length < 2)
    return 0;
  const char *text = (const char *)bytes + 1;
  size_t piece = (size_t)bytes[0] + 1;
  MessageWalk walk = {0};
  size_t border = 0;
  for (size_t at = 0; at < length - 1;) {
    size_t rest = length - 1 - at;
    size_t step = message_walk(&walk, text + at, rest < piece ? rest : piece);
    HOLDS(step > 0);
    at += step;
    if (message_walk_at_boundary(&walk))
      border = at;
  }
  size_t end = read_all(text, length - 1);
  HOLDS(end == SIZE_MAX || end == border);
  return 0;
}
