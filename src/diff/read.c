/* Reads a schema: which kinds there are at all, then one query per kind (sql/KIND.sql), all of them
 * in one round trip; the model's texts stay where libpq put them. */
#include "diff/read.h"

#include "diff/name.h"
#include "diff/numbers.h"
#include "diff/present.h"

#include <stdlib.h>
#include <string.h>

const char schema_session_options[] =
    "-c search_path=pg_catalog,pg_temp -c role=none -c jit=off"
    " -c local_preload_libraries= -c lock_timeout=5s -c statement_timeout=60s"
    " -c default_transaction_read_only=on -c quote_all_identifiers=off"
    " -c max_parallel_workers_per_gather=0 -c standard_conforming_strings=on"
    " -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c TimeZone=UTC"
    " -c extra_float_digits=1 -c bytea_output=hex -c work_mem=32MB";

/* What each kind's query begins with; its properties follow in the order of kinds.def. */
enum {
  COLUMN_OID,
  COLUMN_SUBID,
  COLUMN_POSITION,
  COLUMN_PARENT,
  COLUMN_SCHEMA,
  COLUMN_NAME,
  COLUMN_SIGNATURE,
  COLUMN_OWNER,
  COLUMN_GRANTS,
  COLUMN_DEFINITION,
  COLUMN_COUNT,
};

/* Queries about objects that the kinds' queries brought. */
enum { EXTRA_COMMENTS, EXTRA_LABELS, EXTRA_DEPENDENCIES, EXTRA_COUNT };
static const char *const extra_files[] = {"comments", "labels", "dependencies"};

/* The queries of the second round trip, and COMMIT. */
enum { QUERY_COUNT = KIND_COUNT + EXTRA_COUNT, STATEMENT_LIMIT = QUERY_COUNT + 1 };

typedef struct Reading {
  Schema *schema;
  NumberMap numbers;
  bool is_absent[QUERY_COUNT];
  const Rows *rows[QUERY_COUNT]; /* borrowed from the schema; NULL: absent */
} Reading;

/* ---- the statements ---- */

/* Returns how many statements there are. */
static size_t add_queries(Buffer *sql, const Reading *reading) {
  size_t count = 0;
  for (size_t query = 0; query < QUERY_COUNT; query++) {
    if (reading->is_absent[query])
      continue;
    present_add_file(sql, query < KIND_COUNT ? kind_info((ObjectKind)query)->name
                                             : extra_files[query - KIND_COUNT]);
    count++;
  }
  buffer_add_text(sql, "COMMIT");
  return count + 1;
}

/* ---- objects ---- */

static Number number_of(const Object *object) {
  return (Number){kind_info(object->kind)->classid, object->oid, object->subid};
}

/* The server's own schemas, the sessions' temporary ones, and Bough's. */
static bool is_left_out(const char *schema) {
  return str_starts(schema, "pg_") || str_equal(schema, "information_schema") ||
         str_equal(schema, "bough");
}

static bool check_columns(const Kind *kind, const Rows *rows, Error *err) {
  bool fits = rows_columns(rows) == COLUMN_COUNT + kind->property_count;
  for (size_t at = 0; fits && at < kind->property_count; at++)
    fits = str_equal(rows_column_name(rows, COLUMN_COUNT + at), kind->properties[at]);
  return fits ||
         error_set(err, ERROR_INTERNAL, "the query of %s doesn't fit its properties", kind->name);
}

static void read_values(Reading *reading, Object *object, const Rows *rows, size_t row) {
  size_t count = kind_info(object->kind)->property_count;
  const char **values = arena_new(&reading->schema->arena, count, sizeof *values);
  for (size_t at = 0; at < count; at++)
    values[at] = rows_get(rows, row, COLUMN_COUNT + at);
  object->values = values;
}

