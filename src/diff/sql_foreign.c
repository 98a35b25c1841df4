/* Foreign-data wrappers, servers, user mappings, and publications. */
#include "diff/sql_build.h"

static void add_option_list(Buffer *sql, const Object *object) {
  if (object_property(object, "options") == NULL)
    return;
  sql_add(sql, " OPTIONS (");
  options_add_foreign(sql, object_property(object, "options"));
  sql_add(sql, ")");
}

static void alter_option_list(Buffer *sql, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  const PropertyChange *change = node_change(node, "options");
  if (change != NULL)
    options_add_difference(&options, change->before, change->after);
  if (options.length > 0)
    sql_add(sql, " OPTIONS (%s)", options.text);
}

static void add_function(Buffer *sql, const Object *wrapper, const char *property, const char *word,
                         bool says_none) {
  const char *function = object_property(wrapper, property);
  if (function != NULL)
    sql_add(sql, " %s %s", word, function);
  else if (says_none)
    sql_add(sql, " NO %s", word);
}

void wrapper_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE FOREIGN DATA WRAPPER %O", node->object);
  add_function(&sql, node->object, "handler", "HANDLER", false);
  add_function(&sql, node->object, "validator", "VALIDATOR", false);
  add_option_list(&sql, node->object);
  emit_buffer(build, 0, NULL, &sql);
}

void wrapper_alter(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER FOREIGN DATA WRAPPER %O", node->object);
  size_t empty = sql.length;
  if (node_change(node, "handler") != NULL)
    add_function(&sql, node->object, "handler", "HANDLER", true);
  if (node_change(node, "validator") != NULL)
    add_function(&sql, node->object, "validator", "VALIDATOR", true);
  alter_option_list(&sql, node);
  if (sql.length > empty)
    emit_buffer(build, 0, NULL, &sql);
}

void server_create(Build *build, const Node *node) {
  const Object *server = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE SERVER %O", server);
  if (object_property(server, "type") != NULL)
    sql_add(&sql, " TYPE %L", value_of(server, "type"));
  if (object_property(server, "version") != NULL)
    sql_add(&sql, " VERSION %L", value_of(server, "version"));
  sql_add(&sql, " FOREIGN DATA WRAPPER %I", value_of(server, "wrapper"));
  add_option_list(&sql, server);
  emit_buffer(build, 0, NULL, &sql);
}

void server_alter(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  const PropertyChange *version = node_change(node, "version");
  sql_add(&sql, "ALTER SERVER %O", node->object);
  size_t empty = sql.length;
  if (version != NULL)
    sql_add(&sql, " VERSION %L", version->after);
  alter_option_list(&sql, node);
  if (sql.length > empty)
    emit_buffer(build, 0, NULL, &sql);
}

/* The object's name is "FOR user SERVER server". */
void user_mapping_create(Build *build, const Node *node) {
  emit(build, 0, "CREATE USER MAPPING %s", node->object->name);
  finding(build, node->object, "its options are secrets, which are never read: set them by hand");
}

void user_mapping_remove(Build *build, const Node *node) {
  emit_noted(build, EMIT_DESTRUCTIVE, "its secrets are gone", "DROP USER MAPPING %s",
             node->object->name);
}

/* ---- publications ---- */

/* "TABLE a, TABLE b WHERE (...), TABLES IN SCHEMA s": what is published; nothing at all is allowed.
 */
static void add_published(Buffer *sql, const Object *publication) {
  const char *tables = object_property(publication, "tables");
  const char *schemas = object_property(publication, "schemas");
  const char *line;
  size_t length;
  const char *comma = "";
  while (next_line(&tables, &line, &length)) {
    sql_add(sql, "%sTABLE ", comma);
    buffer_add(sql, line, length);
    comma = ", ";
  }
  if (schemas != NULL)
    sql_add(sql, "%sTABLES IN SCHEMA %s", comma, schemas);
}

static void add_parameters(Buffer *sql, const Object *publication) {
  sql_add(sql, "(publish = %L, publish_via_partition_root = %s)", value_of(publication, "publish"),
          object_is(publication, "via_root") ? "true" : "false");
}

void publication_create(Build *build, const Node *node) {
  const Object *publication = node->object;
  AUTO_RELEASE(buffer_release) Buffer published = {0};
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE PUBLICATION %O", publication);
  add_published(&published, publication);
  if (object_is(publication, "all_tables"))
    sql_add(&sql, " FOR ALL TABLES");
  else if (published.length > 0)
    sql_add(&sql, " FOR %s", published.text);
  sql_add(&sql, " WITH ");
  add_parameters(&sql, publication);
  emit_buffer(build, 0, node->partner != NULL ? "subscribers have to refresh" : NULL, &sql);
}

void publication_alter(Build *build, const Node *node) {
  const Object *publication = node->object;
  if (node_change(node, "publish") != NULL || node_change(node, "via_root") != NULL) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    sql_add(&sql, "ALTER PUBLICATION %O SET ", publication);
    add_parameters(&sql, publication);
    emit_buffer(build, 0, NULL, &sql);
  }
  if (node_change(node, "tables") == NULL && node_change(node, "schemas") == NULL)
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER PUBLICATION %O SET ", publication);
  add_published(&sql, publication);
  emit_buffer(build, 0, NULL, &sql);
}
