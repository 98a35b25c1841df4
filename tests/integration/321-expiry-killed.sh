#!/bin/bash
# kill -9 of boughd in the middle of what it does by itself, at every failure point on the way: the next
# one goes on, nothing is done twice, nothing half done is left.
TEST_TIMEOUT=400
source "$(dirname "$0")/../harness/lib.sh"

restart_with() {
  kill_boughd
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
}
dead() {
  ! boughd_alive
}
gone() {
  ! branch_exists "$1"
}
no_operation_runs() {
  [[ $(api GET /v1/operations | jq '[.result.operations[] | select(.state == "running")] | length') == 0 ]]
}

start_bough
make_project shop
bough branch create bystander --ttl 1d >/dev/null 2>&1

# What a point needs to be reached at the next look.
make_due() {
  local due="expires_at = now()"
  [[ $1 != expiry-warned ]] || due="created_at = now() - interval '1 h', expires_at = now() + interval '4 s'"
  catalog_sql "update lakebase.branches set $due where name = 'victim'" >/dev/null
}

points=(expiry-warned branch-delete-recorded branch-retire-closed)
[[ -z ${EXPIRY_LONG:-} ]] || points+=(branch-delete-stopped branch-delete-removed branch-retire-recorded)
for point in "${points[@]}"; do
  bough branch create victim >/dev/null 2>&1
  id=$(branch_id victim)
  [[ $point != branch-retire-* ]] || bough branch create child --parent victim --start >/dev/null 2>&1
  [[ $point == branch-retire-* ]] || bough endpoint start victim >/dev/null
  restart_with "$point=crash"
  wait_for 30 boughd_answers
  make_due "$point"
  check "$point: boughd is killed there" wait_for 30 dead
  restart_with ""
  check "$point: it starts again" wait_for 30 boughd_answers
  check "$point: the name gets free" wait_for 30 gone victim
  if [[ $point == branch-retire-* ]]; then
    check "$point: the child stands" branch_exists child
    bough branch delete child >/dev/null
  fi
  row_is_gone() {
    [[ $(catalog_sql "select state from lakebase.branches where branch_id = '$id'") == deleted ]]
  }
  check "$point: then the branch goes" wait_for 30 row_is_gone
  check "$point: no operation is left running" wait_for 30 no_operation_runs
  at_most "$point: announced at most once" "$(catalog_sql "select count(*) from access.audit where action_name = 'branch.expiring' and branch_id = '$id'")" 1
  check "$point: rows, volumes and processes agree" wait_for 20 agreement
done
check "who isn't due stands" branch_exists bystander

note "in the middle of a proof: its branches go with who made them"
mkdir "$TEST_DIR/proof" && cd "$TEST_DIR/proof" && mkdir migrations
echo "select pg_sleep(60);" >migrations/1_slow.sql
echo "select 1;" >migrations/1_slow.undo.sql
proofs() {
  catalog_sql "select count(*) from lakebase.branches where name like 'verify-%' and state <> 'deleted'"
}
at_work() { [[ $(proofs) == 2 ]]; }
none_is_left() { [[ $(proofs) == 0 ]]; }
bough migrate verify bystander >"$TEST_DIR/verify.log" 2>&1 &
check "the branch it tries the migration on, and one as it was before" wait_for 30 at_work
sleep 3
equal "who is at work keeps them" "$(proofs)" 2
restart_with ""
check "boughd is back" wait_for 30 boughd_answers
check "both are gone" wait_for 30 none_is_left
check "who isn't due stands still" branch_exists bystander
check "rows, volumes and processes agree again" wait_for 20 agreement
wait
