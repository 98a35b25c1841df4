create foreign data wrapper w1 options (debug 'false', other 'it''s'); create foreign data wrapper comes;
create server s1 type 'x' version '2' foreign data wrapper w1 options (host 'b', "odd name" 'q'); create server comes type 'y' foreign data wrapper comes;
create foreign table f1 (a bigint not null default 3, b text options (name 'cc', other 'z'), c date check (c > '2020-01-01')) server s1 options (tab 'y', more 'z');
create foreign table comes (a integer options (x 'y')) server comes;
comment on foreign table f1 is 'two'; comment on server s1 is 'srv2'; comment on foreign data wrapper w1 is 'w2';
grant usage on foreign server s1 to oracle_b; grant usage on foreign data wrapper w1 to oracle_b;
