create schema s; create table s.t (a integer primary key, b text); create index i on s.t (b); create view v as select a from s.t;
create function f(bigint) returns integer language sql as 'select 1'; create function g(b integer) returns integer language sql as 'select 1';
