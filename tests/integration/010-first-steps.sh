#!/bin/bash
# The first day: up, a project, a branch, writing to it, resetting and deleting it, and production
# never notices; down, and everything is there again after the next up.
source "$(dirname "$0")/../harness/lib.sh"

expect_status 1 "without an installation status says so" bough status
start_bough
check "a second up is fine" bough up
check "status answers" status_answers
expect_json "status names the mode" .result.mode "$BOUGH_TEST_MODE" bough --json status
expect_json "the catalog is up" .result.catalog.state up bough --json status

make_project shop
expect_json "the project is ready" .result.project.state ready bough --json project show shop
expect_json "its root is production" '.result.branches[0].name' production bough --json branch list
inventory=$(table_sum production inventory)
at_least "the sample has rows worth looking at" "${inventory%% *}" 1000
matches "an inventory code packs location, batch and serial" "$(sql production 'select inventory_code from inventory limit 1')" '^[A-Z0-9]+-[A-Z0-9]+-[A-Z0-9]+$'

# position BRANCH: where its log is.
position() {
  sql "$1" 'select pg_current_wal_flush_lsn()'
}
# forked BRANCH PARENT BEFORE AFTER: by its lineage it was forked on its parent's timeline between these positions.
forked() {
  local timeline lsn
  read -r timeline lsn <<<"$(result '.lineage[0] | "\(.timeline) \(.lsn)"' branch show "$1")"
  equal "$1 was forked from $2" "$(result '.lineage[0].name' branch show "$1")" "$2"
  equal "$1 was forked on its parent's timeline" "$timeline" "$(sql "$2" 'select timeline_id from pg_control_checkpoint()')"
  equal "$1 was forked where its parent's log was" "$(sql "$2" "select '$lsn'::pg_lsn between '$3' and '$4'")" t
}
tree() {
  bough branch tree | sed -E 's/([a-z]) .*/\1/'
}
usage() {
  result ".usage.$2" branch show "$1"
}

before=$(position production)
created=$(bough branch create experiment 2>&1)
forked experiment production "$before" "$(position production)"
matches "create prints a connection string" "$created" 'postgresql://'
matches "create prints how long it took" "$created" '[0-9.]+ ?m?s'
equal "the branch has the data" "$(table_sum experiment inventory)" "$inventory"
matches "what objects it had at its fork is on record" "$(result .identity.digest branch show experiment)" '^[0-9a-f]{64}$'
equal "those of its parent" "$(result .identity.objects branch show experiment)" "$(result .identity.objects branch show production)"

logical=$(usage experiment logical_bytes)
freed=$(usage experiment freed_bytes)
at_least "show tells its size: that of all its databases" "$logical" "$(sql experiment 'select sum(pg_database_size(oid)) from pg_database')"
sql experiment 'create table ballast as select repeat(md5(x::text), 30) as filler from generate_series(1, 10500) x'
platform_sql experiment app checkpoint
at_least "10 MB more are 10 MB more" "$(($(usage experiment logical_bytes) - logical))" 10485760
at_least "which deleting it would free" "$(($(usage experiment freed_bytes) - freed))" 10485760
if [[ $(stat -f -c %T "$BOUGH_HOME/pool") == tmpfs ]]; then
  skip "its processes wrote them" "the pool is in memory, where nothing is written"
else
  at_least "its processes wrote them" "$(usage experiment written_since_start_bytes)" 10485760
fi
equal "bytes written by a branch are unknown in a pool without quotas" "$(usage experiment written_bytes)" null
sql experiment "drop table ballast; truncate inventory cascade; create table mine (x int); insert into mine values (1)"
equal "the branch is written" "$(sql experiment 'select count(*) from inventory')" 0
equal "production never notices" "$(table_sum production inventory)" "$inventory"
check_not "production has no such table" sql production 'select * from mine'

sql production "update inventory set quantity = quantity + 1 where inventory_code = (select min(inventory_code) from inventory)"
now=$(table_sum production inventory)
before=$(result '[.branch.id, .branch.endpoint.id, .url] | join(" ")' branch show experiment)
check "reset" bough branch reset experiment
equal "a reset branch is as its parent is now" "$(table_sum experiment inventory)" "$now"
check_not "what was made on it is gone" sql experiment 'select * from mine'
equal "it keeps id, endpoint and connection string" "$(result '[.branch.id, .branch.endpoint.id, .url] | join(" ")' branch show experiment)" "$before"

check "rename" bough branch rename experiment trial
equal "the new name is there" "$(branch_names)" "production trial"
equal "the renamed branch has its data" "$(table_sum trial inventory)" "$now"

objects=$(result .identity.objects branch show trial)
sql trial 'create table counted (x int)'
before=$(position trial)
check "a branch of a branch" bough branch create leaf --parent trial
forked leaf trial "$before" "$(position trial)"
equal "the tree is drawn" "$(tree)" "production
└─ trial
   └─ leaf"
check "deleting the one between" bough branch delete trial
equal "the children live on" "$(table_sum leaf inventory)" "$now"
equal "its fork's objects are those of then: a table and its column more" "$(result .identity.objects branch show leaf)" "$((objects + 2))"
matches "lineage says where it came from" "$(result '[.lineage[].name] | join(" ")' branch show leaf)" 'trial'
expect_error branch-not-found "a deleted branch is gone" branch show trial
check "another one may have its name" bough branch create trial --parent leaf
equal "and is no parent of its parent" "$(tree)" "production
leaf
└─ trial"
check "delete it" bough branch delete trial

sql leaf "create table kept (x int)"
check "down" bough_down_all
check_not "nothing answers any more" boughd_answers
check "up again" bough up
equal "branches are there again" "$(branch_names)" "leaf production"
check "what was written is there" sql leaf 'select * from kept'
equal "production too" "$(table_sum production inventory)" "$now"

check "delete the branch" bough branch delete leaf
check "rows, volumes and processes agree" agreement
check "delete the project" bough project delete shop
check "no volume is left" no_volumes_left
