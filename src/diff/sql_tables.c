/* Tables, foreign tables and sequences as a whole. */
#include "diff/sql_build.h"

#include <stdlib.h>
#include <string.h>

static void add_columns(Buffer *sql, const Object *table) {
  size_t empty = sql->length;
  const char *comma = "\n    ";
  for (const Object *child = table->first_child; child != NULL; child = child->next) {
    bool is_partition = object_property(table, "partition_of") != NULL;
    if (child->kind != KIND_COLUMN || (object_is_inherited(child) && !is_partition))
      continue;
    sql_add(sql, "%s", comma);
    column_add_definition(sql, child);
    comma = ",\n    ";
  }
  if (sql->length > empty)
    buffer_add_text(sql, "\n");
}

static bool is_foreign(const Object *table) {
  return table->kind == KIND_FOREIGN_TABLE;
}

static void add_foreign_tail(Buffer *sql, const Object *table) {
  sql_add(sql, " SERVER %I", value_of(table, "server"));
  if (object_property(table, "foreign_options") == NULL)
    return;
  sql_add(sql, " OPTIONS (");
  options_add_foreign(sql, object_property(table, "foreign_options"));
  sql_add(sql, ")");
}

static void add_table_tail(Buffer *sql, const Object *table) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  const char *method = object_property(table, "access_method");
  if (object_property(table, "partition_key") != NULL)
    sql_add(sql, " PARTITION BY %s", value_of(table, "partition_key"));
  if (method != NULL && !str_equal(method, "heap"))
    sql_add(sql, " USING %I", method);
  options_add_storage(&options, "", object_property(table, "options"));
  options_add_storage(&options, "toast.", object_property(table, "toast_options"));
  if (options.length > 0)
    sql_add(sql, " WITH (%s)", options.text);
  if (object_property(table, "tablespace") != NULL)
    sql_add(sql, " TABLESPACE %I", value_of(table, "tablespace"));
}

static void write_flags(Build *build, const Object *table) {
  const char *identity = value_of(table, "replica_identity");
  if (identity[0] == 'n' || identity[0] == 'f')
    emit(build, 0, "ALTER TABLE ONLY %O REPLICA IDENTITY %s", table,
         identity[0] == 'n' ? "NOTHING" : "FULL");
  if (object_is(table, "row_security"))
    emit(build, 0, "ALTER TABLE %O ENABLE ROW LEVEL SECURITY", table);
  if (object_is(table, "force_row_security"))
    emit(build, 0, "ALTER TABLE %O FORCE ROW LEVEL SECURITY", table);
}

/* Partitions are attached later, once their indexes are there; OF a type likewise. */
void table_create(Build *build, const Node *node) {
  const Object *table = node->object;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  const char *word = is_foreign(table)                          ? "FOREIGN "
                     : value_of(table, "persistence")[0] == 'u' ? "UNLOGGED "
                                                                : "";
  sql_add(&sql, "CREATE %sTABLE %O (", word, table);
  add_columns(&sql, table);
  sql_add(&sql, ")");
  if (object_property(table, "inherits") != NULL)
    sql_add(&sql, " INHERITS (%s)", value_of(table, "inherits"));
  if (is_foreign(table))
    add_foreign_tail(&sql, table);
  else
    add_table_tail(&sql, table);
  emit_buffer(build, 0, NULL, &sql);
  if (!is_foreign(table))
    write_flags(build, table);
}

/* ---- parents ---- */

static bool list_has(const char *list, const char *item, size_t length) {
  for (const char *at = list; at != NULL && *at != '\0';) {
    const char *end = strstr(at, ", ");
    size_t here = end != NULL ? (size_t)(end - at) : strlen(at);
    if (here == length && strncmp(at, item, length) == 0)
      return true;
    at = end != NULL ? end + 2 : NULL;
  }
  return false;
}

/* ALTER TABLE ... [NO] INHERIT for each parent in list that isn't in other. */
static void write_parents(Build *build, const Object *table, const char *list, const char *other,
                          const char *word) {
  for (const char *at = list; at != NULL && *at != '\0';) {
    const char *end = strstr(at, ", ");
    size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
    AUTO(str_free) char *parent = str_ndup(at, length);
    if (!list_has(other, at, length))
      emit(build, 0, "ALTER TABLE %O %s %s", table, word, parent);
    at = end != NULL ? end + 2 : NULL;
  }
}

