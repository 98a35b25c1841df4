-- What was applied where, by whom, for whoever reads the system catalog. What decides is the ledger in each
-- database (schema bough), which branches inherit; this is the trail of what this installation ran.

create table lakebase.migrations (
  migration_id bigint generated always as identity primary key,
  project_id lakebase.project_id not null,
  branch_id lakebase.branch_id not null,
  branch_name lakebase.name not null,
  database text not null constraint database_length check (octet_length(database) between 1 and 63),
  action text not null constraint action_known check (action in ('apply', 'rollback', 'baseline')),
  version text not null constraint version_length check (octet_length(version) <= 200),
  name text not null constraint name_length check (octet_length(name) <= 200),
  checksum text not null constraint checksum_pattern check (checksum ~ '^[0-9a-f]{64}$'),
  state text not null constraint state_known check (state in ('done', 'failed')),
  author lakebase.name not null,
  on_behalf_of lakebase.name,
  finished_at timestamptz not null default clock_timestamp(),
  duration_ms bigint not null constraint duration_counts check (duration_ms >= 0),
  error lakebase.message not null default ''
);
comment on table lakebase.migrations is 'migrations that were run on branches, scratch branches too';
create index migrations_branch on lakebase.migrations (branch_id, migration_id);
create trigger migrations_never_change before update or delete on lakebase.migrations
  for each row execute function lakebase.refuse_change();
