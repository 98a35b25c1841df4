/* bough-runner, which runs the commands that policies declare, as seen from outside. */
#pragma once

#include "core/home.h"

/* Whether its process is there: a look at its pid file, no call. */
bool runner_is_up(const Home *home);
