#!/bin/bash
# kill -9 of boughd, and of the agent: computes survive, open sessions go on, and the next boughd
# adopts what runs instead of starting it a second time.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
bough branch create one >/dev/null 2>&1
bough branch create two >/dev/null 2>&1
sql one 'create table t (x int)'
sql two 'select 1' >/dev/null

pids() {
  echo "$(endpoint production pid) $(endpoint one pid) $(endpoint two pid)"
}

before=$(pids)
catalog_before=$(head -n 1 "$BOUGH_HOME/catalog/postmaster.pid")
mkfifo "$TEST_DIR/session"
psql -XqAt "$(connection one)" <"$TEST_DIR/session" >"$TEST_DIR/session.out" 2>&1 &
session=$!
exec 7>"$TEST_DIR/session"
echo "begin; insert into t values (1);" >&7

daemon=$(boughd_pid)
kill_boughd
for pid in $before; do check "compute $pid survives" test -e "/proc/$pid"; done
check "no worker of the dead boughd is left" wait_for 5 test -z "$(pgrep --parent "$daemon" || true)"
check "up again" bough up
differ "it is another boughd" "$(boughd_pid)" "$daemon"
equal "the computes are the same processes" "$(pids)" "$before"
echo "commit; select 'still here';" >&7
exec 7>&-
wait "$session"
equal "an open session went on" "$(cat "$TEST_DIR/session.out")" "still here"
equal "what it wrote is there" "$(sql one 'select x from t')" 1
equal "the catalog is the same process" "$(head -n 1 "$BOUGH_HOME/catalog/postmaster.pid")" "$catalog_before"

agent=$(agent_pid)
kill -9 "$agent"
check "without its agent, status answers" status_answers
check "up brings the agent back" bough up
check "a branch can be made again" bough branch create three
equal "the computes are still the same" "$(pids)" "$before"

kill_boughd
first=$(cut -d' ' -f2 <<<"$before")
kill -9 "$first"
check "up with a compute that died meanwhile" bough up
check "it answers again" wait_for 20 sql one 'select 1'
differ "as a new process" "$(endpoint one pid)" "$first"
equal "the others are the same" "$(endpoint production pid) $(endpoint two pid)" "$(cut -d' ' -f1,3 <<<"$before")"

running=$(pids)
check "down that keeps computes" bough down --keep-computes
check_not "boughd is gone" boughd_answers
for pid in $running; do check "compute $pid runs on" test -e "/proc/$pid"; done
check "up" bough up
equal "and adopts them" "$(pids)" "$running"
check "rows, volumes and processes agree" agreement
daemon=$(boughd_pid)
export BOUGH_PROJECT=shop
expect_status 0 "a second boughd is not started beside the first" bough up
equal "it is the same one" "$(boughd_pid)" "$daemon"

(bough project create long --sample inventory --scale 20 >"$TEST_DIR/long.log" 2>&1 || true) &
sleep 3
check "down during an import" bough down
check "nothing of it runs on" no_processes_left
check "up after it" bough up
gone() {
  [[ $(bough --json project show long 2>/dev/null | jq -r .error.code) == project-not-found ]]
}
check "the import is taken back" wait_for 20 gone
check "rows, volumes and processes still agree" wait_for 10 agreement
