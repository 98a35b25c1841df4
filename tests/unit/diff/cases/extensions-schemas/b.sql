create schema ext; create schema comes; comment on schema ext is 'f';
create extension hstore schema ext; create extension pg_trgm schema ext; create extension btree_gist;
create extension pg_stat_statements;
create table comes.t (a integer); create table t (a ext.hstore, b text); create index t_b on t using gist (b ext.gist_trgm_ops);
create schema moved; create table moved.y (a integer);
