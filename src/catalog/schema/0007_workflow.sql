-- The workflow: a change is a git branch and a database branch that were claimed together, and the state that the
-- pair is in. What gates rely on is here; the file in a work tree only mirrors it.

create domain lakebase.change_id as text
  constraint change_id_pattern check (value ~ '^chg-[a-z2-7]{12}$');
create domain lakebase.commit_id as text
  constraint commit_id_pattern check (value ~ '^([0-9a-f]{40}|[0-9a-f]{64})$');

create table lakebase.changes (
  change_id lakebase.change_id primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  feature text not null constraint feature_pattern check (feature ~ '^[A-Za-z0-9_][A-Za-z0-9._/@#+-]{0,62}$'),
  kind lakebase.name not null,
  state text not null constraint state_known
    check (state in ('feature-claimed', 'pr-ready', 'ci-green', 'merged', 'abandoned')),
  git_branch text not null constraint git_branch_length check (octet_length(git_branch) between 1 and 200),
  tier lakebase.name not null,
  branch_id lakebase.branch_id not null references lakebase.branches,
  branch_name lakebase.name not null,
  claimed_by lakebase.name not null,
  claimed_for lakebase.name,
  claimed_at timestamptz not null default now(),
  claim_commit lakebase.commit_id,
  head_commit lakebase.commit_id,
  base_commit lakebase.commit_id,
  pushed_at timestamptz,
  pr_number bigint not null default 0 constraint pr_number_counts check (pr_number >= 0),
  pr_url text not null default '' constraint pr_url_length check (octet_length(pr_url) <= 512),
  diff_digest lakebase.digest,
  ci_run_url text not null default '' constraint ci_run_url_length check (octet_length(ci_run_url) <= 512),
  ci_green_at timestamptz,
  merged_at timestamptz,
  merge_commit lakebase.commit_id,
  snapshot_branch lakebase.name,
  migrate_completed_at timestamptz,
  ended_at timestamptz,
  revision bigint not null default 0,
  serial bigint generated always as identity,
  constraint ready_has_head check (state in ('feature-claimed', 'abandoned')
    or (head_commit is not null and base_commit is not null and pushed_at is not null)),
  constraint green_has_time check (state not in ('ci-green', 'merged') or ci_green_at is not null),
  constraint merged_has_time check ((state = 'merged') = (merged_at is not null)),
  constraint ended_has_time check ((state in ('merged', 'abandoned')) = (ended_at is not null))
);
comment on table lakebase.changes is 'claimed pairs of a git branch and a database branch, and how far they are';
create unique index changes_live_feature on lakebase.changes (project_id, feature) where ended_at is null;
create unique index changes_live_git on lakebase.changes (project_id, git_branch) where ended_at is null;
create unique index changes_live_branch on lakebase.changes (branch_id) where ended_at is null;

grant select on lakebase.changes to bough_auditor;
