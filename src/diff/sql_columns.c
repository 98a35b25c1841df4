/* Columns of tables: what stands in CREATE TABLE, what comes after, and how they change. */
#include "diff/sql_build.h"

#include <string.h>

/* An expression that calls nothing needs nothing that isn't there with the column's type. */
bool default_is_plain(const Object *column) {
  return strchr(value_of(column, "default"), '(') == NULL;
}

static bool is_generated(const Object *column) {
  return value_of(column, "generated")[0] == 's';
}

void column_add_definition(Buffer *sql, const Object *column) {
  const char *collation = object_property(column, "collation");
  const char *options = object_property(column, "foreign_options");
  sql_add(sql, "%I %s", column->name, value_of(column, "type"));
  if (options != NULL) {
    sql_add(sql, " OPTIONS (");
    options_add_foreign(sql, options);
    sql_add(sql, ")");
  }
  if (collation != NULL)
    sql_add(sql, " COLLATE %s", collation);
  if (is_generated(column))
    sql_add(sql, " GENERATED ALWAYS AS (%s) STORED", value_of(column, "default"));
  else if (object_property(column, "default") != NULL && default_is_plain(column))
    sql_add(sql, " DEFAULT %s", value_of(column, "default"));
  if (object_is(column, "not_null"))
    sql_add(sql, " NOT NULL");
  if (object_property(column, "identity") != NULL)
    identity_add(sql, column);
}

/* PostgreSQL 15 has no word for "the type's own" storage: of what can be stored otherwise at all
 * only numbers of any length and network addresses prefer MAIN. */
const char *storage_word_of_type(const char *type) {
  static const char *const mains[] = {"numeric", "inet", "cidr"};
  for (size_t at = 0; at < ARRAY_LENGTH(mains); at++)
    if (str_starts(type, mains[at]) && strchr(type, '[') == NULL)
      return "MAIN";
  return "EXTENDED";
}

const char *storage_word(const Object *column) {
  switch (value_of(column, "storage")[0]) {
  case 'p':
    return "PLAIN";
  case 'e':
    return "EXTERNAL";
  case 'm':
    return "MAIN";
  case 'x':
    return "EXTENDED";
  default:
    return storage_word_of_type(value_of(column, "type"));
  }
}

static void set_storage(Build *build, const Object *column) {
  emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I SET STORAGE %s", column, column->name,
       storage_word(column));
}

static void set_compression(Build *build, const Object *column) {
  const char *code = value_of(column, "compression");
  emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I SET COMPRESSION %s", column, column->name,
       code[0] == 'p'   ? "pglz"
       : code[0] == 'l' ? "lz4"
                        : "DEFAULT");
}

static void set_statistics(Build *build, const Object *column) {
  const char *target = object_property(column, "statistics");
  emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I SET STATISTICS %s", column, column->name,
       target != NULL ? target : "-1");
}

static void set_options(Build *build, const Object *column, const char *before) {
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  sql_add(&head, "ALTER TABLE ONLY %P ALTER COLUMN %I", column, column->name);
  options_alter(build, head.text, "", before, object_property(column, "options"));
}

static void set_default(Build *build, const Object *column) {
  emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I SET DEFAULT %s", column, column->name,
       value_of(column, "default"));
}

static void write_settings(Build *build, const Node *node) {
  const Object *column = node->object;
  if (object_property(column, "storage") != NULL)
    set_storage(build, column);
  if (object_property(column, "compression") != NULL)
    set_compression(build, column);
  if (object_property(column, "statistics") != NULL)
    set_statistics(build, column);
  if (object_property(column, "options") != NULL)
    set_options(build, column, NULL);
}

const Node *column_above(const Build *build, const Node *node) {
  const Dependency *needs;
  size_t count = schema_dependencies(build->diff->after, node->object->parent, &needs);
  for (size_t at = 0; at < count; at++)
    for (const Object *child = needs[at].needs->first_child; child != NULL; child = child->next)
      if (child->kind == KIND_COLUMN && str_equal(child->name, node->object->name))
        return node_of(build, child);
  return NULL;
}

/* An inherited column has its parent's default unless it has one of its own, which may be none. */
static void differ_from_parent(Build *build, const Node *node) {
  const Object *column = node->object;
  const Node *above = column_above(build, node);
  if (above == NULL || is_generated(column))
    return;
  const char *value = object_property(column, "default");
  if (!str_equal(value, object_property(above->object, "default"))) {
    if (value != NULL)
      set_default(build, column);
    else
      emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I DROP DEFAULT", column, column->name);
  }
  if (object_is(column, "not_null") && !object_is(above->object, "not_null"))
    emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I SET NOT NULL", column, column->name);
}

