/* boughd as a whole: what its loop knows, and the parts that act on it: requests (request.c), jobs
 * of its own (own_jobs.c), its end (stop.c). All of them run on the loop. */
#pragma once

#include "core/clock.h"
#include "core/home.h"
#include "daemon/dispatch.h"
#include "daemon/git_link.h"
#include "daemon/periodic.h"
#include "daemon/proxy_link.h"
#include "daemon/proxy_process.h"
#include "daemon/supervise.h"
#include "daemon/tcp.h"
#include "http/server.h"

typedef struct Daemon {
  Home *home;
  struct event_base *base;
  Dispatcher *dispatcher;
  Supervisor *supervisor;
  HttpServer *api;
  TcpApi *tcp; /* NULL: not asked for */
  GitLink *git;
  ProxyLink *proxies;
  ProxyProcess *proxy;
  bool looking_for_idle;
  bool sealing;
  Periodic *periodic;
  struct event *tick;
  struct event *signals[2];
  bool ticking;
  unsigned ticks;
  bool stopping;          /* new requests are refused */
  bool draining;          /* running ones are waited for */
  int64_t proxy_limit_ms; /* until when the proxy's end is waited for */
  ClockLook started;
  bool recovery_waits; /* for the catalog, to be tried again */
  json_t *problems;    /* what recovery could not put right, for doctor */
  bool ready;
} Daemon;

/* An HttpHandler; context is the Daemon. */
void daemon_on_request(void *context, HttpExchange *exchange);

/* Recovery, until it has been through; from then on requests are served. */
void daemon_begin(Daemon *daemon);
/* Hooks of dispatcher and supervisor, and the tick; context is the Daemon. */
void daemon_on_lost(void *context, bool had_job);
void daemon_on_revive(void *context, const char *endpoint);
void daemon_on_tick(evutil_socket_t fd, short events, void *context);

/* New requests are refused from now on, running ones end; computes and catalog go on. */
void daemon_stop(Daemon *daemon);
/* The same after proxy and catalog have ended; the computes have. */
void daemon_stop_with_catalog(Daemon *daemon);
