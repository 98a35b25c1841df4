/* Views, materialized views, and what is said of their columns. */
#include "diff/sql_build.h"

#include <string.h>

/* The definition ends with a semicolon and begins with a blank. */
static void add_query(Buffer *sql, const char *definition) {
  size_t length = strlen(definition);
  while (length > 0 && strchr("; \n", definition[length - 1]) != NULL)
    length--;
  buffer_add(sql, definition, length);
}

static void add_options(Buffer *sql, const Object *view) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  options_add_storage(&options, "", object_property(view, "options"));
  if (options.length > 0)
    sql_add(sql, " WITH (%s)", options.text);
}

static void write_view(Build *build, const Object *view, const char *word) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "%s VIEW %O", word, view);
  add_options(&sql, view);
  sql_add(&sql, " AS\n");
  add_query(&sql, view->definition);
  emit_buffer(build, 0, NULL, &sql);
}

void view_create(Build *build, const Node *node) {
  write_view(build, node->object, node->has_placeholder ? "CREATE OR REPLACE" : "CREATE");
}

/* One name and type of "a integer, \"b c\" numeric(3,2)"; false at the end. */
static bool next_column(const char **text, const char **name, size_t *name_length,
                        const char **type, size_t *type_length) {
  const char *at = *text;
  if (*at == '\0')
    return false;
  *name = at;
  for (bool quoted = false; *at != '\0' && (quoted || *at != ' '); at++)
    quoted = *at == '"' ? !quoted : quoted;
  *name_length = (size_t)(at - *name);
  at += *at == ' ' ? 1 : 0;
  *type = at;
  int depth = 0;
  for (bool quoted = false; *at != '\0' && (quoted || depth > 0 || *at != ','); at++) {
    quoted = *at == '"' ? !quoted : quoted;
    depth += quoted ? 0 : *at == '(' ? 1 : *at == ')' ? -1 : 0;
  }
  *type_length = (size_t)(at - *type);
  at += *at == ',' ? 1 : 0;
  *text = at + strspn(at, " ");
  return true;
}

/* A view of the same columns that reads nothing, for cycles: CREATE OR REPLACE makes it real. */
void view_placeholder(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE VIEW %O AS\nSELECT", node->object);
  const char *text = value_of(node->object, "columns");
  const char *name, *type;
  size_t name_length, type_length;
  const char *comma = " ";
  while (next_column(&text, &name, &name_length, &type, &type_length)) {
    sql_add(&sql, "%sNULL::", comma);
    buffer_add(&sql, type, type_length);
    sql_add(&sql, " AS ");
    buffer_add(&sql, name, name_length);
    comma = ", ";
  }
  emit_buffer(build, 0, NULL, &sql);
}

/* CREATE OR REPLACE may add columns at the end, and nothing else. */
bool view_is_replaceable(const Node *before) {
  const PropertyChange *change = node_change(before, "columns");
  if (change == NULL)
    return true;
  size_t length = change->before != NULL ? strlen(change->before) : 0;
  return change->after != NULL &&
         strncmp(change->after, value_of(before->object, "columns"), length) == 0 &&
         (length == 0 || change->after[length] == ',');
}

void view_alter(Build *build, const Node *node) {
  const PropertyChange *options = node_change(node, "options");
  if (node_change(node, "definition") != NULL) {
    write_view(build, node->object, "CREATE OR REPLACE");
    return; /* with all its options */
  }
  if (options == NULL)
    return;
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  sql_add(&head, "ALTER VIEW %O", node->object);
  options_alter(build, head.text, "", options->before, options->after);
}

/* The type stands in the view's list of columns. */
static void reset_storage(Build *build, const Object *column, const char *word) {
  AUTO_RELEASE(buffer_release) Buffer own = {0};
  const char *text = value_of(column->parent, "columns");
  const char *name, *type;
  size_t name_length, type_length;
  sql_add(&own, "%I", column->name);
  while (next_column(&text, &name, &name_length, &type, &type_length))
    if (name_length == own.length && strncmp(name, own.text, name_length) == 0) {
      AUTO(str_free) char *its = str_ndup(type, type_length);
      emit(build, 0, "ALTER %s %P ALTER COLUMN %I SET STORAGE %s", word, column, column->name,
           storage_word_of_type(its));
    }
}