void column_settings(Build *build, const Node *node) {
  const Object *column = node->object;
  bool has_default = object_property(column, "default") != NULL;
  if (object_is_inherited(column) && value_of(column->parent, "partition_of")[0] == '\0')
    differ_from_parent(build, node);
  else if (!is_generated(column) && has_default && !default_is_plain(column))
    set_default(build, column);
  write_settings(build, node);
}

static bool is_volatile_default(const Object *column) {
  return is_generated(column) || object_property(column, "identity") != NULL ||
         (object_property(column, "default") != NULL && !default_is_plain(column));
}

/* Whether the parents bring it along; one that is a parent only from now on finds it there. */
static bool comes_by_itself(const Node *node) {
  return object_is_inherited(node->object) && node_change(node->parent, "partition_of") == NULL &&
         (node_change(node->parent, "inherits") == NULL || node->parent->is_attached);
}

void column_create(Build *build, const Node *node) {
  const Object *column = node->object;
  if (!comes_by_itself(node)) {
    AUTO_RELEASE(buffer_release) Buffer sql = {0};
    sql_add(&sql, "ALTER TABLE %P ADD COLUMN ", column);
    column_add_definition(&sql, column);
    if (object_property(column, "default") != NULL && !is_generated(column) &&
        !default_is_plain(column))
      sql_add(&sql, " DEFAULT %s", value_of(column, "default"));
    bool fails = object_is(column, "not_null") && object_property(column, "default") == NULL &&
                 object_property(column, "identity") == NULL;
    emit_buffer(build, is_volatile_default(column) ? EMIT_REWRITE : 0,
                fails ? "fails where the table has rows: they would have no value" : NULL, &sql);
  } else {
    differ_from_parent(build, node);
  }
  write_settings(build, node);
}

void column_remove(Build *build, const Node *node) {
  const Object *column = node->object;
  bool is_computed = is_generated(column);
  Object table = *column->parent;
  const Node *parent = node->parent->partner;
  if (node->is_late && parent != NULL)
    table = *parent->object; /* renamed by now */
  emit_noted(build, is_computed ? 0 : EMIT_DESTRUCTIVE,
             is_computed ? NULL : "the column's data is gone", "ALTER TABLE %O DROP COLUMN %I",
             &table, column->name);
}

/* ---- types ---- */

enum { FAMILY_NUMBER = 1, FAMILY_TEXT, FAMILY_TIME };

static int family_of(const char *type) {
  static const struct {
    const char *name;
    int family;
  } families[] = {
      {"smallint", FAMILY_NUMBER}, {"integer", FAMILY_NUMBER},
      {"bigint", FAMILY_NUMBER},   {"numeric", FAMILY_NUMBER},
      {"real", FAMILY_NUMBER},     {"double precision", FAMILY_NUMBER},
      {"text", FAMILY_TEXT},       {"character varying", FAMILY_TEXT},
      {"character", FAMILY_TEXT},  {"name", FAMILY_TEXT},
      {"date", FAMILY_TIME},       {"timestamp", FAMILY_TIME},
  };
  if (strchr(type, '[') != NULL)
    return 0;
  for (size_t at = 0; at < ARRAY_LENGTH(families); at++) {
    size_t length = strlen(families[at].name);
    if (strncmp(type, families[at].name, length) == 0 &&
        (type[length] == '\0' || type[length] == '(' || type[length] == ' '))
      return families[at].family;
  }
  return 0;
}

/* How far a conversion can be left to PostgreSQL: assignment casts need no USING; text has an
 * explicit cast to everything; the rest goes by way of text. */
static const char *conversion(const char *before, const char *after) {
  int from = family_of(before);
  int to = family_of(after);
  if (to == FAMILY_TEXT || (from != 0 && from == to))
    return NULL;
  return from == FAMILY_TEXT ? "USING %I::%s" : "USING %I::text::%s";
}

/* A longer or unlimited text keeps its bytes. */
static bool is_rewritten(const char *before, const char *after) {
  if (str_equal(after, "text") && str_starts(before, "character varying"))
    return false;
  return !str_equal(after, "character varying") || !str_starts(before, "character varying");
}

