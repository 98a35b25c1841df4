/* Digests of schemas against readings: whatever changes what is read changes the digest, and what
 * goes on in every database doesn't. */
#include "diff/compare.h"
#include "diff/digest.h"
#include "diff/read.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CONNECT_MS = 10 * 1000 };

static Cluster *cluster;

static Conn *open_as(const char *user, const char *database) {
  const ConnOption options[] = {{"host", cluster->root},
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

static void run(Conn *conn, const char *sql) {
  Error err = ERROR_INIT;
  if (!conn_exec(conn, sql, NULL, &err))
    fail_msg("%s: %s", sql, err.message);
}

/* What changes a database meanwhile. */
static Conn *open_owner(const char *database) {
  Conn *conn = open_as("postgres", database);
  run(conn, "SET default_transaction_read_only = off; SET search_path = public");
  return conn;
}

static char *digest_of(Conn *conn) {
  char *digest = NULL;
  Error err = ERROR_INIT;
  if (!catalog_rows_digest(conn, &digest, &err))
    fail_msg("%s", err.message);
  return digest;
}

static Schema *read_from(Conn *conn) {
  Schema *schema = NULL;
  Error err = ERROR_INIT;
  if (!schema_read(conn, 0, &schema, &err))
    fail_msg("%s", err.message);
  return schema;
}

static void run_file(const char *database, const char *path) {
  const char *const argv[] = {"psql", "-X",     "-q", "-v", "ON_ERROR_STOP=1",
                              "-d",   database, "-f", path, NULL};
  str_free(cluster_tool(cluster, argv, NULL));
}

/* One for every property of every kind that can be changed where it is: each is seen by a reading,
 * so it has to be by the digest. */
static const char *const changes[] = {
    "alter schema \"Odd schema\" rename to odd",
    "alter schema odd owner to reader",
    "grant usage on schema odd to nobody",
    "comment on schema odd is 'x'",
    "comment on extension pg_trgm is 'x'",
    "grant execute on function show_limit() to reader",
    "revoke all on function show_limit() from public",
    "alter extension pg_trgm set schema odd",
    "create extension citext",
    "alter language plmine rename to plyours",
    "revoke usage on language plyours from public",
    "comment on access method heap2 is 'x'",
    "alter type mood add value 'so' before 'happy; drop table x'",
    "alter type mood rename value 'sad' to 'low'",
    "alter type mood owner to reader",
    "alter domain positive set default 2",
    "alter domain positive drop not null",
    "alter domain positive add constraint below check (value < 9)",
    "alter domain positive validate constraint above",
    "alter type pair add attribute c date",
    "alter type pair rename attribute c to d",
    "alter type pair alter attribute d type timestamp",
    "grant usage on type pair to reader with grant option",
    "alter type floats rename to reals",
    "alter type own rename to owned",
    "alter function total(integer, text[]) strict",
    "alter function total(integer, text[]) set work_mem = '2MB'",
    "alter function total(integer, text[]) security definer",
    "alter procedure work(integer) rename to toil",
    "create or replace function sql_body(a integer) returns integer language sql begin atomic; "
    "select a + 2; end",
    "revoke execute on function sql_body(integer) from public",
    "alter aggregate summed (integer) owner to reader",
    "create or replace aggregate summed (integer) (sfunc = int4pl, stype = integer, initcond = "
    "'1', parallel = safe)",
    "alter operator === (integer, integer) set (restrict = eqsel)",
    "alter operator family numbers using btree add operator 1 <(int8, int8)",
    "alter operator family numbers using btree drop operator 1 (int8, int8)",
    "alter operator class number_ops using btree owner to reader",
    "create operator class odd_ops for type integer using hash family integer_ops as "
    "operator 1 =(bool, bool)",
    "alter collation german rename to deutsch",
    "alter conversion mine owner to reader",
    "drop cast (owned as integer)",
    "comment on transform for integer language sql is 'x'",
    "comment on text search parser parser is 'x'",
    "alter text search template template rename to pattern",
    "alter text search dictionary dictionary (accept = false)",
    "alter text search configuration configuration alter mapping for word with simple",
    "alter foreign data wrapper wrapper options (set debug 'false')",
    "alter server server version '2'",
    "create user mapping for reader server server options (user 'x')",
    "alter server server options (set host 'y')",
    "alter table odd.\"T\xC3\xA4hle\" set (fillfactor = 80)",
    "alter table odd.\"T\xC3\xA4hle\" reset (toast.autovacuum_enabled)",
    "alter table odd.\"T\xC3\xA4hle\" alter id set start with 7",
    "alter table odd.\"T\xC3\xA4hle\" alter id set generated by default",
    "alter table odd.\"T\xC3\xA4hle\" alter twice drop expression",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" set default 'y'",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" drop not null",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" set statistics 77",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" set (n_distinct = 5)",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" set compression pglz",
    "alter table odd.\"T\xC3\xA4hle\" alter \"order\" type varchar(30)",
    "alter table odd.\"T\xC3\xA4hle\" rename constraint sized to measured",
    "comment on constraint measured on odd.\"T\xC3\xA4hle\" is 'y'",
    "alter table odd.\"T\xC3\xA4hle\" replica identity full",
    "cluster odd.\"T\xC3\xA4hle\" using \"T\xC3\xA4hle_pkey\"",
    "alter table plain alter id set not null",
    "alter table plain drop column s",
    "alter table plain add column u uuid",
    "alter table plain set logged",
    "alter table plain alter t set storage main",
    "alter table plain force row level security",
    "alter table plain disable row level security",
    "grant select (u) on plain to reader",
    "grant insert on plain to public",
    "alter table plain drop constraint plain_id_fkey, add constraint plain_id_fkey foreign key "
    "(id) "
    "references odd.\"T\xC3\xA4hle\" on delete set null not valid",
    "alter table plain validate constraint plain_id_fkey",
    "alter table plain alter constraint plain_id_fkey deferrable",
    "alter table parts detach partition parts_rest",
    "alter table parts attach partition parts_rest for values in ('us')",
    "alter table child no inherit plain",
    "alter foreign table far options (set t 'y')",
    "alter foreign table far alter id options (set name 'j')",
    "alter sequence counter increment -2",
    "alter sequence counter owned by none",
    "alter view seen set (check_option = cascaded)",
    "alter view seen reset (security_invoker)",
    "alter view seen alter id set default 3",
    "create or replace view seen as select id from plain where id > 1",
    "comment on column seen.id is null",
    "alter materialized view kept set (autovacuum_enabled = false)",
    "alter materialized view kept alter count set statistics 9",
    "alter index odd rename to strange",
    "alter index strange alter column 1 set statistics 9",
    "comment on index strange is 'x'",
    "alter statistics joint set statistics 9",
    "alter table plain enable always trigger watch",
    "alter trigger watch on plain rename to look",
    "alter table plain disable rule quiet",
    "alter policy own_rows on plain using (id > 1)",
    "alter policy own_rows on plain to public",
    "alter event trigger ddl enable always",
    "alter publication news set (publish = 'update')",
    "alter publication news set table published where (id > 1)",
    "alter publication wide add tables in schema odd",
    "alter default privileges in schema public grant insert on tables to reader",
    "alter default privileges grant execute on functions to public",
    "alter role reader rename to lector",
    "comment on column plain.t is 'x'",
    "drop table published",
};

static void test_changes(void **state) {
  AUTO(conn_free) Conn *conn = open_as("nobody", "every");
  AUTO(conn_free) Conn *owner = open_owner("every");
  AUTO(str_free) char *digest = digest_of(conn);
  AUTO(schema_free) Schema *schema = read_from(conn);
  for (size_t at = 0; at < ARRAY_LENGTH(changes); at++) {
    run(owner, changes[at]);
    AUTO(str_free) char *now = digest_of(conn);
    AUTO(schema_free) Schema *after = read_from(conn);
    AUTO(diff_free) Diff *diff = diff_compare(schema, after, NULL);
    if (diff_is_empty(diff))
      fail_msg("no reading sees \"%s\"", changes[at]);
    if (str_equal(digest, now))
      fail_msg("the digest doesn't see \"%s\"", changes[at]);
    diff_free(STEAL(diff)); /* it points into both */
    str_free(digest);
    digest = STEAL(now);
    schema_free(schema);
    schema = STEAL(after);
  }
}

/* Of a copy nothing is different, and nothing becomes so by what isn't schema. */
static void test_noise(void **state) {
  static const char *const noise[] = {
      "analyze",
      "insert into published select g, g from generate_series(1, 5000) g",
      "vacuum analyze published",
      "truncate published",
      "vacuum",
      "reindex table \"Odd schema\".\"T\xC3\xA4hle\"",
      "select nextval('counter')",
      "create temp table passing (a integer primary key, b text default 'x'); drop table passing",
      "create role somebody; drop role somebody",
      "create table passing (a serial); drop table passing",
  };
  AUTO(conn_free) Conn *here = open_as("nobody", "quiet");
  AUTO(conn_free) Conn *owner = open_owner("quiet");
  AUTO(conn_free) Conn *there = open_as("nobody", "twin");
  AUTO(str_free) char *expected = digest_of(there);
  for (size_t at = 0; at <= ARRAY_LENGTH(noise); at++) {
    AUTO(str_free) char *now = digest_of(here);
    if (!str_equal(now, expected))
      fail_msg("after \"%s\":\n%s\n%s", at > 0 ? noise[at - 1] : "", expected, now);
    if (at < ARRAY_LENGTH(noise))
      run(owner, noise[at]);
  }
}

/* One that fails leaves a connection that can be used. */
static void test_failure(void **state) {
  AUTO(conn_free) Conn *conn = open_as("nobody", "quiet");
  AUTO(conn_free) Conn *other = open_owner("quiet");
  char *digest = NULL;
  Error err = ERROR_INIT;
  run(conn, "SET lock_timeout = '100ms'");
  run(other, "BEGIN; LOCK TABLE pg_seclabel IN ACCESS EXCLUSIVE MODE");
  assert_false(catalog_rows_digest(conn, &digest, &err));
  run(other, "ROLLBACK");
  str_free(digest_of(conn));
}

static int set_up(void **state) {
  cluster = cluster_started((const char *const[]){"wal_level=logical", NULL});
  cluster_exec(cluster, "postgres", "CREATE ROLE nobody LOGIN");
  cluster_exec(cluster, "postgres", "CREATE DATABASE every");
  run_file("every", TEST_EVERY_KIND);
  cluster_exec(cluster, "postgres", "CREATE DATABASE twin TEMPLATE every");
  cluster_exec(cluster, "postgres", "CREATE DATABASE quiet TEMPLATE every");
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_changes),
      cmocka_unit_test(test_noise),
      cmocka_unit_test(test_failure),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
