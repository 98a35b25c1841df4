create foreign data wrapper w1 options (debug 'true'); create foreign data wrapper gone;
create server s1 type 'x' version '1' foreign data wrapper w1 options (host 'a', port '1'); create server gone foreign data wrapper gone;
create foreign table f1 (a integer not null, b text options (name 'bb')) server s1 options (tab 'x');
create foreign table gone (a integer) server s1;
create user mapping for oracle_a server s1 options (user 'u');
comment on foreign table f1 is 'one'; comment on server s1 is 'srv'; comment on foreign data wrapper w1 is 'w';
grant usage on foreign server s1 to oracle_a;
