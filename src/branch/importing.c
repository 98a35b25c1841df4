/* Steps of an import that don't depend on where the data comes from. */
#include "branch/importing.h"

#include "branch/clean.h"
#include "branch/endpoint.h"
#include "branch/extension.h"
#include "branch/ownership.h"
#include "core/clock.h"
#include "core/failpoint.h"
#include "core/io.h"
#include "core/str.h"
#include "pg/platform.h"

#include <stdarg.h>
#include <stdio.h>

enum {
  CONNECT_MS = 30 * 1000,
  SLICE_MS = 500,                  /* then it is looked whether the compute still lives */
  RECOVERY_LIMIT_MS = 3600 * 1000, /* a base backup brings its log along */
  STOP_LIMIT_MS = 10 * 60 * 1000,  /* a shutdown writes what was loaded */
  LOG_BYTES = 600,
};

void import_note(Import *import, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = NULL;
  if (vasprintf(&text, format, args) >= 0)
    (void)json_array_append_new(import->notes, json_line(text));
  str_free(text);
  va_end(args);
}

void import_progress(const Import *import, const char *text, int64_t done, int64_t total) {
  context_report(import->context, text, done, total);
}

bool import_call(Import *import, const char *method, json_t *members, json_t **ret, Error *err) {
  AUTO(json_free) json_t *more = members;
  json_t *params = json_pack("{s:s}", "volume", import->branch.volume);
  if (more != NULL)
    (void)json_object_update(params, more);
  return agent_call(import->context->agent, method, params, ret, err);
}

/* ---- the compute ---- */

static bool set_start_error(Import *import, const Error *failure, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  Error ignored = ERROR_INIT; /* the log only adds to the message */
  (void)!import_call(import, "compute.log", json_pack("{s:i}", "bytes", LOG_BYTES), &answer,
                     &ignored);
  return error_set(err, ERROR_COMPUTE_FAILED, "postgres did not start (%.300s): %.600s",
                   failure->message, json_string_or(answer, "text", ""));
}

static bool is_alive(const Import *import) {
  EndpointRow process = {.pid = import->pid, .start_time = import->start_time};
  return endpoint_is_alive(&process);
}

static bool wait_until_ready(Import *import, Error *err) {
  int64_t deadline = clock_monotonic_ms() + RECOVERY_LIMIT_MS;
  for (;;) {
    AUTO(conn_free) Conn *conn = NULL;
    Error failure = ERROR_INIT;
    if (platform_open(import->socket_directory, "postgres", SLICE_MS, &conn, &failure))
      return true;
    bool is_starting = conn_error_is_starting(&failure) || failure.code == ERROR_COMPUTE_TIMEOUT;
    if (!is_starting || !is_alive(import) || clock_monotonic_ms() >= deadline)
      return set_start_error(import, &failure, err);
    import_progress(import, "waiting for recovery", 0, 0);
  }
}

bool import_start(Import *import, Error *err) {
  AUTO(json_free) json_t *answer = NULL;
  int64_t pid = 0;
  if (!import_call(import, "compute.start",
                   json_pack("{s:s, s:s, s:b, s:i}", "endpoint", import->endpoint.id, "size",
                             import->branch.size_class, "first_start", 1, "oom_score_adj", 0),
                   &answer, err) ||
      !json_get_integer(answer, "pid", &pid, err) ||
      !json_get_integer(answer, "start_time", &import->start_time, err))
    return false;
  import->pid = (int)pid;
  return wait_until_ready(import, err);
}

bool import_stop(Import *import, Error *err) {
  if (!import_call(import, "compute.stop",
                   json_pack("{s:s, s:i, s:I, s:b, s:i}", "endpoint", import->endpoint.id, "pid",
                             import->pid, "start_time", (json_int_t)import->start_time, "immediate",
                             0, "timeout_ms", STOP_LIMIT_MS),
                   NULL, err))
    return false;
  import->pid = 0;
  return true;
}

bool import_open(const Import *import, const char *database, Conn **ret, Error *err) {
  return platform_open(import->socket_directory, database, CONNECT_MS, ret, err);
}

bool import_cluster_init(Import *import, Error *err) {
  import_progress(import, "making an empty cluster", 0, 0);
  return import_call(import, "cluster.init", NULL, NULL, err);
}

/* ---- roles and databases ---- */

bool import_make_loader(Conn *conn, bool superuser, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_format(&sql, "CREATE ROLE %s LOGIN CREATEDB %s", IMPORT_ROLE,
                    superuser ? "SUPERUSER" : "NOSUPERUSER");
  return conn_exec(conn, sql.text, NULL, err);
}

static bool role_exists(Conn *conn, const char *name, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn,
                  "SELECT FROM pg_catalog.pg_roles"
                  " WHERE rolname::pg_catalog.text OPERATOR(pg_catalog.=) $1::pg_catalog.text",
                  1, &name, &rows, err))
    return false;
  *ret = rows_count(rows) > 0;
  return true;
}

static bool make_role(Conn *conn, const char *name, Error *err) {
  bool exists = false;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  if (!role_exists(conn, name, &exists, err))
    return false;
  if (!exists) {
    buffer_add_text(&sql, "CREATE ROLE ");
    sql_add_identifier(&sql, name);
    buffer_add_text(&sql, " NOLOGIN; ");
  }
  buffer_add_text(&sql, "GRANT ");
  sql_add_identifier(&sql, name);
  buffer_add_text(&sql, " TO " IMPORT_ROLE);
  return conn_exec(conn, sql.text, NULL, err);
}

