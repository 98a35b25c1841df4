-- What was taken into tiers and back, and what that relied on.
--
-- A change is the texts of its migrations, kept once per content: what was approved and measured is
-- what is run, also by whoever goes on after a crash.

create domain lakebase.promotion_id as text
  constraint promotion_id_pattern check (value ~ '^pm-[a-z2-7]{12}$');

create table lakebase.promotion_texts (
  digest lakebase.digest primary key,
  content text not null constraint content_length check (octet_length(content) <= 134217728),
  created_at timestamptz not null default clock_timestamp()
);
comment on table lakebase.promotion_texts is 'migrations that were asked to be taken into a tier, as a JSON array';
create trigger promotion_texts_never_change before update or delete on lakebase.promotion_texts
  for each row execute function lakebase.refuse_change();

create table lakebase.promotions (
  promotion_id lakebase.promotion_id primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  from_name lakebase.name not null,
  to_tier lakebase.name not null,
  source_branch_id lakebase.branch_id not null references lakebase.branches,
  source_name lakebase.name not null,
  target_branch_id lakebase.branch_id not null references lakebase.branches,
  pull_request bigint constraint pull_request_counts check (pull_request >= 1),
  head lakebase.commit_id,
  base lakebase.commit_id,
  merge_commit lakebase.commit_id,
  change_digest lakebase.digest not null references lakebase.promotion_texts,
  diff_digest lakebase.digest,
  state text not null constraint promotion_state_known
    check (state in ('open', 'running', 'done', 'failed', 'stopped', 'undone')),
  step text not null default '' constraint step_length check (octet_length(step) <= 31),
  snapshot_branch_id lakebase.branch_id references lakebase.branches,
  operation_id lakebase.operation_id references lakebase.operations,
  requested_by lakebase.name not null,
  promoted_by lakebase.name,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  error lakebase.message not null default '',
  details lakebase.document not null default '{}',
  serial bigint generated always as identity
);
comment on table lakebase.promotions is 'changes that were taken into tiers, or wait for it';
comment on column lakebase.promotions.from_name is 'a tier, or the kind of a work branch';
comment on column lakebase.promotions.diff_digest is 'of the schema diff that was current then';
comment on column lakebase.promotions.step is 'the last one that is behind it';
create unique index promotions_waiting on lakebase.promotions (source_branch_id, to_tier)
  where state in ('open', 'running', 'stopped');
create unique index promotions_serial on lakebase.promotions (serial);
create index promotions_tier on lakebase.promotions (project_id, to_tier, serial);
create index promotions_operation on lakebase.promotions (operation_id);

create table lakebase.schema_diffs (
  source_branch_id lakebase.branch_id not null references lakebase.branches,
  to_tier lakebase.name not null,
  project_id lakebase.project_id not null references lakebase.projects,
  change_digest lakebase.digest not null,
  base_digest lakebase.digest not null,
  digest lakebase.digest not null,
  rights boolean not null,
  content text not null constraint content_length check (octet_length(content) <= 67108864),
  markdown text not null constraint markdown_length check (octet_length(markdown) <= 67108864),
  measured_by lakebase.name not null,
  measured_at timestamptz not null default clock_timestamp(),
  primary key (source_branch_id, to_tier)
);
comment on table lakebase.schema_diffs is
  'what a change does to its tier, measured on a copy of that: the last one of each';
comment on column lakebase.schema_diffs.base_digest is 'of the schema that it was measured on';
comment on column lakebase.schema_diffs.digest is 'of content';
comment on column lakebase.schema_diffs.rights is 'who may do what changes, too';

create table lakebase.promotion_approvals (
  project_id lakebase.project_id not null references lakebase.projects,
  from_name lakebase.name not null,
  to_tier lakebase.name not null,
  change_digest lakebase.digest not null,
  diff_digest lakebase.digest not null,
  principal lakebase.name not null,
  on_behalf_of lakebase.name,
  approved_at timestamptz not null default clock_timestamp(),
  primary key (project_id, from_name, to_tier, change_digest, diff_digest, principal)
);
comment on table lakebase.promotion_approvals is
  'of promotions between tiers; each counts for that change with that effect alone';

create table lakebase.snapshots (
  branch_id lakebase.branch_id primary key references lakebase.branches,
  project_id lakebase.project_id not null references lakebase.projects,
  tier lakebase.name not null,
  source_branch_id lakebase.branch_id not null references lakebase.branches,
  source_volume_id lakebase.volume_id not null,
  promotion_id lakebase.promotion_id not null references lakebase.promotions,
  is_abandoned boolean not null default false,
  taken_at timestamptz not null default clock_timestamp()
);
comment on table lakebase.snapshots is 'what a tier can be taken back to: branches';
comment on column lakebase.snapshots.source_volume_id is
  'that held the tier then: its log tells what was committed since';
comment on column lakebase.snapshots.is_abandoned is 'what a rollback left behind';
create index snapshots_tier on lakebase.snapshots (project_id, tier);

revoke all on lakebase.promotion_texts, lakebase.promotions, lakebase.schema_diffs,
  lakebase.promotion_approvals, lakebase.snapshots from public;
grant select on lakebase.promotions, lakebase.schema_diffs, lakebase.promotion_approvals,
  lakebase.snapshots to bough_auditor;
