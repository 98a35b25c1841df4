#!/bin/bash
# Two operations on one branch: one clear winner, the other is told so, nothing half done.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
rows=$(table_sum production inventory)

# race NAME FIRST SECOND: both commands at once, outcomes in R1 and R2: done, or the error's code.
race() {
  local first=$1 second=$2
  # shellcheck disable=SC2086
  { bough --json $first >"$TEST_DIR/r1" 2>/dev/null || true; } &
  local job=$!
  # shellcheck disable=SC2086
  bough --json $second >"$TEST_DIR/r2" 2>/dev/null || true
  wait "$job"
  R1=$(jq -r 'if .ok then "won" else .error.code end' "$TEST_DIR/r1")
  R2=$(jq -r 'if .ok then "won" else .error.code end' "$TEST_DIR/r2")
}

# The branch is either gone, or whole.
whole_or_gone() {
  if branch_exists "$1"; then
    [[ $(table_sum "$1" inventory) == "$rows" ]]
  else
    [[ $(result . branch show "$1" 2>/dev/null) == null ]]
  fi
}

for round in 1 2 3 4; do
  bough branch create "b$round" >/dev/null 2>&1
  sql "b$round" 'truncate inventory cascade'

  race "branch reset b$round" "branch delete b$round"
  matches "delete during reset: $R1, $R2" "$R1 $R2" '^(won|branch-busy|branch-not-found) (won|branch-busy)$'
  check "somebody won" test "$R1" = won -o "$R2" = won
  if [[ $R2 == won ]]; then check_not "delete won: the branch is gone" branch_exists "b$round"; fi
  if [[ $R2 != won ]]; then equal "reset won: the branch is whole" "$(table_sum "b$round" inventory)" "$rows"; fi

  race "branch create c$round" "branch reset c$round"
  equal "create wins against a reset of it" "$R1" won
  matches "the reset: $R2" "$R2" '^(won|branch-busy|branch-not-found)$'
  equal "c$round is whole" "$(table_sum "c$round" inventory)" "$rows"

  sql "c$round" 'truncate inventory cascade'
  race "branch reset c$round" "branch reset c$round"
  matches "two resets: $R1, $R2" "$R1 $R2" '^(won (won|branch-busy)|branch-busy won)$'
  equal "c$round is reset" "$(table_sum "c$round" inventory)" "$rows"

  race "branch rename c$round d$round" "branch delete c$round"
  matches "rename against delete: $R1, $R2" "$R1 $R2" '^(won|branch-busy|branch-not-found) (won|branch-busy|branch-not-found)$'
  check "c$round is whole or gone" whole_or_gone "c$round"
  check "d$round is whole or gone" whole_or_gone "d$round"

  bough branch create "p$round" >/dev/null 2>&1
  race "branch create q$round --parent p$round" "branch delete p$round"
  check "child of a parent that goes ($R1, $R2) is whole or gone" whole_or_gone "q$round"
  check_not "p$round is gone, if its delete won" test "$R2 $(branch_exists "p$round" && echo there)" = "won there"
done
check "rows, volumes and processes agree" agreement
equal "production is untouched" "$(table_sum production inventory)" "$rows"
