create schema ext; create schema gone; create schema moved; comment on schema ext is 'e';
create extension hstore schema ext; create extension pg_trgm; create extension citext;
create extension pg_stat_statements version '1.4';
create table gone.t (a integer); create table t (a ext.hstore, b text);
create table moved.x (a integer);
comment on extension hstore is 'mine';
