/* The use case of `bough migrate lint --branch`. */
#include "branch/lint.h"

#include "branch/access.h"
#include "branch/branch.h"
#include "branch/endpoint.h"
#include "branch/login.h"
#include "branch/principal.h"
#include "core/clock.h"
#include "core/io.h"
#include "pg/platform.h"

enum { CONNECT_MS = 10 * 1000, ALL_MS = 60 * 1000 };

typedef struct Questioner {
  Conn *conn;
  int64_t deadline_ms;
} Questioner;

/* Names of the migration are found by the search_path that it would be run with, so that one is
 * left as it is; whatever strangers' code that meets runs without rights to change anything. */
static bool connect_reader(Context *context, const EndpointRow *endpoint, const char *role,
                           const char *database, Conn **ret, Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  AUTO(str_free) char *port = str_format("%d", PLATFORM_PORT);
  const ConnOption options[] = {
      {"host", directory},
      {"port", port},
      {"user", role},
      {"dbname", database},
      {"sslmode", "disable"},
      {"gssencmode", "disable"},
      {"application_name", "bough migrate lint"},
      {"options", "-c jit=off -c local_preload_libraries="
                  " -c lock_timeout=2s -c statement_timeout=5s -c default_transaction_read_only=on"
                  " -c standard_conforming_strings=on -c max_parallel_workers_per_gather=0"
                  " -c row_security=off"}, /* rows that policies hide would be missing unsaid */
      {NULL, NULL}};
  return conn_open(options, CONNECT_MS, ret, err);
}

static bool ask_within(Conn *conn, const char *sql, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, sql, 0, NULL, &rows, err))
    return false;
  if (rows_count(rows) != 1)
    return error_set(err, ERROR_INTERNAL, "a question has %zu answers", rows_count(rows));
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

/* Each question has a transaction of its own, whose being read-only can't be taken back from
 * within: the condition of a CHECK comes from the migration. */
static bool ask(void *context, const char *sql, bool *ret, Error *err) {
  Questioner *questioner = context;
  if (clock_monotonic_ms() > questioner->deadline_ms)
    return error_set(err, ERROR_TIMEOUT, "looking at the data took too long altogether");
  if (!conn_exec(questioner->conn, "BEGIN READ ONLY", NULL, err))
    return false;
  bool ok = ask_within(questioner->conn, sql, ret, err);
  Error ignored = ERROR_INIT;
  /* a connection that is gone is told by the next question */
  (void)!conn_exec(questioner->conn, "ROLLBACK", NULL, &ignored);
  return ok;
}

/* Asked for, or demanded of all migrations of the project. */
static bool must_be_idempotent(Context *context, const ProjectRow *project,
                               const LintRequest *request, bool *ret, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  *ret = request->idempotent || (policy != NULL && policy->migrations_idempotent);
  return true;
}

static bool lint_with(Conn *conn, const LintRequest *request, bool idempotent, LintReport *report,
                      Error *err) {
  Questioner questioner = {.conn = conn, .deadline_ms = clock_monotonic_ms() + ALL_MS};
  LintOptions options = {
      .taste = request->all, .idempotent = idempotent, .ask = ask, .ask_context = &questioner};
  return lint_inputs(request->files, &options, report, err);
}

bool branch_lint(Context *context, const ProjectRow *project, const LintRequest *request,
                 json_t **ret, Error *err) {
  BranchRow branch = {0};
  EndpointRow endpoint = {0};
  char role[ROLE_SIZE];
  bool idempotent = false;
  AUTO(conn_free) Conn *conn = NULL;
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  const char *database = request->database != NULL
                             ? request->database
                             : json_string_or(project->details, "default_database", "app");
  principal_role(context->home, &context->caller, role);
  if (!branch_resolve(context, project, request->branch, &branch, err) ||
      !access_branch(context, ACTION_BRANCH_READ, &branch, err) ||
      !must_be_idempotent(context, project, request, &idempotent, err) ||
      !endpoint_start(context, branch.id, &endpoint, err) ||
      !login_for_caller(context, &branch, &endpoint, role, database, err) ||
      !connect_reader(context, &endpoint, role, database, &conn, err))
    return false;
  if (!lint_with(conn, request, idempotent, &report, err))
    return false;
  *ret = lint_report_to_json(&report);
  (void)json_object_set_new(*ret, "branch", json_string(branch.name));
  return true;
}
