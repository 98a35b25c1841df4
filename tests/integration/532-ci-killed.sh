#!/bin/bash
# kill -9 of boughd at each step of a CI run, and of the runner in the middle of a test, and trouble before it begins:
# no branch, no token, no process, no directory is left, and the run is done again.
TEST_TIMEOUT=900
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/git.sh"
source "$ROOT/tests/harness/ci.sh"
set_up_ci
feature one
migration 20260101000000_one 'create table one (id int primary key);' 'drop table one;'

restart() {
  boughd_alive || BOUGH_FAILPOINT=${1:-} bough up >"$TEST_DIR/up.log" 2>&1
  wait_for 60 boughd_answers
}
lost() { [[ $(catalog_sql "select count(*) from lakebase.ci_runs where state = 'lost'") -ge $1 ]]; }
dead() { ! boughd_alive; }

at=0
for point in $(awk -F'"' '/^FAILPOINT\(CI_(BRANCH|PREP|TEST)/ { print $2 }' "$ROOT/src/core/failpoint.def"); do
  at=$((at + 1))
  kill_boughd
  restart "$point=crash"
  echo "$at" >"$W/version"
  propose one
  check "killed at $point" wait_for 120 dead
  restart
  check "$point: it is known as lost" wait_for 60 lost "$at"
  ends 1 passed "$point: it was done again"
  check "$point: nothing is left" wait_for 60 nothing_left
done

note "a trouble that passes, before a run begins"
kill_boughd
restart ci-merged=error
propose one
check "it is tried three times" wait_for 60 lost $((at + 3))
sleep 3 # the runner looks every two seconds
equal "and no oftener" "$(catalog_sql "select count(*) || ' ' || min(state) || ' ' || max(error) from lakebase.ci_runs where head_commit = '$(head_of feature/one)'")" '3 lost failure point "ci-merged"'
kill_boughd
restart
check "who asks then" by dev --quiet ci run --pull 1
ends 1 passed "has it tested"

note "the runner ends in the middle of a test"
printf 'echo started; sleep 86322\n' >"$W/tests/test_long.sh"
propose one
runs() { pgrep -f 'sleep 86322' >/dev/null; }
check "the test runs" wait_for 120 runs
kill -9 "$(jq -r .pid "$BOUGH_HOME/runner/runner.pid")"
matches "status tells that the runner is gone" "$( (bough --json status || true) | jq -r .result.runner.state)" down
stopped() { ! runs; }
check "the test ends with it" wait_for 60 stopped
check "bough up starts it again" bough up
git -C "$W" rm -qf tests/test_long.sh
propose one
ends 1 passed "the next one passes"
check "nothing is left" wait_for 60 nothing_left
check_not "nobody is told otherwise" grep -q "done without asking" "$BOUGH_HOME/logs/boughd.log"
