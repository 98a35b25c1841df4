/* One connection: what the methods work with. A session is a process of its own. */
#pragma once

#include "core/home.h"
#include "core/rpc.h"
#include "storage/storage.h"

typedef struct Session {
  const char *root; /* of the home; borrowed */
  Home *home;
  Pool *pool;  /* opened when first needed */
  pid_t agent; /* the process that accepted the connection */
  int leash;   /* to it: see server.c */
} Session;

/* Serves the connection until the other side closes it or the agent is told to end. */
CHECKED bool session_run(Session *session, int connection, Error *err);

/* The pool, opened; borrowed. */
CHECKED bool session_pool(Session *session, Pool **ret, Error *err);

/* Where the parts of a volume lie. Owned: volume_paths_release. */
typedef struct VolumePaths {
  char *data;
  char *wal;
  char *settings; /* compute/VOLUME */
} VolumePaths;
void volume_paths_release(VolumePaths *paths);

/* The id in a member of the parameters, checked; borrowed. */
CHECKED bool params_id(const RpcCall *call, const char *key, const char *prefix, const char **ret,
                       Error *err);
/* The member "volume": its id (may be NULL), its paths, and the pool. */
CHECKED bool params_volume(Session *session, const RpcCall *call, const char **ret_id,
                           VolumePaths *ret, Error *err);
