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
