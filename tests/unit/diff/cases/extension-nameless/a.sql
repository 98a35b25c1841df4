create extension citext;
create table U&"two\000alines" (a int);
alter extension citext add table U&"two\000alines";
