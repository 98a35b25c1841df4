/* Makes the roles that principals log in with. The platform alone does this, so that a child never
 * inherits who could write its parent: cleaning takes the login of every such role away. */
#include "branch/login.h"

#include "branch/endpoint.h"
#include "branch/sql.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>
#include <string.h>

enum {
  CACHE_SIZE = 512, /* a power of two */
  CONNECT_MS = 10 * 1000,
  LOCK_MS = 30 * 1000,
};

typedef struct Seen {
  char endpoint[ID_SIZE];
  int pid;
  int64_t start_time;
  char role[NAME_MAX_LENGTH + 1];
} Seen;

struct LoginCache {
  Seen seen[CACHE_SIZE]; /* each in the one place that its name leads to */
};

LoginCache *login_cache_new(void) {
  return mem_new(1, sizeof(LoginCache));
}

void login_cache_free(LoginCache *cache) {
  mem_free(cache);
}

static Seen *place_of(LoginCache *cache, const EndpointRow *endpoint, const char *role) {
  uint32_t hash = 2166136261U; /* FNV-1a */
  for (const char *c = endpoint->id; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * 16777619U;
  for (const char *c = role; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * 16777619U;
  return &cache->seen[hash % CACHE_SIZE];
}

static bool is_seen(const Seen *seen, const EndpointRow *endpoint, const char *role) {
  return str_equal(seen->endpoint, endpoint->id) && seen->pid == endpoint->pid &&
         seen->start_time == endpoint->start_time && str_equal(seen->role, role);
}

static void remember(Seen *seen, const EndpointRow *endpoint, const char *role) {
  *seen = (Seen){.pid = endpoint->pid, .start_time = endpoint->start_time};
  (void)snprintf(seen->endpoint, sizeof seen->endpoint, "%s", endpoint->id);
  (void)snprintf(seen->role, sizeof seen->role, "%s", role);
}

static bool apply(Context *context, Conn *conn, const char *role, bool *ret_unmapped, Error *err) {
  const char *const values[] = {role, context->home->control.name};
  AUTO(rows_free) Rows *rows = NULL;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!conn_query(conn, branch_sql("login.sql"), ARRAY_LENGTH(values), values, &rows, err))
    return false;
  *ret_unmapped = false;
  for (size_t row = 0; row < rows_count(rows); row++) {
    if (str_equal(rows_get(rows, row, 0), "ident"))
      *ret_unmapped = true;
    else
      buffer_add_format(&sql, "%s;\n", rows_get(rows, row, 1));
  }
  return sql.length == 0 || conn_exec(conn, sql.text, NULL, err);
}

/* One at a time on a compute: grants on one database collide, and who finds the role mapped may
 * rely on the server having been told. */
static bool make(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                 const char *role, Error *err) {
  AUTO(str_free) char *path = home_path(context->home, "locks/%s.login", branch->volume);
  AUTO_RELEASE(fd_release) int lock = -1;
  Conn *conn = NULL;
  bool unmapped = false;
  return lock_take(path, LOCK_EXCLUSIVE, LOCK_MS, &lock, err) &&
         session_get(context->sessions, endpoint, CONNECT_MS, &conn, err) &&
         apply(context, conn, role, &unmapped, err) &&
         (!unmapped || endpoint_configure(context, branch, endpoint, err));
}

bool login_ensure(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                  const char *role, Error *err) {
  Seen *seen = place_of(context->logins, endpoint, role);
  if (is_seen(seen, endpoint, role))
    return true;
  if (!make(context, branch, endpoint, role, err)) {
    session_drop(context->sessions, endpoint->id);
    return error_prefix(err, "branch \"%s\"", branch->name);
  }
  remember(seen, endpoint, role);
  return true;
}
