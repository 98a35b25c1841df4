/* What the starts of a server and of a lone server process share. */
#pragma once

#include "compute/compute.h"

/* What a child does before it becomes postgres: takes the lock on its data directory, limits,
 * confinement. A failure is told on stderr. Everything is borrowed. */
typedef struct ServerPrepare {
  const char *data;
  const char *group; /* its control group, NULL: none */
  int oom_score_adj;
  Confinement confinement;
} ServerPrepare;
bool server_prepare(void *prepare); /* a ProcessPrepare */

/* Whether a server process lives on data: each holds a lock on the directory, from before its first
 * step to its end. So a start needn't look through all processes, and a second server, which
 * PostgreSQL itself can't see from inside a confinement (it may not send signal 0 there), can't
 * slip in. */
CHECKED bool server_holds(const char *data, bool *ret, Error *err);
