-- At least one object of every kind that a schema can hold. Run by a superuser in an empty database.
create role reader;
create schema "Odd schema";
create extension pg_trgm;
create trusted language plmine handler plpgsql_call_handler inline plpgsql_inline_handler validator plpgsql_validator;
create access method heap2 type table handler heap_tableam_handler;
create type mood as enum ('sad', 'o''k', 'happy; drop table x');
create domain positive as integer default 1 not null;
alter domain positive add constraint above check (value > 0) not valid;
create type pair as (a integer, "B b" text collate "C");
create function subdiff(a float8, b float8) returns float8 language sql immutable as 'select a - b';
create type floats as range (subtype = float8, subtype_diff = subdiff);
create type shell;
create type own;
create function own_in(cstring) returns own language internal immutable strict as 'int4in';
create function own_out(own) returns cstring language internal immutable strict as 'int4out';
create type own (input = own_in, output = own_out, like = integer);
create procedure work(inout x integer) language plpgsql as 'begin x := x + 1; end';
create function total(integer default 1, variadic text[] default '{}') returns table (a integer, b text)
  language sql stable parallel safe cost 5 rows 7 set work_mem = '1MB' as 'select 1, ''x''';
create function sql_body(a integer) returns integer language sql begin atomic; select a + 1; end;
create aggregate summed (integer) (sfunc = int4pl, stype = integer, initcond = '0', parallel = safe);
create operator === (leftarg = integer, rightarg = integer, function = int4eq, commutator = ===, hashes);
create operator family numbers using btree;
create operator class number_ops for type integer using btree family numbers as
  operator 1 <, operator 3 =, function 1 btint4cmp(integer, integer);
create collation german (locale = 'C', provider = libc);
create conversion mine for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create cast (own as integer) without function as assignment;
create function to_internal(internal) returns internal language internal immutable strict as 'prsd_headline';
create transform for integer language sql (from sql with function to_internal(internal));
create text search parser parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
create text search template template (lexize = dsimple_lexize);
create text search dictionary dictionary (template = simple, stopwords = 'english');
create text search configuration configuration (parser = default);
alter text search configuration configuration add mapping for asciiword, word with dictionary, simple;
create foreign data wrapper wrapper options (debug 'true');
create server server type 't' version '1' foreign data wrapper wrapper options (host 'x');
create user mapping for public server server options (password 'secret');
create table "Odd schema"."Tähle" (
  id bigint generated always as identity (start with 5) primary key,
  "order" text collate "C" default 'x' not null,
  twice bigint generated always as (id * 2) stored,
  feeling mood, range floats, custom own,
  constraint sized check (length("order") < 10) no inherit,
  unique (feeling) deferrable initially deferred,
  exclude using gist (range with &&)) with (fillfactor = 70, toast.autovacuum_enabled = false);
create unlogged table plain (id bigint references "Odd schema"."Tähle" on delete cascade, t text, s serial);
alter table plain alter t set storage external;
create table parts (id integer, region text, primary key (id, region)) partition by list (region);
create table parts_eu partition of parts for values in ('eu');
create table parts_rest (region text, id integer not null) ;
alter table parts_rest alter region set not null;
alter table parts attach partition parts_rest default;
create index on parts (region);
create table child (extra text) inherits (plain);
create foreign table far (id integer options (name 'i')) server server options (t 'x');
create sequence counter as smallint increment -1 minvalue -9 maxvalue 9 cycle owned by plain.id;
create view seen with (security_invoker = true, check_option = 'local') as select id from plain where id > 0;
create materialized view kept as select count(*) from plain with no data;
comment on column seen.id is 'a column of a view';
create index odd on plain ((lower(t)) text_pattern_ops desc) include (id) where id > 1;
create statistics joint (dependencies) on id, t from plain;
create function on_row() returns trigger language plpgsql as 'begin return new; end';
create trigger watch after insert or update of t on plain for each row when (new.id > 0) execute function on_row();
alter table plain disable trigger watch;
create trigger watch_parts after insert on parts for each row execute function on_row();
create rule quiet as on delete to plain do instead nothing;
alter table plain enable row level security;
create policy own_rows on plain as restrictive for select to reader using (id > 0);
create function on_ddl() returns event_trigger language plpgsql as 'begin end';
create event trigger ddl on ddl_command_end when tag in ('CREATE TABLE') execute function on_ddl();
alter event trigger ddl disable;
create table published (id integer, t text);
create publication news for table published (id, t) where (id > 0) with (publish = 'insert');
create publication wide for tables in schema public;
alter default privileges in schema public grant select on tables to reader;
alter default privileges revoke execute on functions from public;
grant select (id), update (t) on plain to reader;
grant usage on schema "Odd schema" to reader with grant option;
comment on table plain is E'two\nlines';
comment on type pair is 'of a composite type';
comment on constraint sized on "Odd schema"."Tähle" is 'of a constraint';
create schema bough;
create table bough.ledger (id integer primary key);
