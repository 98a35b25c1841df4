/* A session's way into its compute: connects to the socket, sends the startup packet, and gathers
 * what postgres says until it is ready for the first query. The proxy's account is let in by peer
 * authentication, so a server that asks for a password is refused. */
#pragma once

#include "proxy/stream.h"
#include "wire/startup.h"

typedef struct Server Server;

typedef enum ServerOutcome {
  SERVER_READY,
  SERVER_AWAY,    /* nobody listens, or postgres starts or stops: try again */
  SERVER_REFUSED, /* postgres said no; its words are the greeting */
  SERVER_BROKEN,  /* it spoke what it shouldn't; failure is set */
} ServerOutcome;

typedef void ServerDone(void *context, ServerOutcome outcome, const Error *failure);

/* packet is what startup_add wrote; public_key is what the client gets instead of the server's.
 * done is called once, from the loop, unless the server is freed first. */
Server *server_open(struct event_base *base, const char *socket, Buffer *packet,
                    const CancelKey *public_key, ServerDone *done, void *context);
void server_free(Server *server);

/* From AuthenticationOk to ReadyForQuery, or an ErrorResponse. */
Buffer *server_greeting(Server *server);
const CancelKey *server_key(const Server *server);
/* The connection, owned by the caller from now on; it wants no events. */
Stream *server_take_stream(Server *server);
