/* The port: accepts clients on every address that is configured. */
#pragma once

#include "proxy/proxy.h"

/* Several proxies may listen at once (SO_REUSEPORT), so that a new one takes over while the old one
 * drains. */
CHECKED bool listener_new(Proxy *proxy, Listener **ret, Error *err);

/* Closes the port. Who is in its queue is accepted first, since closing would reset them. */
void listener_free(Listener *listener);
