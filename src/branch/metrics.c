/* Figures about Bough and its endpoints, one line each. */
#include "branch/metrics.h"

#include "branch/access.h"
#include "branch/endpoint.h"
#include "catalog/access.h"
#include "core/str.h"

static void add_head(Buffer *text, const char *name, const char *type, const char *help) {
  buffer_add_format(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_one(Buffer *text, const char *name, const char *help, int64_t value) {
  add_head(text, name, "gauge", help);
  buffer_add_format(text, "%s %lld\n", name, (long long)value);
}

static void add_daemon(Buffer *text, const json_t *daemon) {
  static const struct {
    const char *name, *key, *help;
  } figures[] = {
      {"bough_uptime_seconds", "uptime_seconds", "Since boughd was started."},
      {"bough_requests_pending", "pending", "Requests that run or wait."},
      {"bough_workers", "workers", "Worker processes."},
      {"bough_proxies", "proxies", "Proxy processes that are connected."},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(figures); at++)
    add_one(text, figures[at].name, figures[at].help, json_integer_or(daemon, figures[at].key, 0));
}

static void add_counts(Buffer *text, const CatalogCounts *counts) {
  add_one(text, "bough_projects", "Projects.", counts->projects);
  add_one(text, "bough_branches", "Branches.", counts->branches);
  add_one(text, "bough_computes_running", "Computes that run.", counts->endpoints_running);
  add_one(text, "bough_operations_running", "Operations that run.", counts->operations_running);
}

typedef struct Figure {
  const char *name, *type, *help;
  const char *key; /* of the counts of an endpoint's sessions; NULL: whether it runs */
} Figure;

static void add_figure(Buffer *text, const Figure *figure, const EndpointRow *rows, size_t count,
                       const json_t *sessions) {
  add_head(text, figure->name, figure->type, figure->help);
  for (size_t at = 0; at < count; at++) {
    const json_t *counts = json_object_get(sessions, rows[at].id);
    int64_t value = figure->key != NULL ? json_integer_or(counts, figure->key, 0)
                                        : endpoint_is_awake(&rows[at]);
    buffer_add_format(text, "%s{endpoint=\"%s\"} %lld\n", figure->name, rows[at].id,
                      (long long)value);
  }
}

static bool add_endpoints(Context *context, Buffer *text, Error *err) {
  static const Figure figures[] = {
      {"bough_endpoint_running", "gauge", "Whether the compute runs.", NULL},
      {"bough_endpoint_sessions", "gauge", "Open sessions.", "sessions"},
      {"bough_endpoint_open_bytes_in", "gauge", "Bytes that open sessions received.", "bytes_in"},
      {"bough_endpoint_open_bytes_out", "gauge", "Bytes that open sessions sent.", "bytes_out"},
  };
  EndpointRow *rows = NULL;
  size_t count = 0;
  AUTO(json_free) json_t *sessions = NULL;
  if (!session_counts(context->catalog, &sessions, err) ||
      !endpoint_list(context->catalog, &rows, &count, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(figures); at++)
    add_figure(text, &figures[at], rows, count, sessions);
  mem_free(rows);
  return true;
}

bool metrics_show(Context *context, const json_t *daemon, json_t **ret, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  CatalogCounts counts = {0};
  if (!access_system(context, ACTION_PROJECT_MANAGE, err))
    return false;
  add_daemon(&text, daemon);
  add_one(&text, "bough_catalog_up", "Whether the system catalog answers.",
          context->catalog != NULL);
  if (context->catalog != NULL) {
    if (!catalog_counts(context->catalog, &counts, err))
      return false;
    add_counts(&text, &counts);
    if (!add_endpoints(context, &text, err))
      return false;
  }
  *ret = json_pack("{s:s}", "text", text.text);
  return true;
}
