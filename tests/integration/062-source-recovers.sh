#!/bin/bash
# Rule 7: a branch forked from a parent that crashed a moment ago or recovers. The fork waits, and is
# whole; or it is refused, and nothing of it is left.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/load.sh"

ROUNDS=${ROUNDS:-2}
start_bough
make_project shop
bough branch create target >/dev/null 2>&1
bough branch create held >/dev/null 2>&1
load_prepare target 2

# Whoever starts a parent has its volume until it has recovered, which may take longer than a minute.
as_control touch "$BOUGH_HOME/locks/$(volume_of held)"
(exec flock "$BOUGH_HOME/locks/$(volume_of held)" sleep 62) &
holder=$!
(bough --json branch create late --parent held >"$TEST_DIR/late" 2>"$TEST_DIR/late.err" || true) &
late=$!

# kill_and_fork NAME PID...: kills these and forks at once. Sets KILLED and whether it was MADE.
kill_and_fork() {
  local name=$1 answer
  shift
  KILLED=$(now_us)
  kill -9 "$@"
  answer=$(bough --json branch create "$name" --parent target 2>"$TEST_DIR/$name.err" || true)
  MADE=$(jq -r '.ok // empty' <<<"$answer")
  [[ $MADE == true ]] || note "$name: $(jq -r .error.message <<<"$answer")"
}

# whole_or_nothing NAME
whole_or_nothing() {
  if [[ $MADE == true ]]; then
    check "$1: nothing acknowledged before is missing" load_is_whole "$1" "$KILLED"
    made=$((made + 1))
  else
    check_not "$1: refused, and not there" branch_exists "$1"
  fi
}

# The pid of a session that the load has.
a_backend() {
  psql -XqAt "$LOAD_URL" -c "select pid from pg_stat_activity where application_name = 'pgbench' limit 1"
}
target_runs() {
  [[ $(endpoint target state) == running ]] && psql -XqAt "$LOAD_URL" -c 'select 1' >/dev/null 2>&1
}
load_writes() {
  [[ $(psql -XqAt "$LOAD_URL" -c 'select count(*) from load_acks') -gt 100 ]]
}

made=0
for ((round = 1; round <= ROUNDS; round++)); do
  for victim in backend postmaster; do
    check "$round: the parent runs" wait_for 60 target_runs
    psql -XqAt "$LOAD_URL" -c 'truncate load_acks'
    load_start 60 2
    check "$round: there is load" wait_for 30 load_writes
    postmaster=$(endpoint target pid)
    if [[ $victim == backend ]]; then pid=$(a_backend); else pid=$postmaster; fi
    kill_and_fork "after-$victim-$round" "$pid"
    stop_load
    check "$round: the parent is back" wait_for 60 target_runs
    [[ $victim == postmaster ]] || equal "$round: by its own restart" "$(endpoint target pid)" "$postmaster"
    whole_or_nothing "after-$victim-$round"
  done
done
at_least "most of them were made" "$made" "$ROUNDS"

wait "$late"
equal "a fork waits longer than a minute for its parent" "$(jq -c '.ok, .error.message' "$TEST_DIR/late" | xargs)" 'true null'
wait "$holder"
check "rows, volumes and processes agree" agreement
