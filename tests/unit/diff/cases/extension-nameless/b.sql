create extension citext;
create table U&"two\000alines" (a int);
alter extension citext add table U&"two\000alines";
grant select on U&"two\000alines" to oracle_a;
grant select (a) on U&"two\000alines" to oracle_b;