static void read_object(Reading *reading, ObjectKind kind, const Rows *rows, size_t row) {
  const Kind *info = kind_info(kind);
  const char *schema = rows_get(rows, row, COLUMN_SCHEMA);
  const char *name = rows_get(rows, row, COLUMN_NAME);
  Object *parent = NULL;
  if (is_left_out(schema) || (kind == KIND_SCHEMA && is_left_out(name)))
    return;
  if (info->parent != KIND_NONE) {
    Number number = {kind_info(info->parent)->classid,
                     (uint32_t)rows_get_integer(rows, row, COLUMN_PARENT), 0};
    parent = number_map_get(&reading->numbers, number);
    if (parent == NULL) /* of an extension, or left out itself */
      return;
  }
  Object *object = schema_add(reading->schema, kind, parent, schema, name);
  object->oid = (uint32_t)rows_get_integer(rows, row, COLUMN_OID);
  object->subid = (int32_t)rows_get_integer(rows, row, COLUMN_SUBID);
  object->position = (int32_t)rows_get_integer(rows, row, COLUMN_POSITION);
  object->signature = rows_get(rows, row, COLUMN_SIGNATURE);
  object->owner = rows_get(rows, row, COLUMN_OWNER);
  object->grants = rows_get(rows, row, COLUMN_GRANTS);
  object->definition = rows_get(rows, row, COLUMN_DEFINITION);
  read_values(reading, object, rows, row);
  number_map_put(&reading->numbers, number_of(object), object);
}

/* Names for the numbers of a constraint's columns, which the server takes longer to look up than
 * all the rest of the row. System columns have none. */
static void name_columns(Reading *reading, Object *object) {
  const char *numbers = object_property(object, "columns");
  if (numbers == NULL)
    return;
  AUTO_RELEASE(buffer_release) Buffer names = {0};
  char *rest = NULL;
  for (long number = strtol(numbers, &rest, 10); rest != numbers;
       number = strtol(numbers, &rest, 10)) {
    const Object *column =
        number_map_get(&reading->numbers, (Number){kind_info(KIND_COLUMN)->classid,
                                                   object->parent->oid, (int32_t)number});
    numbers = rest;
    if (column == NULL)
      continue;
    buffer_add_text(&names, names.length == 0 ? "" : ", ");
    name_add(&names, column->name);
  }
  const char *text =
      names.length == 0 ? NULL : arena_text(&reading->schema->arena, names.text, names.length);
  object_set(reading->schema, object, "columns", text);
}

static void read_constraint_columns(Reading *reading) {
  const Schema *schema = reading->schema;
  for (size_t at = schema->count; at > 0 && schema->objects[at - 1]->kind == KIND_CONSTRAINT; at--)
    name_columns(reading, schema->objects[at - 1]);
}

static bool read_kind(Reading *reading, ObjectKind kind, const Rows *rows, Error *err) {
  if (!check_columns(kind_info(kind), rows, err))
    return false;
  for (size_t row = 0; row < rows_count(rows); row++)
    read_object(reading, kind, rows, row);
  if (kind == KIND_CONSTRAINT)
    read_constraint_columns(reading);
  return true;
}

/* ---- what is said about objects ---- */

/* (catalog, oid, attribute number) from that column on. */
static Object *object_in(const Reading *reading, const Rows *rows, size_t row, size_t column) {
  Number number = {(uint32_t)rows_get_integer(rows, row, column),
                   (uint32_t)rows_get_integer(rows, row, column + 1),
                   (int32_t)rows_get_integer(rows, row, column + 2)};
  return number_map_get(&reading->numbers, number);
}

/* Columns of views mostly are no objects of their own: the view stands for them. */
static Object *end_of_dependency(const Reading *reading, const Rows *rows, size_t row,
                                 size_t column) {
  Object *object = object_in(reading, rows, row, column);
  Number whole = {(uint32_t)rows_get_integer(rows, row, column),
                  (uint32_t)rows_get_integer(rows, row, column + 1), 0};
  return object != NULL ? object : number_map_get(&reading->numbers, whole);
}

static void read_comments(Reading *reading, const Rows *rows) {
  for (size_t row = 0; row < rows_count(rows); row++) {
    Object *object = object_in(reading, rows, row, 0);
    if (object != NULL)
      object->comment = rows_get(rows, row, 3);
  }
}

static void read_labels(Reading *reading, const Rows *rows) {
  for (size_t row = 0; row < rows_count(rows); row++) {
    Object *object = object_in(reading, rows, row, 0);
    if (object != NULL)
      object->labels = rows_get(rows, row, 3);
  }
}

static void read_dependencies(Reading *reading, const Rows *rows) {
  Schema *schema = reading->schema;
  schema->dependencies = mem_new(rows_count(rows), sizeof *schema->dependencies);
  for (size_t row = 0; row < rows_count(rows); row++) {
    Object *object = end_of_dependency(reading, rows, row, 0);
    Object *needs = end_of_dependency(reading, rows, row, 3);
    if (object != NULL && needs != NULL && object != needs)
      schema->dependencies[schema->dependency_count++] = (Dependency){object, needs};
  }
}

