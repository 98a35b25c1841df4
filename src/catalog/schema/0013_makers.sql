-- Limits of bytes charge a compute with what was written after it was opened.
alter table lakebase.endpoints add column recovery_bytes bigint not null default 0
  check (recovery_bytes >= 0);
comment on column lakebase.endpoints.recovery_bytes is 'what its process had written when it was opened: its recovery, which counts for no limit';

-- A branch that somebody makes for a proof goes with them.
alter table lakebase.branches
  add column maker_pid integer not null default 0 check (maker_pid >= 0),
  add column maker_start bigint not null default 0 check (maker_start >= 0);
comment on column lakebase.branches.maker_pid is 'process that throws the branch away; when it is gone, so is the branch''s time; 0: none';
comment on column lakebase.branches.maker_start is 'when that process was started, in ticks since the machine''s start';
create index branches_made on lakebase.branches (maker_pid) where maker_pid <> 0 and state <> 'deleted';