static bool partition_changes(const Node *node) {
  return node->detach || node_change(node, "partition_of") != NULL ||
         node_change(node, "bound") != NULL;
}

void table_detach(Build *build, const Node *node) {
  const Object *table = node->object;
  if (table->kind != KIND_TABLE && table->kind != KIND_FOREIGN_TABLE)
    return;
  const char *parent = object_property(table, "partition_of");
  if (parent != NULL && partition_changes(node))
    emit(build, 0, "ALTER TABLE %s DETACH PARTITION %O", parent, table);
  if (table->kind == KIND_TABLE && object_property(table, "of_type") != NULL &&
      (node->detach || node_change(node, "of_type") != NULL))
    emit(build, 0, "ALTER TABLE %O NOT OF", table);
  const PropertyChange *inherits = node_change(node, "inherits");
  if (inherits != NULL)
    write_parents(build, table, inherits->before, inherits->after, "NO INHERIT");
}

static bool depends_on(const Schema *schema, const Object *object, const Object *needed) {
  const Dependency *needs;
  size_t count = schema_dependencies(schema, object, &needs);
  for (size_t at = 0; at < count; at++)
    if (needs[at].needs == needed)
      return true;
  return false;
}

static bool has_column(const Object *table, const char *name) {
  for (const Object *child = table->first_child; child != NULL; child = child->next)
    if (child->kind == KIND_COLUMN && str_equal(child->name, name))
      return true;
  return false;
}

/* Whether a parent that stays one has brought that column along all the time. */
static bool stays_inherited(const Build *build, const Node *table, const Object *column) {
  const Dependency *needs;
  size_t count = schema_dependencies(build->diff->after, table->object, &needs);
  for (size_t at = 0; at < count; at++) {
    const Node *parent = node_of(build, needs[at].needs);
    if (parent->object->kind == KIND_TABLE && parent->partner != NULL &&
        has_column(parent->partner->object, column->name) &&
        depends_on(build->diff->before, table->partner->object, parent->partner->object))
      return true;
  }
  return false;
}

/* A column that is there when its table gets a parent stays the table's own, too. */
static void tell_own_columns(Build *build, const Node *node) {
  for (const Object *child = node->object->first_child; child != NULL; child = child->next)
    if (child->kind == KIND_COLUMN && object_is_inherited(child) &&
        (!node->is_attached || !node_of(build, child)->create) &&
        !stays_inherited(build, node, child))
      finding(build, child, "becomes the table's own besides being inherited");
}

void table_attach(Build *build, const Node *node) {
  const Object *table = node->object;
  if (table->kind != KIND_TABLE && table->kind != KIND_FOREIGN_TABLE)
    return;
  const char *parent = object_property(table, "partition_of");
  bool comes_back = node->partner != NULL && partition_changes(node->partner);
  if (parent != NULL && (node->create || comes_back))
    emit(build, EMIT_REWRITE, "ALTER TABLE %s ATTACH PARTITION %O %s", parent, table,
         value_of(table, "bound"));
  if (table->kind == KIND_TABLE && object_property(table, "of_type") != NULL &&
      (node->create || node->partner->detach || node_change(node, "of_type") != NULL))
    emit(build, 0, "ALTER TABLE %O OF %s", table, value_of(table, "of_type"));
  const PropertyChange *inherits = node->create ? NULL : node_change(node, "inherits");
  if (inherits != NULL && inherits->after != NULL)
    tell_own_columns(build, node);
  if (inherits != NULL && !node->is_attached)
    write_parents(build, table, inherits->after, inherits->before, "INHERIT");
}

/* The child's part that a parent's asks for, by name, as it is before anything is altered. */
static bool has_kept_part(const Build *build, const Object *child, const Object *part) {
  for (const Object *own = child->first_child; own != NULL; own = own->next)
    if (own->kind == part->kind && str_equal(own->name, part->name))
      return !node_of(build, own)->drop &&
             (part->kind != KIND_COLUMN ||
              (str_equal(value_of(own, "type"), value_of(part, "type")) &&
               object_is(own, "not_null") >= object_is(part, "not_null")));
  return false;
}

