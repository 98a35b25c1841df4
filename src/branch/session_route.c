/* From a client that proved who it is to the compute that it means. */
#include "branch/session_route.h"

#include "branch/access.h"
#include "branch/audit_read.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/login.h"
#include "branch/principal.h"
#include "branch/watch.h"
#include "catalog/access.h"
#include "catalog/policy.h"
#include "compute/compute.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>

enum {
  RESERVED_CONNECTIONS = 6, /* of a compute: superusers' and the platform's own */
  COUNT_LIMIT = 1000000,
  TRY_LIMIT = 10,
};

/* What is asked, and what was found out about it so far: a refusal is recorded with that. */
typedef struct Visit {
  const json_t *params;
  PrincipalRow principal;
  BranchRow branch;
  EndpointRow endpoint;
  SessionRow session;
  char role[ROLE_SIZE];
  AccessRight right;
} Visit;

/* ---- who ---- */

static bool find_principal(Context *context, Visit *visit, Error *err) {
  const char *name = NULL;
  const char *token = NULL;
  TokenRow row;
  bool found = false;
  if (!json_get_string(visit->params, "principal", &name, err) ||
      !json_get_string(visit->params, "token", &token, err) ||
      !principal_by_name(context->catalog, name, &visit->principal, err) ||
      !token_find(context->catalog, token, &row, &found, err))
    return false;
  context->caller = visit->principal;
  (void)snprintf(visit->session.token, sizeof visit->session.token, "%s", found ? row.id : "");
  return (found && str_equal(row.principal, visit->principal.id)) ||
         error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid any more");
}

/* ---- where ---- */

static bool unknown_branch(const char *name, Error *err) {
  (void)error_set(err, ERROR_BRANCH_NOT_FOUND, "branch \"%.80s\" does not exist", name);
  return error_hint(err, "`bough branch list` shows what you may use");
}

static bool unknown_endpoint(const char *name, Error *err) {
  (void)error_set(err, ERROR_BRANCH_NOT_FOUND, "endpoint \"%.80s\" does not exist", name);
  return error_hint(err, "`bough endpoint list` shows what you may use");
}

/* Of all projects: a name that leads to several branches that the principal may use is refused. */
static bool find_by_name(Context *context, const char *name, BranchRow *ret, Error *err) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  size_t found = 0;
  if (!branch_list_named(context->catalog, name, &rows, &count, &invalid, err))
    return false;
  for (size_t at = 0; at < count; at++)
    if (access_sees(context, &rows[at])) {
      *ret = rows[at];
      found++;
    }
  mem_free(rows);
  if (found == 0)
    return unknown_branch(name, err);
  if (found == 1)
    return true;
  (void)error_set(err, ERROR_PROJECT_AMBIGUOUS, "%zu projects have a branch \"%.80s\"", found,
                  name);
  return error_hint(err, "say which by its endpoint: options='endpoint=ep-...'");
}

/* An endpoint is named by its id, or by its branch's name. */
static bool find_by_endpoint(Context *context, const char *name, BranchRow *ret, Error *err) {
  EndpointRow endpoint;
  BranchRow branch;
  Error failure = ERROR_INIT;
  if (!id_check("ep", name))
    return find_by_name(context, name, ret, err);
  if (!endpoint_get(context->catalog, name, &endpoint, &failure) ||
      !branch_get(context->catalog, endpoint.branch, &branch, &failure)) {
    if (failure.code == ERROR_NOTHING_TO_DO || failure.code == ERROR_BRANCH_NOT_FOUND)
      return unknown_endpoint(name, err);
    *err = failure;
    return false;
  }
  if (!access_sees(context, &branch))
    return unknown_endpoint(name, err);
  *ret = branch;
  return true;
}

static bool check_same(const Visit *visit, const BranchRow *other, const char *endpoint,
                       const char *branch, Error *err) {
  if (str_equal(visit->branch.id, other->id))
    return true;
  (void)error_set(err, ERROR_USAGE, "endpoint \"%.80s\" is not that of branch \"%.80s\"", endpoint,
                  branch);
  return error_hint(err, "name the branch once");
}

