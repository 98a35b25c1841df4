create extension citext;
create function hidden() returns int language sql security definer as 'select 1';
alter extension citext add function hidden();
