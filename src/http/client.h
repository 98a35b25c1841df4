/* Calls to the API of docs/api.md: blocking, one connection per call, every call bounded in time
 * and size. Written on plain sockets because evhttp can't take over a connected unix socket
 * (libevent 2.1), and because a command line should start within a millisecond. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "core/url.h"

typedef struct Client Client;

/* server: "unix:///path/to/boughd.sock" or "http://127.0.0.1:PORT"; TCP only to loopback addresses,
 * since nothing encrypts it. token may be NULL; it is sent as a bearer token. */
CHECKED bool client_new(const char *server, const char *token, Client **ret, Error *err);
void client_free(Client *client);
DEFINE_AUTO(Client *, client_free)

typedef void ClientProgress(void *context, const json_t *progress); /* {"text","done","total"} */
typedef void ClientTick(void *context);

typedef struct ClientCall {
  const char *method;
  const char *path;   /* with its query; values in it went through url_add_encoded */
  const json_t *body; /* borrowed; NULL: bytes are the body */
  const void *bytes;
  size_t length;
  int timeout_ms;              /* for the whole call */
  ClientProgress *on_progress; /* not NULL: the answer may come in lines */
  ClientTick *on_tick;         /* called some times a second while waiting; may be NULL */
  void *context;               /* of both */
} ClientCall;

/* *ret is the answer's "result", owned by the caller. The server's refusals come as they are; a
 * server that isn't there is ERROR_DAEMON_DOWN. */
CHECKED bool client_call(const Client *client, const ClientCall *call, json_t **ret, Error *err);
