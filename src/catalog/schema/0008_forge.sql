-- The forge: which one a project uses, and of the built-in one pull requests, reviews, comments, statuses, pushes.
-- Commits and branches are git's; who may do what with them is decided with what stands here.

create domain lakebase.git_branch as text
  constraint git_branch_length check (octet_length(value) between 1 and 200)
  constraint git_branch_pattern check (value ~ '^[A-Za-z0-9._/-]+$');
create domain lakebase.forge_text as text
  constraint forge_text_length check (octet_length(value) <= 65536);

create table lakebase.repositories (
  project_id lakebase.project_id primary key references lakebase.projects,
  forge text not null default 'local' constraint forge_known check (forge in ('local', 'github')),
  settings lakebase.document not null default '{}',
  last_pull bigint not null default 0 constraint last_pull_counts check (last_pull >= 0),
  created_at timestamptz not null default clock_timestamp()
);
comment on table lakebase.repositories is 'where the code of a project lives; no row: in the built-in forge';
comment on column lakebase.repositories.settings is 'what the forge is told: host, owner, name; never a secret';

create table lakebase.pulls (
  project_id lakebase.project_id not null references lakebase.projects,
  number bigint not null constraint number_counts check (number >= 1),
  state text not null default 'open' constraint state_known check (state in ('open', 'merged', 'closed')),
  head_branch lakebase.git_branch not null,
  base_branch lakebase.git_branch not null,
  branch_id lakebase.branch_id,
  author lakebase.name not null,
  author_for lakebase.name,
  title text not null constraint title_length check (octet_length(title) between 1 and 256),
  body lakebase.forge_text not null default '',
  head_commit lakebase.commit_id not null,
  base_commit lakebase.commit_id,
  merge_commit lakebase.commit_id,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  merged_at timestamptz,
  primary key (project_id, number),
  constraint merged_has_commit check (state <> 'merged' or (merge_commit is not null and merged_at is not null))
);
comment on column lakebase.pulls.head_commit is 'where the head was when the request was opened, updated, merged or closed';
comment on column lakebase.pulls.merge_commit is 'written before the base moves to it, so that a merge is done once';
create unique index pulls_open_head on lakebase.pulls (project_id, head_branch) where state = 'open';

create table lakebase.pull_reviews (
  review_id bigint generated always as identity primary key,
  project_id lakebase.project_id not null,
  number bigint not null,
  reviewer lakebase.name not null,
  on_behalf_of lakebase.name,
  verdict text not null constraint verdict_known check (verdict in ('approved', 'changes-requested', 'comment')),
  head_commit lakebase.commit_id not null,
  base_branch lakebase.git_branch not null,
  body lakebase.forge_text not null default '',
  created_at timestamptz not null default clock_timestamp(),
  foreign key (project_id, number) references lakebase.pulls
);
create index pull_reviews_pull on lakebase.pull_reviews (project_id, number, review_id);
create trigger pull_reviews_never_change before update or delete on lakebase.pull_reviews
  for each row execute function lakebase.refuse_change();

create table lakebase.pull_comments (
  comment_id bigint generated always as identity primary key,
  project_id lakebase.project_id not null,
  number bigint not null,
  author lakebase.name not null,
  marker text constraint marker_pattern check (marker ~ '^[a-z0-9-]{1,64}$'),
  body lakebase.forge_text not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  foreign key (project_id, number) references lakebase.pulls
);
create unique index pull_comments_marker on lakebase.pull_comments (project_id, number, marker)
  where marker is not null;
create index pull_comments_pull on lakebase.pull_comments (project_id, number, comment_id);

create table lakebase.commit_statuses (
  project_id lakebase.project_id not null references lakebase.projects,
  commit_id lakebase.commit_id not null,
  name text not null constraint name_length check (octet_length(name) between 1 and 100),
  state text not null constraint state_known check (state in ('pending', 'success', 'failure', 'error')),
  url text not null default '' constraint url_length check (octet_length(url) <= 512),
  description text not null default '' constraint description_length check (octet_length(description) <= 256),
  reported_by lakebase.name not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (project_id, commit_id, name)
);
comment on table lakebase.commit_statuses is 'what people are shown; no gate relies on these';

create table lakebase.pushes (
  push_id bigint generated always as identity primary key,
  project_id lakebase.project_id not null references lakebase.projects,
  git_branch lakebase.git_branch not null,
  branch_id lakebase.branch_id,
  old_commit lakebase.commit_id,
  new_commit lakebase.commit_id not null,
  is_forced boolean not null,
  principal lakebase.name not null,
  on_behalf_of lakebase.name,
  pushed_at timestamptz not null default clock_timestamp()
);
comment on table lakebase.pushes is 'pushes that were allowed, written before the branch moves';
create index pushes_branch on lakebase.pushes (project_id, git_branch, push_id);
create trigger pushes_never_change before update or delete on lakebase.pushes
  for each row execute function lakebase.refuse_change();
