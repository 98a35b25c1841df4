create access method heap2 type table handler heap_tableam_handler;
create table t (a integer); create table in_heap2 (a integer) using heap2;
create type bt;
create function bt_in(cstring) returns bt language internal immutable strict as 'int4in';
create function bt_out(bt) returns cstring language internal immutable strict as 'int4out';
create type bt (input = bt_in, output = bt_out, internallength = 4, passedbyvalue, alignment = int4, category = 'N', default = '7');
create table of_bt (a bt, b bt[]);
create function twice(bt) returns bt language sql immutable as 'select $1';
