-- The queue of each tier: who asked for which merge, what it is tested with, and what became of it.

create domain lakebase.queue_id as text
  constraint queue_id_pattern check (value ~ '^mq-[a-z2-7]{12}$');

create table lakebase.merge_queue (
  entry_id lakebase.queue_id primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  tier lakebase.name not null,
  change_id lakebase.change_id not null references lakebase.changes,
  feature text not null constraint feature_length check (octet_length(feature) between 1 and 63),
  number bigint not null constraint number_counts check (number >= 1),
  head_commit lakebase.commit_id not null,
  version text not null default '' constraint version_length check (octet_length(version) <= 200),
  asked_by lakebase.name not null,
  request_id text not null default '' constraint request_length check (octet_length(request_id) <= 16),
  state text not null constraint state_known
    check (state in ('waiting', 'testing', 'passed', 'merging', 'merged', 'refused', 'withdrawn')),
  most integer not null constraint most_counts check (most >= 1),
  run_id lakebase.run_id references lakebase.ci_runs,
  place integer not null default 0 constraint place_counts check (place >= 0),
  members integer not null default 0 constraint members_count check (members >= place),
  base_commit lakebase.commit_id,
  merge_commit lakebase.commit_id,
  attempts integer not null default 0 constraint attempts_count check (attempts >= 0),
  error_code text not null default '' constraint error_code_length check (octet_length(error_code) <= 63),
  error lakebase.message not null default '',
  hint lakebase.message not null default '',
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  serial bigint generated always as identity,
  constraint ended_has_time
    check ((state in ('merged', 'refused', 'withdrawn')) = (ended_at is not null)),
  constraint tested_has_run check (state not in ('testing', 'passed', 'merging')
    or (run_id is not null and place >= 1 and base_commit is not null)),
  constraint merged_has_commit check (state <> 'merged' or merge_commit is not null)
);
comment on table lakebase.merge_queue is 'merges that were asked for while others came first, or the tier had moved since CI';
comment on column lakebase.merge_queue.version is 'the lowest of its migrations; those that are tested together go by it';
comment on column lakebase.merge_queue.asked_by is 'with whose right it is merged, decided again when its turn comes';
comment on column lakebase.merge_queue.most is 'with how many at most it is tested: half of those with whom it failed';
comment on column lakebase.merge_queue.place is 'among those that its run tests together, in the order in which they are merged';
comment on column lakebase.merge_queue.base_commit is 'commit of the tier that its run tests them on';
create unique index merge_queue_live on lakebase.merge_queue (change_id) where ended_at is null;
create index merge_queue_waiting on lakebase.merge_queue (project_id, tier, serial) where ended_at is null;
create index merge_queue_runs on lakebase.merge_queue (run_id, place);

grant select on lakebase.merge_queue to bough_auditor;
