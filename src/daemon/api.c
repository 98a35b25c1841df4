/* The routes: each reads its request, calls one use case, and returns what docs/api.md promises. */
#include "daemon/route.h"

#include "branch/audit_keep.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/doctor.h"
#include "branch/endpoint.h"
#include "branch/idle.h"
#include "branch/import.h"
#include "branch/metrics.h"
#include "branch/principal.h"
#include "branch/recover.h"
#include "branch/session_route.h"
#include "branch/show.h"
#include "branch/watch.h"
#include "catalog/cluster.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/str.h"
#include "daemon/api_audit.h"
#include "daemon/api_diff.h"
#include "daemon/api_expiry.h"
#include "daemon/api_lint.h"
#include "daemon/api_migrate.h"
#include "daemon/api_policy.h"
#include "daemon/upload.h"

enum { SHORT = 30, MINUTES = 30 * 60, HOURS = 24 * 60 * 60 };

/* A handler for something in a project: the project is found, used, released. */
#define WITH_PROJECT(expression)                                                                   \
  ProjectRow project = {0};                                                                        \
  if (!project_resolve(context, request->project, &project, err))                                  \
    return false;                                                                                  \
  bool ok = (expression);                                                                          \
  project_row_release(&project);                                                                   \
  return ok

static bool get_status(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return doctor_status(context, request->daemon, ret, err);
}

static bool get_doctor(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return doctor_run(context, request->daemon, ret, err);
}

static bool get_pool(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_pool(context, ret, err);
}

static bool get_projects(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_projects(context, ret, err);
}

static bool post_projects(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return project_create(context, request->body, ret, err);
}

static bool describe_one_project(Context *context, const ProjectRow *project, json_t **ret) {
  *ret = json_pack("{s:o}", "project", describe_project(context, project));
  return true;
}

static bool get_project(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(describe_one_project(context, &project, ret));
}

static bool delete_one_project(Context *context, const ProjectRow *project, json_t **ret,
                               Error *err) {
  if (!project_delete(context, project, err))
    return false;
  *ret = json_pack("{s:s}", "deleted", project->name);
  return true;
}

static bool delete_project(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(delete_one_project(context, &project, ret, err));
}

static bool get_branches(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_branches(context, &project, ret, err));
}

static bool post_branches(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  BranchRequest branch = {.parent = json_string_or(request->body, "parent", NULL),
                          .kind = json_string_or(request->body, "kind", NULL),
                          .ttl = json_string_or(request->body, "ttl", NULL),
                          .start = json_bool_or(request->body, "start", false)};
  if (!json_get_string(request->body, "name", &branch.name, err))
    return false;
  WITH_PROJECT(branch_create(context, &project, &branch, ret, err));
}

static bool get_branch(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_branch(context, &project, request->branch, ret, err));
}

static bool delete_branch(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  bool recursive = str_equal(json_string_or(request->query, "recursive", "0"), "1");
  WITH_PROJECT(branch_delete(context, &project, request->branch, recursive, ret, err));
}

static bool post_reset(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(branch_reset(context, &project, request->branch, ret, err));
}

static bool post_rename(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *name = NULL;
  if (!json_get_string(request->body, "name", &name, err))
    return false;
  WITH_PROJECT(branch_rename(context, &project, request->branch, name, ret, err));
}

static bool post_protect(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const json_t *wish = json_object_get(request->body, "protected");
  if (!json_is_boolean(wish))
    return error_set(err, ERROR_USAGE, "\"protected\" must be true or false");
  WITH_PROJECT(branch_protect(context, &project, request->branch, json_is_true(wish), ret, err));
}

static bool get_url(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_url(context, &project, request->branch, ret, err));
}

static bool get_endpoints(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_endpoints(context, &project, ret, err));
}

static bool get_endpoint(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(show_endpoint(context, &project, request->branch, ret, err));
}

