/* The routes of what ends, and of what is done on a schedule. */
#include "daemon/api_expiry.h"

#include "branch/branch.h"
#include "branch/expiry.h"
#include "branch/reaper.h"
#include "branch/schedule.h"
#include "branch/webhook.h"
#include "migrate/migrate.h"

static bool read_ttl(const json_t *body, const char **ret, Error *err) {
  const char *ttl = json_string_or(body, "ttl", NULL);
  if ((ttl != NULL) == json_bool_or(body, "never", false))
    return error_set(err, ERROR_USAGE, "either \"ttl\" must be a span or \"never\" must be true");
  *ret = ttl;
  return true;
}

bool post_expire(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *ttl = NULL;
  ProjectRow project = {0};
  if (!read_ttl(request->body, &ttl, err) ||
      !project_resolve(context, request->project, &project, err))
    return false;
  bool ok = branch_expire(context, &project, request->branch, ttl, ret, err);
  project_row_release(&project);
  return ok;
}

bool job_expire(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  bool more = false;
  if (!reaper_look(context, &events, &more, err))
    return false;
  *ret = json_pack("{s:o, s:b}", "events", events, "more", more);
  return true;
}

bool job_webhook(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!webhook_deliver(context, &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

bool get_schedules(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  ProjectRow project = {0};
  if (!project_resolve(context, request->project, &project, err))
    return false;
  bool ok = schedule_show(context, &project, ret, err);
  project_row_release(&project);
  return ok;
}

bool post_schedule_run(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  ProjectRow project = {0};
  if (!project_resolve(context, request->project, &project, err))
    return false;
  bool ok = schedule_run(context, &project, request->name, migrate_reapply, ret, err);
  project_row_release(&project);
  return ok;
}

bool job_schedule(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!schedule_look(context, migrate_reapply, &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}