static void set_type(Build *build, const Node *node) {
  const Object *column = node->object;
  const char *before = value_of(node->partner->object, "type");
  const char *after = value_of(column, "type");
  const char *collation = object_property(column, "collation");
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "ALTER TABLE %P ALTER COLUMN %I TYPE %s", column, column->name, after);
  if (collation != NULL)
    sql_add(&sql, " COLLATE %s", collation);
  bool is_foreign = column->parent->kind == KIND_FOREIGN_TABLE;
  bool is_same = str_equal(before, after) && !node->partner->retype;
  const char *using = is_same || is_foreign ? NULL : conversion(before, after);
  if (using != NULL) {
    sql_add(&sql, " ");
    sql_add(&sql, using, column->name, after);
  }
  AUTO(str_free)
  char *note = str_format("was %s%s; fails where a value doesn't fit", before,
                          using != NULL ? ", converted by its text" : "");
  emit_buffer(build, is_rewritten(before, after) ? EMIT_REWRITE : 0,
              str_equal(before, after) ? NULL : note, &sql);
}

/* ---- changes ---- */

/* Types are handed down to children, whose own change then only tells so. */
static bool handed_down(const Node *node) {
  return object_is_inherited(node->object);
}

static void alter_default(Build *build, const Node *node) {
  const Object *column = node->object;
  const Object *before = node->partner->object;
  bool was_suspended = node->partner->suspend_default || node->partner->retype;
  bool has = object_property(column, "default") != NULL && !is_generated(column);
  if (is_generated(before) && !is_generated(column)) {
    emit(build, 0, "ALTER TABLE %P ALTER COLUMN %I DROP EXPRESSION", column, column->name);
    if (has)
      set_default(build, column);
  } else if (has && (was_suspended || node_change(node, "default") != NULL))
    set_default(build, column);
  else if (!has && !was_suspended && node_change(node, "default") != NULL)
    emit(build, 0, "ALTER TABLE ONLY %P ALTER COLUMN %I DROP DEFAULT", column, column->name);
}

/* Whether the parent's column becomes the same, and hands it down. */
static bool null_is_handed_down(const Build *build, const Node *node) {
  const Node *above = object_is_inherited(node->object) ? column_above(build, node) : NULL;
  return above != NULL && (above->create || node_change(above, "not_null") != NULL) &&
         str_equal(value_of(above->object, "not_null"), value_of(node->object, "not_null"));
}

static void alter_null(Build *build, const Node *node) {
  const Object *column = node->object;
  bool set = object_is(column, "not_null");
  if (node_change(node, "not_null") == NULL || null_is_handed_down(build, node))
    return;
  emit_noted(build, set ? EMIT_REWRITE : 0, set ? "fails where there are NULLs" : NULL,
             "ALTER TABLE %P ALTER COLUMN %I %s NOT NULL", column, column->name,
             set ? "SET" : "DROP");
}

static void alter_foreign_options(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  const PropertyChange *change = node_change(node, "foreign_options");
  if (change == NULL)
    return;
  options_add_difference(&options, change->before, change->after);
  if (options.length > 0)
    emit(build, 0, "ALTER FOREIGN TABLE %P ALTER COLUMN %I OPTIONS (%s)", node->object,
         node->object->name, options.text);
}

static void alter_settings(Build *build, const Node *node) {
  const PropertyChange *options = node_change(node, "options");
  if (node_change(node, "storage") != NULL)
    set_storage(build, node->object);
  if (node_change(node, "compression") != NULL)
    set_compression(build, node->object);
  if (node_change(node, "statistics") != NULL)
    set_statistics(build, node->object);
  if (options != NULL)
    set_options(build, node->object, options->before);
}

/* Identity goes before and comes after the type; NOT NULL can't go while there is identity, and
 * can't miss when it comes. */
void column_alter(Build *build, const Node *node) {
  bool is_own = !handed_down(node);
  bool gains = object_property(node->object, "identity") != NULL;
  if (!gains && is_own)
    identity_alter(build, node);
  if ((node->partner->retype) && is_own)
    set_type(build, node);
  alter_null(build, node);
  alter_default(build, node);
  if (gains && is_own)
    identity_alter(build, node);
  alter_settings(build, node);
  alter_foreign_options(build, node);
  if (node_change(node, "local") != NULL)
    finding(build, node->object,
            "whether it is the table's own or only its parent's can't be changed");
}
