/* The life of a compute as the catalog sees it. */
#include "branch/endpoint.h"

#include "branch/audit.h"
#include "branch/endpoint_open.h"
#include "branch/expiry.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/process.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdio.h>

enum {
  LOCK_MS = 60 * 1000,
  SESSION_SLICE_MS = 1000, /* then it is looked whether there is still somebody to answer */
  FAILURE_LIMIT = 8,       /* crashes or failed starts in a row, then it stays down */
};

/* A compute that lived this long has shown that it can: what was before is forgotten. Longer than
 * the delays up to the limit (daemon/supervise.c), which count as its life, too. */
static const int64_t calm_us = 60 * 1000 * 1000LL;

bool endpoint_is_alive(const EndpointRow *endpoint) {
  return endpoint->pid > 0 && endpoint->start_time > 0 &&
         process_start_time(endpoint->pid) == (uint64_t)endpoint->start_time;
}

void endpoint_watch(Context *context, const EndpointRow *endpoint) {
  if (context->watch == NULL)
    context->watch = json_array();
  (void)json_array_append_new(context->watch, json_pack("{s:s, s:i, s:I}", "endpoint", endpoint->id,
                                                        "pid", endpoint->pid, "start_time",
                                                        (json_int_t)endpoint->start_time));
}

bool endpoint_is_awake(const EndpointRow *endpoint) {
  return endpoint->state == ENDPOINT_RUNNING && endpoint->wanted && endpoint_is_alive(endpoint);
}

typedef bool OpenSession(Context *context, const EndpointRow *endpoint, int timeout_ms, Conn **ret,
                         Error *err);

static bool open_kept(Context *context, const EndpointRow *endpoint, int timeout_ms, Conn **ret,
                      Error *err) {
  return session_get(context->sessions, endpoint, timeout_ms, ret, err);
}

static bool open_own(Context *context, const EndpointRow *endpoint, int timeout_ms, Conn **ret,
                     Error *err) {
  AUTO(str_free) char *directory = path_join(context->home->run, endpoint->id);
  return platform_open(directory, "postgres", timeout_ms, ret, err);
}

static bool open_while_alive(Context *context, const EndpointRow *endpoint, OpenSession *open,
                             int limit_ms, const char *waiting, Conn **ret, Error *err) {
  int64_t deadline = clock_monotonic_ms() + limit_ms;
  for (;;) {
    Error failure = ERROR_INIT;
    if (open(context, endpoint, SESSION_SLICE_MS, ret, &failure))
      return true;
    if (failure.code != ERROR_COMPUTE_TIMEOUT || !endpoint_is_alive(endpoint) ||
        clock_monotonic_ms() >= deadline) {
      *err = failure;
      return false;
    }
    if (waiting != NULL)
      context_report(context, waiting, 0, 0);
  }
}

bool endpoint_session(Context *context, const EndpointRow *endpoint, int limit_ms,
                      const char *waiting, Conn **ret, Error *err) {
  return open_while_alive(context, endpoint, open_kept, limit_ms, waiting, ret, err);
}

bool endpoint_own_session(Context *context, const EndpointRow *endpoint, int limit_ms,
                          const char *waiting, Conn **ret, Error *err) {
  return open_while_alive(context, endpoint, open_own, limit_ms, waiting, ret, err);
}

/* Of a run that ended by itself. Counted once: the row's state is another one then. */
static void count_crash(EndpointRow *endpoint) {
  if (endpoint->state != ENDPOINT_RUNNING || endpoint_is_alive(endpoint))
    return;
  bool was_calm = clock_wall_us() - endpoint->started_at > calm_us;
  endpoint->failures = was_calm ? 1 : endpoint->failures + 1;
  endpoint->state = ENDPOINT_STOPPED;
}

/* A start that failed leaves no half-open server behind and says why on the row. */
static void give_up(Context *context, const BranchRow *branch, EndpointRow *endpoint,
                    const Error *failure) {
  Error ignored = ERROR_INIT;
  (void)!endpoint_end_process(context, branch->volume, endpoint, true, &ignored);
  endpoint->state = ENDPOINT_FAILED;
  endpoint->failures++;
  (void)snprintf(endpoint->error, sizeof endpoint->error, "%.500s", failure->message);
  (void)!endpoint_update(context->catalog, endpoint, &ignored);
}

bool endpoint_check_openable(const BranchRow *branch, Error *err) {
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

/* Locks the volume that the endpoint leads to now: while we waited a reset may have given its
 * branch another volume, and a repoint may have given it to another branch. */
static bool lock_endpoint(Context *context, const char *id, BranchRow *ret_branch,
                          EndpointRow *ret_endpoint, int *ret_lock, Error *err) {
  for (;;) {
    BranchRow before;
    AUTO_RELEASE(fd_release) int lock = -1;
    if (!endpoint_get(context->catalog, id, ret_endpoint, err) ||
        !branch_get(context->catalog, ret_endpoint->branch, &before, err) ||
        !volume_lock(context, before.volume, LOCK_EXCLUSIVE, LOCK_MS, &lock, err) ||
        !endpoint_get(context->catalog, id, ret_endpoint, err) ||
        !branch_get(context->catalog, ret_endpoint->branch, ret_branch, err))
      return false;
    if (!str_equal(before.id, ret_branch->id) || !str_equal(before.volume, ret_branch->volume))
      continue;
    *ret_lock = lock;
    lock = -1;
    return true;
  }
}

/* What was done, and that somebody asked for it, in one transaction. */
static bool store(Context *context, const EndpointRow *endpoint, EndpointTold *told, void *arg,
                  Error *err) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  if (told == NULL)
    return endpoint_update(context->catalog, endpoint, err);
  return catalog_begin(context->catalog, &guard, err) &&
         endpoint_update(context->catalog, endpoint, err) && told(arg, context, endpoint, err) &&
         catalog_commit(&guard, err);
}

