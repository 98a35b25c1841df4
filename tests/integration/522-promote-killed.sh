#!/bin/bash
# kill -9 of boughd at each step of a promotion and of a rollback: before the tier is touched it is taken back and
# can be had again; behind that the next start finishes it. Each migration runs once; nothing is left over.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

restart_with() {
  kill_boughd
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
}
dead() {
  ! boughd_alive
}
idle() {
  [[ $(catalog_sql "select count(*) from lakebase.operations where state = 'running'") == 0 ]]
}
state() {
  catalog_sql "select state from lakebase.promotions where source_name = '$1' order by serial desc limit 1"
}
left_over() {
  catalog_sql "select count(*) from lakebase.branches b where state <> 'deleted' and (kind = 'rehearsal'
    or kind = 'snapshot' and not exists (select from lakebase.promotions p where p.snapshot_branch_id = b.branch_id))"
}

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1, author_may_approve: false, require: \[ci, schema-diff\]/approvals: 0, require: [schema-diff]/
s/max_per_principal: 4/max_per_principal: 40/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
cd "$TEST_DIR" || exit
mkdir migrations
printf 'create table counted (n int);\n' >migrations/1_counted.sql
bough branch create first >/dev/null 2>&1
bough migrate apply first >/dev/null 2>&1
check "the first one" bough promote first --to staging

# One on each side of where there is no way back, and the last; all of them in the long form (tools/soak).
points="promote-measured promote-confirmed promote-ended"
[[ -z ${PROMOTE_LONG:-} ]] || points=$(awk -F'"' '/^FAILPOINT\(PROMOTE_/ { print $2 }' "$ROOT/src/core/failpoint.def")

version=1
for point in $points; do
  version=$((version + 1))
  name=${point#promote-}
  printf 'insert into counted values (%s);\n' "$version" >"migrations/${version}_x.sql"
  bough branch create "$name" >/dev/null 2>&1
  bough migrate apply "$name" >/dev/null 2>&1
  restart_with "$point=crash"
  bough --json promote "$name" --to staging >/dev/null 2>&1 || true
  check "$point: boughd is killed there" wait_for 60 dead
  restart_with ""
  check "$point: what was begun comes to an end" wait_for 60 idle
  case $point in
  promote-recorded | promote-snapshot | promote-measured)
    equal "$point: it waits again" "$(state "$name")" open
    check "$point: and goes" bough promote "$name" --to staging
    ;;
  esac
  equal "$point: it is done" "$(state "$name")" "done"
  equal "$point: it was run once" "$(platform_sql staging app "select count(*) from counted where n = $version")" 1
  equal "$point: nothing is left over" "$(left_over)" 0
done

note "rollback"
restart_with endpoint-repoint-copied=crash
bough --json rollback staging --yes >/dev/null 2>&1 || true
check "boughd is killed before anything moved" wait_for 60 dead
restart_with ""
check "it is taken back" wait_for 60 idle
equal "the tier is what it was" "$(platform_sql staging app "select max(n) from counted")" "$version"
restart_with endpoint-repoint-swapped=crash
bough --json rollback staging --yes >/dev/null 2>&1 || true
check "boughd is killed behind the move" wait_for 60 dead
restart_with ""
check "nothing is left to do" wait_for 60 idle
equal "the tier is what it was before the last promotion" "$(platform_sql staging app "select max(n) from counted")" "$((version - 1))"
equal "which is undone" "$(state ended)" undone

note "a promotion that waited for a rollback"
restart_with endpoint-repoint-copied=sleep:3000
bough --json rollback staging --yes >/dev/null 2>&1 &
rollback=$!
running() {
  [[ $(catalog_sql "select count(*) from lakebase.operations where state = 'running'") == 1 ]]
}
check "the tier is being taken back" wait_for 60 running
check "the promotion waits for it" bough promote ended --to staging
wait "$rollback"
equal "and holds the branch that stands for the tier then" \
  "$(catalog_sql "select o.branch_id = t.branch_id from lakebase.operations o, lakebase.tiers t where o.kind = 'promote' and t.name = 'staging' order by o.serial desc limit 1")" t
equal "all of it is there" "$(platform_sql staging app "select max(n) from counted")" "$version"
