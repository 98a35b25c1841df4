-- Declared policies, the branches that stand for their tiers, and what allowed each deed.
--
-- A version never changes. policy_heads has one row per project, which is locked: shared by whoever is
-- about to do what can't be taken back, exclusively by the one who applies another version.

create table lakebase.policies (
  project_id lakebase.project_id not null references lakebase.projects,
  version integer not null constraint version_counts check (version >= 1),
  content text not null constraint content_length check (octet_length(content) between 1 and 524288),
  canonical lakebase.document not null,
  applied_by lakebase.name not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (project_id, version)
);
comment on table lakebase.policies is 'every policy that was ever applied';
comment on column lakebase.policies.content is 'the file, as it was sent';
comment on column lakebase.policies.canonical is 'the same model for the same meaning';

create function lakebase.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of %.% never change', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;
create trigger policies_never_change before update or delete on lakebase.policies
  for each row execute function lakebase.refuse_change();
create trigger policies_never_go before truncate on lakebase.policies
  for each statement execute function lakebase.refuse_change();

create table lakebase.policy_heads (
  project_id lakebase.project_id primary key references lakebase.projects,
  version integer not null default 0 constraint version_range check (version >= 0)
);
comment on table lakebase.policy_heads is 'the version in force; 0: none is';
insert into lakebase.policy_heads (project_id) select project_id from lakebase.projects;

create function lakebase.add_policy_head() returns trigger language plpgsql as $$
begin
  insert into lakebase.policy_heads (project_id) values (new.project_id);
  return null;
end $$;
create trigger projects_policy_head after insert on lakebase.projects
  for each row execute function lakebase.add_policy_head();

create table lakebase.tiers (
  project_id lakebase.project_id not null references lakebase.projects,
  name lakebase.name not null,
  branch_id lakebase.branch_id not null unique references lakebase.branches,
  bound_at timestamptz not null default clock_timestamp(),
  primary key (project_id, name)
);
comment on table lakebase.tiers is
  'which branch stands for a tier now; one that is declared and has no row here is missing';

alter table lakebase.branches add column created_for lakebase.name;
update lakebase.branches as b set created_for = p.on_behalf_of
  from lakebase.principals as p where p.name = b.created_by;
comment on column lakebase.branches.created_for is 'on whose behalf its creator, an agent, acted';

create table lakebase.authors (
  branch_id lakebase.branch_id not null references lakebase.branches,
  principal lakebase.name not null,
  added_at timestamptz not null default clock_timestamp(),
  primary key (branch_id, principal)
);
comment on table lakebase.authors is
  'of the change on a branch: who claimed it, who pushed to it, for whom an agent did';
insert into lakebase.authors (branch_id, principal)
select branch_id, who from lakebase.branches, unnest(array[created_by, created_for]) as who
 where who is not null and state <> 'deleted';

alter table lakebase.operations
  add column policy_version integer not null default 0,
  add column policy_rule lakebase.message not null default '';
comment on column lakebase.operations.policy_rule is 'by what it was allowed';

alter table lakebase.sessions
  add column access text not null default 'own'
    constraint access_known check (access in ('read', 'write', 'own'));
comment on column lakebase.sessions.access is 'with which right on the branch it was let in';