/* The volume's lock is held. */
static bool start_locked(Context *context, BranchRow *branch, EndpointRow *endpoint,
                         EndpointTold *told, void *arg, Error *err) {
  if (endpoint->state == ENDPOINT_RUNNING && endpoint_is_alive(endpoint)) {
    endpoint->wanted = true; /* a suspend that gave up may have taken the wish back */
    endpoint->error[0] = '\0';
    return store(context, endpoint, told, arg, err);
  }
  Error failure = ERROR_INIT;
  if (!endpoint_open(context, branch, endpoint, &failure) ||
      !store(context, endpoint, told, arg, &failure)) {
    give_up(context, branch, endpoint, &failure);
    *err = failure;
    return false;
  }
  endpoint_watch(context, endpoint);
  return true;
}

typedef enum Asker {
  ASKER_CLIENT, /* who connects, and boughd itself: what was suspended stays so */
  ASKER_MAKER,  /* whoever is still making the branch */
  ASKER_USER,   /* who means this compute, and may have removed why it ended: it begins anew */
} Asker;

static bool check_not_suspended(const EndpointRow *endpoint, Asker asker, Error *err) {
  if (asker != ASKER_CLIENT || !str_starts(endpoint->error, ENDPOINT_SUSPENDED))
    return true;
  (void)error_set(err, ERROR_POOL_FULL, "the branch is %s", endpoint->error);
  return error_hint(err,
                    "make room if the pool is nearly full, then `bough endpoint start BRANCH`; "
                    "it counts from zero again");
}

static bool wake(Context *context, const char *id, Asker asker, EndpointTold *told, void *arg,
                 EndpointRow *ret, Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  if (!endpoint_get(context->catalog, id, &endpoint, err))
    return false;
  if (endpoint_is_awake(&endpoint)) {
    *ret = endpoint;
    return true;
  }
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!check_not_suspended(&endpoint, asker, err) || /* before anything is waited for */
      !lock_endpoint(context, id, &branch, &endpoint, &lock, err) ||
      !((asker == ASKER_MAKER && branch.state == ROW_CREATING) ||
        endpoint_check_openable(&branch, err)) ||
      !check_not_suspended(&endpoint, asker, err))
    return false;
  count_crash(&endpoint);
  if (asker == ASKER_USER)
    endpoint.failures = 0;
  if (!start_locked(context, &branch, &endpoint, told, arg, err))
    return false;
  *ret = endpoint;
  return true;
}

bool endpoint_wake(Context *context, const char *id, EndpointTold *told, void *arg,
                   EndpointRow *ret, Error *err) {
  return wake(context, id, ASKER_CLIENT, told, arg, ret, err);
}

static bool record_request(void *arg, Context *context, const EndpointRow *endpoint, Error *err) {
  return audit_record(context, NULL, NULL, err);
}

static bool start(Context *context, const char *branch, Asker asker, EndpointTold *told,
                  EndpointRow *ret, Error *err) {
  EndpointRow endpoint;
  return endpoint_of_branch(context->catalog, branch, &endpoint, err) &&
         wake(context, endpoint.id, asker, told, NULL, ret, err);
}

bool endpoint_start(Context *context, const char *branch, EndpointRow *ret, Error *err) {
  return start(context, branch, ASKER_CLIENT, NULL, ret, err);
}

bool endpoint_start_new(Context *context, const char *branch, EndpointRow *ret, Error *err) {
  return start(context, branch, ASKER_MAKER, NULL, ret, err);
}

bool endpoint_start_asked(Context *context, const char *branch, EndpointRow *ret, Error *err) {
  return start(context, branch, ASKER_USER, record_request, ret, err);
}

/* The volume's lock is held. The wish goes first: boughd must not start again what it sees end. */
static bool stop_locked(Context *context, const BranchRow *branch, EndpointRow *endpoint,
                        bool immediate, EndpointTold *told, Error *err) {
  endpoint->wanted = false;
  endpoint->failures = 0; /* this end is none */
  return endpoint_update(context->catalog, endpoint, err) &&
         endpoint_end_process(context, branch->volume, endpoint, immediate, err) &&
         store(context, endpoint, told, NULL, err);
}

