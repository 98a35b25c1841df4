#!/bin/bash
# kill -9 of a compute's postmaster under load: it comes back by itself and nothing committed is lost.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/load.sh"

start_bough
make_project shop
bough branch create target >/dev/null 2>&1
load_prepare target 5

is_new() {
  local pid
  pid=$(endpoint target pid)
  [[ -n $pid && $pid != "$1" && $pid != 0 && -e /proc/$pid && $(endpoint target state) == running ]]
}

for round in 1 2 3; do
  psql -XqAt "$LOAD_URL" -c 'truncate load_acks'
  load_start 60 5
  sleep 4
  pid=$(endpoint target pid)
  kill -9 "$pid"
  killed=$(now_us)
  check "round $round: it is back by itself" wait_for 30 is_new "$pid"
  load_wait
  at_least "round $round: there was load" "$(acked_total "$killed")" 20
  check "round $round: no acknowledged transaction is missing" load_is_whole target "$killed"
  matches "round $round: the connection string works as before" "$(psql -XqAt "$LOAD_URL" -c 'select 1')" '^1$'
done
expect_json "the state is told" .result.endpoint.state running bough --json endpoint show target
check "rows, volumes and processes agree" agreement
equal "production is untouched" "$(sql production 'select count(*) > 0 from inventory')" t
