/* Looks for computes that nobody uses. */
#include "branch/idle.h"

#include "branch/access.h"
#include "branch/endpoint.h"
#include "catalog/access.h"
#include "core/str.h"

enum { DEFAULT_IDLE_SECONDS = 300, CONNECT_MS = 2000 };

/* Sessions that didn't come through the proxy: over the socket, by those whom the machine lets. */
static bool has_direct_sessions(Context *context, const EndpointRow *endpoint, bool *ret,
                                Error *err) {
  static const char sql[] = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity"
                            " WHERE backend_type OPERATOR(pg_catalog.=) 'client backend'"
                            " AND usename OPERATOR(pg_catalog.<>) 'bough_platform')";
  Conn *conn = NULL;
  AUTO(rows_free) Rows *rows = NULL;
  if (!session_get(context->sessions, endpoint, CONNECT_MS, &conn, err))
    return false;
  if (!conn_query(conn, sql, 0, NULL, &rows, err)) {
    session_drop(context->sessions, endpoint->id);
    return false;
  }
  *ret = rows_get_bool(rows, 0, 0);
  return true;
}

static bool suspend(Context *context, const char *branch, bool *ret_done, Error *err) {
  EndpointRow endpoint;
  bool busy = false;
  bool is_free = false;
  if (!endpoint_of_branch(context->catalog, branch, &endpoint, err))
    return false;
  if (!endpoint_is_awake(&endpoint)) /* it ended by itself: supervision sees to it */
    return true;
  if (!has_direct_sessions(context, &endpoint, &busy, err))
    return false;
  if (busy)
    return endpoint_touch(context->catalog, endpoint.id, err);
  /* from here on a client that comes waits for the stop and wakes it again */
  if (!endpoint_release(context->catalog, endpoint.id, &is_free, err))
    return false;
  *ret_done = is_free;
  return !is_free || endpoint_stop(context, branch, false, NULL, err);
}

static void add_event(json_t *events, const char *text, const char *branch, const Error *failure) {
  AUTO(str_free)
  char *event = str_format("branch %s: %s%s%s", branch, text, failure != NULL ? ": " : "",
                           failure != NULL ? failure->message : "");
  json_t *value = json_string(event);
  if (value != NULL)
    (void)json_array_append_new(events, value);
}

static void declare(json_t *list, const char *project, const char *key, const char *name,
                    int64_t seconds) {
  if (seconds != 0)
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:I}", "project", project, key, name, "seconds",
                        (json_int_t)(seconds == POLICY_IDLE_NEVER ? -1 : seconds)));
}

/* What the policies in force say. */
static bool list_declared(Context *context, json_t *list, Error *err) {
  ProjectRow *projects = NULL;
  size_t count = 0;
  if (!project_list(context->catalog, &projects, &count, err))
    return false;
  bool ok = true;
  for (size_t project = 0; project < count; project++) {
    const Policy *policy = NULL;
    const char *id = projects[project].id;
    ok = ok && access_policy(context, id, &policy, NULL, err);
    for (size_t at = 0; ok && policy != NULL && at < policy->tier_count; at++)
      declare(list, id, "tier", policy->tiers[at].name, policy->tiers[at].idle_s);
    for (size_t at = 0; ok && policy != NULL && at < policy->kind_count; at++)
      declare(list, id, "kind", policy->kinds[at].name, policy->kinds[at].idle_s);
    project_row_release(&projects[project]);
  }
  mem_free(projects);
  return ok;
}

static bool suspend_idle(Context *context, json_t *events, Error *err) {
  int64_t seconds = json_integer_or(context->home->config, "idle_seconds", DEFAULT_IDLE_SECONDS);
  bool roots = json_bool_or(context->home->config, "idle_roots", false);
  AUTO(json_free) json_t *branches = NULL;
  AUTO(json_free) json_t *declared = json_array();
  size_t at = 0;
  const json_t *branch = NULL;
  if (!list_declared(context, declared, err) ||
      !endpoint_idle(context->catalog, seconds > 0 ? seconds : -1, roots, declared, &branches, err))
    return false;
  json_array_foreach(branches, at, branch) {
    const char *id = json_string_value(branch);
    bool done = false;
    Error failure = ERROR_INIT; /* one that can't be stopped doesn't keep others awake */
    if (!suspend(context, id, &done, &failure))
      add_event(events, "could not be suspended", id, &failure);
  }
  return true;
}

static bool end_strangers(Context *context, const json_t *boots, json_t *events, Error *err) {
  size_t count = 0;
  if (boots == NULL || !json_is_array(boots))
    return true;
  if (!session_end_strangers(context->catalog, boots, &count, err))
    return false;
  if (count > 0) {
    AUTO(str_free) char *text = str_format("%zu sessions went with their proxy", count);
    (void)json_array_append_new(events, json_string(text));
  }
  return true;
}

bool idle_look(Context *context, const json_t *boots, json_t **ret_events, Error *err) {
  AUTO(json_free) json_t *events = json_array();
  if (!end_strangers(context, boots, events, err) || !token_sweep(context->catalog, err) ||
      !suspend_idle(context, events, err))
    return false;
  *ret_events = STEAL(events);
  return true;
}
