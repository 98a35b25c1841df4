#!/bin/bash
# kill -9 of a compute's postmaster under load: it comes back by itself and nothing committed is lost.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/load.sh"

start_bough
make_project shop
bough branch create target >/dev/null 2>&1
load_prepare target 5

# is_new PID [BRANCH]
is_new() {
  local pid branch=${2:-target}
  pid=$(endpoint "$branch" pid)
  [[ -n $pid && $pid != "$1" && $pid != 0 && -e /proc/$pid && $(endpoint "$branch" state) == running ]]
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

# One that ends right after each start is left alone at last, with longer and longer pauses before.
is_down() {
  [[ $(endpoint looper state) == failed ]]
}
is_new_or_down() {
  is_new "$1" looper || is_down
}
root=$(endpoint production pid)
bough branch create looper >/dev/null 2>&1
bough endpoint start looper >/dev/null 2>&1
pid=
killed=
starts=0
gaps=()
while ((starts < 20)); do
  wait_for 90 is_new_or_down "$pid" || break
  ! is_down || break
  starts=$((starts + 1))
  pid=$(endpoint looper pid)
  [[ -z $killed ]] || gaps+=($((($(now_us) - killed) / 1000)))
  kill -9 "$pid"
  killed=$(now_us)
done
note "gaps in ms: ${gaps[*]}"
check "it is given up" is_down
matches "after so many starts" "$starts" '^8$'
at_least "with longer and longer pauses (ms)" "${gaps[-1]}" 7000
matches "the row says why" "$(endpoint looper error)" 'ended 8 times in a row'
matches "doctor names it" "$( (bough --json doctor 2>/dev/null || true) | jq -r '[.result.findings[] | .id + " " + .subject] | join(",")')" 'compute-failed looper'
check "status answers" status_answers
equal "the other branches go on" "$(endpoint production pid)" "$root"
check "who asks for it gets it" bough endpoint start looper
equal "with its failures forgotten" "$(result .endpoint.failures endpoint show looper)" 0
equal "and its data" "$(table_sum looper inventory)" "$(table_sum production inventory)"
equal "production is untouched" "$(sql production 'select count(*) > 0 from inventory')" t
