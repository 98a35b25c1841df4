/* The routes of promotions and rollbacks. */
#include "daemon/api_promote.h"

#include "branch/branch.h"
#include "daemon/with_project.h"
#include "scm/promote.h"
#include "scm/rollback.h"

bool get_promotions(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *tier = json_string_or(request->query, "tier", NULL);
  WITH_PROJECT(promote_list(context, &project, tier, ret, err));
}

static bool read_sides(const json_t *object, PromoteRequest *ret, Error *err) {
  return json_get_string(object, "from", &ret->from, err) &&
         json_get_string(object, "to", &ret->to, err);
}

bool post_promotion(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  PromoteRequest promotion = {0};
  if (!read_sides(request->body, &promotion, err))
    return false;
  WITH_PROJECT(promote_change(context, &project, &promotion, ret, err));
}

bool get_promotion_preview(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  PromoteRequest promotion = {.dry_run = true};
  if (!read_sides(request->query, &promotion, err))
    return false;
  WITH_PROJECT(promote_change(context, &project, &promotion, ret, err));
}

bool post_promotion_approval(Context *context, const ApiRequest *request, json_t **ret,
                             Error *err) {
  PromoteRequest promotion = {0};
  if (!read_sides(request->body, &promotion, err))
    return false;
  WITH_PROJECT(promote_approve(context, &project, promotion.from, promotion.to, ret, err));
}

bool post_rollback_preview(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *tier = NULL;
  const char *to = json_string_or(request->body, "to", NULL);
  if (!json_get_string(request->body, "tier", &tier, err))
    return false;
  WITH_PROJECT(rollback_preview(context, &project, tier, to, ret, err));
}

bool post_rollback(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  const char *tier = NULL;
  const char *to = json_string_or(request->body, "to", NULL);
  const char *token = json_string_or(request->body, "token", NULL);
  if (!json_get_string(request->body, "tier", &tier, err))
    return false;
  WITH_PROJECT(rollback_tier(context, &project, tier, to, token, ret, err));
}

bool job_promote(Context *context, const ApiRequest *request, json_t **ret, Error *err) {
  json_t *events = NULL;
  if (!promote_continue(context, &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}
