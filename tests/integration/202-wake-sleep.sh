#!/bin/bash
# Computes wake when somebody connects and sleep when nobody is there: one start for many, a clean
# shutdown, never under a session, told at once when it can't start; and all of it goes on over the end
# of boughd, of the proxy, and an upgrade.
TEST_TIMEOUT=400
source "$(dirname "$0")/../harness/lib.sh"

start_bough
bough_down_all >/dev/null 2>&1
jq '.idle_seconds = 3' "$BOUGH_HOME/config.json" >"$TEST_DIR/config" && cat "$TEST_DIR/config" >"$BOUGH_HOME/config.json"
bough up >/dev/null 2>&1
make_project shop
bough branch create one >/dev/null 2>&1
bough branch create two >/dev/null 2>&1
bough principal add op --type human --role platform >/dev/null
export PGPASSWORD
PGPASSWORD=$(bough principal token op)
url() {
  echo "host=127.0.0.1 port=6432 user=op dbname=app@$1"
}
state_is() {
  [[ $(endpoint "$1" state) == "$2" ]]
}
proxy_pid() {
  jq -r '.pid // empty' "$BOUGH_HOME/locks/proxy.pid" 2>/dev/null
}

note "wake"
equal "it sleeps" "$(endpoint one state)" stopped
wakes=$(endpoint one wakes)
for client in $(seq 60); do
  psql -XAtqc 'select 1' "$(url one)" >"$TEST_DIR/client.$client" 2>&1 &
done
wait
equal "60 clients at once are all served" "$(cat "$TEST_DIR"/client.* | sort | uniq -c | tr -d '\n' | sed 's/^ *//')" "60 1"
equal "by one start" "$(endpoint one wakes)" $((wakes + 1))
equal "the trail has one wake, by op" "$(catalog_sql "select count(*) from access.audit where action_name = 'endpoint.wake' and actor = 'op' and endpoint_id = '$(endpoint one id)'")" 1

note "sleep"
check "it sleeps again after idle_seconds" wait_for 15 state_is one stopped
grep -q . "$BOUGH_HOME/compute/$(volume_of one)/postgres.log"
check "cleanly" grep -q 'database system is shut down' "$BOUGH_HOME/compute/$(volume_of one)/postgres.log"
equal "and wakes" "$(psql -XAtqc 'select 1' "$(url one)")" 1
check_not "without recovery" bash -c "tail -n 8 '$BOUGH_HOME/compute/$(volume_of one)/postgres.log' | grep -q 'automatic recovery'"
state_is production running || sql production 'select 1' >/dev/null
mkfifo "$TEST_DIR/keep"
psql -XAtq "$(url one)" <"$TEST_DIR/keep" >"$TEST_DIR/keep.out" 2>&1 &
keeper=$!
exec 7>"$TEST_DIR/keep"
echo "select 'in';" >&7
socket=$(socket_of two)
as_control psql -XAtq -h "$socket" -U "$(config '"bough_u_" + .owner.name')" -d app -c 'select pg_sleep(8)' >/dev/null 2>&1 &
direct=$!
sleep 6
check "never under a session" state_is one running
check "nor under one over the socket" state_is two running
check "nor the root" state_is production running
wait "$direct" || true
check "when that has gone it sleeps" wait_for 15 state_is two stopped

note "suspend and connect at the same time: nobody sees an error"
failed=0
for round in $(seq 12); do
  bough endpoint suspend two >/dev/null 2>&1 &
  psql -XAtqc 'select 1' "$(url two)" >"$TEST_DIR/race" 2>&1 || { failed=$((failed + 1)) && cat "$TEST_DIR/race" >&2; }
  psql -XAtqc 'select 1' "$(url two)" >>"$TEST_DIR/race" 2>&1 || true
  wait "$!" || true
done
at_most "refused" "$failed" 0

note "without boughd"
before=$(proxy_pid)
kill_boughd
echo "select 'still here';" >&7
check "an open session goes on" wait_for 5 grep -q 'still here' "$TEST_DIR/keep.out"
psql -XAtqc "select 'waited'" "$(url one)" >"$TEST_DIR/waiting" 2>&1 &
waiting=$!
check "up again" bough up
equal "the proxy is the same process" "$(proxy_pid)" "$before"
wait "$waiting" || true
equal "a client that came meanwhile was held" "$(cat "$TEST_DIR/waiting")" waited
has_one_session() {
  [[ $(catalog_sql "select count(*) from lakebase.sessions where endpoint_id = '$(endpoint one id)'") == 1 ]]
}
check "boughd knows the open session" has_one_session
sleep 5
check "and doesn't suspend under it" state_is one running