static bool is_asked_for(const Build *build, const Object *part) {
  return !node_of(build, part)->drop &&
         (part->kind == KIND_COLUMN ||
          (part->kind == KIND_CONSTRAINT && value_of(part, "type")[0] == 'c' &&
           !object_is(part, "no_inherit")));
}

/* Whether a table already has what before's tables that it is to inherit from have by now. */
static bool fits_parents(const Build *build, const Object *child, const char *parents) {
  size_t found = 0;
  size_t wanted = 1;
  for (const char *at = parents; (at = strstr(at, ", ")) != NULL; at++)
    wanted++;
  for (size_t at = 0; at < build->before_count; at++) {
    const Node *node = &build->nodes[at];
    if (node->object->kind != KIND_TABLE || node->partner == NULL || node->drop)
      continue;
    AUTO_RELEASE(buffer_release) Buffer name = {0};
    sql_add(&name, "%O", node->partner->object);
    if (!list_has(parents, name.text, name.length))
      continue;
    found++;
    for (const Object *part = node->object->first_child; part != NULL; part = part->next)
      if (is_asked_for(build, part) && !has_kept_part(build, child, part))
        return false;
  }
  return found == wanted;
}

/* What parents get after a table inherits from them comes to it as theirs; what it has before stays
 * its own for good. So it is made a child as early as it can be one. */
void table_inherit_early(Build *build, Node *node) {
  const PropertyChange *inherits =
      node->object->kind == KIND_TABLE && !node->create ? node_change(node, "inherits") : NULL;
  if (inherits == NULL || inherits->after == NULL ||
      !fits_parents(build, node->partner->object, inherits->after))
    return;
  write_parents(build, node->object, inherits->after, inherits->before, "INHERIT");
  node->is_attached = true;
}

/* ---- changes ---- */

static void alter_options(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer head = {0};
  const PropertyChange *options = node_change(node, "options");
  const PropertyChange *toast = node_change(node, "toast_options");
  sql_add(&head, "ALTER TABLE %O", node->object);
  if (options != NULL)
    options_alter(build, head.text, "", options->before, options->after);
  if (toast != NULL)
    options_alter(build, head.text, "toast.", toast->before, toast->after);
}

static void alter_security(Build *build, const Node *node) {
  const Object *table = node->object;
  if (node_change(node, "row_security") != NULL)
    emit(build, 0, "ALTER TABLE %O %s ROW LEVEL SECURITY", table,
         object_is(table, "row_security") ? "ENABLE" : "DISABLE");
  if (node_change(node, "force_row_security") != NULL)
    emit(build, 0, "ALTER TABLE %O %s ROW LEVEL SECURITY", table,
         object_is(table, "force_row_security") ? "FORCE" : "NO FORCE");
}

static void alter_identity(Build *build, const Node *node) {
  static const struct {
    char code;
    const char *word;
  } words[] = {{'d', "DEFAULT"}, {'n', "NOTHING"}, {'f', "FULL"}};
  const PropertyChange *change = node_change(node, "replica_identity");
  for (size_t at = 0; change != NULL && change->after != NULL && at < ARRAY_LENGTH(words); at++)
    if (change->after[0] == words[at].code)
      emit(build, 0, "ALTER TABLE ONLY %O REPLICA IDENTITY %s", node->object, words[at].word);
}

void table_alter(Build *build, const Node *node) {
  const Object *table = node->object;
  const PropertyChange *tablespace = node_change(node, "tablespace");
  if (node_change(node, "persistence") != NULL)
    emit_noted(build, EMIT_REWRITE,
               value_of(table, "persistence")[0] == 'u' ? "is emptied by a crash from now on"
                                                        : NULL,
               "ALTER TABLE %O SET %s", table,
               value_of(table, "persistence")[0] == 'u' ? "UNLOGGED" : "LOGGED");
  if (node_change(node, "access_method") != NULL)
    emit(build, EMIT_REWRITE, "ALTER TABLE %O SET ACCESS METHOD %I", table,
         value_of(table, "access_method"));
  if (tablespace != NULL)
    emit(build, EMIT_REWRITE, "ALTER TABLE %O SET TABLESPACE %I", table,
         tablespace->after != NULL ? tablespace->after : "pg_default");
  alter_options(build, node);
  alter_security(build, node);
  alter_identity(build, node);
}

