create function three() returns integer language sql as 'select 3';
create type comes as enum ('a', 'b'); create sequence s2;
create table t (a integer default three(), b bigint default nextval('s2'), c comes default 'b', d integer check (three() > 2));
insert into t values (1, 1, 'a', 3);
