create extension pg_trgm; create extension pg_stat_statements; create extension citext;
grant execute on function similarity(text, text) to oracle_a;
revoke all on function show_limit() from public;
grant execute on function show_trgm(text) to oracle_a with grant option;
grant select (userid), select (calls) on pg_stat_statements to oracle_a;
create table "odd ""of"" table" ("c OF "" x; --" int, plain int); alter extension citext add table "odd ""of"" table";
grant select (plain) on "odd ""of"" table" to oracle_b;
