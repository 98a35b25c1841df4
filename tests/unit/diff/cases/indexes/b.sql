create table t (a integer, b text, c text, d jsonb);
create index t_a on t (a desc nulls last) include (c) with (fillfactor=60);
create index t_b on t (upper(b) text_pattern_ops) where a > 4;
create unique index t_c on t (c) nulls not distinct;
create index t_d on t using gin (d jsonb_path_ops);
create index t_new on t using brin (a) with (pages_per_range=4);
create index t_st on t (lower(c)); alter index t_st alter column 1 set statistics 50;
comment on index t_a is 'two';
