/* Platform sessions to running branches that are forked often, kept open between requests: a new
 * connection would cost a create several milliseconds. */
#pragma once

#include "catalog/catalog.h"
#include "core/home.h"
#include "pg/conn.h"

typedef struct SessionCache SessionCache;

SessionCache *session_cache_new(const Home *home);
void session_cache_free(SessionCache *cache);
DEFINE_AUTO(SessionCache *, session_cache_free)

/* A session to database postgres of the compute that the row describes; borrowed, valid until the
 * next call. Waits up to timeout_ms for a compute that is still starting. */
CHECKED bool session_get(SessionCache *cache, const EndpointRow *endpoint, int timeout_ms,
                         Conn **ret, Error *err);

/* Closes sessions to that endpoint: before it is stopped, and after a failure on one. */
void session_drop(SessionCache *cache, const char *endpoint);
/* Blocks until fd has something to read, or has failed. Meanwhile sessions are closed that weren't
 * used for a while, and at once those whose compute has ended: a socket holds the credentials of
 * its other side, those the Landlock rules of a confined server, these its data directory, and
 * btrfs gives nothing back of a deleted subvolume that has a directory in use. */
void session_wait(SessionCache *cache, int fd);
