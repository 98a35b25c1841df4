create table t (a integer primary key, b text); create table u (a integer primary key); create schema s; create table s.x (a integer);
create publication p1 for table t, u with (publish = 'insert, delete', publish_via_partition_root); create publication p2 for table t; create publication comes;
create publication p3 for table t (a, b), u where (a > 4); create publication p4 for table u, tables in schema public;
comment on publication p1 is 'two'; alter publication p4 owner to postgres;
