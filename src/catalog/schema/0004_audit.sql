-- The audit: append-only, in partitions of a day, chained by hash; and what is asked of it.
--
-- Rows are written with their effect's transaction and are chained a moment later by one sealer
-- (docs/audit.md): an entry of audit_chain holds the place of a row in the chain and its hash. Rows
-- are never updated, so whoever writes waits for nobody. txid tells the sealer which rows are
-- decided: all below the oldest transaction that still runs.

do $$
declare
  wanted text;
begin
  foreach wanted in array '{bough_audit_owner,bough_auditor}'::text[] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      begin
        execute format('create role %I %s', wanted,
                       case wanted when 'bough_auditor' then 'login' else 'nologin' end);
      exception when duplicate_object or unique_violation then
        null; -- somebody else was faster
      end;
    end if;
  end loop;
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    execute format('grant bough_audit_owner to %I', current_user);
  end if;
end $$;
comment on role bough_audit_owner is 'owns the audit; nobody logs in as it';
comment on role bough_auditor is 'reads the audit and what it is about';
alter role bough_auditor connection limit 10;
alter role bough_auditor set default_transaction_read_only = on;
alter role bough_auditor set statement_timeout = '60s';
alter role bough_auditor set idle_in_transaction_session_timeout = '60s';
alter role bough_auditor set lock_timeout = '5s';
grant usage, create on schema access to bough_audit_owner;

-- ---- rows ----

create sequence access.audit_serials;

alter table access.audit rename to audit_before;
alter table access.audit_before rename constraint audit_pkey to audit_before_pkey;

create table access.audit_events (
  event_id uuid not null default gen_random_uuid(),
  event_time timestamptz not null default clock_timestamp(),
  event_date date generated always as ((event_time at time zone 'UTC')::date) stored,
  actor_type text not null,
  actor text not null,
  on_behalf_of text,
  session_id text,
  source_ip text,
  service_name text not null,
  action_name text not null,
  request_id text,
  request_params jsonb not null default '{}'
    constraint request_params_length check (octet_length(request_params::text) <= 65536),
  status text not null constraint status_known check (status in ('ok', 'refused', 'failed')),
  error_code text,
  error_message text,
  project_id text,
  branch_id text,
  endpoint_id text,
  serial bigint not null default nextval('access.audit_serials'),
  txid xid8 not null default pg_current_xact_id(),
  primary key (event_time, serial)
) partition by range (event_time);
comment on table access.audit_events is 'who did what, or wasn''t let: the rows of access.audit';
create index audit_events_txid on access.audit_events (txid, serial);

create table access.audit_chain (
  seq bigint not null constraint seq_counts check (seq >= 1),
  sealed_at timestamptz not null,
  event_time timestamptz not null,
  serial bigint not null,
  prev_hash bytea not null constraint prev_hash_length check (octet_length(prev_hash) = 32),
  hash bytea not null constraint hash_length check (octet_length(hash) = 32),
  primary key (seq, sealed_at)
) partition by range (sealed_at);
comment on table access.audit_chain is 'the place of each row in the chain, and its hash';
create index audit_chain_event on access.audit_chain (event_time, serial);

create table access.audit_sealer (
  only_one boolean primary key default true constraint sealer_is_one check (only_one),
  txid xid8 not null default '0',
  serial bigint not null default 0,
  seq bigint not null default 0,
  sealed_at timestamptz not null default '2000-01-01 00:00:00+00',
  hash bytea not null default decode(repeat('00', 32), 'hex')
);
comment on table access.audit_sealer is 'up to where rows are sealed; whoever seals locks its row';
insert into access.audit_sealer default values;

create table access.audit_heads (
  head_id bigint generated always as identity primary key,
  reason text not null constraint reason_known check (reason in ('schedule', 'partition')),
  day date,
  seq bigint not null,
  hash bytea not null constraint head_hash_length check (octet_length(hash) = 32),
  signed_at timestamptz not null,
  key_id text not null constraint key_id_pattern check (key_id ~ '^[0-9a-f]{16}$'),
  signature bytea not null constraint signature_length check (octet_length(signature) = 64)
);
comment on table access.audit_heads is
  'signed heads of the chain, anchored outside too; of a dropped day: its last entry';
create unique index audit_heads_day on access.audit_heads (day) where day is not null;

