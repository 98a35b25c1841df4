-- What came from what: the tier that a branch stood for until another took its place, and the tokens with
-- which a token was made.

alter table lakebase.branches add column stood_for lakebase.name;
comment on column lakebase.branches.stood_for is
  'the tier, or the root, that it was until another branch took its place';
comment on column lakebase.branches.serial is
  'parents come before children: who gets another parent gets a new number, and so do those below';

alter table access.tokens add column ancestors lakebase.token_id[] not null default '{}';
comment on column access.tokens.ancestors is
  'who made it came in by these, the first one first: revoking any of them revokes it';

-- A client that was cut off reads no more: what it asked for needn't be finished.
alter role bough_auditor set client_connection_check_interval = '1s';
