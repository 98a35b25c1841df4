/* Starting a compute for clients that wait for it. */
#include "branch/session_route.h"

#include "branch/audit.h"
#include "branch/endpoint.h"
#include "branch/watch.h"
#include "catalog/access.h"
#include "core/str.h"

/* What was stopped before it filled the pool is not started again by whoever reconnects, but by
 * somebody who means it. */
static bool check_not_suspended(const EndpointRow *endpoint, Error *err) {
  if (!str_starts(endpoint->error, WATCH_SUSPENDED))
    return true;
  (void)error_set(err, ERROR_POOL_FULL, "the branch is %s", endpoint->error);
  return error_hint(err,
                    "make room if the pool is nearly full, then `bough endpoint start BRANCH`; "
                    "it counts from zero again");
}

/* failure NULL: it is awake. */
static bool record(Context *context, const json_t *params, const EndpointRow *endpoint,
                   const Error *failure, Error *err) {
  const AuditRow row = {.actor_name = json_string_or(params, "principal", ""),
                        .service = "boughd",
                        .action = "endpoint.wake",
                        .failure = failure,
                        .project = endpoint->project,
                        .branch = endpoint->branch,
                        .endpoint = endpoint->id};
  return audit_insert(context->catalog, &row, err) &&
         endpoint_count_wake(context->catalog, endpoint->id, err);
}

static bool record_wake(void *arg, Context *context, const EndpointRow *endpoint, Error *err) {
  return record(context, arg, endpoint, NULL, err);
}

bool session_wake(Context *context, const json_t *params, json_t **ret, Error *err) {
  const char *id = NULL;
  EndpointRow endpoint;
  Error failure = ERROR_INIT;
  AUTO(json_free) json_t *copy = json_copy((json_t *)params);
  if (!json_get_string(params, "endpoint", &id, err) ||
      !endpoint_get(context->catalog, id, &endpoint, err))
    return false;
  if (!endpoint_is_awake(&endpoint) &&
      (!check_not_suspended(&endpoint, &failure) ||
       !endpoint_wake(context, id, record_wake, copy, &endpoint, &failure))) {
    Error ignored = ERROR_INIT; /* those who wait are to hear why, not of this */
    (void)!record(context, params, &endpoint, &failure, &ignored);
    *err = failure;
    return false;
  }
  *ret = json_pack("{s:s}", "endpoint", endpoint.id);
  return true;
}
