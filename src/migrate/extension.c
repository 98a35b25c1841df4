/* Makes extensions that a migration asks for and its role can't create. */
#include "migrate/extension.h"

#include "branch/access.h"
#include "migrate/sql.h"
#include "pg/platform.h"
#include "sql/tree.h"

#define WORKSHOP "bough_extension" /* the schema where one is made that is then moved */

/* An extension has no ALTER ... OWNER TO. The platform's role is the one that needs no row in
 * pg_shdepend; any other does. */
#define GIVE                                                                                       \
  "WITH given AS (UPDATE pg_catalog.pg_extension AS e SET extowner = r.oid"                        \
  " FROM pg_catalog.pg_authid AS r WHERE r.rolname OPERATOR(pg_catalog.=) '" OWNER_ROLE "'"        \
  " AND e.extname OPERATOR(pg_catalog.=) %s RETURNING e.oid, r.oid AS owner)"                      \
  " INSERT INTO pg_catalog.pg_shdepend"                                                            \
  " (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)"                               \
  " SELECT d.oid, 'pg_catalog.pg_extension'::pg_catalog.regclass, given.oid, 0,"                   \
  " 'pg_catalog.pg_authid'::pg_catalog.regclass, given.owner, 'o'"                                 \
  " FROM given, pg_catalog.pg_database AS d"                                                       \
  " WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"

typedef struct Wish {
  const char *name;
  const char *schema;
  const char *version; /* NULL: the default */
  bool if_not_exists;
  const char *file;
  int line;
} Wish;

static Wish wish_of(const PgQuery__CreateExtensionStmt *create, const char *file, int line) {
  const PgQuery__DefElem *schema = tree_option(create->options, create->n_options, "schema");
  const PgQuery__DefElem *version = tree_option(create->options, create->n_options, "new_version");
  return (Wish){.name = create->extname,
                .schema = schema != NULL ? tree_string(schema->arg) : "public",
                .version = version != NULL ? tree_string(version->arg) : NULL,
                .if_not_exists = create->if_not_exists,
                .file = file,
                .line = line};
}

static bool refuse(const Wish *wish, ErrorCode code, const char *what, const char *hint,
                   Error *err) {
  (void)error_set(err, code, "%.150s line %d: extension \"%.63s\" %s", wish->file, wish->line,
                  wish->name, what);
  return error_hint(err, "%s", hint);
}

static bool check_declared(const Target *target, const Wish *wish, Error *err) {
  const Policy *policy = NULL;
  if (!access_policy(target->context, target->branch.project, &policy, NULL, err))
    return false;
  return (policy != NULL && policy_has_extension(policy, wish->name)) ||
         refuse(wish, ERROR_FORBIDDEN, "takes a superuser, and the policy doesn't declare it",
                "the platform installs what the policy lists under `extensions`", err);
}

/* What extension_find.sql says against it. */
static bool check_possible(const Wish *wish, const char *verdict, Error *err) {
  static const struct {
    const char *verdict, *what, *hint;
  } rows[] = {
      {"version", "is installed in its default version alone", "leave VERSION out"},
      {"unsafe", "needs others, or a schema of a fixed name: the platform doesn't install such",
       "import a database that has it"},
      {"name", "is to stand in a schema whose name isn't one of a-z, 0-9 and _",
       "SCHEMA with a plain name"},
      {"fixed", "can't be moved into a schema that is there already",
       "SCHEMA with the name of a new schema"},
      {"schema", "is to stand in a schema where the owner of the database may create nothing",
       "SCHEMA with the name of another one"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++)
    if (str_equal(rows[at].verdict, verdict))
      return refuse(wish, ERROR_MIGRATION_INVALID, rows[at].what, rows[at].hint, err);
  return wish->if_not_exists ||
         refuse(wish, ERROR_MIGRATION_INVALID, "is installed before the statement is run",
                "write CREATE EXTENSION IF NOT EXISTS", err);
}

/* One transaction: until it commits nobody else sees the new schema. */
static void write_make(const Wish *wish, bool is_moved, Buffer *sql, Buffer *withdrawal) {
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  AUTO_RELEASE(buffer_release) Buffer schema = {0};
  AUTO_RELEASE(buffer_release) Buffer literal = {0};
  sql_add_identifier(&name, wish->name);
  sql_add_identifier(&schema, wish->schema);
  sql_add_literal(&literal, wish->name);
  const char *made_in = is_moved ? WORKSHOP : schema.text;
  buffer_add_format(sql, "CREATE SCHEMA %s; CREATE EXTENSION %s SCHEMA %s; ", made_in, name.text,
                    made_in);
  if (is_moved)
    buffer_add_format(sql, "ALTER EXTENSION %s SET SCHEMA %s; DROP SCHEMA " WORKSHOP "; ",
                      name.text, schema.text);
  else
    buffer_add_format(sql, "ALTER SCHEMA %s OWNER TO " OWNER_ROLE "; ", schema.text);
  buffer_add_format(sql, GIVE, literal.text);
  buffer_add_format(withdrawal, "DROP EXTENSION %s; ", name.text);
  if (!is_moved)
    buffer_add_format(withdrawal, "DROP SCHEMA %s; ", schema.text);
}

static bool provide(const Target *target, Conn *conn, const Wish *wish, Buffer *withdrawal,
                    Error *err) {
  AUTO(rows_free) Rows *rows = NULL;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  AUTO_RELEASE(buffer_release) Buffer undo = {0};
  Error server = ERROR_INIT;
  const char *const values[] = {wish->name, wish->schema, wish->version};
  if (!conn_query(conn, migrate_sql("extension_find.sql"), ARRAY_LENGTH(values), values, &rows,
                  err))
    return false;
  const char *verdict = rows_get(rows, 0, 0);
  if (str_equal(verdict, "leave"))
    return true;
  if (!check_declared(target, wish, err) || !check_possible(wish, verdict, err))
    return false;
  write_make(wish, str_equal(verdict, "move"), &sql, &undo);
  if (!conn_exec(conn, sql.text, NULL, &server)) {
    AUTO(str_free) char *what = str_format("can't be installed: %s", server.message);
    return refuse(wish, ERROR_MIGRATION_FAILED, what, server.hint, err);
  }
  buffer_add_text(withdrawal, undo.text);
  return true;
}

bool extensions_provide(const Target *target, Conn *conn, const Steps *steps, const char *file,
                        Buffer *withdrawal, Error *err) {
  for (size_t at = 0; at < steps->count; at++) {
    const Step *step = &steps->list[at];
    const PgQuery__CreateExtensionStmt *create =
        SQL_NODE(step->part->tree, CREATE_EXTENSION_STMT, create_extension_stmt);
    if (create == NULL)
      continue;
    const Wish wish = wish_of(create, file, step->line);
    if (!provide(target, conn, &wish, withdrawal, err))
      return false;
  }
  return true;
}
