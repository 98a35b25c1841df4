/* What every use case is given: connections, settings, and who asks. One per worker process. */
#pragma once

#include "branch/agent.h"
#include "catalog/catalog.h"
#include "core/home.h"
#include "core/json.h"

typedef struct SessionCache SessionCache; /* platform sessions to sources, kept for a while */

typedef struct Context {
  const Home *home;
  Catalog *catalog;
  Agent *agent;
  SessionCache *sessions;
  PrincipalRow caller; /* of the request at hand */
  RpcProgress *on_progress; /* {"text","done","total"}; may be NULL */
  void *progress_context;
  json_t *watch; /* array of {endpoint,pid,start_time} that boughd is to watch from now on */
} Context;

/* Tells the client how far a long step is; total 0: not known. */
void context_report(const Context *context, const char *text, int64_t done, int64_t total);