static bool find_branch(Context *context, Visit *visit, Error *err) {
  const char *endpoint = json_string_or(visit->params, "endpoint", NULL);
  const char *branch = json_string_or(visit->params, "branch", NULL);
  BranchRow other;
  if (endpoint == NULL && branch == NULL) {
    (void)error_set(err, ERROR_USAGE, "no branch is named");
    return error_hint(err, "connect to a database \"DATABASE@BRANCH\"");
  }
  if (endpoint == NULL)
    return find_by_name(context, branch, &visit->branch, err);
  return find_by_endpoint(context, endpoint, &visit->branch, err) &&
         (branch == NULL || (find_by_name(context, branch, &other, err) &&
                             check_same(visit, &other, endpoint, branch, err)));
}

static bool check_branch(const BranchRow *branch, Error *err) {
  if (!expiry_check_open(branch, err))
    return false;
  if (branch->state == ROW_READY)
    return true;
  if (branch->state != ROW_FAILED)
    return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s", branch->name,
                     row_state_text(branch->state));
  (void)error_set(err, ERROR_BRANCH_FAILED, "branch \"%s\" is broken: %s", branch->name,
                  branch->error);
  return error_hint(err, "`bough branch reset %s` makes it anew from its parent", branch->name);
}

/* ---- the record ---- */

static void name_session(Visit *visit) {
  SessionRow *session = &visit->session;
  const char *given = json_string_or(visit->params, "session", NULL);
  id_new("ses", session->id);
  if (given != NULL && json_bool_or(visit->params, "retry", false) && id_check("ses", given))
    (void)snprintf(session->id, sizeof session->id, "%s", given);
  (void)snprintf(session->boot, sizeof session->boot, "%.63s",
                 json_string_or(visit->params, "boot", "-"));
  (void)snprintf(session->principal, sizeof session->principal, "%s", visit->principal.id);
  (void)snprintf(session->endpoint, sizeof session->endpoint, "%s", visit->endpoint.id);
  (void)snprintf(session->branch, sizeof session->branch, "%s", visit->branch.id);
  (void)snprintf(session->project, sizeof session->project, "%s", visit->branch.project);
  session->database = json_string_or(visit->params, "database", "");
  session->source = json_string_or(visit->params, "source", "");
  session->application_name = json_string_or(visit->params, "application_name", "");
  session->tls = json_bool_or(visit->params, "tls", false);
}

/* notes: what the decision said of itself; may be NULL. */
static json_t *trail_params(const Visit *visit, json_t *notes) {
  json_t *object = notes != NULL ? json_copy(notes) : json_object();
  (void)json_object_set_new(object, "tls", json_boolean(json_bool_or(visit->params, "tls", false)));
  static const char *const kept[] = {"database", "application_name", "endpoint", "branch"};
  for (size_t at = 0; at < ARRAY_LENGTH(kept); at++)
    (void)json_object_set(object, kept[at], json_object_get(visit->params, kept[at]));
  if (visit->session.token[0] != '\0')
    (void)json_object_set_new(object, "token_id", json_string(visit->session.token));
  return object;
}

static bool leave_a_trace(Context *context, const Visit *visit, const Error *failure, Error *err) {
  AUTO(json_free) json_t *params = trail_params(visit, context->trail.params);
  const AuditRow row = {.actor = visit->principal.id[0] != '\0' ? &visit->principal : NULL,
                        .actor_name = json_string_or(visit->params, "principal", ""),
                        .session = str_or_null(visit->session.id),
                        .source = json_string_or(visit->params, "source", NULL),
                        .service = "proxy",
                        .action = "session.start",
                        .params = params,
                        .failure = failure,
                        .project = str_or_null(visit->branch.project),
                        .branch = str_or_null(visit->branch.id),
                        .endpoint = str_or_null(visit->endpoint.id)};
  return audit_count_refusal(context->catalog, &row, 1, err);
}

static bool record(Context *context, const Visit *visit, SessionRecorded *ret, Error *err) {
  AUTO(json_free) json_t *params = trail_params(visit, context->trail.params);
  (void)json_object_set_new(params, "access", json_string(visit->session.access));
  return session_record(context->catalog, &visit->session, &visit->principal, params, ret, err);
}

/* ---- with which right ---- */

static bool find_right(Context *context, Visit *visit, Error *err) {
  if (!access_session(context, &visit->principal, &visit->branch, &visit->right,
                      &visit->session.policy_version, err))
    return false;
  visit->session.access = access_right_text(visit->right);
  return visit->right != RIGHT_NONE ||
         error_set(err, ERROR_FORBIDDEN, "\"%s\" may not read branch \"%s\"", visit->principal.name,
                   visit->branch.name);
}

