/* Makes extensions for those who may not. */
#include "branch/extension.h"

#include "core/str.h"

static const char *const safe[] = {
    "bloom",      "earthdistance", "pg_buffercache", "pg_stat_statements", "pg_visibility",
    "pgrowlocks", "pgstattuple",   "postgis",        "postgis_raster",     "sslinfo",
};

bool extension_is_safe(const char *name) {
  for (size_t at = 0; at < ARRAY_LENGTH(safe); at++)
    if (str_equal(safe[at], name))
      return true;
  return false;
}

bool database_is_empty(Conn *conn, bool *ret, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_exec(conn,
                 "SELECT FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.>=) 16384"
                 " UNION ALL"
                 " SELECT FROM pg_catalog.pg_proc WHERE oid OPERATOR(pg_catalog.>=) 16384"
                 " UNION ALL"
                 " SELECT FROM pg_catalog.pg_type WHERE oid OPERATOR(pg_catalog.>=) 16384"
                 " UNION ALL"
                 " SELECT FROM pg_catalog.pg_operator WHERE oid OPERATOR(pg_catalog.>=) 16384"
                 " UNION ALL"
                 " SELECT FROM pg_catalog.pg_event_trigger"
                 " UNION ALL"
                 " SELECT FROM pg_catalog.pg_namespace WHERE oid OPERATOR(pg_catalog.>=) 16384"
                 " LIMIT 1",
                 &rows, err))
    return false;
  *ret = rows_count(rows) == 0;
  return true;
}

static void add_statement(Buffer *sql, const char *name, const char *schema, const char *owner) {
  if (!str_equal(schema, "pg_catalog")) {
    buffer_add_text(sql, "CREATE SCHEMA IF NOT EXISTS ");
    sql_add_identifier(sql, schema);
    buffer_add_format(sql, " AUTHORIZATION %s; ", owner);
  }
  buffer_add_text(sql, "CREATE EXTENSION IF NOT EXISTS ");
  sql_add_identifier(sql, name);
  buffer_add_text(sql, " SCHEMA ");
  sql_add_identifier(sql, schema);
  buffer_add_text(sql, " CASCADE; ");
}

bool extension_make(Conn *conn, const json_t *wanted, const char *owner, json_t *notes,
                    Error *err) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  AUTO_RELEASE(buffer_release) Buffer names = {0};
  const char *name = NULL;
  json_t *schema = NULL;
  bool is_empty = false;
  json_object_foreach((json_t *)wanted, name, schema) {
    if (!extension_is_safe(name))
      continue;
    add_statement(&sql, name, json_string_value(schema), owner);
    buffer_add_format(&names, "%s%s", names.length > 0 ? ", " : "", name);
  }
  if (sql.length == 0)
    return true;
  if (!database_is_empty(conn, &is_empty, err))
    return false;
  if (!is_empty) /* the load will say what is missing */
    return true;
  if (!conn_exec(conn, sql.text, NULL, err))
    return error_prefix(err, "making extensions");
  AUTO(str_free) char *note = str_format("extensions made by the platform: %s", names.text);
  (void)json_array_append_new(notes, json_line(note));
  return true;
}
