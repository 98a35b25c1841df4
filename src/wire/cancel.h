/* Cancel keys: what a server gives a session in BackendKeyData, and what a CancelRequest brings
 * back on a connection of its own. */
#pragma once

#include "wire/message.h"

enum { CANCEL_REQUEST_CODE = 80877102, CANCEL_REQUEST_SIZE = 16 };

typedef struct CancelKey {
  uint32_t pid;
  uint32_t secret;
} CancelKey;

/* The body of BackendKeyData. */
CHECKED bool cancel_read_key(const Message *message, CancelKey *ret, Error *err);
void cancel_add_key(Buffer *out, const CancelKey *key);
void cancel_add_request(Buffer *out, const CancelKey *key);
