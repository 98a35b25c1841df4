create view a as select 1 as x; create table b (x integer); create view c as select x from b; create procedure d() language sql as '';
create domain e as text; create table g (t e); create view h as select 1 as x; create foreign data wrapper w; create server s foreign data wrapper w; create foreign table k (x integer) server s;
create type n as (x text); create table uses_n (a n);
