/* From a client that proved who it is to the compute that it means. */
#include "branch/session_route.h"

#include "branch/access.h"
#include "branch/audit_read.h"
#include "branch/endpoint.h"
#include "branch/login.h"
#include "branch/principal.h"
#include "branch/session_target.h"
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
  char only_branch[ID_SIZE]; /* of the token; "": it opens all that the principal may */
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
  if (!found || !str_equal(row.principal, visit->principal.id))
    return error_set(err, ERROR_UNAUTHENTICATED, "the token is not valid any more");
  if (str_equal(row.purpose, "report"))
    return error_set(err, ERROR_FORBIDDEN, "the token is for the results of %s alone", row.run);
  (void)snprintf(visit->only_branch, sizeof visit->only_branch, "%s", row.branch);
  return true;
}

/* A token that was issued for one branch, to a CI run or a post-check, is no way to another. */
static bool check_token(const Visit *visit, Error *err) {
  return visit->only_branch[0] == '\0' || str_equal(visit->only_branch, visit->branch.id) ||
         error_set(err, ERROR_FORBIDDEN,
                   "the token was issued for one branch alone, for a CI run or a post-check");
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

/* The compute that was there a moment ago is stopped, is another one, or is to be none. */
static bool has_gone(Context *context, const Visit *visit) {
  EndpointRow now;
  Error ignored = ERROR_INIT;
  return endpoint_get(context->catalog, visit->endpoint.id, &now, &ignored) &&
         (!endpoint_is_awake(&now) || now.pid != visit->endpoint.pid ||
          now.start_time != visit->endpoint.start_time);
}

/* A policy that is applied between decision and record makes it be decided again; a compute that
 * goes to sleep meanwhile is woken. */
static bool enter(Context *context, Visit *visit, SessionRecorded *ret, Error *err) {
  for (int tries = 0; tries < TRY_LIMIT; tries++) {
    Error failure = ERROR_INIT;
    if (!find_right(context, visit, err))
      return false;
    *ret = SESSION_ASLEEP;
    if (!see_to_login(context, visit, &failure)) {
      if (has_gone(context, visit))
        return true;
      *err = failure;
      return false;
    }
    if (!record(context, visit, ret, err))
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
  if (session_is_system(visit->params) && visit->only_branch[0] == '\0') {
    AUTO(json_free) json_t *trail = trail_params(visit, context->trail.params);
    return session_route_system(context, visit->params, visit->session.token, trail, ret, err);
  }
  if (!session_target(context, visit->params, visit->only_branch, &visit->branch, err) ||
      !check_token(visit, err) || !find_right(context, visit, err) ||
      !endpoint_check_openable(&visit->branch, err) ||
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
