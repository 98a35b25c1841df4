#!/bin/bash
# Tiers are built anew on a schedule: once, also when boughd was down over the time, never by halves; name,
# endpoint and connection string stay, open sessions end, children keep their lineage.
TEST_TIMEOUT=400
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

restart_with() {
  kill_boughd
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
  wait_for 30 boughd_answers
}
dead() {
  ! boughd_alive
}
no_operation_runs() {
  [[ $(api GET /v1/operations | jq '[.result.operations[] | select(.state == "running")] | length') == 0 ]]
}
resets() { # how many there were in state $1
  catalog_sql "select count(*) from lakebase.operations where kind = 'tier.reset' and state = '$1'"
}
schedule() {
  result ".schedules[] | select(.tier == \"staging\").$1" schedule list
}
is_reset() {
  [[ $(resets "done") == "$1" ]]
}

apply_policy() {
  cat >"$TEST_DIR/bough.yaml" <<'POLICY'
version: 1
project: shop
timezone: Europe/Berlin
tiers:
  - name: production
    idle: never
  - name: staging
    parent: production
    idle: 30m
    reset: "0 0 1 1 *"
entry: staging
features: { ttl: 14d, ttl_max: 30d, idle: 90s }
roles: [platform]
allow:
  - { role: [platform], action: ["*"], on: "*" }
POLICY
  check "the policy is applied" bough policy apply "$TEST_DIR/bough.yaml" --yes
}

start_bough
make_project shop
sql production "create table state as select 'as production' as what"
equal "no schedule before a policy is applied" "$(result '.schedules | length' schedule list)" 0
expect_error nothing-to-do "nor can one be run" schedule run staging
apply_policy

note "what the policy says of ends and sleep"
bough branch create child --parent staging >/dev/null 2>&1
days() { # of its life that a branch has left
  result '.branch.expires_in_seconds / 86400 | floor' branch show "$1"
}
equal "a new branch has the declared end" "$(days child)" 13
check "another one may be asked for" bough branch create other --ttl 29d
equal "it has that" "$(days other)" 28
expect_error limit-reached "not past the cap" branch create third --ttl 31d
check "an end can be moved" bough branch expire child --ttl 30m
expect_status 2 "not past the cap, counted from now" bough branch expire child --ttl 31d
expect_status 2 "nor taken away" bough branch expire child --never
catalog_sql "update lakebase.branches set created_at = now() - interval '20 d' where name = 'child'" >/dev/null
expect_error limit-reached "nor past the cap, counted from when it was made" branch expire child --ttl 11d
check "up to it" bough branch expire child --ttl 9d
expect_error branch-protected "a tier never ends" branch expire staging --ttl 1d
asleep() {
  [[ $(endpoint "$1" state) == stopped ]]
}
sql child 'select 1' >/dev/null
sql other 'select 1' >/dev/null
sql staging "update state set what = 'as staging'"
catalog_sql "update lakebase.endpoints set started_at = started_at - interval '100 s', active_at = active_at - interval '100 s'" >/dev/null
check "a feature sleeps after the time that is declared for features" wait_for 15 asleep child
equal "a tier after its own" "$(endpoint staging state)" running

note "declared by the policy"
equal "one is declared" "$(schedule expression)" "0 0 1 1 *"
equal "in its time zone" "$(schedule zone)" "Europe/Berlin"
equal "it is due at New Year in Berlin" "$(schedule next_at | cut -c 5-)" "-12-31T23:00:00.000Z"
equal "from its parent" "$(schedule parent)" production
matches "for people too" "$(bough schedule list | tail -n 1)" '^staging +production +0 0 1 1 \* +Europe/Berlin'

note "by who may reset the tier alone"
add bot agent agent
before=$(catalog_sql 'select schedules::text from lakebase.schedules')
refused "an agent doesn't run it" forbidden bot schedule run staging
equal "nor takes its next time away" "$(catalog_sql 'select schedules::text from lakebase.schedules')" "$before"

note "with a session open"
url=$(connection staging)
endpoint=$(result .branch.endpoint.id branch show staging)
id=$(branch_id staging)
mkfifo "$TEST_DIR/keep"
psql -XAtq "$url" <"$TEST_DIR/keep" >"$TEST_DIR/keep.out" 2>&1 &
session=$!
exec 7>"$TEST_DIR/keep"
echo "select what from state;" >&7
check "a session is open" wait_for 30 grep -q 'as staging' "$TEST_DIR/keep.out"
bough --json schedule run staging >"$TEST_DIR/run"
equal "the reset is done" "$(jq -r .ok "$TEST_DIR/run")" true
previous=$(jq -r .result.previous "$TEST_DIR/run")
echo "select 'after';" >&7 || true
exec 7>&-
wait "$session" || true
matches "the session was ended as by an administrator" "$(cat "$TEST_DIR/keep.out")" 'terminating connection'
equal "the connection string leads to the new one" "$(psql -XAtqc 'select what from state' "$url")" "as production"
equal "the endpoint is the same" "$(result .branch.endpoint.id branch show staging)" "$endpoint"
differ "the branch is another" "$(branch_id staging)" "$id"
equal "the tier is that one" "$(catalog_sql "select branch_id from lakebase.tiers where name = 'staging'")" "$(branch_id staging)"
equal "the old one stands by another name" "$(branch_id "$previous")" "$id"
equal "with its data" "$(sql "$previous" 'select what from state')" "as staging"
equal "and its children" "$(result .branch.parent branch show child)" "$previous"
matches "it has an end, a week from now where the policy doesn't say" "$(result .branch.expires_in_seconds branch show "$previous")" '^6[0-9]{5}$'
equal "the schedule knows" "$(schedule outcome) $(schedule 'operation != null')" "done true"
equal "the new one's parent is the parent tier" "$(result .branch.parent branch show staging)" production

