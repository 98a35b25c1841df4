create schema s; create table t (a integer primary key, b text); create index i on t (b); create view v as select a from t;
create function f(integer) returns integer language sql as 'select 1'; create function g(a integer) returns integer language sql as 'select 1';