/* Memberships are changed while nobody can apply another policy: what a session finds on the
 * compute is what the policy in force says. */
static bool see_to_login(Context *context, Visit *visit, Error *err) {
  LoginWish wish = {.role = visit->role, .database = visit->session.database};
  wish.right = visit->right;
  wish.version = visit->session.policy_version;
  if (login_is_ensured(context, &visit->endpoint, &wish))
    return true;
  int version = 0;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) ||
      !policy_head(context->catalog, visit->branch.project, POLICY_HOLD, &version, err))
    return false;
  return version != wish.version || /* then the session will be found stale */
         (login_ensure(context, &visit->branch, &visit->endpoint, &wish, err) &&
          catalog_commit(&guard, err));
}

/* ---- the answer ---- */

static json_t *describe_route(const Context *context, const Visit *visit, int64_t declared) {
  AUTO(str_free) char *directory = path_join(context->home->run, visit->endpoint.id);
  const SizeClass *size = size_class_find(visit->branch.size_class);
  int most = size != NULL ? size->max_connections - RESERVED_CONNECTIONS : 0;
  int64_t limit = json_integer_or(context->home->config, "connections_per_branch", most);
  if (declared > 0 && (limit <= 0 || declared < limit))
    limit = declared;
  int64_t idle = json_integer_or(context->home->config, "session_idle_seconds", 0);
  AUTO(str_free)
  char *compute =
      str_format("%d-%lld-%s-%d", visit->endpoint.pid, (long long)visit->endpoint.start_time,
                 visit->session.access, visit->session.policy_version);
  return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I, s:I}", "session", visit->session.id,
                   "endpoint", visit->endpoint.id, "branch", visit->branch.name, "socket_directory",
                   directory, "port", PLATFORM_PORT, "compute", compute, "role", visit->role,
                   "idle_ms", (json_int_t)(idle > 0 && idle < COUNT_LIMIT ? idle * 1000 : 0),
                   "connections_limit", (json_int_t)(limit > 0 && limit < most ? limit : most));
}

/* A policy that is applied between decision and record makes it be decided again. */
static bool enter(Context *context, Visit *visit, SessionRecorded *ret, Error *err) {
  for (int tries = 0; tries < TRY_LIMIT; tries++) {
    if (!find_right(context, visit, err) || !see_to_login(context, visit, err) ||
        !record(context, visit, ret, err))
      return false;
    if (*ret != SESSION_STALE)
      return true;
    access_begin(context);
  }
  return error_set(err, ERROR_BUSY, "the policy changes all the time");
}

static bool decide(Context *context, Visit *visit, json_t **ret, Error *err) {
  SessionRecorded recorded = SESSION_ASLEEP;
  const Policy *policy = NULL;
  if (!find_principal(context, visit, err))
    return false;
  if (session_is_system(visit->params)) {
    AUTO(json_free) json_t *trail = trail_params(visit, context->trail.params);
    return session_route_system(context, visit->params, visit->session.token, trail, ret, err);
  }
  if (!find_branch(context, visit, err) || !find_right(context, visit, err) ||
      !check_branch(&visit->branch, err) ||
      !endpoint_of_branch(context->catalog, visit->branch.id, &visit->endpoint, err))
    return false;
  principal_role(context->home, &visit->principal, visit->role);
  if (endpoint_is_awake(&visit->endpoint)) {
    name_session(visit);
    if (!enter(context, visit, &recorded, err) ||
        !access_policy(context, visit->branch.project, &policy, NULL, err))
      return false;
  }
  *ret = recorded == SESSION_RECORDED
             ? describe_route(context, visit, policy != NULL ? policy->limit_connections : 0)
             : json_pack("{s:s}", "wake", visit->endpoint.id);
  return true;
}

bool session_route(Context *context, const json_t *params, json_t **ret, Error *err) {
  Visit visit = {.params = params};
  Error failure = ERROR_INIT;
  if (decide(context, &visit, ret, &failure))
    return true;
  Error unwritten = ERROR_INIT;
  if (!leave_a_trace(context, &visit, &failure, &unwritten)) {
    *err = unwritten; /* nobody is told what isn't recorded */
    return false;
  }
  *err = failure;
  return false;
}

/* ---- waking ---- */

/* What was stopped before it filled the pool is not started again by whoever reconnects, but by
 * somebody who means it. */
