/* Who may read the audit, and how. */
#include "branch/audit_read.h"

#include "branch/access.h"
#include "branch/describe.h"
#include "catalog/access.h"
#include "catalog/cluster.h"
#include "catalog/policy.h"
#include "core/duration.h"
#include "core/str.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_LIMIT = 100, LIMIT = 10000, CONNECTIONS = 8, CATALOG_PORT = 5432 };

#define SYSTEM "system"

bool audit_may_read(Context *context, Error *err) {
  return access_system(context, ACTION_AUDIT_READ, err);
}

/* One whose principal is gone is told to go by that. */
static bool is_unentitled(Context *context, const OpenSession *session, bool *ret, Error *err) {
  PrincipalRow principal;
  Error gone = ERROR_INIT;
  bool may = false;
  if (!principal_get(context->catalog, session->principal, &principal, &gone)) {
    *ret = true;
    return gone.code == ERROR_PRINCIPAL_NOT_FOUND || error_set(err, gone.code, "%s", gone.message);
  }
  if (!access_may_read_audit(context, &principal, &may, err))
    return false;
  *ret = !may;
  return true;
}

bool audit_end_unentitled(Context *context, size_t *ret_count, Error *err) {
  OpenSession *sessions = NULL;
  size_t count = 0;
  if (!session_list_system(context->catalog, &sessions, &count, err))
    return false;
  bool ok = true;
  for (size_t at = 0; ok && at < count; at++) {
    bool ends = false;
    ok = is_unentitled(context, &sessions[at], &ends, err);
    if (!ok || !ends)
      continue;
    context_push_now(context, "terminate",
                     json_pack("{s:s, s:i, s:s}", "session", sessions[at].id, "grace_ms", 0,
                               "reason",
                               "terminating connection: the audit may not be read any more"));
    *ret_count += 1;
  }
  mem_free(sessions);
  return ok;
}

/* ---- by the API ---- */

static bool read_number(const json_t *query, const char *key, int64_t fallback, int64_t *ret,
                        Error *err) {
  const char *text = json_string_or(query, key, NULL);
  char *end = NULL;
  *ret = text != NULL ? strtoll(text, &end, 10) : fallback;
  return text == NULL || (*text != '\0' && *end == '\0' && *ret > 0) ||
         error_set(err, ERROR_USAGE, "\"%s\" must be a positive number", key);
}

static bool read_query(const json_t *query, AuditQuery *ret, Error *err) {
  const char *since = json_string_or(query, "since", NULL);
  *ret = (AuditQuery){.principal = json_string_or(query, "principal", NULL),
                      .branch = json_string_or(query, "branch", NULL),
                      .action = json_string_or(query, "action", NULL),
                      .only_refused = str_equal(json_string_or(query, "refused", "0"), "1")};
  if (!read_number(query, "limit", DEFAULT_LIMIT, &ret->limit, err) ||
      !read_number(query, "after", 0, &ret->after, err) ||
      (since != NULL && !duration_parse(since, &ret->since_seconds, err)))
    return false;
  return ret->limit <= LIMIT || error_set(err, ERROR_USAGE, "the limit is %d rows at most", LIMIT);
}

bool audit_show(Context *context, const json_t *query, json_t **ret, Error *err) {
  AuditQuery read;
  json_t *events = NULL;
  if (!audit_may_read(context, err) || !read_query(query, &read, err) ||
      !audit_list(context->catalog, &read, &events, err))
    return false;
  *ret = json_pack("{s:o}", "events", events);
  return true;
}

bool audit_url(Context *context, json_t **ret, Error *err) {
  const char *host = NULL;
  int port = 0;
  if (!audit_may_read(context, err))
    return false;
  if (!describe_proxy(context, &host, &port))
    return error_set(err, ERROR_UNSUPPORTED,
                     "the proxy is off, and with it the way to the catalog");
  AUTO(str_free)
  char *url = str_format("postgresql://%s@%s:%d/" SYSTEM, context->caller.name, host, port);
  *ret = json_pack("{s:s, s:s, s:i, s:s, s:s, s:b}", "url", url, "host", host, "port", port, "user",
                   context->caller.name, "database", SYSTEM, "proxied", true);
  return true;
}

/* ---- sessions ---- */

bool session_is_system(const json_t *params) {
  return json_string_or(params, "endpoint", NULL) == NULL &&
         json_string_or(params, "branch", NULL) == NULL &&
         str_equal(json_string_or(params, "database", ""), SYSTEM);
}

static SessionRow session_of(const Context *context, const json_t *params, const char *token) {
  SessionRow row = {.database = SYSTEM,
                    .source = json_string_or(params, "source", ""),
                    .application_name = json_string_or(params, "application_name", ""),
                    .tls = json_bool_or(params, "tls", false)};
  const char *given = json_string_or(params, "session", NULL);
  id_new("ses", row.id);
  if (given != NULL && json_bool_or(params, "retry", false) && id_check("ses", given))
    (void)snprintf(row.id, sizeof row.id, "%s", given);
  (void)snprintf(row.boot, sizeof row.boot, "%.63s", json_string_or(params, "boot", "-"));
  (void)snprintf(row.principal, sizeof row.principal, "%s", context->caller.id);
  (void)snprintf(row.token, sizeof row.token, "%s", token);
  return row;
}

bool session_route_system(Context *context, const json_t *params, const char *token,
                          const json_t *trail, json_t **ret, Error *err) {
  AUTO(str_free) char *directory = catalog_cluster_socket(context->home);
  if (!audit_may_read(context, err))
    return false;
  if (directory == NULL) {
    (void)error_set(err, ERROR_UNSUPPORTED, "the catalog is a server of your own");
    return error_hint(err, "connect to it as " CATALOG_AUDITOR);
  }
  const SessionRow row = session_of(context, params, token);
  if (!session_record_system(context->catalog, &row, &context->caller, trail, err))
    return false;
  *ret = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i}", "session", row.id, "endpoint",
                   SYSTEM, "branch", SYSTEM, "socket_directory", directory, "port", CATALOG_PORT,
                   "role", CATALOG_AUDITOR, "database", SYSTEM, "idle_ms", 0, "connections_limit",
                   CONNECTIONS);
  return true;
}
