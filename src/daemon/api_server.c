/* The routes about the server itself, and the jobs of its own. */
#include "daemon/api_server.h"

#include "branch/audit_keep.h"
#include "branch/doctor.h"
#include "branch/endpoint.h"
#include "branch/idle.h"
#include "branch/metrics.h"
#include "branch/recover.h"
#include "branch/show.h"
#include "branch/watch.h"
#include "catalog/cluster.h"

bool get_status(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return doctor_status(context, request->daemon, ret, err);
}

bool get_doctor(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return doctor_run(context, request->daemon, ret, err);
}

bool get_metrics(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return metrics_show(context, request->daemon, ret, err);
}

bool get_operations(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return show_operations(context, ret, err);
}

/* Stops computes for POST /v1/shutdown; boughd itself ends after the answer. */
bool post_shutdown(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  if (!access_system(context, ACTION_PROJECT_MANAGE, err))
    return false;
  return !json_bool_or(request->body, "computes", false) || endpoint_stop_all(context, err);
}

bool job_start(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *problems = NULL;
  if (!recover(context, &problems, err))
    return false;
  *ret = json_pack("{s:o}", "problems", problems);
  return true;
}

bool job_recover(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *problems = NULL;
  if (!recover_interrupted(context, &problems, err))
    return false;
  *ret = json_pack("{s:o}", "problems", problems);
  return true;
}

bool job_revive(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *endpoint = NULL;
  return json_get_string(request->body, "endpoint", &endpoint, err) &&
         endpoint_revive(context, endpoint, err);
}

bool job_tick(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!watch_pool(context, json_bool_or(request->body, "measure", false), &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

bool job_idle(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!idle_look(context, json_object_get(request->body, "boots"), &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

bool job_catalog_stop(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  Error ignored = ERROR_INIT; /* it is done after the next start, then */
  (void)!(context->catalog == NULL || audit_settle(context, &ignored));
  return catalog_cluster_stop(context->home, err);
}
