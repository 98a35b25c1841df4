/* bough status: one line per part, whatever the others do. */
#include "branch/doctor.h"

#include "branch/pool.h"
#include "branch/runner.h"
#include "core/str.h"

static json_t *state_of(const char *state, const Error *failure) {
  json_t *object = json_pack("{s:s}", "state", state);
  if (failure != NULL)
    (void)json_object_set_new(object, "error", json_from_error(failure));
  return object;
}

static json_t *agent_status(Context *context) {
  json_t *answer = NULL;
  Error failure = ERROR_INIT;
  if (!agent_call(context->agent, "ping", json_object(), &answer, &failure))
    return state_of("down", &failure);
  (void)json_object_set_new(answer, "state", json_string("up"));
  return answer;
}

static json_t *pool_status_object(Context *context) {
  json_t *answer = NULL;
  Error failure = ERROR_INIT;
  if (context->home->pool_path == NULL)
    return state_of("none", NULL);
  if (!pool_describe(context, &answer, &failure))
    return state_of(failure.code == ERROR_POOL_MISSING ? "missing" : "unknown", &failure);
  int64_t size = json_integer_or(answer, "size", 0);
  bool low = json_integer_or(answer, "available", 0) < pool_reserve(size);
  (void)json_object_set_new(answer, "state", json_string(low ? "nearly full" : "ok"));
  (void)json_object_set_new(answer, "path", json_string(context->home->pool_path));
  return answer;
}

static void add_counts(Context *context, json_t *status) {
  CatalogCounts counts = {0};
  Error failure = ERROR_INIT;
  if (context->catalog == NULL || !catalog_counts(context->catalog, &counts, &failure)) {
    (void)json_object_set_new(status, "catalog",
                              state_of("down", context->catalog == NULL ? NULL : &failure));
    return;
  }
  (void)json_object_set_new(status, "catalog", state_of("up", NULL));
  (void)json_object_set_new(status, "projects", json_integer(counts.projects));
  (void)json_object_set_new(status, "branches", json_integer(counts.branches));
  (void)json_object_set_new(status, "computes", json_integer(counts.endpoints_running));
  (void)json_object_set_new(status, "operations", json_integer(counts.operations_running));
}

bool doctor_status(Context *context, const json_t *daemon, json_t **ret, Error *err) {
  json_t *status = json_pack(
      "{s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "version", BOUGH_VERSION, "mode",
      context->home->system_mode ? "system" : "user", "home", context->home->root, "agent",
      agent_status(context), "runner", state_of(runner_is_up(context->home) ? "up" : "down", NULL),
      "pool", pool_status_object(context), "postgres_bin", context->home->postgres_bin);
  if (daemon != NULL) {
    (void)json_object_set(status, "boughd", (json_t *)daemon);
    (void)json_object_set(status, "proxy", json_object_get(daemon, "proxy"));
    (void)json_object_set(status, "uptime_seconds", json_object_get(daemon, "uptime_seconds"));
  }
  add_counts(context, status);
  *ret = status;
  return true;
}
