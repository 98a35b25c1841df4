/* Makes the roles that principals log in with. The platform alone does this, so that a child never
 * inherits who could write its parent: cleaning takes the login of every such role away. */
#include "branch/login.h"

#include "branch/endpoint.h"
#include "branch/sql.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>
#include <string.h>

enum {
  CACHE_SIZE = 512, /* a power of two */
  CONNECT_MS = 10 * 1000,
  LOCK_MS = 30 * 1000,
  TRUST_MS = 60 * 1000, /* objects that are made meanwhile may need to be seen to */
};

typedef struct Seen {
  char endpoint[ID_SIZE];
  int pid;
  int64_t start_time;
  char role[NAME_MAX_LENGTH + 1];
  char database[NAME_MAX_LENGTH + 1];
  AccessRight right;
  int version; /* another worker may have given another right under another version */
  int64_t when;
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

static Seen *place_of(LoginCache *cache, const EndpointRow *endpoint, const LoginWish *wish) {
  uint32_t hash = 2166136261U; /* FNV-1a */
  const char *const parts[] = {endpoint->id, wish->role, wish->database};
  for (size_t at = 0; at < ARRAY_LENGTH(parts); at++)
    for (const char *c = parts[at]; *c != '\0'; c++)
      hash = (hash ^ (unsigned char)*c) * 16777619U;
  return &cache->seen[hash % CACHE_SIZE];
}

bool login_is_ensured(const Context *context, const EndpointRow *endpoint, const LoginWish *wish) {
  const Seen *seen = place_of(context->logins, endpoint, wish);
  return str_equal(seen->endpoint, endpoint->id) && seen->pid == endpoint->pid &&
         seen->start_time == endpoint->start_time && str_equal(seen->role, wish->role) &&
         str_equal(seen->database, wish->database) && seen->right == wish->right &&
         seen->version == wish->version &&
         (wish->right == RIGHT_OWN || clock_monotonic_ms() - seen->when < TRUST_MS);
}

static void remember(Seen *seen, const EndpointRow *endpoint, const LoginWish *wish) {
  *seen = (Seen){.pid = endpoint->pid,
                 .start_time = endpoint->start_time,
                 .right = wish->right,
                 .version = wish->version,
                 .when = clock_monotonic_ms()};
  (void)snprintf(seen->endpoint, sizeof seen->endpoint, "%s", endpoint->id);
  (void)snprintf(seen->role, sizeof seen->role, "%s", wish->role);
  (void)snprintf(seen->database, sizeof seen->database, "%s", wish->database);
}

static const char *team_of(AccessRight right) {
  static const char *const teams[] = {
      [RIGHT_READ] = READER_ROLE, [RIGHT_WRITE] = WRITER_ROLE, [RIGHT_OWN] = OWNER_ROLE};
  return teams[right];
}

static bool apply(Context *context, Conn *conn, const LoginWish *wish, bool *ret_unmapped,
                  Error *err) {
  const char *const values[] = {wish->role, context->home->control.name, team_of(wish->right)};
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

/* One transaction: a reader never finds half of its rights, or more than them. */
static bool apply_rights(Conn *conn, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!conn_exec(conn, branch_sql("rights.sql"), &rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++)
    buffer_add_format(&sql, "%s;\n", rows_get(rows, row, 0));
  return sql.length == 0 || conn_exec(conn, sql.text, NULL, err);
}

/* A database that can't be entered is the client's to be told about, by its own server. */
static bool make_rights(const Context *context, const EndpointRow *endpoint, const LoginWish *wish,
                        Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  AUTO(conn_free) Conn *conn = NULL;
  Error failure = ERROR_INIT;
  if (wish->right == RIGHT_OWN)
    return true;
  if (platform_open(directory, wish->database, CONNECT_MS, &conn, &failure))
    return apply_rights(conn, err);
  if (failure.code == ERROR_SQL)
    return true;
  *err = failure;
  return false;
}

/* One at a time on a compute: grants on one database collide, and who finds the role mapped may
 * rely on the server having been told. */
static bool make(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                 const LoginWish *wish, Error *err) {
  AUTO(str_free) char *path = home_path(context->home, "locks/%s.login", branch->volume);
  AUTO_RELEASE(fd_release) int lock = -1;
  Conn *conn = NULL;
  bool unmapped = false;
  return lock_take(path, LOCK_EXCLUSIVE, LOCK_MS, &lock, err) &&
         endpoint_session(context, endpoint, CONNECT_MS, NULL, &conn, err) &&
         apply(context, conn, wish, &unmapped, err) && make_rights(context, endpoint, wish, err) &&
         (!unmapped || endpoint_configure(context, branch, endpoint, err));
}

bool login_ensure(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                  const LoginWish *wish, Error *err) {
  if (login_is_ensured(context, endpoint, wish))
    return true;
  if (!make(context, branch, endpoint, wish, err)) {
    session_drop(context->sessions, endpoint->id);
    return error_prefix(err, "branch \"%s\"", branch->name);
  }
  remember(place_of(context->logins, endpoint, wish), endpoint, wish);
  return true;
}

bool login_for_caller(Context *context, const BranchRow *branch, const EndpointRow *endpoint,
                      const char *role, const char *database, Error *err) {
  LoginWish wish = {.role = role, .database = database};
  int version = 0;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) ||
      !policy_head(context->catalog, branch->project, POLICY_HOLD, &version, err))
    return false;
  access_refresh(context);
  if (!access_confirm(context, err) ||
      !access_session(context, &context->caller, branch, &wish.right, &wish.version, err))
    return false;
  if (wish.right == RIGHT_NONE)
    wish.right = RIGHT_READ;
  return login_ensure(context, branch, endpoint, &wish, err) && catalog_commit(&guard, err);
}

bool login_shut(Context *context, const EndpointRow *endpoint, const char *role, Error *err) {
  static const char looking[] = "SELECT FROM pg_catalog.pg_roles AS r"
                                " WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name";
  static const char ending[] =
      "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
      " WHERE a.usename OPERATOR(pg_catalog.=) $1::pg_catalog.name";
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  AUTO(rows_free) Rows *rows = NULL;
  Conn *conn = NULL;
  if (!endpoint_is_awake(endpoint))
    return true;
  buffer_add_text(&sql, "ALTER ROLE ");
  sql_add_identifier(&sql, role);
  buffer_add_text(&sql, " NOLOGIN");
  if (session_get(context->sessions, endpoint, CONNECT_MS, &conn, err) &&
      conn_query(conn, looking, 1, &role, &rows, err) &&
      (rows_count(rows) == 0 ||
       (conn_exec(conn, sql.text, NULL, err) && conn_query(conn, ending, 1, &role, NULL, err))))
    return true;
  session_drop(context->sessions, endpoint->id);
  return false;
}
