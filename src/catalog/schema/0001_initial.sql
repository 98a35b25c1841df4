-- Projects, branches, endpoints, operations, principals.
--
-- Every text has its bounds here: the structures of catalog.h hold what passes these checks, uncut.
-- Ids are given by Bough (core/name.h), names by people. "Live" branches and projects are those in the
-- states creating, ready and failed; only their names are taken.

create schema lakebase;
comment on schema lakebase is 'projects, branches, endpoints and what happens to them';
create schema access;
comment on schema access is 'who did what, and who may';
create schema billing;
comment on schema billing is 'what was used';

create domain lakebase.name as text
  constraint name_pattern check (value ~ '^[a-z][a-z0-9-]{0,62}$');
create domain lakebase.project_id as text
  constraint project_id_pattern check (value ~ '^prj-[a-z2-7]{12}$');
create domain lakebase.branch_id as text
  constraint branch_id_pattern check (value ~ '^br-[a-z2-7]{12}$');
create domain lakebase.volume_id as text
  constraint volume_id_pattern check (value ~ '^vol-[a-z2-7]{12}$');
create domain lakebase.endpoint_id as text
  constraint endpoint_id_pattern check (value ~ '^ep-[a-z2-7]{12}$');
create domain lakebase.operation_id as text
  constraint operation_id_pattern check (value ~ '^op-[a-z2-7]{12}$');
create domain lakebase.principal_id as text
  constraint principal_id_pattern check (value ~ '^pri-[a-z2-7]{12}$');
create domain lakebase.digest as text
  constraint digest_pattern check (value ~ '^[0-9a-f]{64}$');
create domain lakebase.message as text
  constraint message_length check (octet_length(value) <= 511);
create domain lakebase.row_state as text
  constraint row_state_known
  check (value in ('creating', 'ready', 'deleting', 'deleted', 'failed'));
create domain lakebase.document as jsonb
  constraint document_is_object check (jsonb_typeof(value) = 'object')
  constraint document_length check (octet_length(value::text) <= 1048576);

create table lakebase.schema_versions (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default now()
);
comment on table lakebase.schema_versions is 'the schema files that were applied';

create table lakebase.projects (
  project_id lakebase.project_id primary key,
  name lakebase.name not null,
  state lakebase.row_state not null,
  root_branch_id lakebase.branch_id,
  created_by lakebase.name not null,
  created_at timestamptz not null default now(),
  details lakebase.document not null default '{}',
  serial bigint generated always as identity
);
comment on table lakebase.projects is 'one tree of branches each';
create unique index projects_live_name on lakebase.projects (name)
  where state in ('creating', 'ready', 'failed');

create table lakebase.identities (
  digest lakebase.digest primary key,
  content text not null constraint content_length check (octet_length(content) <= 67108864),
  created_at timestamptz not null default now()
);
comment on table lakebase.identities is
  'the forks'' records of object identities, each content once';

create table lakebase.branches (
  branch_id lakebase.branch_id primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  name lakebase.name not null,
  kind lakebase.name not null,
  state lakebase.row_state not null,
  parent_id lakebase.branch_id references lakebase.branches,
  volume_id lakebase.volume_id not null,
  is_protected boolean not null default false,
  clean boolean not null default false,
  generation integer not null default 0 constraint generation_counts check (generation >= 0),
  fork_timeline bigint not null default 0
    constraint fork_timeline_range check (fork_timeline between 0 and 4294967295),
  fork_lsn pg_lsn,
  redo_lsn pg_lsn,
  end_lsn pg_lsn,
  unlogged bigint not null default 0 constraint unlogged_counts check (unlogged >= 0),
  size_class text not null constraint size_class_pattern check (size_class ~ '^[a-z0-9-]{1,15}$'),
  identity lakebase.digest references lakebase.identities deferrable initially deferred,
  created_by lakebase.name not null,
  created_at timestamptz not null default now(),
  forked_at timestamptz,
  expires_at timestamptz,
  error lakebase.message not null default '',
  serial bigint generated always as identity,
  constraint branch_is_not_its_parent check (parent_id <> branch_id)
);
comment on table lakebase.branches is
  'a volume and its lineage; rows of deleted branches stay, because their children name them';
comment on column lakebase.branches.clean is 'what a copy must lose was removed by SQL, too';
comment on column lakebase.branches.generation is 'how often it was reset';
comment on column lakebase.branches.serial is 'order of creation: parents come before children';
create unique index branches_live_name on lakebase.branches (project_id, name)
  where state in ('creating', 'ready', 'failed');
create index branches_standing on lakebase.branches (project_id, serial) where state <> 'deleted';
alter table lakebase.projects add constraint projects_root_branch_id_fkey
  foreign key (root_branch_id) references lakebase.branches deferrable initially deferred;

create table lakebase.endpoints (
  endpoint_id lakebase.endpoint_id primary key,
  branch_id lakebase.branch_id not null unique references lakebase.branches,
  project_id lakebase.project_id not null references lakebase.projects,
  state text not null
    constraint endpoint_state_known check (state in ('stopped', 'starting', 'running', 'failed')),
  wanted boolean not null default false,
  pid integer not null default 0 constraint pid_range check (pid >= 0),
  start_time bigint not null default 0 constraint start_time_range check (start_time >= 0),
  volume_id lakebase.volume_id,
  failures integer not null default 0 constraint failures_count check (failures >= 0),
  started_at timestamptz,
  error lakebase.message not null default ''
);
comment on table lakebase.endpoints is 'the stable name that clients connect to, one per branch';
comment on column lakebase.endpoints.start_time is
  'of the process, in clock ticks since boot: with pid, that very process';

create table lakebase.operations (
  operation_id lakebase.operation_id primary key,
  kind text not null constraint kind_pattern check (kind ~ '^[a-z][a-z_.]{0,30}$'),
  project_id lakebase.project_id references lakebase.projects deferrable initially deferred,
  branch_id lakebase.branch_id references lakebase.branches deferrable initially deferred,
  state text not null
    constraint operation_state_known check (state in ('running', 'done', 'failed')),
  step text not null default '' constraint step_length check (octet_length(step) <= 31),
  params lakebase.document not null default '{}',
  created_by lakebase.name not null,
  worker_pid integer not null default 0,
  worker_start bigint not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  error_code text not null default '' constraint error_code_length check (octet_length(error_code) <= 63),
  error lakebase.message not null default '',
  serial bigint generated always as identity,
  constraint finished_when_not_running check ((state = 'running') = (finished_at is null))
);
comment on table lakebase.operations is
  'what was begun, written before its first effect; a running one holds its branch';
create unique index operations_running_branch on lakebase.operations (branch_id)
  where state = 'running';
create index operations_running on lakebase.operations (serial) where state = 'running';
create unique index operations_serial on lakebase.operations (serial);

create table lakebase.principals (
  principal_id lakebase.principal_id primary key,
  name lakebase.name not null constraint principals_name unique,
  type text not null constraint principal_type_known check (type in ('human', 'agent', 'ci')),
  os_uid bigint constraint principals_os_uid unique
    constraint os_uid_range check (os_uid between 0 and 4294967294),
  is_platform boolean not null default false,
  created_at timestamptz not null default now()
);
comment on table lakebase.principals is 'people, agents and CI jobs';
