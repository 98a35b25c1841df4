/* endpoint repoint: the name and the endpoint of a branch move to a new one made from a snapshot;
 * the old one stays under a generated name, with its id, its data and its children.
 *
 * Until the one transaction that moves them, the new branch is in state creating and nobody sees
 * it. */
#include "branch/repoint.h"
#include "branch/access.h"
#include "branch/branch.h"
#include "branch/describe.h"
#include "branch/endpoint.h"
#include "branch/expiry.h"
#include "branch/fork.h"
#include "branch/limit.h"
#include "branch/operation.h"
#include "branch/pool.h"
#include "branch/previous.h"
#include "catalog/access.h"
#include "catalog/policy.h"
#include "core/clock.h"
#include "core/duration.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"

#include <stdio.h>

enum {
  VOLUME_LOCK_MS = 60 * 1000,
  GRACE_DEFAULT_S = 2,
  GRACE_LIMIT_S = 30, /* who connects meanwhile is held */
  LOOK_MS = 50,
  FAREWELL_MS = 1000, /* for the proxy to tell its clients why, before postgres does */
};

#define PREVIOUS_KIND "previous"

typedef struct Repoint {
  const RepointPlan *plan;
  const ProjectRow *project;
  BranchRow old;
  BranchRow next;
  BranchRow source;
  int64_t grace_ms;
  bool was_awake;
  char previous_name[NAME_MAX_LENGTH + 1];
} Repoint;

static bool check(Context *context, const Repoint *repoint, Error *err) {
  const BranchRow *old = &repoint->old;
  if (!expiry_check_open(old, err) || !expiry_check_open(&repoint->source, err))
    return false;
  if (old->state != ROW_READY && old->state != ROW_FAILED)
    return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s", old->name,
                     row_state_text(old->state));
  if (str_equal(old->id, repoint->source.id))
    return error_set(err, ERROR_USAGE, "branch \"%s\" can't be repointed to itself", old->name);
  if (repoint->source.state != ROW_READY)
    return error_set(err, ERROR_BRANCH_BUSY, "branch \"%s\" is %s", repoint->source.name,
                     row_state_text(repoint->source.state));
  return pool_check_room(context, err);
}

static bool read_grace(const char *text, int64_t *ret_ms, Error *err) {
  int64_t seconds = GRACE_DEFAULT_S;
  if (text != NULL && !str_equal(text, "0") && !duration_parse(text, &seconds, err))
    return false;
  if (seconds > GRACE_LIMIT_S)
    return error_set(err, ERROR_USAGE, "the grace is at most %d s: new clients wait meanwhile",
                     GRACE_LIMIT_S);
  *ret_ms = text != NULL && str_equal(text, "0") ? 0 : seconds * 1000;
  return true;
}

/* It is as old as the one whose place it takes: a cap of their life counts from then. */
static void describe_next(Repoint *repoint) {
  BranchRow *next = &repoint->next;
  const BranchRow *old = &repoint->old;
  *next = (BranchRow){.state = ROW_CREATING, .is_protected = old->is_protected};
  id_new("br", next->id);
  id_new("vol", next->volume);
  (void)snprintf(next->project, sizeof next->project, "%s", old->project);
  (void)snprintf(next->name, sizeof next->name, "repoint-%s", next->id + sizeof "br-" - 1);
  (void)snprintf(next->kind, sizeof next->kind, "%s", old->kind);
  (void)snprintf(next->parent, sizeof next->parent, "%s", repoint->source.id);
  (void)snprintf(next->parent_name, sizeof next->parent_name, "%s", repoint->source.name);
  (void)snprintf(next->size_class, sizeof next->size_class, "%s", old->size_class);
  (void)snprintf(next->created_by, sizeof next->created_by, "%s", old->created_by);
  (void)snprintf(next->created_for, sizeof next->created_for, "%s", old->created_for);
  next->expires_at = old->expires_at;
  next->created_at = old->created_at;
  next->forked_at = clock_wall_us();
}

