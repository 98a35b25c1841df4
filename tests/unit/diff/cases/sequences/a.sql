create sequence s1; create sequence s2 as integer increment 5 minvalue 3 maxvalue 100 start 10 cache 3 cycle;
create table t (a integer, b serial, c integer); create sequence o owned by t.a; create sequence free;
create sequence goes; create unlogged table u (a serial);
comment on sequence s1 is 'one'; grant usage on s1 to oracle_a;
