create function one() returns integer language sql as 'select 1'; create function two() returns integer language sql as 'select 2';
create type gone as enum ('a', 'b'); create sequence s;
create table t (a integer default one(), b integer default nextval('s'), c gone default 'a', d integer check (two() > 1));
insert into t values (1, 1, 'a', 3);
