/* One command on one connection: unpacked, run, cleared away. */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"

/* Serves connection in a process of its own, which ends afterwards. leash: readable when the runner
 * itself has ended. Returns the exit status. */
int job_serve(const Home *home, int connection, int leash);
