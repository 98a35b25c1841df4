/* Where a session goes, as boughd answered, and where sessions like it went a moment ago.
 *
 * boughd is asked for every session, since it decides and records. The cache only lets the
 * connection to the compute be opened while the answer is on its way: no byte of the client's
 * passes before the answer has come and names the same place. */
#pragma once

#include "core/json.h"

typedef struct Route {
  char *endpoint;
  char *branch;  /* "" for the catalog */
  char *socket;  /* path of the compute's socket */
  char *compute; /* which process has the socket: another one's sessions may be there, too */
  char *role;
  char *database;
  int64_t idle_ms;
  unsigned connections_limit; /* 0: none */
} Route;

void route_free(Route *route);
DEFINE_AUTO(Route *, route_free)

/* Reads boughd's answer; database is what was asked for. */
CHECKED bool route_read(const json_t *answer, const char *database, Route **ret, Error *err);
Route *route_copy(const Route *route);
/* Whether both lead to the same process as the same role. */
bool route_same(const Route *left, const Route *right);

typedef struct RouteCache RouteCache;

RouteCache *route_cache_new(void);
void route_cache_free(RouteCache *cache);
/* key names principal and target. Entries live for five seconds. */
void route_cache_put(RouteCache *cache, const char *key, const Route *route, int64_t now_ms);
/* Borrowed, until the next put; NULL when there is none. */
const Route *route_cache_find(RouteCache *cache, const char *key, int64_t now_ms);
/* Forgets those to an endpoint; NULL: all. */
void route_cache_forget(RouteCache *cache, const char *endpoint);
