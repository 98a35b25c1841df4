/* What every use case is given: connections, settings, and who asks. One per worker process. */
#pragma once

#include "branch/agent.h"
#include "branch/session.h"
#include "catalog/catalog.h"
#include "core/home.h"
#include "core/json.h"
#include "core/lock.h"

/* What the request at hand leaves in the audit: see audit.h. */
typedef struct Trail {
  char request[ID_SIZE]; /* req-...; "" in a job of boughd's own */
  char source[256];      /* "uid:1000", "127.0.0.1"; "" where it is boughd itself */
  const char *action;    /* "branch.create", by the route; NULL in a job */
  json_t *params;        /* what of the request may be recorded, and notes; owned */
  char project[ID_SIZE]; /* these two may be "" */
  char branch[ID_SIZE];
  bool changes;            /* success is to leave a row, too */
  bool written;            /* a row was written by the use case */
  char operation[ID_SIZE]; /* the last one begun: its end leaves the row */
} Trail;

typedef struct Context {
  const Home *home;
  Catalog *catalog;
  Agent *agent;
  SessionCache *sessions;
  struct LoginCache *logins;  /* see login.h */
  struct Access *access;      /* see access.h: who may do what is asked there */
  PrincipalRow caller;        /* of the request at hand */
  bool caller_has_token;      /* it came in by one; else the kernel vouches for it */
  char caller_token[ID_SIZE]; /* that token; "": none */
  int64_t caller_expires;     /* of that token; 0: never, or none */
  char caller_run[ID_SIZE];   /* the CI run that the token was issued to; "": any other token */
  Trail trail;
  RpcProgress *on_progress; /* {"text","done","total"}; may be NULL */
  void *progress_context;
  void (*on_push)(const json_t *message); /* {"push","params"} to boughd at once */
  json_t *watch; /* array of {endpoint,pid,start_time} that boughd is to watch from now on */
  json_t *push;  /* array of {push,params} that boughd is to tell the proxy; see proxy/control.h */
} Context;

/* Tells the client how far a long step is; total 0: not known. */
void context_report(const Context *context, const char *text, int64_t done, int64_t total);

/* Has boughd tell the proxy when this request is done. params is stolen. */
void context_push(Context *context, const char *name, json_t *params);

/* The same at once, for what this request then waits for. */
void context_push_now(Context *context, const char *name, json_t *params);

/* Takes a volume's lock: shared by whoever forks from it, exclusive for starting, stopping,
 * deleting it. *ret is a descriptor; closing it gives the lock back. BRANCH_BUSY after timeout_ms.
 */
CHECKED bool volume_lock(const Context *context, const char *volume, LockMode mode, int timeout_ms,
                         int *ret, Error *err);
/* Removes the lock file of a volume that is gone for good. */
void volume_lock_forget(const Context *context, const char *volume);
