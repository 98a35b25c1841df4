-- CI: runs, each of one commit on one base; what they found; tokens that are good for one run alone.

create domain lakebase.run_id as text
  constraint run_id_pattern check (value ~ '^run-[a-z2-7]{12}$');

create table lakebase.ci_runs (
  run_id lakebase.run_id primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  number bigint not null constraint number_counts check (number >= 0),
  source lakebase.git_branch not null,
  tier lakebase.name not null,
  head_commit lakebase.commit_id not null,
  base_commit lakebase.commit_id not null,
  result_commit lakebase.commit_id,
  state text not null constraint state_known
    check (state in ('queued', 'running', 'passed', 'failed', 'cancelled', 'lost')),
  is_outside boolean not null,
  principal lakebase.name,
  branch_id lakebase.branch_id,
  branch_name lakebase.name,
  test text not null default '' constraint test_length check (octet_length(test) <= 4095),
  policy_version integer not null default 0,
  worker_pid integer not null default 0,
  worker_start bigint not null default 0,
  attempts integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  deadline timestamptz,
  error lakebase.message not null default '',
  serial bigint generated always as identity,
  constraint finished_has_time check ((state in ('queued', 'running')) = (finished_at is null)),
  constraint running_has_principal check (state in ('queued', 'cancelled') or principal is not null)
);
comment on table lakebase.ci_runs is 'each proves one commit on one base; what it found holds for exactly these';
comment on column lakebase.ci_runs.number is 'of the pull request; 0: the promotion of a tier';
comment on column lakebase.ci_runs.result_commit is 'the merge of head into base, which was tested';
comment on column lakebase.ci_runs.is_outside is 'run by another runner than the built-in one, with a token of its own';
comment on column lakebase.ci_runs.test is 'the command that the policy in force declared when it began';
create unique index ci_runs_live on lakebase.ci_runs (project_id, source, tier)
  where state in ('queued', 'running');
create index ci_runs_commits on lakebase.ci_runs (project_id, head_commit, base_commit, serial);
create index ci_runs_open on lakebase.ci_runs (serial)
  where state in ('queued', 'running') or branch_name is not null;

create table lakebase.ci_checks (
  run_id lakebase.run_id not null references lakebase.ci_runs,
  name lakebase.name not null,
  state text not null constraint state_known check (state in ('passed', 'failed', 'skipped')),
  summary lakebase.message not null default '',
  duration_ms bigint not null default 0 constraint duration_counts check (duration_ms >= 0),
  serial bigint generated always as identity,
  primary key (run_id, name)
);
comment on table lakebase.ci_checks is 'what a run found, written by that run alone';

create table lakebase.ci_artifacts (
  run_id lakebase.run_id not null references lakebase.ci_runs,
  name text not null constraint name_pattern check (name ~ '^[a-z0-9][a-z0-9.-]{0,62}$'),
  digest lakebase.digest not null,
  content text not null constraint content_length check (octet_length(content) <= 16777216),
  primary key (run_id, name)
);

-- Results never change, whoever asks.
create trigger ci_checks_never_change before update or delete on lakebase.ci_checks
  for each row execute function lakebase.refuse_change();
create trigger ci_artifacts_never_change before update or delete on lakebase.ci_artifacts
  for each row execute function lakebase.refuse_change();

create function lakebase.refuse_result_of_ended_run() returns trigger language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  perform from lakebase.ci_runs where run_id = new.run_id and state = 'running' for share;
  if not found then
    raise exception 'run % does not run: it takes no results', new.run_id using errcode = '55000';
  end if;
  return new;
end $$;
create trigger ci_checks_of_running before insert on lakebase.ci_checks
  for each row execute function lakebase.refuse_result_of_ended_run();
create trigger ci_artifacts_of_running before insert on lakebase.ci_artifacts
  for each row execute function lakebase.refuse_result_of_ended_run();

alter table access.tokens
  add column run_id lakebase.run_id references lakebase.ci_runs,
  add column purpose text constraint purpose_known check (purpose in ('report', 'connect')),
  add column branch_id lakebase.branch_id,
  add constraint bound_to_run check ((run_id is null) = (purpose is null));
comment on column access.tokens.run_id is 'the one run that it is good for: report, for its results; connect, for its branch';
create index tokens_run on access.tokens (run_id) where run_id is not null;

grant select on lakebase.ci_runs, lakebase.ci_checks to bough_auditor;
