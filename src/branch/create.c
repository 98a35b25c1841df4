/* branch create: a row, a volume, and the moment when the row says that the volume is good. */
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/fork.h"
#include "branch/limit.h"
#include "branch/operation.h"
#include "branch/pool.h"
#include "catalog/expiry.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/process.h"
#include "core/str.h"

#include <stdio.h>
#include <unistd.h>

static const char *kind_of(const BranchRequest *request) {
  return request->is_tier ? "tier" : request->kind != NULL ? request->kind : "feature";
}

/* What a branch of that kind is forked from: declared, never guessed. */
static bool find_declared_parent(Context *context, const ProjectRow *project, const Policy *policy,
                                 const char *kind, BranchRow *ret, Error *err) {
  const char *tier = policy_parent_of_kind(policy, kind);
  bool found = false;
  if (tier == NULL || policy_tier(policy, tier) == NULL) {
    (void)error_set(err, ERROR_USAGE,
                    "the policy doesn't say what a branch of kind \"%.80s\" forks", kind);
    return error_hint(err, "name it with --parent");
  }
  if (!tier_branch(context->catalog, project->id, tier, ret, &found, err))
    return false;
  if (found)
    return true;
  (void)error_set(err, ERROR_BRANCH_NOT_FOUND,
                  "the tier \"%s\", which branches of kind \"%.80s\" fork, has no branch", tier,
                  kind);
  return error_hint(err, "`bough policy apply` makes what is missing");
}

static bool find_parent(Context *context, const ProjectRow *project, const char *name,
                        const char *kind, BranchRow *ret, Error *err) {
  const Policy *policy = NULL;
  BranchRow root;
  if (name != NULL)
    return branch_resolve(context, project, name, ret, err);
  if (!access_policy(context, project->id, &policy, NULL, err))
    return false;
  if (policy != NULL)
    return find_declared_parent(context, project, policy, kind, ret, err);
  if (!branch_get(context->catalog, project->root_branch, &root, err))
    return false;
  if (!access_sees(context, &root)) /* the words for one that isn't there */
    return error_set(err, ERROR_BRANCH_NOT_FOUND,
                     "branch \"%.80s\" does not exist in project \"%.80s\"", root.name,
                     project->name);
  *ret = root;
  return true;
}

static bool find_source(Context *context, const ProjectRow *project, const BranchRequest *request,
                        BranchRow *ret, Error *err) {
  if (!request->is_copy || request->copied == NULL)
    return find_parent(context, project, request->parent, kind_of(request), ret, err);
  return branch_get(context->catalog, request->copied->id, ret, err);
}

/* Kinds that go by their target fork the tier that they name. */
static bool check_access(Context *context, const ProjectRow *project, const BranchRequest *request,
                         const BranchRow *parent, Error *err) {
  const char *kind = kind_of(request);
  int64_t expires_at = 0;
  if (!expiry_of_new(context, project, kind, request->ttl, clock_wall_us(), &expires_at, err))
    return false;
  const AccessQuestion question = {.action = ACTION_BRANCH_CREATE,
                                   .branch = parent,
                                   .kind = kind,
                                   .name = request->name,
                                   .target = parent->tier,
                                   .expires_at = expires_at};
  return request->is_tier || request->is_copy || access_ask(context, &question, err);
}

static bool add_authors(Context *context, const BranchRow *branch, Error *err) {
  return author_add(context->catalog, branch->id, branch->created_by, err) &&
         (branch->created_for[0] == '\0' ||
          author_add(context->catalog, branch->id, branch->created_for, err));
}

static bool check_parent(const BranchRow *parent, Error *err) {
  if (!expiry_check_open(parent, err))
    return false;
  if (parent->state == ROW_READY)
    return true;
  return error_set(err, parent->state == ROW_FAILED ? ERROR_BRANCH_FAILED : ERROR_BRANCH_BUSY,
                   "branch \"%s\" is %s", parent->name, row_state_text(parent->state));
}

static bool set_maker(Context *context, const BranchRow *branch, Error *err) {
  ExpiryMaker maker = {.pid = (int)getpid(), .start = (int64_t)process_start_time(getpid())};
  (void)snprintf(maker.branch, sizeof maker.branch, "%s", branch->id);
  return expiry_set_maker(context->catalog, &maker, err);
}