/* The first trace: rows of the new branch, of an endpoint that the old one will have, and of the
 * operation, which holds the old branch. */
static bool record(Context *context, Repoint *repoint, OperationRow *operation, Error *err) {
  EndpointRow endpoint = {.state = ENDPOINT_STOPPED};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  describe_next(repoint);
  id_new("ep", endpoint.id);
  (void)snprintf(endpoint.branch, sizeof endpoint.branch, "%s", repoint->next.id);
  (void)snprintf(endpoint.project, sizeof endpoint.project, "%s", repoint->project->id);
  return catalog_begin(context->catalog, &guard, err) && access_confirm(context, err) &&
         (!repoint->plan->is_counted || limit_check(context, &repoint->next, err)) &&
         branch_insert(context->catalog, &repoint->next, err) &&
         endpoint_insert(context->catalog, &endpoint, err) &&
         operation_begin(context, repoint->plan->operation, repoint->project->id, repoint->old.id,
                         json_pack("{s:s, s:s, s:s}", "new", repoint->next.id, "volume",
                                   repoint->next.volume, "to", repoint->source.name),
                         operation, err) &&
         branch_get(context->catalog, repoint->old.id, &repoint->old, err) &&
         catalog_commit(&guard, err);
}

/* Sessions end by themselves, or by the proxy when the grace is over. */
static bool wait_for_sessions(Context *context, const char *endpoint, int64_t grace_ms,
                              Error *err) {
  int64_t deadline = clock_monotonic_ms() + grace_ms + FAREWELL_MS;
  for (;;) {
    AUTO(json_free) json_t *counts = NULL;
    if (!session_counts(context->catalog, &counts, err))
      return false;
    if (json_object_get(counts, endpoint) == NULL || clock_monotonic_ms() >= deadline)
      return true;
    clock_sleep_ms(LOOK_MS);
  }
}

/* The old volume's lock is held: whoever comes now waits for it, and finds the new branch then. */
static bool close_old(Context *context, Repoint *repoint, EndpointRow *endpoint, Error *err) {
  if (!endpoint_of_branch(context->catalog, repoint->old.id, endpoint, err))
    return false;
  repoint->was_awake = endpoint_is_awake(endpoint);
  endpoint->wanted = false;
  if (!endpoint_update(context->catalog, endpoint, err))
    return false;
  if (repoint->was_awake) {
    context_push_now(context, "terminate",
                     json_pack("{s:s, s:I, s:s}", "endpoint", endpoint->id, "grace_ms",
                               (json_int_t)repoint->grace_ms, "reason",
                               "terminating connection: its branch was repointed"));
    if (!wait_for_sessions(context, endpoint->id, repoint->grace_ms, err))
      return false;
  }
  return endpoint_stop_held(context, &repoint->old, repoint->plan->is_hurried, endpoint, err) &&
         failpoint_reach(FAILPOINT_REPOINT_STOPPED, err);
}

static bool move_root(Context *context, const Repoint *repoint, Error *err) {
  ProjectRow project = *repoint->project;
  if (!str_equal(project.root_branch, repoint->old.id))
    return true;
  (void)snprintf(project.root_branch, sizeof project.root_branch, "%s", repoint->next.id);
  return project_update(context->catalog, &project, err);
}

/* The endpoint that was made for the new branch goes to the old one. */
static bool exchange_endpoints(Context *context, const Repoint *repoint,
                               const EndpointRow *endpoint, Error *err) {
  EndpointRow other;
  if (!endpoint_of_branch(context->catalog, repoint->next.id, &other, err) ||
      !endpoint_delete(context->catalog, other.id, err) ||
      !endpoint_move(context->catalog, endpoint->id, repoint->next.id, err))
    return false;
  (void)snprintf(other.branch, sizeof other.branch, "%s", repoint->old.id);
  other.volume[0] = '\0';
  return endpoint_insert(context->catalog, &other, err);
}

