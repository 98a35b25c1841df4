/* Answers bough-proxy: ROOT/locks/proxy.sock, for the control account alone. Each question becomes
 * a job of a worker; the protocol is that of proxy/control.h.
 *
 * Clients that wait for the same compute wait here, not in workers: a route that finds it asleep
 * comes back at once, one job wakes it for all of them, and then each asks again. A compute that
 * did not start is not tried again for every client, but after a growing while. */
#pragma once

#include "core/home.h"
#include "daemon/dispatch.h"

typedef struct ProxyLink ProxyLink;

/* said is called for each hello of a proxy process, with its pid. */
typedef struct ProxyLinkHooks {
  void (*said)(void *context, int pid);
  void *context;
} ProxyLinkHooks;

CHECKED bool proxy_link_open(const Home *home, struct event_base *base, Dispatcher *dispatcher,
                             const ProxyLinkHooks *hooks, ProxyLink **ret, Error *err);
void proxy_link_free(ProxyLink *link);
/* Nothing more is read: what runs is answered, the rest the proxy asks the next boughd. */
void proxy_link_stop(ProxyLink *link);

/* To all proxy processes, {"push","params"}; or to that one. */
void proxy_link_push(ProxyLink *link, const json_t *message);
void proxy_link_push_to(ProxyLink *link, int pid, const json_t *message);

/* A compute was started: earlier failures of it don't count any more. */
void proxy_link_forget_failure(ProxyLink *link, const char *endpoint);

/* The processes that are connected, or were a moment ago: {boots: [...]}; JSON null as long as one
 * may not have found its way back to this boughd. Owned by the caller. */
json_t *proxy_link_boots(const ProxyLink *link);
size_t proxy_link_count(const ProxyLink *link);