/* Writes the rows of the branch, its endpoint and the operation: the first trace of the request. */
static bool record(Context *context, const ProjectRow *project, const BranchRow *parent,
                   const BranchRequest *request, BranchRow *branch, OperationRow *operation,
                   Error *err) {
  *branch = (BranchRow){.state = ROW_CREATING};
  id_new("br", branch->id);
  id_new("vol", branch->volume);
  (void)snprintf(branch->project, sizeof branch->project, "%s", project->id);
  (void)snprintf(branch->name, sizeof branch->name, "%s", request->name);
  (void)snprintf(branch->kind, sizeof branch->kind, "%s", kind_of(request));
  (void)snprintf(branch->parent, sizeof branch->parent, "%s", parent->id);
  (void)snprintf(branch->parent_name, sizeof branch->parent_name, "%s", parent->name);
  (void)snprintf(branch->size_class, sizeof branch->size_class, "%s", parent->size_class);
  (void)snprintf(branch->created_by, sizeof branch->created_by, "%s", context->caller.name);
  (void)snprintf(branch->created_for, sizeof branch->created_for, "%s",
                 context->caller.on_behalf_of);
  branch->created_at = branch->forked_at = clock_wall_us();
  if (!expiry_of_new(context, project, branch->kind, request->ttl, branch->created_at,
                     &branch->expires_at, err))
    return false;

  EndpointRow endpoint = {.state = ENDPOINT_STOPPED};
  id_new("ep", endpoint.id);
  (void)snprintf(endpoint.branch, sizeof endpoint.branch, "%s", branch->id);
  (void)snprintf(endpoint.project, sizeof endpoint.project, "%s", project->id);

  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         limit_check(context, branch, err) && branch_insert(context->catalog, branch, err) &&
         (!request->is_scratch || set_maker(context, branch, err)) &&
         add_authors(context, branch, err) && endpoint_insert(context->catalog, &endpoint, err) &&
         operation_begin(context, "branch.create", project->id, branch->id,
                         json_pack("{s:s}", "volume", branch->volume), operation, err) &&
         catalog_commit(&guard, err);
}

static bool make(Context *context, BranchRow *branch, const OperationRow *operation, Error *err) {
  ForkResult fork;
  if (!failpoint_reach(FAILPOINT_CREATE_RECORDED, err) ||
      !fork_volume(context, branch->parent, branch->volume, &fork, err) ||
      !failpoint_reach(FAILPOINT_CREATE_WAL_COPIED, err))
    return false;
  branch->state = ROW_READY;
  branch_take_fork(branch, &fork);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         branch_update(context->catalog, branch, err) &&
         operation_finish(context->catalog, operation->id, NULL, err) &&
         catalog_commit(&guard, err);
}

/* Takes back what record and make did, in the order that leaves the rows until last. */
static bool undo(Context *context, const BranchRow *branch, const OperationRow *operation,
                 const Error *failure, Error *err) {
  if (!agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", branch->volume),
                  NULL, err))
    return false;
  volume_lock_forget(context, branch->volume);
  BranchRow gone = *branch;
  gone.state = ROW_DELETED;
  EndpointRow endpoint;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  return endpoint_of_branch(context->catalog, branch->id, &endpoint, err) &&
         catalog_begin(context->catalog, &guard, err) &&
         endpoint_delete(context->catalog, endpoint.id, err) &&
         branch_update(context->catalog, &gone, err) &&
         operation_finish(context->catalog, operation->id, failure, err) &&
         catalog_commit(&guard, err);
}

bool branch_create_recover(Context *context, const OperationRow *operation, Error *err) {
  BranchRow branch;
  if (!branch_get(context->catalog, operation->branch, &branch, err))
    return false;
  if (branch.state == ROW_READY)
    return operation_finish(context->catalog, operation->id, NULL, err);
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the branch was ready");
  return undo(context, &branch, operation, &failure, err);
}

static void add_notes(const BranchRow *branch, json_t *notes) {
  if (branch->unlogged == 0)
    return;
  AUTO(str_free)
  char *text =
      str_format("%lld unlogged relations start empty on the branch", (long long)branch->unlogged);
  (void)json_array_append_new(notes, json_string(text));
}

static bool answer(Context *context, const ProjectRow *project, const BranchRow *branch,
                   int64_t started, json_t **ret, Error *err) {
  json_t *description = NULL;
  if (!describe_branch(context, project, branch, &description, err))
    return false;
  json_t *notes = json_array();
  add_notes(branch, notes);
  AUTO(str_free) char *url = describe_url(context, project, branch, description);
  AUTO(str_free) char *socket_url = describe_socket_url(context, project, description);
  *ret = json_pack("{s:o, s:s, s:s, s:o, s:f}", "branch", description, "url", url, "socket_url",
                   socket_url, "notes", notes, "duration_ms",
                   (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

bool branch_create(Context *context, const ProjectRow *project, const BranchRequest *request,
                   json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  BranchRow parent;
  BranchRow branch;
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!name_check("branch", request->name, err) ||
      (request->kind != NULL && !name_check("kind", request->kind, err)) ||
      !find_source(context, project, request, &parent, err) ||
      !check_access(context, project, request, &parent, err) || !check_parent(&parent, err) ||
      !pool_check_room(context, err) ||
      !record(context, project, &parent, request, &branch, &operation, err))
    return false;
  Error failure = ERROR_INIT;
  if (!make(context, &branch, &operation, &failure)) {
    Error second = ERROR_INIT; /* recovery goes on where this undo stops */
    (void)!undo(context, &branch, &operation, &failure, &second);
    *err = failure;
    return false;
  }
  EndpointRow endpoint;
  return failpoint_reach(FAILPOINT_CREATE_COMMITTED, err) &&
         (!request->start || endpoint_start(context, branch.id, &endpoint, err)) &&
         answer(context, project, &branch, started, ret, err);
}
