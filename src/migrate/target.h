/* The database of a branch that migrations are about, and sessions to it with no more rights than
 * the caller has there. */
#pragma once

#include "branch/branch.h"
#include "branch/principal.h"

enum { DATABASE_SIZE = 64 };

typedef struct Target {
  Context *context;
  const ProjectRow *project;
  BranchRow branch;
  EndpointRow endpoint;
  char database[DATABASE_SIZE];
  char role[ROLE_SIZE]; /* the caller's on that branch */
  bool is_server;       /* not the caller's doing: what was allowed before is done again */
} Target;

/* The branch of that name, which the caller may use. database NULL: the project's own. Nothing is
 * started yet. */
CHECKED bool target_find(Context *context, const ProjectRow *project, const char *name,
                         const char *database, Target *ret, Error *err);
/* Starts its compute, if it doesn't run. */
CHECKED bool target_wake(Target *target, Error *err);

typedef enum TargetSession {
  SESSION_ORDINARY, /* as the application's: what the database sets, holds */
  SESSION_READER,   /* search_path = pg_catalog, pg_temp: for reading the catalogs */
} TargetSession;

/* Connects as the caller's role. lock_timeout_ms 0: the server's. */
CHECKED bool target_connect(const Target *target, TargetSession kind, int lock_timeout_ms,
                            Conn **ret, Error *err);
