create table t (a integer, b text, c text, d jsonb);
create index t_a on t (a);
create index t_b on t (lower(b)) where a > 3;
create unique index t_c on t (c);
create index t_gone on t (a, b);
create index t_d on t using gin (d);
alter index t_b alter column 1 set statistics 100;
comment on index t_a is 'one';
