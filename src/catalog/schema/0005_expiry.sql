-- When branches end, what is done on a schedule, and whom to tell of both.

alter table lakebase.branches
  add column warned_at timestamptz,
  add column expired_at timestamptz,
  add column reap_after timestamptz;
comment on column lakebase.branches.warned_at is 'when its end was announced; a new end takes it back';
comment on column lakebase.branches.expired_at is
  'its time is over, but branches that were forked from it stand: it is closed, and goes with them';
comment on column lakebase.branches.reap_after is 'removing it failed: not tried again before';
create index branches_expiry on lakebase.branches (expires_at)
  where state in ('ready', 'failed') and expires_at is not null;
create index branches_parent on lakebase.branches (parent_id) where state <> 'deleted';

create table lakebase.reaper (
  one boolean primary key default true constraint one_row check (one),
  boot text not null constraint boot_length check (octet_length(boot) <= 63),
  boottime_us bigint not null,
  wall_us bigint not null,
  held_until_us bigint not null default 0,
  jump_us bigint not null default 0,
  jumped_at timestamptz
);
comment on table lakebase.reaper is
  'both clocks at the last look: when they disagree, nothing is removed for a while';
comment on column lakebase.reaper.boottime_us is 'since the machine was started, sleep included';
comment on column lakebase.reaper.held_until_us is 'by that clock; 0: it works';

create domain lakebase.schedule_outcome as text
  constraint schedule_outcome_known check (value in ('', 'running', 'done', 'failed'));

create table lakebase.schedules (
  project_id lakebase.project_id not null references lakebase.projects,
  tier lakebase.name not null,
  expression text not null
    constraint expression_length check (octet_length(expression) between 1 and 256),
  zone text not null constraint zone_length check (octet_length(zone) between 1 and 63),
  handled_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  operation_id lakebase.operation_id,
  outcome lakebase.schedule_outcome not null default '',
  error lakebase.message not null default '',
  primary key (project_id, tier)
);
comment on table lakebase.schedules is 'resets of tiers, as the policy in force declares them';
comment on column lakebase.schedules.handled_at is
  'everything that was due until then has been run, or came before the schedule';

create table lakebase.webhooks (
  webhook_id bigint generated always as identity primary key,
  event text not null constraint event_pattern check (event ~ '^[a-z]+[.][a-z]+$'),
  body lakebase.document not null,
  created_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0 constraint attempts_count check (attempts >= 0),
  finished_at timestamptz,
  error lakebase.message not null default ''
);
comment on table lakebase.webhooks is
  'what is to be told to webhook_url; finished with an error: given up';
create index webhooks_due on lakebase.webhooks (due_at) where finished_at is null;
create index webhooks_finished on lakebase.webhooks (finished_at) where finished_at is not null;
