create table p (a integer, b text default 'p'); create table q (c integer);
create table c1 () inherits (p); create table c2 (x integer) inherits (p, q); create table c3 (a integer, b text);
alter table p add constraint pc check (a > 0);
create view v as select * from p;
