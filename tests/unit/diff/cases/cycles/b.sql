create table x (id integer primary key, y integer, z integer);
create table y (id integer primary key, x integer references x);
alter table x add foreign key (y) references y;
create table n1 (id integer primary key, o integer); create table n2 (id integer primary key, o integer references n1); alter table n1 add foreign key (o) references n2;
create function rowf(x) returns integer language sql immutable as 'select $1.id';
create table dflt (a integer); create function dflt_f(dflt) returns integer language sql as 'select 3'; alter table dflt alter a set default dflt_f(null);
create view v1 as select 1 as a; create view v2 as select a from v1; create or replace view v1 as select a from (select 1 as a) s where exists (select from pg_class);
create view grp as select id, y, z from x group by id;
create table f_t (a integer); create function f_all() returns setof f_t language sql begin atomic select * from f_t; end; create view f_v as select * from f_all();
