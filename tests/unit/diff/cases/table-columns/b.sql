create table t (a bigint not null, b integer, c text, k numeric(12,2) default 0, d timestamptz not null default now(), e text collate "C");
create table comes (a integer primary key, b text not null default 'it''s');
insert into comes values (1);
