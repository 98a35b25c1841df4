#!/bin/bash
# kill -9 of boughd at each step of the workflow's moves: the state is the one before or the one behind, and the
# same command goes on.
TEST_TIMEOUT=900
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1/approvals: 0/' "$TEST_DIR/bough.yaml"
bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
add dev human developer
add rev human reviewer
add ci ci ci
begin_work
bough init >/dev/null

# killed POINT NAME STATES ARGUMENTS...: boughd dies there; the state is one of those; again works
killed() {
  local point=$1 name=$2 states=$3 found
  shift 3
  kill_boughd
  BOUGH_FAILPOINT=$point=crash bough up >/dev/null 2>&1 || true
  check_not "killed at $point" by "$name" scm "$@"
  kill_boughd
  bough up >/dev/null 2>&1
  found=$(catalog_sql "select coalesce((select state from lakebase.changes where feature = 'one' order by serial desc limit 1), 'none')")
  if [[ " $states " == *" $found "* ]]; then pass "the state is $found"; else fail "the state" "$found is none of $states"; fi
  # whose answer was lost: the work tree hears of it first
  [[ $point != *-recorded ]] || by dev --quiet scm sync
  check "the same command goes on" by "$name" scm "$@"
}

killed workflow-claim-forked dev none claim one
git checkout -q staging
by dev --quiet scm abandon one --force
killed workflow-claim-recorded dev "feature-claimed" claim one
echo more >>code && git commit -q -a -m More
killed workflow-prepare-measured dev feature-claimed prepare-pr
killed workflow-prepare-opened dev "pr-ready" prepare-pr
killed workflow-prepare-recorded dev "pr-ready" prepare-pr
killed workflow-ci-recorded dev ci-green wait-ci --timeout 5m
killed workflow-merge-recorded rev merged merge one
equal "the pair is gone" "$(branch_exists one && echo there)$(head_of feature/one)" ""
git checkout -q staging
# What comes is without CI: it isn't what is killed.
sed -i 's/require: .ci, schema-diff. }/require: [] }/' "$TEST_DIR/bough.yaml"
bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
for point in promote-migrated forge-merge-planned forge-merge-moved promote-merged workflow-pair-unreferenced; do
  by dev --quiet scm claim one
  echo "$point" >>code && git commit -q -a -m "$point"
  head=$(git rev-parse HEAD)
  by dev --quiet scm prepare-pr
  by dev --quiet scm wait-ci
  killed "$point" rev "ci-green merged" merge one
  equal "the pair is gone" "$(branch_exists one && echo there)$(head_of feature/one)" ""
  equal "git has it once" "$(as_control git --git-dir="$(bare)" rev-list --count "$head^..staging")" 2
  git checkout -q staging && git branch -q -D feature/one && git pull -q bough staging
done
for point in forked recorded; do
  git checkout -q -b feature/one
  killed "workflow-claim-$point" dev "none abandoned merged feature-claimed" adopt
  git checkout -q staging
  by dev --quiet scm abandon one --force
  git branch -q -D feature/one 2>/dev/null || true
done
for point in closed unreferenced deleted; do
  by dev --quiet scm claim one
  killed "workflow-abandon-$point" dev feature-claimed abandon --force
  equal "the pair is gone" "$(branch_exists one && echo there)$(head_of feature/one)$(git branch --list feature/one)" ""
done
