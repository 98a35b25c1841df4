create table p (a integer, b text default 'q', n date); create table q (c bigint);
create table c1 () inherits (p); alter table c1 alter b set default 'own';
create table c2 (x integer, a integer, b text, n date) inherits (q); create table c3 (a integer, b text) inherits (p);
alter table p add constraint pc check (a > 1); alter table p add constraint pl check (a < 100) no inherit;
create view v as select * from p;
