#!/bin/bash
# A policy that is applied while others act by the one before: who acts by what it forbids is refused or
# undone, and who was killed in the middle of applying one finds either all of it or nothing.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"

# restart FAILPOINT
restart() {
  bough_down_all >/dev/null 2>&1
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
}

start_bough
make_project shop
write_policy
P=$TEST_DIR/bough.yaml
sed 's/role: \[developer, agent\], action: \[branch.fork\]/role: [agent], action: [branch.fork]/' "$P" >"$TEST_DIR/less.yaml"
add dev human developer
add op human platform

note "killed when the tiers have branches"
restart policy-apply-tiers=crash
check_not "apply" bough policy apply "$P" --yes
kill_boughd
restart ''
expect_json "no policy is in force" .error.code nothing-to-do bough --json policy show
check "all agree" agreement
expect_json "the next try takes what stands" '[.result.version, (.result.made | length)] | @csv' '1,0' bough --json policy apply "$P" --yes

note "killed when it is in force"
restart policy-apply-in-force=crash
check_not "apply" bough policy apply "$TEST_DIR/less.yaml" --yes
kill_boughd
restart ''
expect_json "it is in force" '.result.version' 2 bough --json policy show
refused "and asked" forbidden dev branch create x
check "all agree" agreement
expect_json "back" .result.version 3 bough --json policy apply "$P" --yes

note "applied between the decision and the last step"
restart branch-create-wal-copied=sleep:3000
by dev --json branch create late >"$TEST_DIR/late.json" 2>/dev/null &
late=$!
begun() { [[ $(catalog_sql "select count(*) from lakebase.branches where name = 'late' and state = 'creating'") == 1 ]]; }
check "a create is under way" wait_for 60 begun
expect_json "a policy that forbids it doesn't wait for it" .result.version 4 bough --json policy apply "$TEST_DIR/less.yaml" --yes
wait "$late" || true
equal "it is decided again, and refused" "$(jq -r .error.code "$TEST_DIR/late.json")" forbidden
check_not "nothing of it is left" branch_exists late
expect_json "back" .result.version 5 bough --json policy apply "$P" --yes

note "removed, or its token revoked, while a request is under way"
add gone human developer
by gone --json branch create late >"$TEST_DIR/late.json" 2>/dev/null &
late=$!
check "a create is under way" wait_for 60 begun
check "its principal goes" bough principal remove gone
wait "$late" || true
equal "it comes to no further step" "$(jq -r .error.code "$TEST_DIR/late.json")" unauthenticated
check_not "nothing of it is left" branch_exists late
by dev --json branch create late >"$TEST_DIR/late.json" 2>/dev/null &
late=$!
check "a create is under way" wait_for 60 begun
check "its token is revoked" bough principal revoke dev "tok-$(cut -d_ -f2 <<<"${TOKEN[dev]}")"
wait "$late" || true
equal "it comes to no further step" "$(jq -r .error.code "$TEST_DIR/late.json")" unauthenticated
check_not "nothing of it is left" branch_exists late
TOKEN[dev]=$(bough principal token dev --ttl 2h)
restart ''

note "back and forth, while a developer creates and deletes"
forth() {
  for turn in 1 2 3; do
    bough policy apply "$TEST_DIR/less.yaml" --yes >/dev/null 2>&1
    bough policy apply "$P" --yes >/dev/null 2>&1
  done
}
forth &
forth=$!
for turn in {1..12}; do
  by dev branch create "race-$turn" >/dev/null 2>&1 || true
  by dev branch delete "race-$turn" >/dev/null 2>&1 || true
done
wait "$forth"
equal "what was done was allowed by the version that allowed it" "$(catalog_sql "
  select count(*) from lakebase.operations o join lakebase.policies p on p.version = o.policy_version and p.project_id = o.project_id
   where o.kind = 'branch.create' and o.state = 'done' and o.created_by = 'dev' and p.content not like '%[developer, agent], action: [branch.fork]%'")" 0
at_least "some were" "$(catalog_sql "select count(*) from lakebase.operations where kind = 'branch.create' and state = 'done' and created_by = 'dev'")" 1

note "two at once"
bough policy apply "$TEST_DIR/less.yaml" --yes >"$TEST_DIR/one" 2>&1 &
one=$!
bough policy apply "$P" --yes >"$TEST_DIR/two" 2>&1 || true
wait "$one" || true
versions=$(catalog_sql "select count(*) = max(version) from lakebase.policies")
equal "one after the other, or one is told to look again" "$versions" t

note "limits"
bough policy apply "$P" --yes >/dev/null 2>&1
for name in $(bough --json branch list 2>/dev/null | jq -r '.result.branches[] | select(.created_by == "dev") | .name'); do by dev branch delete "$name" >/dev/null 2>&1 || true; done
pids=()
for turn in {1..8}; do
  by dev branch create "many-$turn" >/dev/null 2>&1 &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || true; done
equal "of eight at once four are made" "$(catalog_sql "select count(*) from lakebase.branches where kind = 'feature' and created_by = 'dev' and state = 'ready'")" 4
check "all agree" agreement
