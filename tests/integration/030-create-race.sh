#!/bin/bash
# Twenty equal creates at once: one succeeds, nineteen say branch-exists.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
rows=$(table_sum production inventory)

for round in 1 2 3; do
  for caller in {1..20}; do
    (bough --json branch create "same$round" >"$TEST_DIR/race.$caller" 2>/dev/null || true) &
  done
  for job in $(jobs -p); do wait "$job"; done
  equal "round $round: one succeeds" "$(cat "$TEST_DIR"/race.* | jq -s '[.[] | select(.ok)] | length')" 1
  equal "round $round: nineteen say branch-exists" "$(cat "$TEST_DIR"/race.* | jq -s '[.[] | select(.error.code == "branch-exists")] | length')" 19
  equal "round $round: the branch is whole" "$(table_sum "same$round" inventory)" "$rows"
done
for caller in {1..20}; do
  (bough --json branch create "own$caller" >"$TEST_DIR/race.$caller" 2>/dev/null || true) &
done
for job in $(jobs -p); do wait "$job"; done
equal "twenty different ones all succeed" "$(cat "$TEST_DIR"/race.* | jq -s '[.[] | select(.ok)] | length')" 20
for caller in 1 7 20; do
  equal "own$caller is whole" "$(table_sum "own$caller" inventory)" "$rows"
done
check "rows, volumes and processes agree" agreement
