/* branch create --ttl and branch expire: when a branch ends. */
#include "branch/expiry.h"

#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/operation.h"
#include "branch/webhook.h"
#include "catalog/access.h"
#include "catalog/expiry.h"
#include "core/clock.h"
#include "core/duration.h"
#include "core/str.h"

#define SECOND_US 1000000LL
#define DAY_US (86400 * SECOND_US)

int64_t expiry_notice_us(int64_t created_at, int64_t expires_at) {
  int64_t quarter = (expires_at - created_at) / 4;
  return quarter < DAY_US ? quarter : DAY_US;
}

bool expiry_check_open(const BranchRow *branch, Error *err) {
  if (branch->expired_at == 0)
    return true;
  (void)error_set(err, ERROR_BRANCH_EXPIRED,
                  "the time of branch \"%s\" is over: it goes when its children have gone",
                  branch->name);
  return error_hint(err, "`bough branch tree` shows what was forked from it");
}

/* What the policy in force declares for a kind, in seconds; 0: nothing. */
static bool find_declared(Context *context, const char *project, const char *kind, int64_t *ret_ttl,
                          int64_t *ret_cap, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(context, project, &policy, NULL, err))
    return false;
  const PolicyKind *row = policy != NULL ? policy_kind(policy, kind) : NULL;
  *ret_ttl = row != NULL ? row->ttl_s : 0;
  *ret_cap = row != NULL ? policy_ttl_cap(policy, kind) : 0;
  return true;
}

static bool refuse_later(const char *kind, int64_t cap_s, int64_t created_at, Error *err) {
  AUTO(json_free) json_t *end = describe_time(created_at + cap_s * SECOND_US);
  (void)error_set(
      err, ERROR_LIMIT_REACHED,
      "a branch of kind \"%.63s\" ends at the latest %lld seconds after it was made, at "
      "%s",
      kind, (long long)cap_s, json_string_value(end));
  return error_hint(err, "ask for less; what must stay is protected: `bough branch protect`");
}

bool expiry_of_new(Context *context, const ProjectRow *project, const char *kind, const char *ttl,
                   int64_t created_at, int64_t *ret, Error *err) {
  int64_t seconds = 0;
  int64_t declared = 0;
  int64_t cap = 0;
  if ((ttl != NULL && !duration_parse(ttl, &seconds, err)) ||
      !find_declared(context, project->id, kind, &declared, &cap, err))
    return false;
  if (ttl == NULL)
    seconds = declared > 0 ? declared : cap;
  if (cap > 0 && seconds > cap)
    return refuse_later(kind, cap, created_at, err);
  *ret = seconds > 0 ? created_at + seconds * SECOND_US : 0;
  return true;
}

static bool check(const ProjectRow *project, const BranchRow *branch, const char *ttl, Error *err) {
  bool is_tier = branch->tier[0] != '\0' || str_equal(branch->id, project->root_branch);
  if (is_tier && ttl != NULL)
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" stands for a tier and never ends",
                     branch->name);
  return expiry_check_open(branch, err);
}

/* Recorded as an operation, so that it can't slip into the middle of another one's. */
static bool change(Context *context, BranchRow *branch, int64_t expires_at, Error *err) {
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !operation_begin(context, "branch.expire", branch->project, branch->id,
                       json_pack("{s:o}", "expires_at", describe_time(expires_at)), &operation,
                       err) ||
      !branch_get(context->catalog, branch->id, branch, err) || !expiry_check_open(branch, err))
    return false;
  branch->expires_at = expires_at;
  return expiry_set(context->catalog, branch->id, expires_at, err) &&
         operation_finish(context->catalog, operation.id, NULL, err) && catalog_commit(&guard, err);
}

bool branch_expire(Context *context, const ProjectRow *project, const char *name, const char *ttl,
                   json_t **ret, Error *err) {
  BranchRow branch;
  json_t *description = NULL;
  int64_t seconds = 0;
  if ((ttl != NULL && !duration_parse(ttl, &seconds, err)) ||
      !branch_resolve(context, project, name, &branch, err) || !check(project, &branch, ttl, err))
    return false;
  int64_t expires_at = ttl != NULL ? clock_wall_us() + seconds * SECOND_US : 0;
  const AccessQuestion question = {
      .action = ACTION_BRANCH_EXPIRE, .branch = &branch, .expires_at = expires_at};
  if (!access_ask(context, &question, err) || !change(context, &branch, expires_at, err) ||
      !describe_branch(context, project, &branch, &description, err))
    return false;
  *ret = json_pack("{s:o}", "branch", description);
  return true;
}

static bool end_is_over(const BranchRow *branch) {
  return branch->expires_at != 0 && branch->expires_at <= clock_wall_us() &&
         !branch->is_protected && branch->tier[0] == '\0' && !str_equal(branch->kind, "root");
}

bool expiry_check_over(const BranchRow *branch, Error *err) {
  bool is_live = branch->state == ROW_READY || branch->state == ROW_FAILED;
  return (is_live && end_is_over(branch)) ||
         error_set(err, ERROR_CANCELLED, "the time of branch \"%s\" isn't over any more",
                   branch->name);
}

bool expiry_record(Context *context, const BranchRow *branch, const char *what, Error *err) {
  AUTO(json_free)
  json_t *params = json_pack("{s:s, s:s}", "name", branch->name, "what", what);
  const AuditRow row = {.actor_name = "system",
                        .service = "boughd",
                        .action = "branch.expired",
                        .params = params,
                        .project = branch->project,
                        .branch = branch->id};
  return audit_insert(context->catalog, &row, err) &&
         webhook_queue_branch(context, "branch.expired", branch, err);
}
