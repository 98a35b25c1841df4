/* The agent's own process: accepts connections and forks a session for each. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"

/* Serves listener (a listening socket) until SIGTERM or SIGINT, then lets sessions finish the call
 * at hand for a while. */
CHECKED bool server_run(const Home *home, int listener, Error *err);
