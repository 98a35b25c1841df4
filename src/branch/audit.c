/* The trail of the request at hand. */
#include "branch/audit.h"

#include "catalog/access.h"
#include "core/str.h"

#include <stdio.h>

void trail_release(Trail *trail) {
  json_free(trail->params);
  *trail = (Trail){0};
}

void audit_begin(Context *context, const AuditStart *start) {
  Trail *trail = &context->trail;
  trail_release(trail);
  (void)snprintf(trail->request, sizeof trail->request, "%s",
                 start->request != NULL ? start->request : "");
  (void)snprintf(trail->source, sizeof trail->source, "%s",
                 start->source != NULL ? start->source : "");
  trail->action = start->action;
  trail->params = start->params;
  trail->changes = start->changes;
}

void audit_note(Context *context, const char *key, json_t *value) {
  if (context->trail.params == NULL)
    context->trail.params = json_object();
  (void)json_object_set_new(context->trail.params, key, value);
}

void audit_about(Context *context, const char *project, const char *branch) {
  Trail *trail = &context->trail;
  (void)snprintf(trail->project, sizeof trail->project, "%s", project != NULL ? project : "");
  (void)snprintf(trail->branch, sizeof trail->branch, "%s", branch != NULL ? branch : "");
}

static const char *actor_name(const Context *context) {
  return context->caller.name[0] != '\0' ? context->caller.name : "";
}

/* params: the request's, and those on top. */
static AuditRow row_of(const Context *context, const char *action, const json_t *params) {
  const Trail *trail = &context->trail;
  return (AuditRow){.actor = context->caller.id[0] != '\0' ? &context->caller : NULL,
                    .actor_name = actor_name(context),
                    .source = str_or_null(trail->source),
                    .request = str_or_null(trail->request),
                    .service = "boughd",
                    .action = action != NULL          ? action
                              : trail->action != NULL ? trail->action
                                                      : "request",
                    .params = params,
                    .project = str_or_null(trail->project),
                    .branch = str_or_null(trail->branch)};
}

static json_t *params_with(const Context *context, json_t *params) {
  json_t *all = context->trail.params != NULL ? json_copy(context->trail.params) : json_object();
  if (params != NULL)
    (void)json_object_update(all, params);
  return all;
}

bool audit_record(Context *context, const char *action, json_t *params, Error *err) {
  AUTO(json_free) json_t *all = params_with(context, params);
  const AuditRow row = row_of(context, action, all);
  if (!audit_insert(context->catalog, &row, err))
    return false;
  context->trail.written = true;
  return true;
}

bool audit_refuse(Context *context, const char *action, json_t *params, const Error *failure,
                  Error *err) {
  AUTO(json_free) json_t *all = params_with(context, params);
  AuditRow row = row_of(context, action, all);
  row.failure = failure;
  return audit_count_refusal(context->catalog, &row, 1, err);
}

/* Of a request that did something on its way (a copy to measure on, say) and was refused then, the
 * last operation is done: it tells nothing of the refusal. */
static bool operation_leaves_row(Context *context, bool *ret, Error *err) {
  *ret = false;
  return context->trail.operation[0] == '\0' ||
         operation_tells_failure(context->catalog, context->trail.operation, ret, err);
}

bool audit_end(Context *context, const Error *failure, Error *err) {
  const Trail *trail = &context->trail;
  bool is_there = false;
  if (context->catalog == NULL || trail->action == NULL)
    return true; /* nothing of the catalog's was changed, and nothing could be written */
  if (failure == NULL)
    return trail->written || trail->operation[0] != '\0' || !trail->changes ||
           audit_record(context, NULL, NULL, err);
  return operation_leaves_row(context, &is_there, err) &&
         (is_there || audit_refuse(context, NULL, NULL, failure, err));
}

json_t *audit_of_operation(const Context *context) {
  const Trail *trail = &context->trail;
  AUTO(json_free) json_t *params = params_with(context, NULL);
  return json_pack("{s:s, s:s*, s:s*, s:s*, s:O}", "actor_type",
                   context->caller.id[0] != '\0' ? context->caller.type : "system", "for",
                   str_or_null(context->caller.on_behalf_of), "source", str_or_null(trail->source),
                   "request", str_or_null(trail->request), "params", params);
}

bool audit_refused_early(Context *context, const json_t *params, Error *err) {
  Error failure = ERROR_INIT;
  const json_t *error = json_object_get(params, "error");
  if (error == NULL)
    return error_set(err, ERROR_USAGE, "no refusal");
  json_to_error(error, &failure);
  const AuditRow row = {.source = json_string_or(params, "source", NULL),
                        .request = json_string_or(params, "request", NULL),
                        .service = "boughd",
                        .action = json_string_or(params, "action", "request"),
                        .failure = &failure};
  return audit_count_refusal(context->catalog, &row, 1, err);
}