bool import_make_roles(Import *import, Conn *conn, json_t *roles, Error *err) {
  const char *name = NULL;
  json_t *value = NULL;
  json_object_foreach(roles, name, value) {
    bool is_reserved = str_starts(name, "pg_") || str_starts(name, ROLE_PREFIX);
    if (is_reserved)
      import_note(import, "the role \"%s\" isn't made here: such names are reserved", name);
    else if (!make_role(conn, name, err))
      return error_prefix(err, "role \"%s\"", name);
  }
  return true;
}

bool import_make_database(Conn *conn, const char *name, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  buffer_add_text(&sql, "CREATE DATABASE ");
  sql_add_identifier(&sql, name);
  buffer_add_text(&sql, " OWNER " IMPORT_ROLE " TEMPLATE template0");
  return conn_exec(conn, sql.text, NULL, err);
}

bool import_make_extensions(Import *import, const char *database, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  const json_t *wanted = json_object_get(import->extensions, database);
  if (wanted == NULL)
    return true;
  return import_open(import, database, &conn, err) &&
         extension_make(conn, wanted, IMPORT_ROLE, import->notes, err);
}

bool import_list_databases(Conn *conn, bool templates, json_t **ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  const char *value = templates ? "true" : "false";
  if (!conn_query(conn,
                  "SELECT datname FROM pg_catalog.pg_database"
                  " WHERE datallowconn AND datconnlimit OPERATOR(pg_catalog.<>) (-2)"
                  " AND (NOT datistemplate OR $1::pg_catalog.bool) ORDER BY oid",
                  1, &value, &rows, err))
    return false;
  json_t *names = json_array();
  for (size_t row = 0; row < rows_count(rows); row++)
    (void)json_array_append_new(names, json_string(rows_get(rows, row, 0)));
  *ret = names;
  return true;
}

/* ---- the end ---- */

/* What else the loader owns or was granted. An extension can't be moved but by REASSIGN. */
static const char drop_loader_objects[] =
    "REASSIGN OWNED BY " IMPORT_ROLE " TO " HOLDER_ROLE "; DROP OWNED BY " IMPORT_ROLE;

static bool own_database(Import *import, const char *database, bool has_loader, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  return import_open(import, database, &conn, err) &&
         ownership_move(conn, import->superusers != NULL ? import->superusers : "{}", import->notes,
                        err) &&
         (!has_loader || conn_exec(conn, drop_loader_objects, NULL, err));
}

static bool own_databases(Import *import, Conn *conn, Error *err) {
  AUTO(json_free) json_t *names = NULL;
  bool has_loader = false;
  if (!role_exists(conn, IMPORT_ROLE, &has_loader, err) ||
      !import_list_databases(conn, true, &names, err))
    return false;
  size_t at = 0;
  const json_t *name = NULL;
  json_array_foreach(names, at, name) {
    if (!own_database(import, json_string_value(name), has_loader, err))
      return error_prefix(err, "database \"%s\"", json_string_value(name));
  }
  return !has_loader || conn_exec(conn, "DROP ROLE " IMPORT_ROLE, NULL, err);
}

/* Names of the databases go to the project, the loaded data's first. */
static bool note_databases(Import *import, Conn *conn, Error *err) {
  AUTO(json_free) json_t *names = NULL;
  if (!import_list_databases(conn, false, &names, err))
    return false;
  if (import->database == NULL)
    import->database = str_dup("postgres");
  return json_object_set(import->project.details, "databases", names) == 0 &&
         json_object_set_new(import->project.details, "default_database",
                             json_string(import->database)) == 0;
}

static bool clean(Import *import, CleanReport *ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  if (!import_open(import, "postgres", &conn, err) ||
      !clean_branch(conn, import->socket_directory, import->context->home, ret, err))
    return false;
  (void)json_array_extend(import->notes, ret->notes);
  return true;
}

/* The root has no fork; its record is what its first children will be compared with. */
static bool clean_and_record(Import *import, Error *err) {
  AUTO_RELEASE(clean_report_release) CleanReport report = {0};
  if (!clean(import, &report, err) ||
      !identity_store(import->context->catalog, report.identity_digest, report.identity, err))
    return false;
  (void)snprintf(import->branch.identity, sizeof import->branch.identity, "%s",
                 report.identity_digest);
  return true;
}

bool import_prepare(Import *import, Error *err) {
  AUTO_RELEASE(clean_report_release) CleanReport report = {0};
  AUTO(conn_free) Conn *conn = NULL;
  return import_open(import, "postgres", &conn, err) && clean_unseal(conn, err) &&
         clean(import, &report, err);
}

bool import_finish(Import *import, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  import_progress(import, "moving ownership", 0, 0);
  return import_open(import, "postgres", &conn, err) &&
         conn_exec(conn, "ALTER SYSTEM RESET ALL", NULL, err) && own_databases(import, conn, err) &&
         clean_and_record(import, err) && note_databases(import, conn, err) &&
         clean_seal(conn, import->socket_directory, import->database, err);
}
