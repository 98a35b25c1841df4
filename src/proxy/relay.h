/* Moves bytes between a client and its server, both ways, from the first query on.
 *
 * One buffer for the whole program: what is read from one side is written to the other at once.
 * Only what a side doesn't take is kept, and then nothing more is read for it. So an idle session
 * holds no buffer, and a slow client only itself. Towards the client the borders between messages
 * are followed, to know where an error of the platform's own may stand. */
#pragma once

#include "proxy/stream.h"
#include "wire/message.h"

typedef struct Relay Relay;

typedef enum RelayEnd {
  RELAY_CLIENT_GONE, /* it said so, or its connection ended */
  RELAY_SERVER_GONE, /* with postgres's own last words */
  RELAY_SERVER_LOST, /* without a word; the client was told */
  RELAY_FINISHED,    /* by relay_finish */
} RelayEnd;

/* The relay may be freed by it. */
typedef void RelayDone(void *context, RelayEnd end);

/* Takes both streams over. greeting goes to the client first, input (what the client has sent
 * already) to the server. */
Relay *relay_new(Stream *client, Stream *server, const Buffer *greeting, const Buffer *input,
                 RelayDone *done, void *context);
/* Closes both: the client gently, if it is still there. */
void relay_free(Relay *relay);

/* Ends the session with that error: at the next border between messages, or without it when none
 * comes within half a second. done is called from the loop. */
void relay_finish(Relay *relay, const Error *reason);

typedef struct RelayCounts {
  uint64_t in;  /* from the client */
  uint64_t out; /* to the client */
} RelayCounts;
RelayCounts relay_counts(const Relay *relay);