static bool check_not_suspended(const EndpointRow *endpoint, Error *err) {
  if (!str_starts(endpoint->error, WATCH_SUSPENDED))
    return true;
  (void)error_set(err, ERROR_POOL_FULL, "the branch is %s", endpoint->error);
  return error_hint(err, "make room, then `bough endpoint start`");
}

bool session_wake(Context *context, const json_t *params, json_t **ret, Error *err) {
  const char *id = NULL;
  EndpointRow endpoint;
  Error failure = ERROR_INIT;
  if (!json_get_string(params, "endpoint", &id, err) ||
      !endpoint_get(context->catalog, id, &endpoint, err))
    return false;
  bool was_awake = endpoint_is_awake(&endpoint);
  bool ok = was_awake || check_not_suspended(&endpoint, &failure);
  ok = ok && endpoint_wake(context, id, &endpoint, &failure);
  const AuditRow row = {.actor_name = json_string_or(params, "principal", ""),
                        .service = "boughd",
                        .action = "endpoint.wake",
                        .failure = ok ? NULL : &failure,
                        .project = endpoint.project,
                        .branch = endpoint.branch,
                        .endpoint = endpoint.id};
  Error ignored = ERROR_INIT; /* those who wait are not to fail for a counter */
  if (!was_awake)
    (void)!(audit_insert(context->catalog, &row, &ignored) &&
            endpoint_count_wake(context->catalog, endpoint.id, &ignored));
  if (!ok) {
    *err = failure;
    return false;
  }
  *ret = json_pack("{s:s}", "endpoint", endpoint.id);
  return true;
}

/* ---- what the proxy tells ---- */

static json_t *ids_of(const json_t *params) {
  json_t *ids = json_array();
  size_t at = 0;
  const json_t *session = NULL;
  json_array_foreach(json_object_get(params, "sessions"), at, session) {
    const char *id = json_string_or(session, "session", "");
    if (id_check("ses", id))
      (void)json_array_append_new(ids, json_string(id));
  }
  return ids;
}

bool session_hello(Context *context, const json_t *params, Error *err) {
  const char *boot = NULL;
  AUTO(json_free) json_t *ids = ids_of(params);
  AUTO(json_free) json_t *unwanted = NULL;
  size_t at = 0;
  const json_t *session = NULL;
  if (!json_get_string(params, "boot", &boot, err) ||
      !session_end_unlisted(context->catalog, boot, ids, err) ||
      !session_unwanted(context->catalog, ids, &unwanted, err))
    return false;
  json_array_foreach(unwanted, at, session) {
    context_push(context, "terminate",
                 json_pack("{s:s, s:i, s:s}", "session", json_string_value(session), "grace_ms", 0,
                           "reason", "terminating connection: its right has ended"));
  }
  return true;
}

bool session_ended(Context *context, const json_t *params, Error *err) {
  static const char *const kept[] = {"bytes_in", "bytes_out", "duration_ms", "reason"};
  const char *session = NULL;
  AUTO(json_free) json_t *how = json_object();
  if (!json_get_string(params, "session", &session, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(kept); at++)
    (void)json_object_set(how, kept[at], json_object_get(params, kept[at]));
  return !id_check("ses", session) || session_end(context->catalog, session, how, err);
}

bool session_reported(Context *context, const json_t *params, Error *err) {
  const json_t *sessions = json_object_get(params, "sessions");
  int64_t gap = json_integer_or(params, "gap", 0);
  AUTO(json_free)
  json_t *about = json_pack("{s:s, s:I}", "boot", json_string_or(params, "boot", "-"), "reports",
                            (json_int_t)gap);
  const AuditRow row = {
      .actor_name = "system", .service = "proxy", .action = "sessions.gap", .params = about};
  return (gap == 0 || audit_insert(context->catalog, &row, err)) && json_is_array(sessions) &&
         session_count_bytes(context->catalog, sessions, err);
}

bool session_refused(Context *context, const json_t *params, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, error_code_from_name(json_string_or(params, "code", "")), "%s",
                  json_string_or(params, "message", ""));
  int64_t count = json_integer_or(params, "count", 1);
  AUTO(json_free) json_t *about = json_pack("{s:I}", "count", (json_int_t)count);
  const AuditRow row = {.actor_name = json_string_or(params, "user", ""),
                        .source = json_string_or(params, "source", NULL),
                        .service = "proxy",
                        .action = "session.start",
                        .params = about,
                        .failure = &failure};
  return audit_count_refusal(context->catalog, &row, count, err);
}
