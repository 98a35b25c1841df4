/* What each statement is, told by its flags. */
#include "core/str.h"
#include "sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const char *sql;
  const char *name;
  unsigned flags;
} rows[] = {
    {"select 1", "SELECT", SQL_READ},
    {"table t", "SELECT", SQL_READ},
    {"values (1)", "SELECT", SQL_READ},
    {"select 1 into t", "SELECT INTO", SQL_DDL | SQL_WRITE},
    {"with x as (delete from t returning 1) select 1 from x", "SELECT",
     SQL_READ | SQL_WRITE | SQL_DESTRUCTIVE},
    {"explain delete from t", "EXPLAIN", SQL_READ},
    {"explain (analyze off) delete from t", "EXPLAIN", SQL_READ},
    {"explain (analyze) delete from t", "EXPLAIN", SQL_READ | SQL_WRITE | SQL_DESTRUCTIVE},
    {"prepare p as insert into t values (1)", "PREPARE", SQL_SESSION | SQL_WRITE},
    {"insert into t values (1)", "INSERT", SQL_WRITE},
    {"with d as (delete from t) insert into u values (1)", "INSERT", SQL_WRITE | SQL_DESTRUCTIVE},
    {"update t set a = 1", "UPDATE", SQL_WRITE},
    {"delete from t where a = 1", "DELETE", SQL_WRITE},
    {"delete from t", "DELETE", SQL_WRITE | SQL_DESTRUCTIVE},
    {"truncate t", "TRUNCATE", SQL_WRITE | SQL_DESTRUCTIVE},
    {"copy t from stdin", "COPY", SQL_WRITE | SQL_COPY_STDIN},
    {"copy t to '/tmp/x'", "COPY", SQL_READ | SQL_SERVER_FILE},
    {"copy t from program 'id'", "COPY", SQL_WRITE | SQL_SERVER_FILE},
    {"do 'begin end'", "DO", SQL_WRITE | SQL_CODE},
    {"begin", "BEGIN", SQL_TRANSACTION},
    {"start transaction", "START TRANSACTION", SQL_TRANSACTION},
    {"end", "COMMIT", SQL_TRANSACTION},
    {"abort", "ROLLBACK", SQL_TRANSACTION},
    {"savepoint a", "SAVEPOINT", SQL_TRANSACTION},
    {"commit prepared 'x'", "COMMIT PREPARED", SQL_TRANSACTION | SQL_OUTSIDE},
    {"set lock_timeout = '1s'", "SET", SQL_SESSION},
    {"discard all", "DISCARD", SQL_SESSION | SQL_OUTSIDE},
    {"create table t (a int)", "CREATE TABLE", SQL_DDL},
    {"create table t as select 1", "CREATE TABLE AS", SQL_DDL | SQL_WRITE},
    {"create index i on t (a)", "CREATE INDEX", SQL_DDL},
    {"create index concurrently i on t (a)", "CREATE INDEX", SQL_DDL | SQL_OUTSIDE},
    {"drop index i", "DROP INDEX", SQL_DDL},
    {"drop index concurrently i", "DROP INDEX", SQL_DDL | SQL_OUTSIDE},
    {"drop table t", "DROP TABLE", SQL_DDL | SQL_DESTRUCTIVE},
    {"drop view v", "DROP VIEW", SQL_DDL},
    {"drop type x cascade", "DROP TYPE", SQL_DDL | SQL_DESTRUCTIVE},
    {"drop policy p on t", "DROP POLICY", SQL_DDL | SQL_RIGHTS},
    {"drop extension e", "DROP EXTENSION", SQL_DDL | SQL_RIGHTS | SQL_DESTRUCTIVE},
    {"alter table t add column a int", "ALTER TABLE", SQL_DDL},
    {"alter table t drop column a", "ALTER TABLE", SQL_DDL | SQL_DESTRUCTIVE},
    {"alter table t owner to r", "ALTER TABLE", SQL_DDL | SQL_RIGHTS},
    {"alter schema s owner to r", "ALTER OWNER", SQL_DDL | SQL_RIGHTS},
    {"alter table t force row level security", "ALTER TABLE", SQL_DDL | SQL_RIGHTS},
    {"alter table t detach partition p", "ALTER TABLE", SQL_DDL},
    {"alter table t detach partition p concurrently", "ALTER TABLE", SQL_DDL | SQL_OUTSIDE},
    {"alter view v set (security_invoker = on)", "ALTER VIEW", SQL_DDL | SQL_RIGHTS},
    {"alter table t set (fillfactor = 70)", "ALTER TABLE", SQL_DDL},
    {"create view v with (security_invoker) as select 1", "CREATE VIEW", SQL_DDL | SQL_RIGHTS},
    {"create view v as select 1", "CREATE VIEW", SQL_DDL},
    {"alter type e add value 'x'", "ALTER TYPE", SQL_DDL | SQL_NEW_ENUM},
    {"alter type e rename value 'x' to 'y'", "ALTER TYPE", SQL_DDL},
    {"create function f() returns int language sql as 'select 1'", "CREATE FUNCTION", SQL_DDL},
    {"create function f() returns int language sql security definer as 'select 1'",
     "CREATE FUNCTION", SQL_DDL | SQL_RIGHTS},
    {"create function f() returns int language sql security invoker as 'select 1'",
     "CREATE FUNCTION", SQL_DDL},
    {"create procedure p() language sql as ''", "CREATE PROCEDURE", SQL_DDL},
    {"alter function f() security definer", "ALTER FUNCTION", SQL_DDL | SQL_RIGHTS},
    {"alter function f() stable", "ALTER FUNCTION", SQL_DDL},
    {"grant select on t to r", "GRANT", SQL_DDL | SQL_RIGHTS},
    {"revoke r from s", "GRANT ROLE", SQL_DDL | SQL_RIGHTS},
    {"alter default privileges grant select on tables to r", "ALTER DEFAULT PRIVILEGES",
     SQL_DDL | SQL_RIGHTS},
    {"create policy p on t", "CREATE POLICY", SQL_DDL | SQL_RIGHTS},
    {"create role r", "CREATE ROLE", SQL_DDL | SQL_RIGHTS},
    {"create extension e", "CREATE EXTENSION", SQL_DDL | SQL_RIGHTS},
    {"create event trigger e on sql_drop execute function f()", "CREATE EVENT TRIGGER",
     SQL_DDL | SQL_RIGHTS},
    {"alter role r rename to s", "ALTER RENAME", SQL_DDL | SQL_RIGHTS},
    {"alter table t rename to u", "ALTER RENAME", SQL_DDL},
    {"create schema s", "CREATE SCHEMA", SQL_DDL},
    {"create schema s grant select on t to r", "CREATE SCHEMA", SQL_DDL | SQL_RIGHTS},
    {"create schema authorization r", "CREATE SCHEMA", SQL_DDL | SQL_RIGHTS},
    {"create database d", "CREATE DATABASE", SQL_DDL | SQL_RIGHTS | SQL_OUTSIDE},
    {"alter database d set tablespace x", "ALTER DATABASE", SQL_DDL | SQL_RIGHTS | SQL_OUTSIDE},
    {"alter system set a = 1", "ALTER SYSTEM", SQL_DDL | SQL_RIGHTS | SQL_OUTSIDE},
    {"vacuum", "VACUUM", SQL_MAINTENANCE | SQL_OUTSIDE},
    {"analyze t", "ANALYZE", SQL_MAINTENANCE},
    {"cluster", "CLUSTER", SQL_MAINTENANCE | SQL_OUTSIDE},
    {"cluster t using i", "CLUSTER", SQL_MAINTENANCE},
    {"reindex table t", "REINDEX", SQL_MAINTENANCE},
    {"reindex table concurrently t", "REINDEX", SQL_MAINTENANCE | SQL_OUTSIDE},
    {"reindex schema s", "REINDEX", SQL_MAINTENANCE | SQL_OUTSIDE},
    {"refresh materialized view concurrently v", "REFRESH MATERIALIZED VIEW",
     SQL_WRITE | SQL_MAINTENANCE},
    {"create materialized view v as select 1", "CREATE MATERIALIZED VIEW", SQL_DDL | SQL_WRITE},
    {"create subscription s connection '' publication p", "CREATE SUBSCRIPTION",
     SQL_DDL | SQL_RIGHTS | SQL_OUTSIDE},
    {"create subscription s connection '' publication p with (connect = false)",
     "CREATE SUBSCRIPTION", SQL_DDL | SQL_RIGHTS},
};

static void test_rows(void **state) {
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    AUTO(sql_free) SqlScript *script = NULL;
    Error err = ERROR_INIT;
    assert_true(sql_parse(rows[at].sql, strlen(rows[at].sql), &script, &err));
    assert_int_equal(script->count, 1);
    const SqlPart *part = &script->parts[0];
    if (part->error != NULL || strcmp(part->name, rows[at].name) != 0 ||
        part->flags != rows[at].flags)
      fail_msg("%s: %s, %x, %s", rows[at].sql, part->name, part->flags, part->error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
