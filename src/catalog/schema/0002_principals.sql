-- What principals prove themselves with, the sessions they have open, and the trail of both.
--
-- Nothing here leads back to a token: of each only the two keys of its SCRAM verifier are kept
-- (RFC 5803). The salts of all names, known or not, come from one secret, so that a stranger can't
-- tell from a salt whether there is a principal of that name.

create domain lakebase.token_id as text
  constraint token_id_pattern check (value ~ '^tok-[a-z2-7]{12}$');
create domain lakebase.session_id as text
  constraint session_id_pattern check (value ~ '^ses-[a-z2-7]{12}$');
create domain lakebase.scram_key as bytea
  constraint scram_key_length check (octet_length(value) = 32);

alter table lakebase.principals
  add column roles lakebase.name[] not null default '{}',
  add column on_behalf_of lakebase.name,
  add column created_by lakebase.name,
  add column removed_at timestamptz;
update lakebase.principals set roles = '{platform}' where is_platform;
comment on column lakebase.principals.on_behalf_of is 'for whom an agent acts';
comment on column lakebase.principals.removed_at is
  'the row stays and with it the name: nobody inherits what belongs to somebody who is gone';

create table access.secrets (
  name lakebase.name primary key,
  value bytea not null constraint secret_length check (octet_length(value) = 32)
);
comment on table access.secrets is 'for the control account alone';
insert into access.secrets (name, value)
select kind, sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8'))
  from unnest('{salt,session}'::text[]) as kind, generate_series(1, 4)
 group by kind;

create table access.tokens (
  token_id lakebase.token_id primary key,
  principal_id lakebase.principal_id not null references lakebase.principals,
  iterations integer not null constraint iterations_range check (iterations between 4096 and 1000000),
  stored_key lakebase.scram_key not null,
  server_key lakebase.scram_key not null,
  created_by lakebase.name not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);
comment on table access.tokens is 'verifiers of tokens; a revoked one is deleted';
create index tokens_principal on access.tokens (principal_id);
create index tokens_expiry on access.tokens (expires_at);

create table lakebase.sessions (
  session_id lakebase.session_id primary key,
  boot text not null constraint boot_length check (octet_length(boot) between 1 and 63),
  principal_id lakebase.principal_id not null references lakebase.principals,
  token_id lakebase.token_id not null,
  endpoint_id lakebase.endpoint_id not null,
  branch_id lakebase.branch_id not null,
  project_id lakebase.project_id not null,
  database text not null constraint database_length check (octet_length(database) <= 63),
  source text not null constraint source_length check (octet_length(source) <= 255),
  application_name text not null
    constraint application_name_length check (octet_length(application_name) <= 255),
  tls boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  active_at timestamptz not null default clock_timestamp()
);
comment on table lakebase.sessions is 'open ones; how they ended is in access.audit';
create index sessions_endpoint on lakebase.sessions (endpoint_id);
create index sessions_principal on lakebase.sessions (principal_id);
create index sessions_boot on lakebase.sessions (boot);

alter table lakebase.endpoints
  add column wakes bigint not null default 0 constraint wakes_count check (wakes >= 0),
  add column active_at timestamptz;
comment on column lakebase.endpoints.active_at is 'when its last session was seen to end';

create index branches_name on lakebase.branches (name) where state in ('creating', 'ready', 'failed');

create table access.audit (
  event_id uuid primary key default gen_random_uuid(),
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
  request_params jsonb not null default '{}',
  status text not null constraint status_known check (status in ('ok', 'refused', 'failed')),
  error_code text,
  error_message text,
  project_id text,
  branch_id text,
  endpoint_id text,
  serial bigint generated always as identity
);
comment on table access.audit is 'who did what, or wasn''t let';
create index audit_time on access.audit (event_time);
create unique index audit_serial on access.audit (serial);