create table access.audit_refusals (
  actor text not null,
  source text not null,
  service_name text not null,
  action_name text not null,
  error_code text not null,
  since timestamptz not null default clock_timestamp(),
  last timestamptz not null default clock_timestamp(),
  count bigint not null default 0,
  actor_type text not null,
  on_behalf_of text,
  status text not null,
  error_message text,
  primary key (actor, source, service_name, action_name, error_code)
) with (fillfactor = 50);
comment on table access.audit_refusals is 'repeats of a minute, before they become a row';

create table access.audit_statements (
  volume_id lakebase.volume_id primary key,
  endpoint_id lakebase.endpoint_id not null,
  branch_id lakebase.branch_id not null,
  project_id lakebase.project_id not null,
  file text not null default '' constraint file_length check (octet_length(file) <= 63),
  place bigint not null default 0 constraint place_counts check (place >= 0)
);
comment on table access.audit_statements is
  'up to where the logs of computes that record statements were read';

-- ---- append-only ----

create function access.refuse_change() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'rows of %.% never change', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

create trigger never_change before update or delete on access.audit_events
  for each row execute function access.refuse_change();
create trigger never_change before update or delete on access.audit_chain
  for each row execute function access.refuse_change();
create trigger never_change before update or delete on access.audit_heads
  for each row execute function access.refuse_change();
create trigger never_go before truncate on access.audit_events
  for each statement execute function access.refuse_change();
create trigger never_go before truncate on access.audit_chain
  for each statement execute function access.refuse_change();
create trigger never_go before truncate on access.audit_heads
  for each statement execute function access.refuse_change();

-- ---- days ----

create function access.audit_table_of(kind text, day date) returns text language sql immutable
  set search_path = pg_catalog, pg_temp
  return format('audit_%s_%s', kind, to_char(day, 'YYYYMMDD'));

-- Makes what is missing of the days from..until; tells how many.
create function access.audit_add_days(first date, last date) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
  day date;
  kind text;
  made integer := 0;
begin
  for day in select generate_series(first, last, '1 day')::date loop
    foreach kind in array '{events,chain}'::text[] loop
      continue when to_regclass(format('access.%I', access.audit_table_of(kind, day))) is not null;
      -- attached, since a partition that is made as such waits for everybody who reads
      execute format('create table access.%I (like access.%I including all)',
                     access.audit_table_of(kind, day), 'audit_' || kind);
      execute format('alter table access.%I attach partition access.%I for values from (%L) to (%L)',
                     'audit_' || kind, access.audit_table_of(kind, day),
                     day::timestamptz, (day + 1)::timestamptz);
      execute format('create trigger never_go before truncate on access.%I'
                     ' for each statement execute function access.refuse_change()',
                     access.audit_table_of(kind, day));
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$;

-- The oldest day that there is; null: none.
create function access.audit_first_day() returns date language sql stable
  set search_path = pg_catalog, pg_temp
  return (select to_date(substr(min(c.relname::text), 14), 'YYYYMMDD')
            from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
           where n.nspname = 'access' and c.relkind = 'r'
             and c.relname::text ~ '^audit_events_[0-9]{8}$');

-- Only one whose end is signed goes.
create function access.audit_drop_day(day date) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  set lock_timeout = '300ms' as $$
declare
  gone date := day;
begin
  if not exists (select from access.audit_heads as h where h.day = gone) then
    raise exception 'the end of % is not signed', day using errcode = 'insufficient_privilege';
  end if;
  execute format('drop table if exists access.%I', access.audit_table_of('events', day));
  execute format('drop table if exists access.%I', access.audit_table_of('chain', day));
end $$;

-- ---- what was there before ----

select access.audit_add_days(day, day)
  from (select distinct event_date as day from access.audit_before) as days order by day;
select access.audit_add_days((now() at time zone 'UTC')::date - 1,
                             (now() at time zone 'UTC')::date + 7);
insert into access.audit_events (event_id, event_time, actor_type, actor, on_behalf_of, session_id,
       source_ip, service_name, action_name, request_id, request_params, status, error_code,
       error_message, project_id, branch_id, endpoint_id)
select event_id, event_time, actor_type, actor, on_behalf_of, session_id, source_ip, service_name,
       action_name, request_id, request_params, status, error_code, error_message, project_id,
       branch_id, endpoint_id
  from access.audit_before order by serial;
drop table access.audit_before;

