create table t (a integer primary key, b text); create table u (a integer primary key); create schema s; create table s.x (a integer);
create publication p1 for table t; create publication p2 for all tables with (publish = 'insert'); create publication gone;
create publication p3 for table t (a), u where (a > 3); create publication p4 for tables in schema s;
comment on publication p1 is 'one';
