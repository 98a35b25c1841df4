/* Cancel requests on their way to a compute. */
#pragma once

#include "proxy/stream.h"
#include "wire/cancel.h"

/* Sends the request to the server at socket, without waiting. client (taken over, may be NULL) is
 * closed when the server has taken it, which is how a client learns that. */
void canceller_send(struct event_base *base, const char *socket, const CancelKey *key,
                    Stream *client);
