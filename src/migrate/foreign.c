/* Reads the ledgers of tools with code of their own, which apply what they apply themselves: what
 * is there is read back from the database, never believed from an exit status. */
#include "branch/access.h"
#include "core/str.h"
#include "migrate/migrate.h"
#include "migrate/target.h"

#define VERSIONS_LIMIT "20000"

typedef struct Tool {
  const char *name;
  const char *table;
  const char *version;   /* what a migration is told by, of t */
  const char *condition; /* "": every row is in force */
} Tool;

static const Tool tools[] = {
    {"alembic", "alembic_version", "t.version_num", ""},
    {"django", "django_migrations", "t.app || '.' || t.name", ""},
    {"rails, golang-migrate or dbmate", "schema_migrations", "t.version", ""},
    {"knex", "knex_migrations", "t.name", ""},
    {"liquibase", "databasechangelog", "t.id", ""},
    {"flyway", "flyway_schema_history", "COALESCE(t.version, t.description)", " WHERE t.success"},
    {"goose", "goose_db_version", "t.version_id", " WHERE t.is_applied"},
    {"diesel", "__diesel_schema_migrations", "t.version", ""},
    {"sqlx", "_sqlx_migrations", "t.version", " WHERE t.success"},
    {"prisma", "_prisma_migrations", "t.migration_name",
     " WHERE t.finished_at IS NOT NULL AND t.rolled_back_at IS NULL"},
};

#define FIND                                                                                       \
  "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)"                                        \
  " FROM pg_catalog.pg_class c"                                                                    \
  " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"                 \
  " WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name"                                    \
  " AND c.relkind OPERATOR(pg_catalog.=) 'r' AND n.nspname OPERATOR(pg_catalog.<>) 'bough'"        \
  " ORDER BY 1"

/* A table that only has a tool's name isn't its ledger: it is told with what the server says. */
static json_t *read_table(Conn *conn, const Tool *tool, const char *table) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO(str_free)
  char *sql = str_format("SELECT (%s)::pg_catalog.text FROM ONLY %s AS t%s ORDER BY 1"
                         " LIMIT " VERSIONS_LIMIT,
                         tool->version, table, tool->condition);
  Error failure = ERROR_INIT;
  json_t *versions = json_array();
  bool ok = conn_exec(conn, sql, &rows, &failure);
  for (size_t at = 0; ok && at < rows_count(rows); at++)
    (void)json_array_append_new(versions, json_line(rows_get(rows, at, 0)));
  return json_pack("{s:s, s:o, s:o, s:o}", "tool", tool->name, "table", json_line(table),
                   "versions", versions, "error", ok ? json_null() : json_line(failure.message));
}

static bool read_tool(Conn *conn, const Tool *tool, json_t *list, Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  if (!conn_query(conn, FIND, 1, &tool->table, &rows, err))
    return false;
  for (size_t at = 0; at < rows_count(rows); at++)
    (void)json_array_append_new(list, read_table(conn, tool, rows_get(rows, at, 0)));
  return true;
}

bool migrate_tools(Context *context, const ProjectRow *project, const char *branch,
                   const json_t *body, json_t **ret, Error *err) {
  Target target;
  AUTO(conn_free) Conn *conn = NULL;
  AUTO(json_free) json_t *list = json_array();
  if (!target_find(context, project, branch, json_string_or(body, "database", NULL), &target,
                   err) ||
      !access_branch(context, ACTION_BRANCH_READ, &target.branch, err) ||
      !target_wake(&target, err) || !target_connect(&target, SESSION_READER, 0, &conn, err))
    return false;
  for (size_t at = 0; at < ARRAY_LENGTH(tools); at++)
    if (!read_tool(conn, &tools[at], list, err))
      return false;
  *ret = json_pack("{s:s, s:o, s:O}", "branch", branch, "database", json_line(target.database),
                   "tools", list);
  return true;
}
