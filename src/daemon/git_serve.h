/* git as a server: `git upload-pack` or `git receive-pack` on a socket. */
#pragma once

#include "core/home.h"
#include "scm/git_request.h"

#include <sys/types.h>

enum { GIT_SERVE_SECONDS = 15 * 60 };

typedef struct GitServe {
  GitService service;
  const char *repository; /* a path */
  const char *socket;     /* of git.sock, for the pre-receive hook */
  const char *ticket;     /* by which the hook names this push */
  int64_t push_limit;     /* bytes of one push; 0: half a GiB */
  int fd;                 /* the client; borrowed */
} GitServe;

/* Starts it and doesn't wait. It is the leader of a session, and ends with boughd. */
CHECKED bool git_serve(const GitServe *serve, pid_t *ret, Error *err);
