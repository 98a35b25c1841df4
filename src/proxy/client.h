/* A client from accept to close: it opens, logs in, enters a branch, and then is relayed. */
#pragma once

#include "proxy/proxy.h"
#include "proxy/relay.h"
#include "proxy/stream.h"
#include "wire/cancel.h"

typedef struct Login Login;

struct Client {
  TAILQ_ENTRY(Client) link;
  Proxy *proxy;
  Stream *stream; /* NULL once the relay has it */
  Login *login;   /* until then */
  Relay *relay;   /* from then on */
  char source[SOURCE_SIZE];
  char source_key[SOURCE_SIZE];
  char *principal;      /* from the proof of its password on */
  char *session;        /* from boughd's answer on */
  Route *route;         /* likewise */
  CancelKey public_key; /* what the client was given */
  CancelKey server_key; /* what postgres gave */
  int64_t started_ms;
  int64_t active_ms; /* when bytes were last seen to move */
  RelayCounts seen;  /* then */
  RelayCounts reported;
  int64_t end_at_ms; /* 0: not to be ended */
  char *end_reason;
  bool has_source, has_login, has_principal, has_endpoint; /* places that limits count */
};

/* Takes an accepted, non-blocking socket over. */
void client_accept(Proxy *proxy, int fd, const struct sockaddr *address);

/* Ends it, whatever it is doing: closes, gives its places back, tells boughd. reason may be NULL
 * before there is a session. */
void client_free(Client *client, const char *reason);

/* The places that it takes. A principal is taken once, an endpoint (route, stolen) may change. */
CHECKED bool client_take_principal(Client *client, const char *principal, Error *err);
CHECKED bool client_take_endpoint(Client *client, Route *route, Error *err);
void client_leave_endpoint(Client *client);
void client_leave_login(Client *client);

/* Sends the error and ends it. Before the relay only. */
void client_refuse(Client *client, const Error *failure);
/* The same for a failure that boughd can't know: it is told first. */
void client_refuse_told(Client *client, const Error *failure);

/* Sends bytes before the relay; false when the client doesn't take them, which ended it. */
CHECKED bool client_send(Client *client, const Buffer *bytes);

/* Its login is through: bytes go both ways from now on. */
void client_start_relay(Client *client, Stream *server, const Buffer *greeting,
                        const CancelKey *server_key);

/* Ends it with ERROR_SHUTDOWN or another reason, as soon as the protocol lets it be told. */
void client_end(Client *client, ErrorCode code, const char *reason);
