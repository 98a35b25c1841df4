create extension pg_trgm; create extension pg_stat_statements; create extension citext; create extension hstore;
grant execute on function similarity(text, text) to oracle_a, oracle_b with grant option;
grant execute on function show_trgm(text) to oracle_a;
revoke select on pg_stat_statements from public; grant select on pg_stat_statements to oracle_b;
revoke usage on type citext from public;
grant execute on function akeys(hstore) to oracle_a;
grant select (query), update (calls) on pg_stat_statements to oracle_a; grant select (query) on pg_stat_statements to oracle_b with grant option;
create table "odd ""of"" table" ("c OF "" x; --" int, plain int); alter extension citext add table "odd ""of"" table";
grant select ("c OF "" x; --") on "odd ""of"" table" to oracle_a;