note "migrations that git has merged"
mkdir "$TEST_DIR/migrations"
echo "create table notes (id bigint primary key, text text not null); insert into notes values (1, 'merged');" >"$TEST_DIR/migrations/20260101000000_notes.sql"
echo "create index concurrently notes_text on notes (text);" >"$TEST_DIR/migrations/20260102000000_index.sql"
echo "alter table notes add column title text;" >"$TEST_DIR/migrations/20260103000000_title.sql"
check "three are applied to the tier" bough migrate apply staging --dir "$TEST_DIR/migrations"
sql staging "update state set what = 'as staging'; insert into notes values (2, 'by hand')"
bough --json schedule run staging >"$TEST_DIR/run"
equal "a reset applies them again, in order" "$(jq -c .result.applied "$TEST_DIR/run")" '["20260101000000","20260102000000","20260103000000"]'
equal "to the parent's data" "$(sql staging 'select what from state; select id, title from notes' | tr '\n' ' ')" "as production 1| "
equal "all that they made is there" "$(sql staging "select indisvalid from pg_index where indexrelid = 'notes_text'::regclass")" t
equal "the owner is bough_owner" "$(sql staging "select tableowner from pg_tables where tablename = 'notes'")" bough_owner
equal "the ledger says so" "$(bough --json migrate status staging --dir "$TEST_DIR/migrations" | jq -c '[.result.applied, .result.pending, .result.schema]')" '[3,0,"matches"]'
equal "and who had applied them" "$(sql staging 'select distinct author from bough.migrations')" "$(config .owner.name)"
equal "the parent has none of it" "$(sql production "select to_regclass('notes') is null")" t
sql production "create table notes (other int)"
id=$(branch_id staging)
expect_status 3 "one that doesn't apply any more" bough schedule run staging
equal "leaves the tier as it was" "$(branch_id staging) $(sql staging 'select count(*) from notes')" "$id 1"
matches "the schedule says which and why" "$(schedule outcome) $(schedule error)" 'failed .*20260101000000.*already exists'
equal "the operation too" "$(resets failed)" 1
at_least "and the audit" "$(catalog_sql "select count(*) from access.audit where action_name = 'schedule.run' and status = 'failed'")" 1
check "nothing is left over" wait_for 20 agreement
sql production "drop table notes"
equal "then it works again" "$(result '.applied | length' schedule run staging)" 3

note "boughd is down over the time"
runs=$(resets "done")
kill_boughd
catalog_sql "update lakebase.schedules set handled_at = now() - interval '3 years'" >/dev/null
restart_with ""
check "it is run afterwards" wait_for 30 is_reset $((runs + 1))
sleep 5.5
equal "once, though it was due three times" "$(resets "done")" $((runs + 1))
equal "what was written on the tier is gone" "$(sql staging 'select what from state')" "as production"

note "overlap"
restart_with "endpoint-repoint-copied=sleep:3000"
bough --json schedule run staging >"$TEST_DIR/first" 2>/dev/null &
first=$!
wait_for 20 bash -c "[[ \$(curl -s --unix-socket '$BOUGH_HOME/boughd.sock' http://localhost/v1/operations | jq '[.result.operations[] | select(.state == \"running\")] | length') == 1 ]]"
expect_error branch-busy "a second one meanwhile is refused" schedule run staging
wait "$first"
equal "the first is done" "$(jq -r .ok "$TEST_DIR/first")" true

points=(tier-reset-prepared endpoint-repoint-swapped)
[[ -z ${EXPIRY_LONG:-} ]] || points+=(endpoint-repoint-recorded endpoint-repoint-copied endpoint-repoint-stopped)
for point in "${points[@]}"; do
  sql staging "update state set what = 'as staging'"
  id=$(branch_id staging)
  restart_with "$point=crash"
  bough schedule run staging >/dev/null 2>&1 &
  run=$!
  check "$point: boughd is killed there" wait_for 60 dead
  wait "$run" || true
  restart_with ""
  check "$point: no operation is left running" wait_for 30 no_operation_runs
  if [[ $point == *-swapped ]]; then
    differ "$point: it is done" "$(branch_id staging)" "$id"
  else
    equal "$point: the tier is as it was" "$(branch_id staging) $(sql staging 'select what from state')" "$id as staging"
  fi
  check "$point: rows, volumes and processes agree" wait_for 20 agreement
done
