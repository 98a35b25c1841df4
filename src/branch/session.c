/* A handful of open platform sessions, the least recently used one giving way. */
#include "branch/session.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

enum { SESSION_COUNT = 3, IDLE_LIMIT_MS = 30 * 1000 };

typedef struct Session {
  char endpoint[ID_SIZE];
  int pid;            /* of the compute: a restarted one needs a new session */
  int64_t start_time; /* likewise */
  int64_t used_at;
  Conn *conn; /* NULL: the slot is free */
} Session;

struct SessionCache {
  const Home *home;
  Session sessions[SESSION_COUNT];
};

SessionCache *session_cache_new(const Home *home) {
  SessionCache *cache = mem_new(1, sizeof *cache);
  cache->home = home;
  return cache;
}

static void session_close(Session *session) {
  conn_free(session->conn);
  *session = (Session){0};
}

void session_cache_free(SessionCache *cache) {
  if (cache == NULL)
    return;
  for (size_t at = 0; at < SESSION_COUNT; at++)
    session_close(&cache->sessions[at]);
  mem_free(cache);
}

static bool serves(const Session *session, const EndpointRow *endpoint) {
  return session->conn != NULL && str_equal(session->endpoint, endpoint->id) &&
         session->pid == endpoint->pid && session->start_time == endpoint->start_time;
}

static Session *slot_for_new(SessionCache *cache) {
  Session *oldest = &cache->sessions[0];
  for (size_t at = 0; at < SESSION_COUNT; at++) {
    if (cache->sessions[at].conn == NULL)
      return &cache->sessions[at];
    if (cache->sessions[at].used_at < oldest->used_at)
      oldest = &cache->sessions[at];
  }
  session_close(oldest);
  return oldest;
}

bool session_get(SessionCache *cache, const EndpointRow *endpoint, int timeout_ms, Conn **ret,
                 Error *err) {
  for (size_t at = 0; at < SESSION_COUNT; at++) {
    Session *session = &cache->sessions[at];
    if (!serves(session, endpoint))
      continue;
    if (conn_is_alive(session->conn)) {
      session->used_at = clock_monotonic_ms();
      *ret = session->conn;
      return true;
    }
    session_close(session);
  }
  AUTO(str_free) char *directory = path_join(cache->home->run, endpoint->id);
  Conn *conn = NULL;
  if (!platform_open(directory, "postgres", timeout_ms, &conn, err))
    return false;
  Session *session = slot_for_new(cache);
  *session = (Session){.pid = endpoint->pid,
                       .start_time = endpoint->start_time,
                       .used_at = clock_monotonic_ms(),
                       .conn = conn};
  (void)snprintf(session->endpoint, sizeof session->endpoint, "%s", endpoint->id);
  *ret = conn;
  return true;
}

void session_drop(SessionCache *cache, const char *endpoint) {
  for (size_t at = 0; at < SESSION_COUNT; at++)
    if (str_equal(cache->sessions[at].endpoint, endpoint))
      session_close(&cache->sessions[at]);
}

/* Closes what has been idle for too long, and what the other side has left. */
static void sweep(SessionCache *cache) {
  int64_t limit = clock_monotonic_ms() - IDLE_LIMIT_MS;
  for (size_t at = 0; at < SESSION_COUNT; at++) {
    Session *session = &cache->sessions[at];
    if (session->conn != NULL && (session->used_at < limit || !conn_is_alive(session->conn)))
      session_close(session);
  }
}

void session_wait(SessionCache *cache, int fd) {
  for (;;) {
    sweep(cache);
    struct pollfd pollers[1 + SESSION_COUNT] = {{.fd = fd, .events = POLLIN}};
    nfds_t count = 1;
    for (size_t at = 0; at < SESSION_COUNT; at++)
      if (cache->sessions[at].conn != NULL)
        pollers[count++] =
            (struct pollfd){.fd = conn_descriptor(cache->sessions[at].conn), .events = POLLIN};
    int ready = poll(pollers, count, count > 1 ? IDLE_LIMIT_MS : -1);
    if (pollers[0].revents != 0 || (ready < 0 && errno != EINTR))
      return;
  }
}
