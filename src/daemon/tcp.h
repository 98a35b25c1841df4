/* The API on loopback TCP, when config.json asks for it: "tcp": {"port": N}. There the kernel
 * doesn't tell who calls, so a request carries the bearer token in ROOT/locks/api.token (0600, made
 * at the first start), which stands for the one who set Bough up. */
#pragma once

#include "core/home.h"
#include "http/server.h"

typedef struct TcpApi TcpApi;

/* *ret is NULL when config.json doesn't ask. */
CHECKED bool tcp_api_open(const Home *home, struct event_base *base, int idle_seconds,
                          HttpHandler *handler, void *context, TcpApi **ret, Error *err);
void tcp_api_free(TcpApi *api);
bool tcp_api_authenticate(const TcpApi *api, const HttpExchange *exchange, unsigned *ret_uid);