create view access.audit as
select e.event_id, e.event_time, e.event_date, e.actor_type, e.actor, e.on_behalf_of, e.session_id,
       e.source_ip, e.service_name, e.action_name, e.request_id, e.request_params, e.status,
       e.error_code, e.error_message, e.project_id, e.branch_id, e.endpoint_id,
       encode(c.prev_hash, 'hex') as prev_hash, encode(c.hash, 'hex') as hash, c.seq, e.serial
  from access.audit_events as e
  left join access.audit_chain as c on c.event_time = e.event_time and c.serial = e.serial
   -- leaves most partitions out: a row is sealed when boughd is back, at the latest
   and c.sealed_at >= e.event_time - interval '1 day'
   and c.sealed_at < e.event_time + interval '60 days';
comment on view access.audit is 'who did what, or wasn''t let';
comment on column access.audit.seq is 'place in the chain; null for a moment, until it is sealed';

-- Whoever reads the catalog itself has a session, too.
alter table lakebase.sessions
  alter column endpoint_id drop not null,
  alter column branch_id drop not null,
  alter column project_id drop not null,
  add constraint session_is_somewhere
    check (num_nulls(endpoint_id, branch_id, project_id) = 0
           or num_nulls(endpoint_id, branch_id, project_id) = 3 and database = 'system');

-- ---- what a platform engineer asks for ----

create view lakebase.branch_origins as
select p.name as project, b.name as branch, b.branch_id, b.kind, b.created_by, b.created_for,
       b.created_at, parent.name as parent, b.parent_id, b.forked_at, b.state,
       coalesce(r.refusals, 0) as refusals, r.last_refusal, r.refused_actions
  from lakebase.branches as b
  join lakebase.projects as p using (project_id)
  left join lakebase.branches as parent on parent.branch_id = b.parent_id
  left join (select a.branch_id,
                    sum(coalesce((a.request_params ->> 'count')::bigint, 1)) as refusals,
                    max(a.event_time) as last_refusal,
                    array_agg(distinct a.action_name) as refused_actions
               from access.audit_events as a where a.status = 'refused' group by a.branch_id) as r
    on r.branch_id = b.branch_id;
comment on view lakebase.branch_origins is
  'who made which branch when, from what, with which refusals';

create view lakebase.branch_expiry as
select p.name as project, b.name as branch, b.branch_id, b.kind, b.created_by, b.created_for,
       b.expires_at, b.expires_at - now() as remaining,
       case when b.expires_at <= now() then 'past'
            when b.expires_at <= now() + interval '24 hours' then 'near'
            else 'later' end as expiry,
       (select count(*) from lakebase.branches as c
         where c.parent_id = b.branch_id and c.state in ('creating', 'ready', 'failed')) as children
  from lakebase.branches as b join lakebase.projects as p using (project_id)
 where b.expires_at is not null and b.state in ('creating', 'ready', 'failed');
comment on view lakebase.branch_expiry is 'branches that are to go: past, near (a day) or later';

create view lakebase.forks_per_day as
select p.name as project, coalesce(t.name, parent.name) as tier, t.name is not null as is_tier,
       (b.created_at at time zone 'UTC')::date as day, count(*) as forks,
       count(*) filter (where who.type = 'agent') as by_agents,
       count(*) filter (where b.state in ('creating', 'ready', 'failed')) as standing
  from lakebase.branches as b
  join lakebase.projects as p using (project_id)
  join lakebase.branches as parent on parent.branch_id = b.parent_id
  left join lakebase.tiers as t on t.branch_id = parent.branch_id
  left join lakebase.principals as who on who.name = b.created_by
 group by 1, 2, 3, 4;
comment on view lakebase.forks_per_day is 'how many forks which tier, or other parent, had on a day';

create view access.refusals_per_principal as
select a.actor, a.actor_type, a.on_behalf_of, a.action_name, a.error_code,
       sum(coalesce((a.request_params ->> 'count')::bigint, 1)) as refusals,
       min(a.event_time) as first_time, max(a.event_time) as last_time,
       count(distinct a.source_ip) as sources
  from access.audit_events as a where a.status = 'refused'
 group by 1, 2, 3, 4, 5;
comment on view access.refusals_per_principal is 'who was refused what, how often';

