/* Routes, and a short list of recent ones. */
#include "proxy/route.h"

#include "core/str.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>

enum { LIFE_MS = 5000, ENTRIES_LIMIT = 512, CONNECTIONS_LIMIT = 1000000 };

void route_free(Route *route) {
  if (route == NULL)
    return;
  str_free(route->endpoint);
  str_free(route->branch);
  str_free(route->socket);
  str_free(route->role);
  str_free(route->database);
  str_free(route->compute);
  mem_free(route);
}

static bool read_numbers(const json_t *answer, Route *route, Error *err) {
  int64_t limit = json_integer_or(answer, "connections_limit", 0);
  route->idle_ms = json_integer_or(answer, "idle_ms", 0);
  if (limit < 0 || limit > CONNECTIONS_LIMIT || route->idle_ms < 0)
    return error_set(err, ERROR_INTERNAL, "boughd answered a limit that makes no sense");
  route->connections_limit = (unsigned)limit;
  return true;
}

bool route_read(const json_t *answer, const char *database, Route **ret, Error *err) {
  const char *endpoint = NULL;
  const char *role = NULL;
  const char *directory = NULL;
  int64_t port = 0;
  if (!json_get_string(answer, "endpoint", &endpoint, err) ||
      !json_get_string(answer, "role", &role, err) ||
      !json_get_string(answer, "socket_directory", &directory, err) ||
      !json_get_integer(answer, "port", &port, err))
    return false;
  AUTO(route_free) Route *route = mem_new(1, sizeof *route);
  route->endpoint = str_dup(endpoint);
  route->branch = str_dup(json_string_or(answer, "branch", ""));
  route->role = str_dup(role);
  route->database = str_dup(json_string_or(answer, "database", database));
  route->compute = str_dup(json_string_or(answer, "compute", ""));
  route->socket = str_format("%s/.s.PGSQL.%lld", directory, (long long)port);
  if (role[0] == '\0' || strlen(route->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
    return error_set(err, ERROR_INTERNAL, "boughd answered no usable place");
  if (!read_numbers(answer, route, err))
    return false;
  *ret = STEAL(route);
  return true;
}

Route *route_copy(const Route *route) {
  Route *copy = mem_new(1, sizeof *copy);
  *copy = *route;
  copy->endpoint = str_dup(route->endpoint);
  copy->branch = str_dup(route->branch);
  copy->socket = str_dup(route->socket);
  copy->role = str_dup(route->role);
  copy->database = str_dup(route->database);
  copy->compute = str_dup(route->compute);
  return copy;
}

bool route_same(const Route *left, const Route *right) {
  return str_equal(left->socket, right->socket) && str_equal(left->compute, right->compute) &&
         str_equal(left->role, right->role) && str_equal(left->database, right->database);
}

typedef struct Entry {
  TAILQ_ENTRY(Entry) link;
  char *key;
  Route *route;
  int64_t ends_ms;
} Entry;

struct RouteCache {
  TAILQ_HEAD(Entries, Entry) entries; /* oldest first */
  size_t count;
};

RouteCache *route_cache_new(void) {
  RouteCache *cache = mem_new(1, sizeof *cache);
  TAILQ_INIT(&cache->entries);
  return cache;
}

static void remove_entry(RouteCache *cache, Entry *entry) {
  TAILQ_REMOVE(&cache->entries, entry, link);
  cache->count--;
  str_free(entry->key);
  route_free(entry->route);
  mem_free(entry);
}

void route_cache_free(RouteCache *cache) {
  if (cache == NULL)
    return;
  route_cache_forget(cache, NULL);
  mem_free(cache);
}

static Entry *find_entry(RouteCache *cache, const char *key) {
  Entry *entry = NULL;
  TAILQ_FOREACH(entry, &cache->entries, link) {
    if (str_equal(entry->key, key))
      return entry;
  }
  return NULL;
}

void route_cache_put(RouteCache *cache, const char *key, const Route *route, int64_t now_ms) {
  Entry *old = find_entry(cache, key);
  if (old == NULL && cache->count >= ENTRIES_LIMIT)
    old = TAILQ_FIRST(&cache->entries);
  if (old != NULL)
    remove_entry(cache, old);
  Entry *entry = mem_new(1, sizeof *entry);
  *entry = (Entry){.key = str_dup(key), .route = route_copy(route), .ends_ms = now_ms + LIFE_MS};
  TAILQ_INSERT_TAIL(&cache->entries, entry, link);
  cache->count++;
}

const Route *route_cache_find(RouteCache *cache, const char *key, int64_t now_ms) {
  const Entry *entry = find_entry(cache, key);
  return entry != NULL && entry->ends_ms > now_ms ? entry->route : NULL;
}

void route_cache_forget(RouteCache *cache, const char *endpoint) {
  for (Entry *entry = TAILQ_FIRST(&cache->entries), *next = NULL; entry != NULL; entry = next) {
    next = TAILQ_NEXT(entry, link);
    if (endpoint == NULL || str_equal(entry->route->endpoint, endpoint))
      remove_entry(cache, entry);
  }
}
