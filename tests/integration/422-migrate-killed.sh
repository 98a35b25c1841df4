#!/bin/bash
# Migrations and kill -9, of boughd at each failure point, of the compute, of the client; two at once; a
# database that lies in wait. Whatever was killed, the ledger and the schema say the same afterwards.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"

restart_with() {
  kill_boughd
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
}
dead() {
  ! boughd_alive
}
migrate() {
  bough --json migrate "$@" 2>"$TEST_DIR/stderr"
}
migration() {
  mkdir -p migrations
  printf '%s\n' "$2" >"migrations/$1"
}
# rows STATE: rows of the ledger in that state, by the platform's eyes.
rows() {
  platform_sql work app "select count(*) from bough.migrations where state = '$1'"
}
idle() {
  [[ $(api GET /v1/operations | jq '[.result.operations[] | select(.state == "running")] | length') == 0 ]]
}

start_bough
make_project shop
bough branch create work >/dev/null 2>&1
cd "$TEST_DIR" || exit
migration 1_first.sql "create table counted (n int);"
migrate apply work >/dev/null

version=1
for point in migrate-recorded migrate-before-commit migrate-committed; do
  version=$((version + 1))
  migration "${version}_x.sql" "insert into counted values ($version);"
  restart_with "$point=crash"
  migrate apply work >/dev/null || true
  check "$point: boughd is killed there" wait_for 30 dead
  restart_with ""
  check "$point: it starts again" wait_for 30 boughd_answers
  check "$point: the operation is over" wait_for 60 idle
  check "$point: apply goes on" migrate apply work
  equal "$point: it was run once" "$(sql work "select count(*) from counted where n = $version")" 1
  equal "$point: nothing is left running" "$(rows running)" 0
done
version=$((version + 1))
migration "${version}_x.sql" "create index concurrently counted_n on counted (n);
insert into counted values ($version);
insert into counted values ($version);"
restart_with migrate-step-done=crash
migrate apply work >/dev/null || true
check "between statements: boughd is killed there" wait_for 30 dead
restart_with ""
check "between statements: the operation is over" wait_for 60 idle
check "between statements: apply goes on" migrate apply work
equal "between statements: each was run once" "$(sql work "select count(*) from counted where n = $version")" 2

note "the compute is killed"
migration 20_slow.sql "insert into counted values (20); select pg_sleep(600);"
migrate apply work >"$TEST_DIR/killed" &
applying=$!
running() {
  [[ $(platform_sql work app "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()") == 1 ]]
}
check "the migration runs" wait_for 60 running
kill -9 "$(endpoint work pid)"
wait "$applying" || true
equal "the migration fails" "$(jq -r .ok "$TEST_DIR/killed")" false
migration 20_slow.sql "insert into counted values (20);"
check "then it is applied" migrate apply work
equal "once" "$(sql work "select count(*) from counted where n = 20")" 1
equal "the one that was cut is on record as failed" "$(sql work "select string_agg(state, ' ' order by entry) from bough.migrations where version = '20'")" "failed done"

note "the client is killed, and a second one comes meanwhile"
migration 21_slow.sql "select pg_sleep(2); insert into counted values (21);"
"$PROGRAM" --json migrate apply work >/dev/null 2>&1 &
client=$!
wait_for 60 eval '[[ $(rows running) == 1 ]]'
kill -9 "$client"
check "the second one" migrate apply work
equal "it was applied once" "$(sql work "select count(*) from counted where n = 21")" 1

note "two at once"
migration 22_both.sql "insert into counted values (22); select pg_sleep(1);"
migrate apply work >/dev/null &
first=$!
check "one" migrate apply work
status=0
wait "$first" || status=$?
equal "and the other" "$status" 0
equal "it was run once" "$(sql work "select count(*) from counted where n = 22")" 1

note "a database that lies in wait"
check "the other project goes" bough project delete shop
check "an empty project" bough project create hostile --empty
export BOUGH_PROJECT=hostile
sql production "$(cat "$ROOT/tests/fixtures/hostile.sql")"
platform_sql production app "$(cat "$ROOT/tests/fixtures/hostile-superuser.sql")"
sprung() {
  platform_sql "$1" app "select string_agg(distinct who || ' by ' || how, ', ') from hostile.sprung where who like 'bough\\_platform%' or super"
}
bough branch create victim >/dev/null 2>&1
rm -r migrations
migration 1_a.sql "create table hunted (id int primary key, text text);"
migration 1_a.undo.sql "drop table hunted;"
expect_json "verify answers: its event trigger writes rows that stay" '.result.migrations[0].data.lost[0].table' hostile.sprung migrate verify victim
check "apply" migrate apply victim
check "status" migrate status victim
check "rollback" migrate rollback victim
equal "no trap was sprung by the platform" "$(sprung victim)" ""
