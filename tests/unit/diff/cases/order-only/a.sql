create table t (a integer, b text); create type c as (x integer, y text);