note "an upgrade of the proxy"
# call_until FILE NUMBER: connects, again and again, until that file is there
call_until() {
  until [[ -e $1 ]]; do
    psql -XAtqc 'select 1' "$(url one)" >>"$TEST_DIR/caller.$2" 2>&1 || true
  done
}
if [[ -n ${BOUGH_TEST_ISOLATED:-} ]]; then
  cp "$BOUGH_BUILD/src/proxy/bough-proxy" "$TEST_DIR/bough-proxy"
  mount --bind "$TEST_DIR/bough-proxy" "$BOUGH_BUILD/src/proxy/bough-proxy"
  callers=()
  for caller in 1 2 3; do
    call_until "$TEST_DIR/handed" "$caller" &
    callers+=($!)
  done
  kill "$(boughd_pid)"
  check "boughd has stopped" wait_for 10 bash -c "! kill -0 $(boughd_pid) 2>/dev/null"
  check "up with another proxy program" bough up
  is_another() {
    [[ $(proxy_pid) != "$before" && $(api GET /v1/status | jq -r '.result.boughd.proxy.pid') == "$(proxy_pid)" ]]
  }
  check "another proxy process has the port" wait_for 10 is_another
  equal "it serves" "$(psql -XAtqc 'select 1' "$(url one)")" 1
  many_came() { (($(cat "$TEST_DIR"/caller.* | wc -l) >= 30)); }
  check "many come, before and after" wait_for 30 many_came
  touch "$TEST_DIR/handed"
  wait "${callers[@]}"
  equal "nobody who came meanwhile was turned away" "$(grep -v '^1$' "$TEST_DIR"/caller.*)" ""
  echo "select 'in the old one';" >&7
  check "the old one finishes its session" wait_for 5 grep -q 'in the old one' "$TEST_DIR/keep.out"
  check "it is there as long as that" test -e "/proc/$before"
  exec 7>&-
  wait "$keeper" || true
  check "and then ends" wait_for 10 test ! -e "/proc/$before"
else
  skip "an upgrade of the proxy" "needs a mount namespace"
  exec 7>&-
  wait "$keeper" || true
fi

note "without a proxy"
mkfifo "$TEST_DIR/much"
psql -XAtq "$(url one)" <"$TEST_DIR/much" >/dev/null 2>&1 &
much=$!
exec 8>"$TEST_DIR/much"
echo "select repeat('x', 10000000);" >&8
counted() {
  [[ $(catalog_sql 'select max(bytes_out) from lakebase.sessions') -ge 10000000 ]]
}
check "what a session moves is counted within moments" wait_for 10 counted
kill -9 "$(proxy_pid)"
exec 8>&-
wait "$much" || true
check "it is started again" wait_for 10 psql -XAtqc 'select 1' "$(url one)"
no_sessions() {
  [[ $(catalog_sql 'select count(*) from lakebase.sessions') == 0 ]]
}
check "what it had open is over on record" wait_for 40 no_sessions
equal "with what was counted, and that this isn't all" "$(catalog_sql "select request_params ->> 'counters' from access.audit
  where action_name = 'session.end' and (request_params ->> 'bytes_out')::bigint >= 10000000")" incomplete

note "a compute that is killed, and one that doesn't start"
/usr/bin/python3 "$ROOT/tests/clients/idle.py" "$(url one)" >"$TEST_DIR/idle" 2>&1 &
idle=$!
# a backend that computes doesn't look after its postmaster
psql -XAtq "$(url one)" -c "select 'begun'" -c 'do $$ begin loop end loop; end $$' >"$TEST_DIR/busy" 2>&1 &
busy=$!
check "one session is idle" wait_for 20 grep -q open "$TEST_DIR/idle"
check "another computes" wait_for 20 grep -q begun "$TEST_DIR/busy"
sleep 0.5
postmaster=$(endpoint one pid)
start=$(date +%s%N)
kill -9 "$postmaster"
heard=()
for client in "$idle" "$busy"; do
  wait "$client" || true
  heard+=($((($(date +%s%N) - start) / 1000000)))
done
# it takes a second or two; the limit is for busy machines
at_most "who is idle is told within seconds" "${heard[0]}" 5000
at_most "who computes, too" "${heard[1]}" 5000
note "told after ${heard[*]} ms"
equal "the next one is held until it is back" "$(psql -XAtqc 'select 1' "$(url one)" 2>&1)" 1
for client in idle busy; do matches "$client: in words" "$(cat "$TEST_DIR/$client")" "the branch's postgres went away|terminating connection"; done
check "suspended" bough endpoint suspend two
data=$BOUGH_HOME/pool/volumes/$(volume_of two)/data
mv "$data/PG_VERSION" "$data/PG_VERSION.away"
# Repeats within a minute are counted beside the first one's row.
refused_at_two() {
  catalog_sql "select count(*) + coalesce((select sum(count) from access.audit_refusals where error_code = min(a.error_code) and actor = min(a.actor)), 0)
    from access.audit as a where action_name = 'session.start' and status = 'failed' and endpoint_id = '$(endpoint two id)' and branch_id = '$(branch_id two)'"
}
failed_wakes() {
  catalog_sql "select count(*) from access.audit where action_name = 'endpoint.wake' and status = 'failed' and endpoint_id = '$(endpoint two id)'"
}
told=$(refused_at_two)
failed=$(failed_wakes)
# one right after the other: it is tried again after two seconds
check_not "one that can't start is told" psql -XAtqc 'select 1' "$(url two)"
refused=$(psql -XAtqc 'select 1' "$(url two)" 2>&1 || true)
equal "the next one hears it without another try" "$(failed_wakes)" "$((failed + 1))"
at_least "both are on record by then" "$(refused_at_two)" "$((told + 2))"
matches "with the reason" "$refused" 'postgres of branch "two" ended while starting|PG_VERSION'
mv "$data/PG_VERSION.away" "$data/PG_VERSION"
check "started by hand" bough endpoint start two
equal "it is forgotten at once" "$(psql -XAtqc 'select 1' "$(url two)")" 1
