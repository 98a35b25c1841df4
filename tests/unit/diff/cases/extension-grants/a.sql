create extension pg_trgm; create extension pg_stat_statements; create extension citext;
grant execute on function similarity(text, text) to oracle_a;
revoke all on function show_limit() from public;
grant execute on function show_trgm(text) to oracle_a with grant option;
