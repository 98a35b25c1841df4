/* Reading real databases: every kind of object, by a role without rights, whatever lies in wait. */
#include "core/io.h"
#include "diff/compare.h"
#include "diff/read.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONNECT_MS = 10 * 1000 };

static Cluster *cluster;

static Conn *open_as(const char *user, const char *database) {
  const ConnOption options[] = {{"host", cluster->root},
                                {"port", "5432"},
                                {"user", user},
                                {"dbname", database},
                                {"options", schema_session_options},
                                {NULL, NULL}};
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  if (!conn_open(options, CONNECT_MS, &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static Schema *read_as(const char *user, const char *database, unsigned flags) {
  AUTO(conn_free) Conn *conn = open_as(user, database);
  Schema *schema = NULL;
  Error err = ERROR_INIT;
  if (!schema_read(conn, flags, &schema, &err))
    fail_msg("%s", err.message);
  return schema;
}

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  cluster = cluster_new(NULL);
  cluster_start(cluster, (const char *const[]){"wal_level=logical", NULL});
  cluster_exec(cluster, "postgres", "CREATE ROLE nobody LOGIN");
  cluster_exec(cluster, "postgres", "CREATE DATABASE every");
  cluster_run_file(cluster, "every", TEST_EVERY_KIND);
  cluster_exec(cluster, "postgres", "CREATE DATABASE twin TEMPLATE every");
  return 0;
}

static int tear_down(void **state) {
  cluster_free(cluster);
  return 0;
}

static const Object *find(const Schema *schema, ObjectKind kind, const char *name) {
  for (size_t at = 0; at < schema->count; at++)
    if (schema->objects[at]->kind == kind && str_equal(schema->objects[at]->name, name))
      return schema->objects[at];
  fail_msg("no %s %s", kind_info(kind)->word, name);
  return NULL;
}

static void expect(const Object *object, const char *property, const char *value) {
  const char *is = object_property(object, property);
  if (!str_equal(is, value))
    fail_msg("%s of %s is %s, not %s", property, object->name, is, value);
}

static void test_every_kind(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(schema_free) Schema *schema = read_as("nobody", "every", SCHEMA_READ_DEPENDENCIES);
  size_t counts[KIND_COUNT] = {0};
  for (size_t at = 0; at < schema->count; at++) {
    counts[schema->objects[at]->kind]++;
    assert_false(str_equal(schema->objects[at]->schema, "bough"));
    assert_false(str_starts(schema->objects[at]->name, "gtrgm")); /* the extension's */
  }
  for (size_t kind = 0; kind < KIND_COUNT; kind++)
    if (counts[kind] == 0)
      fail_msg("no object of kind %s", kind_info((ObjectKind)kind)->name);
  assert_true(schema->dependency_count > 20);
}

static void test_properties(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(schema_free) Schema *schema = read_as("nobody", "every", 0);
  expect(find(schema, KIND_TABLE, "plain"), "persistence", "u");
  expect(find(schema, KIND_TABLE, "plain"), "row_security", "t");
  expect(find(schema, KIND_TABLE, "parts_eu"), "partition_of", "public.parts");
  expect(find(schema, KIND_TABLE, "parts_eu"), "bound", "FOR VALUES IN ('eu')");
  expect(find(schema, KIND_TABLE, "parts"), "partition_key", "LIST (region)");
  expect(find(schema, KIND_TABLE, "child"), "inherits", "public.plain");
  expect(find(schema, KIND_TABLE, "T\xC3\xA4hle"), "options", "fillfactor='70'");
  expect(find(schema, KIND_TABLE, "T\xC3\xA4hle"), "toast_options", "autovacuum_enabled='false'");
  expect(find(schema, KIND_COLUMN, "twice"), "generated", "s");
  expect(find(schema, KIND_COLUMN, "twice"), "default", "(id * 2)");
  expect(find(schema, KIND_COLUMN, "order"), "collation", "pg_catalog.\"C\"");
  expect(find(schema, KIND_CONSTRAINT, "sized"), "no_inherit", "t");
  expect(find(schema, KIND_TRIGGER, "watch"), "enabled", "D");
  expect(find(schema, KIND_SEQUENCE, "counter"), "owned_by", "public.plain.id");
  expect(find(schema, KIND_VIEW, "seen"), "options",
         "check_option='local', security_invoker='true'");
  expect(find(schema, KIND_POLICY, "own_rows"), "roles", "reader");
  expect(find(schema, KIND_EVENT_TRIGGER, "ddl"), "enabled", "D");
  expect(find(schema, KIND_FUNCTION, "total"), "volatility", "stable");
  expect(find(schema, KIND_FUNCTION, "total"), "settings", "work_mem=1MB");
  expect(find(schema, KIND_PUBLICATION, "news"), "tables",
         "public.published (id, t) WHERE ((id > 0))");
  expect(find(schema, KIND_DOMAIN_CONSTRAINT, "above"), "validated", "f");
  assert_string_equal(find(schema, KIND_COMPOSITE, "pair")->comment, "of a composite type");
  assert_string_equal(find(schema, KIND_VIEW_COLUMN, "id")->comment, "a column of a view");
  assert_string_equal(find(schema, KIND_CONSTRAINT, "sized")->comment, "of a constraint");
  for (size_t at = 0; at < schema->count; at++) /* secrets stay where they are */
    for (size_t each = 0; each < kind_info(schema->objects[at]->kind)->property_count; each++) {
      const char *value = schema->objects[at]->values[each];
      assert_true(value == NULL || strstr(value, "secret") == NULL);
    }
}

static void test_a_copy_is_the_same(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(schema_free) Schema *every = read_as("nobody", "every", 0);
  AUTO(schema_free) Schema *twin = read_as("postgres", "twin", 0);
  AUTO(diff_free) Diff *diff = diff_compare(every, twin, NULL);
  assert_true(diff_is_empty(diff));
}

/* Whatever one statement changes must show, or pg_dump sees what we don't. */
static void test_each_change_shows(void **state) {
  static const char *const statements[] = {
      "comment on schema public is 'x'",
      "alter type mood add value 'new' before 'sad'",
      "alter type mood rename value 'sad' to 'sadder'",
      "alter domain positive set default 2",
      "alter domain positive validate constraint above",
      "alter type pair add attribute c integer",
      "alter function total(integer, text[]) leakproof",
      "alter function total(integer, text[]) reset work_mem",
      "alter procedure work(integer) security definer",
      "alter operator === (integer, integer) set (restrict = eqsel)",
      ("alter operator family numbers using btree add function 2 (integer, integer) "
       "btint4sortsupport(internal)"),
      "alter text search configuration configuration drop mapping for word",
      "alter text search dictionary dictionary (stopwords)",
      "alter server server options (set host 'y')",
      "alter foreign table far alter id options (set name 'j')",
      "alter foreign data wrapper wrapper options (set debug 'false')",
      "drop user mapping for public server server",
      "alter table plain set logged",
      "alter table plain force row level security",
      "alter table plain replica identity full",
      "alter table plain alter t set statistics 7",
      "alter table plain alter t set storage main",
      "alter table plain alter t set (n_distinct = 5)",
      "alter table plain alter t set compression pglz",
      "alter table parts_rest cluster on parts_rest_pkey",
      "alter table plain enable always trigger watch",
      "alter table plain enable always rule quiet",
      "alter table child no inherit plain",
      "alter table parts detach partition parts_eu",
      "alter table \"Odd schema\".\"T\xC3\xA4hle\" set (fillfactor = 80)",
      "alter table \"Odd schema\".\"T\xC3\xA4hle\" alter id set generated by default",
      "alter table \"Odd schema\".\"T\xC3\xA4hle\" alter id set increment 2",
      "alter table \"Odd schema\".\"T\xC3\xA4hle\" alter twice drop expression",
      "alter sequence counter owned by none",
      "alter view seen reset (security_invoker)",
      "alter view seen alter id set default 5",
      "alter index odd alter column 1 set statistics 9",
      "alter statistics joint set statistics 3",
      "alter policy own_rows on plain to public",
      "alter event trigger ddl enable",
      "alter publication news set (publish = 'insert, delete')",
      "alter publication wide drop tables in schema public",
      "alter default privileges in schema public grant insert on tables to reader",
      "revoke update (t) on plain from reader",
      "revoke grant option for usage on schema \"Odd schema\" from reader",
      "alter table plain owner to reader",
      "drop extension pg_trgm",
      "drop cast (own as integer)",
      "drop transform for integer language sql",
      "drop conversion mine",
      "drop access method heap2",
      "drop language plmine",
      "drop aggregate summed (integer)",
      "drop text search parser parser cascade",
      "drop type shell",
  };
  if (cluster == NULL)
    skip();
  AUTO(schema_free) Schema *twin = read_as("nobody", "twin", 0);
  AUTO(conn_free) Conn *conn = open_as("postgres", "every");
  Error err = ERROR_INIT;
  assert_true(conn_exec(conn, "set search_path = public; set default_transaction_read_only = off",
                        NULL, &err));
  for (size_t at = 0; at < ARRAY_LENGTH(statements); at++) {
    Schema *schema = NULL;
    if (!conn_exec(conn, "begin", NULL, &err) || !conn_exec(conn, statements[at], NULL, &err) ||
        !conn_exec(conn, "commit; set search_path = pg_catalog", NULL, &err) ||
        !schema_read(conn, 0, &schema, &err))
      fail_msg("%s: %s", statements[at], err.message);
    Diff *diff = diff_compare(twin, schema, NULL);
    if (diff_is_equivalent(diff))
      fail_msg("%s: no difference", statements[at]);
    diff_free(diff);
    schema_free(twin);
    twin = schema; /* the next is held against this one */
    assert_true(conn_exec(conn, "set search_path = public", NULL, &err));
  }
}

static void test_hostile_database(void **state) {
  if (cluster == NULL)
    skip();
  cluster_exec(cluster, "postgres", "CREATE DATABASE hostile");
  cluster_run_file(cluster, "hostile", TEST_HOSTILE);
  schema_free(read_as("postgres", "hostile", SCHEMA_READ_DEPENDENCIES)); /* the worst case */
  schema_free(read_as("nobody", "hostile", SCHEMA_READ_DEPENDENCIES));
  AUTO(conn_free) Conn *conn = open_as("postgres", "hostile");
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  if (!conn_exec(conn, "SELECT what FROM public.owned", &rows, &err))
    fail_msg("%s", err.message);
  for (size_t row = 0; row < rows_count(rows); row++)
    fail_msg("sprung: %s", rows_get(rows, row, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_kind),         cmocka_unit_test(test_properties),
      cmocka_unit_test(test_a_copy_is_the_same), cmocka_unit_test(test_each_change_shows),
      cmocka_unit_test(test_hostile_database),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