static bool build(Reading *reading, Error *err) {
  const Rows *const *extras = reading->rows + KIND_COUNT;
  for (size_t kind = 0; kind < KIND_COUNT; kind++)
    if (reading->rows[kind] != NULL &&
        !read_kind(reading, (ObjectKind)kind, reading->rows[kind], err))
      return false;
  read_comments(reading, extras[EXTRA_COMMENTS]);
  read_labels(reading, extras[EXTRA_LABELS]);
  if (extras[EXTRA_DEPENDENCIES] != NULL)
    read_dependencies(reading, extras[EXTRA_DEPENDENCIES]);
  schema_finish(reading->schema);
  return true;
}

/* ---- reading ---- */

static bool fetch(Conn *conn, Reading *reading, Error *err) {
  if (!present_begin(conn, reading->is_absent, err))
    return false;
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  size_t count = add_queries(&sql, reading);
  Rows **rows = mem_new(STATEMENT_LIMIT, sizeof(Rows *));
  if (!conn_exec_each(conn, sql.text, count, rows, err)) {
    mem_free(rows);
    return false;
  }
  reading->schema->rows = rows;
  reading->schema->rows_count = count;
  size_t at = 0;
  for (size_t query = 0; query < QUERY_COUNT; query++)
    reading->rows[query] = reading->is_absent[query] ? NULL : rows[at++];
  return true;
}

/* Some of the server's functions look at the present catalogs instead of the snapshot's: with DDL
 * going on beside us they may stumble over what is gone (XX000, 42P01). Then it is read again. */
static bool fetch_stubbornly(Conn *conn, Reading *reading, Error *err) {
  enum { ATTEMPTS = 3 };
  for (int attempt = 1;; attempt++) {
    Error failure = ERROR_INIT;
    if (fetch(conn, reading, &failure))
      return true;
    bool is_passing =
        str_equal(conn_sqlstate(conn), "XX000") || str_equal(conn_sqlstate(conn), "42P01");
    (void)!conn_exec(conn, "ROLLBACK", NULL, NULL); /* a connection that is gone stays gone */
    if (!is_passing || attempt == ATTEMPTS) {
      *err = failure;
      return error_prefix(err, "reading the schema of database \"%.80s\"", conn_database(conn));
    }
  }
}

bool schema_read(Conn *conn, unsigned flags, Schema **ret, Error *err) {
  AUTO(schema_free) Schema *schema = schema_new();
  Reading reading = {.schema = schema};
  reading.is_absent[KIND_COUNT + EXTRA_DEPENDENCIES] = (flags & SCHEMA_READ_DEPENDENCIES) == 0;
  bool ok = fetch_stubbornly(conn, &reading, err) && build(&reading, err);
  number_map_release(&reading.numbers);
  if (ok)
    *ret = STEAL(schema);
  return ok;
}

/* ---- sizes ---- */

bool schema_measure(Conn *conn, Object *const *objects, size_t count, Error *err) {
  AUTO_RELEASE(buffer_release) Buffer list = {0};
  AUTO(rows_free) Rows *rows = NULL;
  NumberMap numbers = {0};
  for (size_t at = 0; at < count; at++) {
    ObjectKind kind = objects[at]->kind;
    if (kind != KIND_TABLE && kind != KIND_INDEX && kind != KIND_MATERIALIZED_VIEW)
      continue;
    buffer_add_format(&list, "%s%u", list.length == 0 ? "{" : ",", objects[at]->oid);
    number_map_put(&numbers, number_of(objects[at]), objects[at]);
  }
  buffer_add_text(&list, list.length == 0 ? "{}" : "}");
  const char *const values[] = {list.text};
  bool ok =
      conn_query(conn,
                 "SELECT c.oid, CASE WHEN c.relkind = 'p' THEN"
                 " (SELECT sum(pg_total_relation_size(t.relid)) FROM pg_partition_tree(c.oid) t)"
                 " ELSE pg_total_relation_size(c.oid) END, c.reltuples::bigint"
                 " FROM pg_class c WHERE c.oid = ANY ($1::oid[])",
                 1, values, &rows, err);
  for (size_t row = 0; ok && row < rows_count(rows); row++) {
    Number number = {kind_info(KIND_TABLE)->classid, (uint32_t)rows_get_integer(rows, row, 0), 0};
    Object *object = number_map_get(&numbers, number);
    if (object == NULL || rows_get(rows, row, 1) == NULL)
      continue;
    object->size = rows_get_integer(rows, row, 1);
    object->rows = rows_get_integer(rows, row, 2);
  }
  number_map_release(&numbers);
  return ok;
}
