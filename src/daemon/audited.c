/* The table beside the routes: what the audit is told of each. */
#include "daemon/audited.h"

#include "core/str.h"

#include <string.h>

enum { VALUE_LIMIT = 1024 }; /* bytes of one value: a longer one is cut */

#define BRANCHES "/v1/projects/{p}/branches"
#define PULLS "/v1/projects/{p}/pulls"
#define WORKFLOW "/v1/projects/{p}/workflow"
#define CI_RUNS "/v1/projects/{p}/ci/runs"

static const Audited rows[] = {
    {"POST", "/v1/projects", "project.create", "name root", false},
    {"DELETE", "/v1/projects/{p}", "project.delete", "", false},
    {"POST", "/v1/projects/{p}/forge", "project.forge", "kind host repository", false},
    {"GET", BRANCHES "/{b}", "branch.read", "", true},
    {"POST", BRANCHES, "branch.create", "name parent kind start ttl", false},
    {"DELETE", BRANCHES "/{b}", "branch.delete", "", false},
    {"POST", BRANCHES "/{b}/reset", "branch.reset", "", false},
    {"POST", BRANCHES "/{b}/rename", "branch.rename", "name", false},
    {"POST", BRANCHES "/{b}/protect", "branch.protect", "protected", false},
    {"POST", BRANCHES "/{b}/expire", "branch.expire", "ttl never", false},
    {"POST", "/v1/projects/{p}/schedules/{n}/run", "schedule.run", "", false},
    {"POST", BRANCHES "/{b}/lint", "branch.read", "", true},
    {"GET", BRANCHES "/{b}/url", "endpoint.manage", "", true},
    {"POST", BRANCHES "/{b}/endpoint/start", "endpoint.start", "", false},
    {"POST", BRANCHES "/{b}/endpoint/suspend", "endpoint.suspend", "", false},
    {"POST", BRANCHES "/{b}/endpoint/repoint", "endpoint.repoint", "to grace", false},
    {"POST", BRANCHES "/{b}/migrations/status", "migration.status", "database layout", true},
    {"POST", BRANCHES "/{b}/migrations/tools", "migration.status", "database", true},
    {"POST", BRANCHES "/{b}/migrations/apply", "migration.apply",
     "database layout to accept baseline", false},
    {"POST", BRANCHES "/{b}/migrations/verify", "migration.verify", "database layout to", false},
    {"POST", BRANCHES "/{b}/migrations/rollback", "migration.rollback", "database layout to",
     false},
    {"POST", "/v1/projects/{p}/promotions", "promote", "from to", false},
    {"POST", "/v1/projects/{p}/promotions/approve", "promote.approve", "from to", false},
    {"POST", "/v1/projects/{p}/rollback/preview", "rollback.preview", "tier to", true},
    {"POST", "/v1/projects/{p}/rollback", "rollback", "tier to", false},
    {"POST", "/v1/projects/{p}/policy/preview", "policy.apply", "", true},
    {"POST", "/v1/projects/{p}/policy", "policy.apply", "base", false},
    {"POST", PULLS, "pull.open", "head_branch base_branch title", true},
    {"POST", PULLS "/{n}/close", "pull.close", "", true},
    {"POST", PULLS "/{n}/reviews", "pull.review", "verdict head", true},
    {"POST", PULLS "/{n}/comments", "pull.comment", "", true},
    {"JOB", "git-open", "git.open", "service", true},
    {"JOB", "git-push", "git.push", "", true},
    {"POST", WORKFLOW "/check", "workflow.check", "git_branch", true},
    {"POST", WORKFLOW "/init", "workflow.init", "", false},
    {"POST", WORKFLOW "/{n}/claim", "workflow.claim", "kind parent git_branch", true},
    {"POST", WORKFLOW "/{n}/adopt", "workflow.adopt", "kind parent git_branch", true},
    {"POST", WORKFLOW "/{n}/prepare-pr", "workflow.prepare-pr", "git_branch head title", true},
    {"POST", WORKFLOW "/{n}/wait-ci", "workflow.wait-ci", "git_branch head", true},
    {"POST", WORKFLOW "/{n}/merge", "workflow.merge", "git_branch head", true},
    {"POST", WORKFLOW "/{n}/abandon", "workflow.abandon", "git_branch force", true},
    {"POST", WORKFLOW "/{n}/withdraw", "workflow.withdraw", "git_branch", true},
    {"POST", CI_RUNS, "ci.begin", "pull from to", false},
    {"POST", CI_RUNS "/{n}/end", "ci.report", "status", false},
    {"POST", CI_RUNS "/{n}/cancel", "ci.cancel", "", false},
    {"POST", "/v1/projects/{p}/ci/ask", "ci.ask", "pull from to", true},
    {"POST", "/v1/projects/{p}/ci/tidy", "ci.tidy", "", true},
    {"POST", "/v1/principals", "principal.add", "name type roles for", false},
    {"DELETE", "/v1/principals/{n}", "principal.remove", "", false},
    {"POST", "/v1/principals/{n}/tokens", "principal.token", "ttl", false},
    {"DELETE", "/v1/principals/{n}/tokens/{t}", "principal.revoke", "", false},
    {"POST", "/v1/session-token", "principal.session-token", "", true},
    {"POST", "/v1/uploads", "upload", "", true},
    {"PUT", "/v1/uploads/{u}", "upload", "", true},
    {"DELETE", "/v1/uploads/{u}", "upload", "", true},
    {"GET", "/v1/audit", "audit.read", "", true},
    {"POST", "/v1/audit/verify", "audit.verify", "", true},
    {"GET", "/v1/system/url", "audit.read", "", true},
    {"POST", "/v1/shutdown", "service.stop", "computes", false},
};

const Audited *audited_list(size_t *ret_count) {
  *ret_count = ARRAY_LENGTH(rows);
  return rows;
}

Audited audited_find(const Route *route) {
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (str_equal(rows[at].method, route->method) && str_equal(rows[at].pattern, route->pattern))
      return rows[at];
  bool reads = str_equal(route->method, "GET");
  return (Audited){route->method, route->pattern, reads ? "read" : "change", "", reads};
}

/* Nested values only as lists of names: objects hold what nobody listed. */
static void add_value(json_t *params, const char *key, json_t *value) {
  if (json_is_string(value) && json_string_length(value) > VALUE_LIMIT)
    (void)json_object_set_new(params, key, json_string("(too long)"));
  else if (value != NULL && !json_is_object(value))
    (void)json_object_set(params, key, value);
}

static void add_keys(const char *keys, const json_t *body, json_t *params) {
  while (*keys != '\0') {
    size_t length = strcspn(keys, " ");
    AUTO(str_free) char *key = str_ndup(keys, length);
    add_value(params, key, json_object_get(body, key));
    keys += length + (keys[length] == ' ');
  }
}

json_t *audited_params(const Audited *audited, const json_t *message) {
  static const struct {
    const char *part; /* of the path */
    const char *name; /* in the audit */
  } parts[] = {{"project", "project"},
               {"branch", "branch"},
               {"name", "principal"},
               {"token", "token_id"},
               {"upload", "upload"}};
  json_t *params = json_object();
  for (size_t at = 0; at < ARRAY_LENGTH(parts); at++)
    add_value(params, parts[at].name, json_object_get(message, parts[at].part));
  add_keys(audited->keys, json_object_get(message, "body"), params);
  return params;
}