static void write_storage(Build *build, const Node *node, const char *word) {
  const Object *column = node->object;
  const Object *before = node->partner != NULL && !node->create ? node->partner->object : NULL;
  const char *storage = object_property(column, "storage");
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  sql_add(&head, "ALTER %s %P ALTER COLUMN %I", word, column, column->name);
  if (storage == NULL && before != NULL && object_property(before, "storage") != NULL)
    reset_storage(build, column, word);
  else if (storage != NULL &&
           !str_equal(storage, before != NULL ? object_property(before, "storage") : NULL))
    emit(build, 0, "%s SET STORAGE %s", head.text, storage_word(column));
  options_alter(build, head.text, "", before != NULL ? object_property(before, "options") : NULL,
                object_property(column, "options"));
}

/* One of a view: its default; of a materialized view: how its column is stored and counted. */
void view_column_write(Build *build, const Node *node) {
  const Object *column = node->object;
  const char *word = column->parent->kind == KIND_VIEW ? "VIEW" : "MATERIALIZED VIEW";
  const char *value = object_property(column, "default");
  const char *target = object_property(column, "statistics");
  const Object *before = node->partner != NULL && !node->create ? node->partner->object : NULL;
  if (value != NULL)
    emit(build, 0, "ALTER %s %P ALTER COLUMN %I SET DEFAULT %s", word, column, column->name, value);
  else if (before != NULL && object_property(before, "default") != NULL)
    emit(build, 0, "ALTER %s %P ALTER COLUMN %I DROP DEFAULT", word, column, column->name);
  if (target != NULL || (before != NULL && object_property(before, "statistics") != NULL))
    emit(build, 0, "ALTER %s %P ALTER COLUMN %I SET STATISTICS %s", word, column, column->name,
         target != NULL ? target : "-1");
  write_storage(build, node, word);
}

/* The column stays; what was said about it goes. */
void view_column_remove(Build *build, const Node *node) {
  const Object *column = node->object;
  const char *word = column->parent->kind == KIND_VIEW ? "VIEW" : "MATERIALIZED VIEW";
  if (object_property(column, "default") != NULL)
    emit(build, 0, "ALTER %s %P ALTER COLUMN %I DROP DEFAULT", word, column, column->name);
  if (object_property(column, "statistics") != NULL)
    emit(build, 0, "ALTER %s %P ALTER COLUMN %I SET STATISTICS -1", word, column, column->name);
  if (object_property(column, "storage") != NULL)
    reset_storage(build, column, word);
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  sql_add(&head, "ALTER %s %P ALTER COLUMN %I", word, column, column->name);
  options_alter(build, head.text, "", object_property(column, "options"), NULL);
  attributes_clear(build, node);
}

void materialized_view_create(Build *build, const Node *node) {
  const Object *view = node->object;
  const char *method = object_property(view, "access_method");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE MATERIALIZED VIEW %O", view);
  if (method != NULL && !str_equal(method, "heap"))
    sql_add(&sql, " USING %I", method);
  add_options(&sql, view);
  if (object_property(view, "tablespace") != NULL)
    sql_add(&sql, " TABLESPACE %I", value_of(view, "tablespace"));
  sql_add(&sql, " AS\n");
  add_query(&sql, view->definition);
  emit_buffer(build, 0, node->partner != NULL ? "made and filled anew" : NULL, &sql);
}

void materialized_view_alter(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  const PropertyChange *options = node_change(node, "options");
  const PropertyChange *tablespace = node_change(node, "tablespace");
  sql_add(&head, "ALTER MATERIALIZED VIEW %O", node->object);
  if (node_change(node, "access_method") != NULL)
    emit(build, EMIT_REWRITE, "%s SET ACCESS METHOD %I", head.text,
         value_of(node->object, "access_method"));
  if (tablespace != NULL)
    emit(build, EMIT_REWRITE, "%s SET TABLESPACE %I", head.text,
         tablespace->after != NULL ? tablespace->after : "pg_default");
  if (options != NULL)
    options_alter(build, head.text, "", options->before, options->after);
}