void foreign_table_alter(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer options = {0};
  const PropertyChange *change = node_change(node, "foreign_options");
  if (change != NULL)
    options_add_difference(&options, change->before, change->after);
  if (options.length > 0)
    emit(build, 0, "ALTER FOREIGN TABLE %O OPTIONS (%s)", node->object, options.text);
}

/* ---- sequences ---- */

static void add_sequence_options(Buffer *sql, const Object *sequence) {
  sql_add(sql, " AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s",
          value_of(sequence, "type"), value_of(sequence, "increment"),
          value_of(sequence, "minimum"), value_of(sequence, "maximum"), value_of(sequence, "start"),
          value_of(sequence, "cache"), object_is(sequence, "cycle") ? "CYCLE" : "NO CYCLE");
}

void sequence_create(Build *build, const Node *node) {
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  sql_add(&sql, "CREATE %sSEQUENCE %O",
          value_of(node->object, "persistence")[0] == 'u' ? "UNLOGGED " : "", node->object);
  add_sequence_options(&sql, node->object);
  emit_buffer(build, 0, NULL, &sql);
}

static int64_t number_of(const Object *object, const char *property) {
  return strtoll(value_of(object, property), NULL, 10);
}

/* The value has to lie in the new bounds before they hold. Within the old ones it is moved to the
 * nearest that does; where the two have nothing in common, the sequence starts anew. */
static bool fit_value(Build *build, const Node *node) {
  const Object *before = node->partner->object;
  const Object *after = node->object;
  const char *minimum = value_of(after, "minimum");
  const char *maximum = value_of(after, "maximum");
  if (number_of(after, "minimum") <= number_of(before, "minimum") &&
      number_of(after, "maximum") >= number_of(before, "maximum"))
    return true;
  if (number_of(after, "minimum") > number_of(before, "maximum") ||
      number_of(after, "maximum") < number_of(before, "minimum"))
    return false;
  AUTO_RELEASE(buffer_release) Buffer name = {0};
  sql_add(&name, "%O", after);
  emit(build, 0,
       "SELECT pg_catalog.setval(%L, GREATEST(LEAST(last_value, %s), %s),"
       " is_called AND last_value BETWEEN %s AND %s) FROM %O",
       name.text, maximum, minimum, minimum, maximum, after);
  return true;
}

/* A column that owns it and goes would take it along, so it is set free here. */
void sequence_alter(Build *build, const Node *node) {
  static const char *const numbers[] = {"type",    "start", "increment", "minimum",
                                        "maximum", "cache", "cycle"};
  bool differs = false;
  for (size_t at = 0; at < ARRAY_LENGTH(numbers); at++)
    differs = differs || node_change(node, numbers[at]) != NULL;
  const PropertyChange *owned = node_change(node, "owned_by");
  if (owned != NULL && owned->before != NULL && !node->partner->is_freed)
    emit(build, 0, "ALTER SEQUENCE %O OWNED BY NONE", node->object);
  if (node_change(node, "persistence") != NULL)
    emit(build, 0, "ALTER SEQUENCE %O SET %s", node->object,
         value_of(node->object, "persistence")[0] == 'u' ? "UNLOGGED" : "LOGGED");
  if (!differs)
    return;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  bool fits = fit_value(build, node);
  sql_add(&sql, "ALTER SEQUENCE %O", node->object);
  add_sequence_options(&sql, node->object);
  if (!fits)
    sql_add(&sql, " RESTART");
  emit_buffer(build, 0, fits ? NULL : "starts anew: its value lies outside of the new bounds",
              &sql);
}

void sequence_own(Build *build, const Node *node) {
  if (node->object->kind != KIND_SEQUENCE || object_property(node->object, "owned_by") == NULL ||
      (!node->create && !node->partner->is_freed && node_change(node, "owned_by") == NULL))
    return;
  emit(build, 0, "ALTER SEQUENCE %O OWNED BY %s", node->object, value_of(node->object, "owned_by"));
}
