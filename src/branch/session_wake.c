/* Starting a compute for clients that wait for it. */
#include "branch/session_route.h"

#include "branch/audit.h"
#include "branch/endpoint.h"
#include "catalog/access.h"

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
      !endpoint_wake(context, id, record_wake, copy, &endpoint, &failure)) {
    Error ignored = ERROR_INIT; /* those who wait are to hear why, not of this */
    (void)!record(context, params, &endpoint, &failure, &ignored);
    *err = failure;
    return false;
  }
  *ret = json_pack("{s:s}", "endpoint", endpoint.id);
  return true;
}
