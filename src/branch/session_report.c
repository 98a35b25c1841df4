/* What the proxy tells of its sessions, put on record. */
#include "branch/session_route.h"

#include "catalog/access.h"
#include "core/str.h"

static json_t *ids_of(const json_t *params) {
  json_t *ids = json_array();
  size_t at = 0;
  const json_t *session = NULL;
  json_array_foreach(json_object_get(params, "sessions"), at, session) {
    const char *id = json_string_or(session, "session", "");
    if (id_check("ses", id))
      (void)json_array_append_new(ids, json_string(id));
  }
  return ids;
}

bool session_hello(Context *context, const json_t *params, Error *err) {
  const char *boot = NULL;
  AUTO(json_free) json_t *ids = ids_of(params);
  AUTO(json_free) json_t *unwanted = NULL;
  size_t at = 0;
  const json_t *session = NULL;
  if (!json_get_string(params, "boot", &boot, err) ||
      !session_end_unlisted(context->catalog, boot, ids, err) ||
      !session_unwanted(context->catalog, ids, &unwanted, err))
    return false;
  json_array_foreach(unwanted, at, session) {
    context_push(context, "terminate",
                 json_pack("{s:s, s:i, s:s}", "session", json_string_value(session), "grace_ms", 0,
                           "reason", "terminating connection: its right has ended"));
  }
  return true;
}

static json_t *describe_end(const json_t *told, const char *session) {
  static const char *const kept[] = {"bytes_in", "bytes_out", "duration_ms", "reason"};
  json_t *how = json_object();
  for (size_t at = 0; at < ARRAY_LENGTH(kept); at++)
    (void)json_object_set(how, kept[at], json_object_get(told, kept[at]));
  return json_pack("{s:s, s:o}", "session", session, "how", how);
}

/* What one of them met must not keep the others open. */
static bool end_one_by_one(Context *context, const json_t *ends, Error *err) {
  bool ok = true;
  size_t at = 0;
  json_t *end = NULL;
  json_array_foreach(ends, at, end) {
    AUTO(json_free) json_t *one = json_pack("[O]", end);
    Error failure = ERROR_INIT;
    if (sessions_end(context->catalog, one, &failure))
      continue;
    *err = failure;
    ok = false;
  }
  return ok;
}

bool sessions_ended(Context *context, const json_t *params, Error *err) {
  AUTO(json_free) json_t *ends = json_array();
  size_t at = 0;
  const json_t *told = NULL;
  json_array_foreach(json_object_get(params, "sessions"), at, told) {
    const char *session = json_string_or(told, "session", "");
    if (id_check("ses", session))
      (void)json_array_append_new(ends, describe_end(told, session));
  }
  return json_array_size(ends) == 0 || sessions_end(context->catalog, ends, err) ||
         end_one_by_one(context, ends, err);
}

bool session_reported(Context *context, const json_t *params, Error *err) {
  const json_t *sessions = json_object_get(params, "sessions");
  int64_t gap = json_integer_or(params, "gap", 0) + json_integer_or(params, "lost", 0);
  AUTO(json_free)
  json_t *about = json_pack("{s:s, s:I}", "boot", json_string_or(params, "boot", "-"), "reports",
                            (json_int_t)gap);
  const AuditRow row = {
      .actor_name = "system", .service = "proxy", .action = "sessions.gap", .params = about};
  return (gap == 0 || audit_insert(context->catalog, &row, err)) && json_is_array(sessions) &&
         session_count_bytes(context->catalog, sessions, err);
}

/* Of whom and where, as far as there is such a principal and such an endpoint. */
static void find_place(Context *context, const json_t *params, AuditRow *row,
                       PrincipalRow *principal, EndpointRow *endpoint, BranchRow *branch) {
  Error ignored = ERROR_INIT;
  const char *name = json_string_or(params, "principal", NULL);
  const char *id = json_string_or(params, "endpoint", "");
  if (name != NULL)
    row->actor_name = name;
  if (name != NULL && principal_by_name(context->catalog, name, principal, &ignored))
    row->actor = principal;
  if (!id_check("ep", id) || !endpoint_get(context->catalog, id, endpoint, &ignored))
    return;
  row->endpoint = endpoint->id;
  if (!branch_get(context->catalog, endpoint->branch, branch, &ignored))
    return;
  row->branch = branch->id;
  row->project = branch->project;
}

bool session_refused(Context *context, const json_t *params, Error *err) {
  Error failure = ERROR_INIT;
  PrincipalRow principal;
  EndpointRow endpoint;
  BranchRow branch;
  (void)error_set(&failure, error_code_from_name(json_string_or(params, "code", "")), "%s",
                  json_string_or(params, "message", ""));
  int64_t count = json_integer_or(params, "count", 1);
  AUTO(json_free) json_t *about = json_pack("{s:I}", "count", (json_int_t)count);
  AuditRow row = {.actor_name = json_string_or(params, "user", ""),
                  .source = json_string_or(params, "source", NULL),
                  .service = "proxy",
                  .action = "session.start",
                  .params = about,
                  .failure = &failure};
  find_place(context, params, &row, &principal, &endpoint, &branch);
  return audit_count_refusal(context->catalog, &row, count, err);
}
