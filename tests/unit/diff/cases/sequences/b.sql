create sequence s1 increment 2 start 7; create sequence s2 as bigint no minvalue no maxvalue start 1 cache 1 no cycle;
create table t (a integer, b serial, c bigserial); create sequence o owned by t.c; create sequence free owned by t.a;
alter table t alter a set default nextval('o');
create sequence comes minvalue -5 start -5; create unlogged table u (a serial, b bigserial);
comment on sequence s1 is 'two'; grant select, update on s1 to oracle_b;
