/* The routes about the audit. */
#include "daemon/api_audit.h"

#include "branch/audit.h"
#include "branch/audit_keep.h"
#include "branch/audit_read.h"
#include "branch/audit_verify.h"
#include "core/clock.h"

bool api_get_audit(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return audit_show(context, request->query, ret, err);
}

bool api_post_audit_verify(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return audit_may_read(context, err) &&
         audit_verify(context, json_string_or(request->body, "anchors", NULL), ret, err);
}

bool api_get_system_url(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return audit_url(context, ret, err);
}

bool api_job_audit(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return audit_keep(context, clock_wall_us(), ret, err);
}

bool api_job_audit_refusal(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  return audit_refused_early(context, request->body, err);
}
