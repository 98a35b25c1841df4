create table t (b text, a integer); create type c as (x integer, y text);