static bool tell(Context *context, const RepointPlan *plan, const OperationRow *operation,
                 Error *err) {
  return plan->moved == NULL || plan->moved(plan->arg, context, operation->id, err);
}

/* What stood for a tier, or was the root, is something else now; of what was a feature its kind,
 * its end and its limits hold as before. */
static void describe_old(const Repoint *repoint, BranchRow *old) {
  (void)snprintf(old->name, sizeof old->name, "%s", repoint->previous_name);
  if (old->tier[0] != '\0' || str_equal(repoint->project->root_branch, old->id)) {
    (void)snprintf(old->kind, sizeof old->kind, "%s", PREVIOUS_KIND);
    (void)snprintf(old->stood_for, sizeof old->stood_for, "%s",
                   old->tier[0] != '\0' ? old->tier : repoint->old.name);
  }
  old->is_protected = false;
  if (repoint->plan->keep_us > 0)
    old->expires_at = clock_wall_us() + repoint->plan->keep_us;
}

static bool exchange(Context *context, Repoint *repoint, const EndpointRow *endpoint,
                     const OperationRow *operation, Error *err) {
  BranchRow old = repoint->old;
  BranchRow next = repoint->next;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  (void)snprintf(next.name, sizeof next.name, "%s", old.name);
  next.state = ROW_READY;
  describe_old(repoint, &old);
  if (!catalog_begin(context->catalog, &guard, err) || !access_confirm(context, err) ||
      !branch_update(context->catalog, &old, err) || !branch_update(context->catalog, &next, err) ||
      !tier_move(context->catalog, old.id, next.id, err) ||
      !exchange_endpoints(context, repoint, endpoint, err) || !move_root(context, repoint, err) ||
      !tell(context, repoint->plan, operation, err) ||
      !operation_finish(context->catalog, operation->id, NULL, err) || !catalog_commit(&guard, err))
    return false;
  repoint->old = old;
  repoint->next = next;
  return true;
}

static bool swap(Context *context, Repoint *repoint, const OperationRow *operation, Error *err) {
  EndpointRow endpoint;
  AUTO_RELEASE(fd_release) int lock = -1;
  return volume_lock(context, repoint->old.volume, LOCK_EXCLUSIVE, VOLUME_LOCK_MS, &lock, err) &&
         close_old(context, repoint, &endpoint, err) &&
         exchange(context, repoint, &endpoint, operation, err) &&
         failpoint_reach(FAILPOINT_REPOINT_SWAPPED, err);
}

/* Its compute runs, and is stopped again, before anybody knows of it. */
static bool prepare(Context *context, Repoint *repoint, Error *err) {
  EndpointRow endpoint;
  const RepointPlan *plan = repoint->plan;
  return branch_update(context->catalog, &repoint->next, err) &&
         endpoint_start_new(context, repoint->next.id, &endpoint, err) &&
         plan->prepare(plan->arg, context, &repoint->next, err) &&
         endpoint_stop(context, repoint->next.id, false, NULL, err) &&
         branch_get(context->catalog, repoint->next.id, &repoint->next, err) &&
         failpoint_reach(FAILPOINT_REPOINT_PREPARED, err);
}

static bool carry_out(Context *context, Repoint *repoint, const OperationRow *operation,
                      Error *err) {
  ForkResult fork;
  if (!failpoint_reach(FAILPOINT_REPOINT_RECORDED, err) ||
      !fork_volume(context, repoint->source.id, repoint->next.volume, &fork, err) ||
      !failpoint_reach(FAILPOINT_REPOINT_COPIED, err))
    return false;
  branch_take_fork(&repoint->next, &fork);
  if (repoint->plan->prepare != NULL && !prepare(context, repoint, err))
    return false;
  previous_name(repoint->previous_name, repoint->old.name);
  return swap(context, repoint, operation, err);
}

