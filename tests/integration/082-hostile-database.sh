#!/bin/bash
# A database that lies in wait for the platform's own sessions: operators, casts, rules, triggers, event
# triggers, an expression index, settings of database and role. Every operation is run over it; none of its
# traps may be sprung with more rights than whoever laid them.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
check "an empty project" bough project create hostile --empty
export BOUGH_PROJECT=hostile
sql production "$(cat "$ROOT/tests/fixtures/hostile.sql")"
# What only a superuser can lay: an import by pg_basebackup brings it.
platform_sql production app "$(cat "$ROOT/tests/fixtures/hostile-superuser.sql")"

sprung() {
  platform_sql "$1" app "select string_agg(distinct who || ' by ' || how, ', ') from hostile.sprung where who like 'bough\\_platform%' or super"
}

check "show" bough branch show production
check "a branch" bough branch create victim
equal "it answers" "$(sql victim 'select 1')" 1
check "its show" bough branch show victim
check "its child" bough branch create child --parent victim
equal "the child answers" "$(sql child 'select 1')" 1
check "reset" bough branch reset child
check "rename" bough branch rename child other
check "suspend" bough endpoint suspend victim
check "start" bough endpoint start victim
bough doctor >/dev/null 2>&1 || true
for branch in production victim other; do
  equal "$branch: no trap was sprung by the platform" "$(sprung "$branch")" ""
done
equal "nobody became superuser" "$(platform_sql victim app "select count(*) from pg_roles where rolsuper and rolname <> 'bough_platform'")" 0
check "delete" bough branch delete victim
