/* Finds and wakes the branch that migrations are about, and opens unprivileged sessions to it. */
#include "migrate/target.h"

#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/login.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>
#include <string.h>

enum { CONNECT_MS = 30 * 1000 };

bool target_find(Context *context, const ProjectRow *project, const char *name,
                 const char *database, Target *ret, Error *err) {
  Target target = {.context = context, .project = project};
  if (database == NULL)
    database = describe_database(project);
  if (database[0] == '\0' || strlen(database) >= DATABASE_SIZE)
    return error_set(err, ERROR_DATABASE, "a database's name has 1 to %d bytes", DATABASE_SIZE - 1);
  (void)snprintf(target.database, sizeof target.database, "%s", database);
  if (!branch_resolve(context, project, name, &target.branch, err))
    return false;
  if (target.branch.state != ROW_READY)
    return error_set(err,
                     target.branch.state == ROW_FAILED ? ERROR_BRANCH_FAILED : ERROR_BRANCH_BUSY,
                     "branch \"%s\" is %s", name, row_state_text(target.branch.state));
  principal_role(context->home, &context->caller, target.role);
  *ret = target;
  return true;
}

bool target_wake(Target *target, Error *err) {
  return endpoint_start(target->context, target->branch.id, &target->endpoint, err);
}

/* Migrations run with the rights that their author has on the branch, not with more. */
static bool check_owns(const Target *target, Error *err) {
  Context *context = target->context;
  AccessRight right = RIGHT_NONE;
  int version = 0;
  access_refresh(context); /* this request may run for hours */
  if (!access_session(context, &context->caller, &target->branch, &right, &version, err))
    return false;
  return right == RIGHT_OWN ||
         error_set(err, ERROR_FORBIDDEN, "who applies migrations to \"%s\" must own it, too",
                   target->branch.name);
}

/* The right that the role has on the branch, seen to before it connects. */
static bool make_login(const Target *target, TargetSession kind, Error *err) {
  const LoginWish wish = {.role = target->role, .database = target->database, .right = RIGHT_OWN};
  if (target->is_server)
    return login_ensure(target->context, &target->branch, &target->endpoint, &wish, err);
  return (kind != SESSION_ORDINARY || check_owns(target, err)) &&
         login_for_caller(target->context, &target->branch, &target->endpoint, target->role,
                          target->database, err);
}

/* A migration may take its time, but not after its writer has gone. */
#define SETTINGS                                                                                   \
  "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"      \
  " -c client_connection_check_interval=2s -c default_transaction_read_only=off"

bool target_connect(const Target *target, TargetSession kind, int lock_timeout_ms, Conn **ret,
                    Error *err) {
  AUTO(str_free) char *directory = path_join(target->context->home->run, target->endpoint.id);
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  AUTO_RELEASE(buffer_release) Buffer settings = {0};
  buffer_add_text(&settings, SETTINGS);
  if (kind == SESSION_READER)
    buffer_add_text(&settings, " -c search_path=pg_catalog,pg_temp -c row_security=off");
  if (lock_timeout_ms > 0)
    buffer_add_format(&settings, " -c lock_timeout=%d", lock_timeout_ms);
  const ConnOption options[] = {
      {"host", directory},
      {"port", port},
      {"dbname", target->database},
      {"user", target->role},
      {"application_name", "bough migrate"},
      {"options", settings.text},
      {"sslmode", "disable"},
      {"gssencmode", "disable"},
      {NULL},
  };
  if (!make_login(target, kind, err) || !conn_open(options, CONNECT_MS, ret, err))
    return error_prefix(err, "database \"%s\" of branch \"%s\"", target->database,
                        target->branch.name);
  return true;
}