create view access.tier_write_sessions as
select s.session_id, p.name as project, t.name as tier, b.name as branch, who.name as principal,
       who.type as principal_type, who.on_behalf_of, s.access, s.database, s.source,
       s.application_name, s.tls, s.started_at, s.active_at, s.bytes_in, s.bytes_out
  from lakebase.sessions as s
  join lakebase.principals as who using (principal_id)
  join lakebase.projects as p using (project_id)
  join lakebase.branches as b using (branch_id)
  left join lakebase.tiers as t using (branch_id)
 where s.access in ('write', 'own') and (t.branch_id is not null or b.parent_id is null);
comment on view access.tier_write_sessions is
  'open sessions that may write to a tier, or to a root that no policy names yet';

-- ---- who may what ----

alter sequence access.audit_serials owner to bough_audit_owner;
alter table access.audit_events owner to bough_audit_owner;
alter table access.audit_chain owner to bough_audit_owner;
alter table access.audit_sealer owner to bough_audit_owner;
alter table access.audit_heads owner to bough_audit_owner;
alter table access.audit_refusals owner to bough_audit_owner;
alter table access.audit_statements owner to bough_audit_owner;
alter view access.audit owner to bough_audit_owner;
alter function access.refuse_change() owner to bough_audit_owner;
alter function access.audit_table_of(text, date) owner to bough_audit_owner;
alter function access.audit_add_days(date, date) owner to bough_audit_owner;
alter function access.audit_first_day() owner to bough_audit_owner;
alter function access.audit_drop_day(date) owner to bough_audit_owner;
do $$
declare
  part regclass;
begin
  for part in select inhrelid::regclass from pg_catalog.pg_inherits
               where inhparent in ('access.audit_events'::regclass, 'access.audit_chain'::regclass)
                 and inhrelid in (select oid from pg_catalog.pg_class where relkind = 'r') loop
    execute format('alter table %s owner to bough_audit_owner', part);
  end loop;
  -- what boughd needs where it isn't a superuser; nothing that changes a row
  execute format('grant select, insert on access.audit_events, access.audit_chain,'
                 ' access.audit_heads to %I', current_user);
  execute format('grant select, update on access.audit_sealer to %I', current_user);
  execute format('grant select, insert, update, delete on access.audit_refusals,'
                 ' access.audit_statements to %I', current_user);
  execute format('grant usage on sequence access.audit_serials to %I', current_user);
end $$;

revoke all on all tables in schema access, lakebase, billing from public;
revoke execute on all functions in schema access, lakebase, billing from public;
alter default privileges revoke execute on functions from public;
do $$
begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to bough_auditor', current_database());
end $$;

-- What any role may call although it changes something, keeps others waiting or ends their
-- sessions; and a language to write more of it in.
revoke usage on language plpgsql from public;
do $$
declare
  called regprocedure;
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    return; -- a user's own catalog: docs/audit.md
  end if;
  for called in
    select oid::regprocedure from pg_catalog.pg_proc
     where pronamespace = 'pg_catalog'::regnamespace
       and (proname ~ '^(lo_|lowrite$|loread$|pg_advisory_|pg_try_advisory_|txid_current$)'
            or proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_notify',
                           'pg_current_xact_id', 'pg_logical_emit_message',
                           'pg_export_snapshot')) loop
    execute format('revoke execute on function %s from public', called);
  end loop;
end $$;

-- Called at each start, when later files may have brought more of what an auditor reads.
create function access.grant_auditor() returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  readable text;
begin
  grant usage on schema access, lakebase, billing to bough_auditor;
  foreach readable in array array[
      'access.audit', 'access.audit_heads', 'access.refusals_per_principal',
      'access.tier_write_sessions', 'lakebase.branch_origins', 'lakebase.branch_expiry',
      'lakebase.forks_per_day', 'lakebase.projects', 'lakebase.branches', 'lakebase.endpoints',
      'lakebase.operations', 'lakebase.principals', 'lakebase.policies', 'lakebase.policy_heads',
      'lakebase.tiers', 'lakebase.authors', 'lakebase.schedules', 'lakebase.sessions',
      'lakebase.migrations', 'lakebase.promotions', 'billing.usage', 'billing.list_prices'] loop
    continue when to_regclass(readable) is null;
    execute format('grant select on %s to bough_auditor', to_regclass(readable));
  end loop;
end $$;
revoke execute on function access.grant_auditor() from public;