/* An operation that still runs has not moved anything: that is one transaction with its end. */
static bool repoint_take_back(Context *context, const OperationRow *operation, const Error *failure,
                              Error *err) {
  const char *id = NULL;
  BranchRow next;
  EndpointRow endpoint;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (!json_get_string(operation->params, "new", &id, err) ||
      !branch_get(context->catalog, id, &next, err))
    return false;
  if (next.state != ROW_CREATING) /* it came to its end, and the answer was lost */
    return operation_finish(context->catalog, operation->id, NULL, err);
  if (!endpoint_stop(context, next.id, true, NULL, err) ||
      !agent_call(context->agent, "volume.delete", json_pack("{s:s}", "volume", next.volume), NULL,
                  err))
    return false;
  volume_lock_forget(context, next.volume);
  next.state = ROW_DELETED;
  return endpoint_of_branch(context->catalog, next.id, &endpoint, err) &&
         catalog_begin(context->catalog, &guard, err) &&
         endpoint_delete(context->catalog, endpoint.id, err) &&
         branch_update(context->catalog, &next, err) &&
         operation_finish(context->catalog, operation->id, failure, err) &&
         catalog_commit(&guard, err);
}

bool branch_repoint_recover(Context *context, const OperationRow *operation, Error *err) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_CANCELLED, "interrupted before the branch moved");
  return repoint_take_back(context, operation, &failure, err);
}

static bool answer(Context *context, const Repoint *repoint, int64_t started, json_t **ret,
                   Error *err) {
  EndpointRow endpoint;
  json_t *description = NULL;
  if ((repoint->was_awake && !endpoint_start(context, repoint->next.id, &endpoint, err)) ||
      !describe_branch(context, repoint->project, &repoint->next, &description, err))
    return false;
  AUTO(str_free) char *url = describe_url(context, repoint->project, &repoint->next, description);
  *ret = json_pack("{s:o, s:s, s:s, s:f}", "branch", description, "previous", repoint->old.name,
                   "url", url, "duration_ms", (double)(clock_monotonic_us() - started) / 1000.0);
  return true;
}

bool repoint_carry_out(Context *context, const RepointPlan *plan, json_t **ret, Error *err) {
  int64_t started = clock_monotonic_us();
  Repoint repoint = {.plan = plan,
                     .project = plan->project,
                     .old = *plan->old,
                     .source = *plan->source,
                     .grace_ms = plan->grace_ms};
  AUTO_RELEASE(operation_row_release) OperationRow operation = {0};
  if (!check(context, &repoint, err) || !record(context, &repoint, &operation, err))
    return false;
  Error failure = ERROR_INIT;
  if (!carry_out(context, &repoint, &operation, &failure)) {
    Error second = ERROR_INIT; /* recovery goes on where this stops */
    (void)!repoint_take_back(context, &operation, &failure, &second);
    *err = failure;
    return false;
  }
  return answer(context, &repoint, started, ret, err);
}

static bool may_repoint(Context *context, const BranchRow *old, const BranchRow *source,
                        Error *err) {
  const AccessQuestion question = {
      .action = ACTION_ENDPOINT_REPOINT, .branch = old, .source = source};
  if (old->is_protected && !access_is_platform(context))
    return error_set(err, ERROR_BRANCH_PROTECTED, "branch \"%s\" is protected", old->name);
  return access_ask(context, &question, err);
}

bool branch_repoint(Context *context, const ProjectRow *project, const char *name, const char *to,
                    const char *grace, json_t **ret, Error *err) {
  BranchRow old;
  BranchRow source;
  RepointPlan plan = {.project = project,
                      .old = &old,
                      .source = &source,
                      .operation = "endpoint.repoint",
                      .is_counted = true};
  return read_grace(grace, &plan.grace_ms, err) &&
         branch_resolve(context, project, name, &old, err) &&
         branch_resolve(context, project, to, &source, err) &&
         may_repoint(context, &old, &source, err) && repoint_carry_out(context, &plan, ret, err);
}