static bool start_or_suspend(Context *context, const ProjectRow *project, const char *name,
                             bool start, json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  BranchRow branch;
  EndpointRow endpoint;
  if (!branch_resolve(context, project, name, &branch, err) ||
      !access_branch(context, ACTION_ENDPOINT_MANAGE, &branch, err) ||
      !(start ? endpoint_start(context, branch.id, &endpoint, err)
              : endpoint_stop(context, branch.id, false, &endpoint, err)))
    return false;
  *ret = json_pack("{s:o, s:f}", "endpoint", describe_endpoint(&endpoint, branch.name),
                   "duration_ms", (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

static bool post_start(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(start_or_suspend(context, &project, request->branch, true, ret, err));
}

static bool post_suspend(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  WITH_PROJECT(start_or_suspend(context, &project, request->branch, false, ret, err));
}

static bool post_repoint(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *to = NULL;
  const char *grace = json_string_or(request->body, "grace", NULL);
  if (!json_get_string(request->body, "to", &to, err))
    return false;
  WITH_PROJECT(branch_repoint(context, &project, request->branch, to, grace, ret, err));
}

static bool get_operations(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_operations(context, ret, err);
}

static bool post_uploads(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_begin(context->home, ret, err);
}

static bool put_upload(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *offset = json_string_or(request->query, "offset", "");
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_write(context->home, request->upload, offset, request->blob, request->blob_length,
                      ret, err);
}

static bool delete_upload(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return access_system(context, ACTION_PROJECT_MANAGE, err) &&
         upload_remove(context->home, request->upload, err);
}

static bool get_principals(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_show_all(context, ret, err);
}

static bool post_principals(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_add(context, request->body, ret, err);
}

static bool delete_principal(Context *context, const ApiRequest *request, json_t **ret,
                             Error *err) {
  return principal_remove(context, request->name, ret, err);
}

static bool post_token(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_make_token(context, request->name, request->body, ret, err);
}

static bool delete_token(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return principal_revoke_token(context, request->name, request->token, ret, err);
}

static bool post_session_token(Context *context, const ApiRequest *request, json_t **ret,
                               Error *err) {
  return principal_session_token(context, ret, err);
}

static bool get_metrics(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return metrics_show(context, request->daemon, ret, err);
}

/* Stops computes for POST /v1/shutdown; boughd itself ends after the answer. */
static bool post_shutdown(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  if (!access_system(context, ACTION_PROJECT_MANAGE, err))
    return false;
  return !json_bool_or(request->body, "computes", false) || endpoint_stop_all(context, err);
}

/* Jobs of boughd's own. */

static bool job_start(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *problems = NULL;
  if (!recover(context, &problems, err))
    return false;
  *ret = json_pack("{s:o}", "problems", problems);
  return true;
}

static bool job_recover(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *problems = NULL;
  if (!recover_interrupted(context, &problems, err))
    return false;
  *ret = json_pack("{s:o}", "problems", problems);
  return true;
}

static bool job_revive(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *endpoint = NULL;
  return json_get_string(request->body, "endpoint", &endpoint, err) &&
         endpoint_revive(context, endpoint, err);
}

static bool job_tick(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  session_sweep(context->sessions);
  if (!watch_pool(context, json_bool_or(request->body, "measure", false), &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

static bool job_idle(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!idle_look(context, json_object_get(request->body, "boots"), &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

/* Questions of the proxy. */

static bool job_session_verifier(Context *context, const ApiRequest *request, json_t **ret,
                                 Error *err) {
  const char *user = NULL;
  return json_get_string(request->body, "user", &user, err) &&
         principal_verifier(context, user, ret, err);
}

static bool job_session_route(Context *context, const ApiRequest *request, json_t **ret,
                              Error *err) {
  return session_route(context, request->body, ret, err);
}

static bool job_wake(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_wake(context, request->body, ret, err);
}

static bool job_session_hello(Context *context, const ApiRequest *request, json_t **ret,
                              Error *err) {
  return session_hello(context, request->body, err);
}

static bool job_session_end(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return session_ended(context, request->body, err);
}

static bool job_session_report(Context *context, const ApiRequest *request, json_t **ret,
                               Error *err) {
  return session_reported(context, request->body, err);
}

static bool job_session_refused(Context *context, const ApiRequest *request, json_t **ret,
                                Error *err) {
  return session_refused(context, request->body, err);
}

static bool job_catalog_stop(Context *context, const ApiRequest *request, json_t **ret,
                             Error *err) {
  Error ignored = ERROR_INIT; /* it is done after the next start, then */
  (void)!(context->catalog == NULL || audit_settle(context, &ignored));
  return catalog_cluster_stop(context->home, err);
}

#define PROXY_JOB (ROUTE_INTERNAL | ROUTE_WHEN_READY | ROUTE_QUICK)
#define BRANCHES "/v1/projects/{p}/branches"

static const Route routes[] = {
    {"GET", "/v1/status", get_status, SHORT, ROUTE_NO_CATALOG, LOOKS, "State of every part"},
    {"GET", "/v1/doctor", get_doctor, 120, ROUTE_NO_CATALOG, LOOKS,
     "Findings, each with its remedy"},
    {"GET", "/v1/pool", get_pool, SHORT, 0, LOOKS, "The storage pool"},
    {"GET", "/v1/projects", get_projects, SHORT, 0, LOOKS, "List projects"},
    {"POST", "/v1/projects", post_projects, HOURS, ROUTE_LONG, ASKS(PROJECT_MANAGE),
     "Create a project"},
    {"GET", "/v1/projects/{p}", get_project, SHORT, 0, LOOKS, "Show a project"},
    {"DELETE", "/v1/projects/{p}", delete_project, MINUTES, ROUTE_LONG, ASKS(PROJECT_MANAGE),
     "Delete a project"},
    {"GET", BRANCHES, get_branches, SHORT, 0, LOOKS, "List branches"},
    {"POST", BRANCHES, post_branches, MINUTES, 0, ASKS(BRANCH_CREATE), "Fork a branch"},
    {"GET", BRANCHES "/{b}", get_branch, 120, 0, LOOKS, "Show a branch"},
    {"DELETE", BRANCHES "/{b}", delete_branch, MINUTES, 0, ASKS(BRANCH_DELETE), "Delete a branch"},
    {"POST", BRANCHES "/{b}/reset", post_reset, MINUTES, 0, ASKS(BRANCH_RESET),
     "Reset a branch to its parent"},
    {"POST", BRANCHES "/{b}/rename", post_rename, SHORT, 0, ASKS(BRANCH_RENAME), "Rename a branch"},
    {"POST", BRANCHES "/{b}/protect", post_protect, SHORT, 0, ASKS(BRANCH_PROTECT),
     "Protect a branch, or stop doing so"},
    {"POST", BRANCHES "/{b}/expire", post_expire, SHORT, 0, ASKS(BRANCH_EXPIRE),
     "Say when a branch ends"},
    {"GET", BRANCHES "/{b}/url", get_url, MINUTES, 0, LOOKS, "Wake a branch and tell its URL"},
    {"GET", BRANCHES "/{b}/endpoint", get_endpoint, SHORT, 0, LOOKS,
     "Show an endpoint and its log"},
    {"POST", BRANCHES "/{b}/endpoint/start", post_start, MINUTES, 0, ASKS(ENDPOINT_MANAGE),
     "Start an endpoint"},
    {"POST", BRANCHES "/{b}/endpoint/suspend", post_suspend, MINUTES, 0, ASKS(ENDPOINT_MANAGE),
     "Suspend an endpoint"},
    {"POST", BRANCHES "/{b}/endpoint/repoint", post_repoint, MINUTES, 0, ASKS(ENDPOINT_REPOINT),
     "Move a name and its endpoint to a new branch made from another one"},
    {"POST", BRANCHES "/{b}/lint", post_lint, MINUTES, 0, ASKS(BRANCH_READ),
     "Lint migrations, with a look at a branch's data"},
    {"GET", BRANCHES "/{b}/diff", get_diff, MINUTES, 0, LOOKS,
     "Compare a branch's schema with another's"},
    {"POST", BRANCHES "/{b}/migrations/status", post_migrate_status, MINUTES, 0, ASKS(BRANCH_READ),
     "Hold a folder of migrations against a branch"},
    {"POST", BRANCHES "/{b}/migrations/tools", post_migrate_tools, MINUTES, 0, ASKS(BRANCH_READ),
     "Read the ledgers of other tools"},
    {"POST", BRANCHES "/{b}/migrations/apply", post_migrate_apply, HOURS, ROUTE_LONG,
     ASKS(MIGRATION_APPLY), "Apply migrations"},
    {"POST", BRANCHES "/{b}/migrations/rollback", post_migrate_rollback, HOURS, ROUTE_LONG,
     ASKS(MIGRATION_APPLY), "Take migrations back"},
    {"POST", BRANCHES "/{b}/migrations/verify", post_migrate_verify, HOURS, ROUTE_LONG,
     ASKS(BRANCH_CREATE), "Prove migrations on scratch branches"},
    {"GET", "/v1/projects/{p}/schedules", get_schedules, SHORT, 0, LOOKS, "List schedules"},
    {"POST", "/v1/projects/{p}/schedules/{n}/run", post_schedule_run, HOURS, ROUTE_LONG,
     ASKS(BRANCH_RESET), "Build a tier anew from its parent, now"},
    {"GET", "/v1/projects/{p}/endpoints", get_endpoints, SHORT, 0, LOOKS, "List endpoints"},
    {"GET", "/v1/projects/{p}/policy", get_policy, SHORT, 0, LOOKS,
     "The policy in force, or ?version=N; ?effective=BRANCH: what it says of that"},
    {"GET", "/v1/projects/{p}/policy/history", get_policy_history, SHORT, 0, LOOKS,
     "Versions of the policy"},
    {"GET", "/v1/projects/{p}/policy/explain", get_policy_explain, SHORT, 0, LOOKS,
     "Why something is allowed, or not"},
    {"POST", "/v1/projects/{p}/policy/preview", post_policy_preview, SHORT, 0, ASKS(POLICY_APPLY),
     "What applying a policy would change"},
    {"POST", "/v1/projects/{p}/policy", post_policy, MINUTES, 0, ASKS(POLICY_APPLY),
     "Apply a policy"},
    {"GET", "/v1/principals", get_principals, SHORT, 0, LOOKS, "List principals and their tokens"},
    {"POST", "/v1/principals", post_principals, SHORT, 0, ASKS(PRINCIPAL_MANAGE),
     "Add a principal"},
    {"DELETE", "/v1/principals/{n}", delete_principal, SHORT, 0, ASKS(PRINCIPAL_MANAGE),
     "Remove a principal"},
    {"POST", "/v1/principals/{n}/tokens", post_token, SHORT, 0, OWN_OR(PRINCIPAL_MANAGE),
     "Make a token, shown once"},
    {"DELETE", "/v1/principals/{n}/tokens/{t}", delete_token, SHORT, 0, OWN_OR(PRINCIPAL_MANAGE),
     "Revoke a token"},
    {"POST", "/v1/session-token", post_session_token, SHORT, 0, OWN_OR(PRINCIPAL_MANAGE),
     "The caller's own, for hours"},
    {"GET", "/metrics", get_metrics, SHORT, ROUTE_NO_CATALOG | ROUTE_TEXT, ASKS(PROJECT_MANAGE),
     "For Prometheus"},
    {"GET", "/v1/operations", get_operations, SHORT, 0, LOOKS, "List operations, newest first"},
    {"GET", "/v1/audit", api_get_audit, SHORT, 0, LOOKS, "The audit, newest last"},
    {"POST", "/v1/audit/verify", api_post_audit_verify, MINUTES, ROUTE_LONG, ASKS(AUDIT_READ),
     "Check the audit's chain, and anchors of it"},
    {"GET", "/v1/system/url", api_get_system_url, SHORT, 0, LOOKS,
     "Where the catalog is read with SQL"},
    {"POST", "/v1/uploads", post_uploads, SHORT, 0, ASKS(PROJECT_MANAGE), "Begin an upload"},
    {"PUT", "/v1/uploads/{u}", put_upload, SHORT, ROUTE_RAW, ASKS(PROJECT_MANAGE),
     "Append to an upload"},
    {"DELETE", "/v1/uploads/{u}", delete_upload, SHORT, 0, ASKS(PROJECT_MANAGE), "Drop an upload"},
    {"POST", "/v1/shutdown", post_shutdown, MINUTES, 0, ASKS(PROJECT_MANAGE), "Stop boughd"},
    {"JOB", "start", job_start, HOURS, ROUTE_INTERNAL | ROUTE_LONG, SERVER,
     "Recovery after a start"},
    {"JOB", "recover", job_recover, MINUTES, ROUTE_INTERNAL, SERVER,
     "Recovery after a worker's end"},
    {"JOB", "revive", job_revive, MINUTES, ROUTE_INTERNAL, SERVER, "Start a compute that ended"},
    {"JOB", "tick", job_tick, 120, ROUTE_INTERNAL, SERVER, "Look after the pool"},
    {"JOB", "idle", job_idle, MINUTES, ROUTE_INTERNAL, SERVER, "Suspend computes that nobody uses"},
    {"JOB", "expire", job_expire, MINUTES, ROUTE_INTERNAL, SERVER,
     "Remove branches whose time is over"},
    {"JOB", "schedule", job_schedule, HOURS, ROUTE_INTERNAL | ROUTE_LONG, SERVER,
     "Run what is due"},
    {"JOB", "webhook", job_webhook, 120, ROUTE_INTERNAL, SERVER, "Deliver messages to the outside"},
    {"JOB", "wake", job_wake, MINUTES, ROUTE_INTERNAL | ROUTE_WHEN_READY, SERVER, "Wake a compute"},
    {"JOB", "session-hello", job_session_hello, SHORT, PROXY_JOB, SERVER,
     "A proxy process is there"},
    {"JOB", "session-verifier", job_session_verifier, SHORT, PROXY_JOB, SERVER,
     "Keys of a principal"},
    {"JOB", "session-route", job_session_route, SHORT, PROXY_JOB, SERVER,
     "A client's way to its compute"},
    {"JOB", "session-end", job_session_end, SHORT, PROXY_JOB, SERVER, "A session has ended"},
    {"JOB", "session-report", job_session_report, SHORT, PROXY_JOB, SERVER, "Counters of sessions"},
    {"JOB", "session-refused", job_session_refused, SHORT, PROXY_JOB, SERVER,
     "A client was refused"},
    {"JOB", "audit", api_job_audit, 120, ROUTE_INTERNAL, SERVER, "Seal, anchor and keep the audit"},
    {"JOB", "audit-refusal", api_job_audit_refusal, SHORT, ROUTE_INTERNAL | ROUTE_QUICK, SERVER,
     "Record what was refused before a worker saw it"},
    {"JOB", "catalog-stop", job_catalog_stop, 120, ROUTE_INTERNAL | ROUTE_NO_CATALOG, SERVER,
     "Stop the catalog"},
};

const Route *route_list(size_t *ret_count) {
  *ret_count = ARRAY_LENGTH(routes);
  return routes;
}
