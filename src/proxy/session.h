/* What boughd hears of sessions, and what it has done to them. */
#pragma once

#include "proxy/client.h"

/* The parameters of hello. */
json_t *sessions_hello(const Proxy *proxy);

/* A push from boughd. */
void sessions_push(Proxy *proxy, const char *name, const json_t *params);

/* Four times a second: ends those whose time has come, reports once a second. */
void sessions_tick(Proxy *proxy);
enum { SESSIONS_TICK_MS = 250 };

/* Accepts nobody any more, and ends the program when the last session has, or after limit_ms. */
void sessions_drain(Proxy *proxy, int64_t limit_ms);

void session_tell_end(const Client *client, const char *reason);
/* A session that boughd began for a client that had gone. */
void session_tell_unused(const Proxy *proxy, const char *session);
/* Returns what control_forget takes. done as in control_tell. */
uint64_t session_tell_refused(Client *client, const Error *failure, int limit_ms,
                              ControlDone *done);
/* One of too many to be told one by one: they are counted, and told once a second. */
void session_note_refused(Client *client, const Error *failure);
