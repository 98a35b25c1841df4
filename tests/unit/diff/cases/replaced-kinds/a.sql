create table a (x integer); create view b as select 1 as x; create sequence c; create function d() returns integer language sql as 'select 1';
create type e as enum ('x'); create table g (t e); create materialized view h as select 1 as x; create foreign data wrapper w; create server s foreign data wrapper w; create table k (x integer);
create domain n as text; create table uses_n (a n);