static bool stop(Context *context, const char *id, bool immediate, EndpointTold *told,
                 EndpointRow *ret, Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  AUTO_RELEASE(fd_release) int lock = -1;
  if (!endpoint_of_branch(context->catalog, id, &endpoint, err) ||
      !lock_endpoint(context, endpoint.id, &branch, &endpoint, &lock, err))
    return false;
  bool at_rest = endpoint.state == ENDPOINT_STOPPED && endpoint.pid == 0 && !endpoint.wanted;
  if (!at_rest && !stop_locked(context, &branch, &endpoint, immediate, told, err))
    return false;
  if (ret != NULL)
    *ret = endpoint;
  return true;
}

bool endpoint_stop(Context *context, const char *id, bool immediate, EndpointRow *ret, Error *err) {
  return stop(context, id, immediate, NULL, ret, err);
}

bool endpoint_stop_asked(Context *context, const char *id, EndpointRow *ret, Error *err) {
  return stop(context, id, false, record_request, ret, err);
}

bool endpoint_suspend(Context *context, const EndpointRow *run, const char *reason, bool *ret,
                      Error *err) {
  BranchRow branch;
  EndpointRow endpoint;
  AUTO_RELEASE(fd_release) int lock = -1;
  *ret = false;
  if (!lock_endpoint(context, run->id, &branch, &endpoint, &lock, err))
    return false;
  if (endpoint.pid != run->pid || endpoint.start_time != run->start_time)
    return true;
  (void)snprintf(endpoint.error, sizeof endpoint.error, ENDPOINT_SUSPENDED "%.450s", reason);
  *ret = stop_locked(context, &branch, &endpoint, true, NULL, err);
  return *ret;
}

bool endpoint_stop_held(Context *context, const BranchRow *branch, bool immediate,
                        EndpointRow *endpoint, Error *err) {
  return stop_locked(context, branch, endpoint, immediate, NULL, err);
}

static bool stay_down(Context *context, EndpointRow *endpoint, Error *err) {
  endpoint->wanted = false;
  endpoint->state = ENDPOINT_FAILED;
  if (endpoint->error[0] == '\0')
    (void)snprintf(endpoint->error, sizeof endpoint->error,
                   "postgres ended %d times in a row, each time within %d s of its start",
                   endpoint->failures, (int)(calm_us / 1000000));
  return endpoint_update(context->catalog, endpoint, err);
}

bool endpoint_revive(Context *context, const char *id, Error *err) {
  EndpointRow endpoint;
  BranchRow branch;
  AUTO_RELEASE(fd_release) int lock = -1;
  Error failure = ERROR_INIT;
  if (!lock_endpoint(context, id, &branch, &endpoint, &lock, &failure)) {
    if (failure.code == ERROR_NOTHING_TO_DO) /* gone with its branch: that is why it ended */
      return true;
    *err = failure;
    return false;
  }
  if (!endpoint.wanted || endpoint_is_alive(&endpoint) || branch.state != ROW_READY ||
      branch.expired_at != 0)
    return true;
  count_crash(&endpoint);
  return endpoint.failures < FAILURE_LIMIT
             ? start_locked(context, &branch, &endpoint, NULL, NULL, err)
             : stay_down(context, &endpoint, err);
}

static bool find_process(Context *context, const char *volume, EndpointRow *endpoint, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  if (!agent_call(context->agent, "compute.find", json_pack("{s:s}", "volume", volume), &answer,
                  err))
    return false;
  endpoint->pid = (int)json_integer_or(answer, "pid", 0);
  endpoint->start_time = json_integer_or(answer, "start_time", 0);
  return true;
}

/* An import's compute is in no row until the import is through: it is found by its volume. Whoever
 * imports may take both away at the same moment, since the compute ends under them. */
static bool stop_import(Context *context, EndpointRow *endpoint, Error *err) {
  BranchRow branch;
  Error failure = ERROR_INIT;
  if (!branch_get(context->catalog, endpoint->branch, &branch, err))
    return false;
  if (branch.state != ROW_CREATING)
    return true;
  if (!find_process(context, branch.volume, endpoint, err))
    return false;
  if (endpoint->pid == 0 || endpoint_end_process(context, branch.volume, endpoint, true, &failure))
    return true;
  if (find_process(context, branch.volume, endpoint, err) && endpoint->pid == 0)
    return true;
  *err = failure;
  return false;
}

static bool stop_one(Context *context, EndpointRow *endpoint, Error *err) {
  bool wanted = endpoint->wanted;
  if (!endpoint_is_alive(endpoint))
    return stop_import(context, endpoint, err);
  bool ok = endpoint_stop(context, endpoint->branch, false, endpoint, err);
  endpoint->wanted = wanted;
  return ok && endpoint_update(context->catalog, endpoint, err);
}

/* One that can't be stopped keeps no other one running. */
bool endpoint_stop_all(Context *context, Error *err) {
  EndpointRow *rows = NULL;
  size_t count = 0;
  if (!endpoint_list(context->catalog, &rows, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; at < count; at++) {
    Error failure = ERROR_INIT;
    context_report(context, "stopping computes", (int64_t)at, (int64_t)count);
    if (stop_one(context, &rows[at], &failure) || !ok)
      continue;
    *err = failure;
    ok = false;
  }
  mem_free(rows);
  return ok;
}
