/* The table of routes: what docs/api.md promises, and which handler keeps it. */
#include "daemon/route.h"

#include "daemon/api_audit.h"
#include "daemon/api_branch.h"
#include "daemon/api_diff.h"
#include "daemon/api_expiry.h"
#include "daemon/api_forge.h"
#include "daemon/api_lint.h"
#include "daemon/api_migrate.h"
#include "daemon/api_policy.h"
#include "daemon/api_principal.h"
#include "daemon/api_project.h"
#include "daemon/api_server.h"
#include "daemon/api_session.h"

enum { SHORT = 30, MINUTES = 30 * 60, HOURS = 24 * 60 * 60 };

#define PROXY_JOB (ROUTE_INTERNAL | ROUTE_WHEN_READY | ROUTE_QUICK)
#define GIT_JOB (ROUTE_INTERNAL | ROUTE_WHEN_READY | ROUTE_FOR_CALLER)
#define BRANCHES "/v1/projects/{p}/branches"
#define PULLS "/v1/projects/{p}/pulls"

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
    {"GET", "/v1/projects/{p}/repository", get_repository, SHORT, 0, LOOKS,
     "Where the project's code is"},
    {"GET", PULLS, get_pulls, 120, 0, LOOKS, "List pull requests; ?state=all: ended ones too"},
    {"GET", PULLS "/{n}", get_pull, 120, 0, LOOKS, "Show a pull request, its reviews and comments"},
    {"POST", PULLS, post_pulls, 120, 0, ASKS(BRANCH_WRITE), "Open a pull request, or update it"},
    {"POST", PULLS "/{n}/close", post_pull_close, 120, 0, ASKS(BRANCH_WRITE),
     "Close a pull request without merging it"},
    {"POST", PULLS "/{n}/reviews", post_pull_review, 120, 0, OWN_OR(PROMOTE_APPROVE),
     "Approve a pull request, ask for changes, or comment on it"},
    {"POST", PULLS "/{n}/comments", post_pull_comment, 120, 0, OWN_OR(BRANCH_READ),
     "Comment on a pull request"},
    {"JOB", "git-open", job_git_open, 120, GIT_JOB, LOOKS, "Let a git client in"},
    {"JOB", "git-push", job_git_push, 120, GIT_JOB, OWN_OR(BRANCH_WRITE), "Let a push through"},
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
