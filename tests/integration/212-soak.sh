#!/bin/bash
# Connects, disconnects, kills, cancels, suspends, wakes and crashes in random order, for SOAK_SECONDS:
# nothing that was acknowledged is lost, and no descriptor, session or process is left. In the sanitized
# build the proxy also says when it lost memory.
SOAK_SECONDS=${SOAK_SECONDS:-15}
TEST_TIMEOUT=$((SOAK_SECONDS + 300))
source "$(dirname "$0")/../harness/lib.sh"

BRANCHES=(one two three)
start_bough
make_project shop
bough principal add app --type human --role platform >/dev/null
export PGHOST=localhost PGPORT=6432 PGUSER=app PGPASSWORD PGSSLMODE=prefer
PGPASSWORD=$(bough principal token app)
sql production 'create table kept (worker int, n int)'
for branch in "${BRANCHES[@]}"; do bough branch create "$branch" --start >/dev/null 2>&1; done

proxy_pid() {
  jq -r '.pid // empty' "$BOUGH_HOME/locks/proxy.pid"
}
descriptors() {
  find "/proc/$(proxy_pid)/fd" -mindepth 1 | wc -l
}
any_branch() {
  echo "${BRANCHES[RANDOM % ${#BRANCHES[@]}]}"
}
until_end() {
  local end=$((SECONDS + SOAK_SECONDS))
  while ((SECONDS < end)); do "$@" || true; done
}

# A row is written down once psql has said that it is committed. Errors are what this test makes.
write_rows() {
  local worker=$1 branch n
  branch=$(any_branch)
  for n in {1..5}; do
    ROW=$((ROW + 1))
    [[ $(psql -XAtqc "insert into kept values ($worker, $ROW) returning n" "dbname=app@$branch" 2>/dev/null) != "$ROW" ]] ||
      echo "$worker $ROW" >>"$TEST_DIR/kept.$branch.$worker"
  done
}
cancel_one() {
  psql -XAtqc 'select pg_sleep(20)' "dbname=app@$(any_branch)" >/dev/null 2>&1 &
  sleep 0.3
  kill -INT $! 2>/dev/null
  wait $!
}
kill_one() {
  psql -XAtqc "select repeat('x', 1000) from generate_series(1, 100000)" "dbname=app@$(any_branch)" >/dev/null 2>&1 &
  sleep "0.$((RANDOM % 5))"
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
}
half_open() {
  timeout 1 bash -c 'exec 5<>/dev/tcp/127.0.0.1/6432; printf "\0\0\0\10\4\322\26\57" >&5; sleep 1' 2>/dev/null
}
suspend_one() {
  sleep "1.$((RANDOM % 10))"
  bough endpoint suspend "$(any_branch)" >/dev/null 2>&1
}
crash_one() {
  local pid
  sleep "3.$((RANDOM % 10))"
  pid=$(endpoint "$(any_branch)" pid)
  [[ -z $pid || $pid == 0 ]] || kill -9 "$pid" 2>/dev/null
}

before=$(descriptors)
pid=$(proxy_pid)
workers=()
for worker in 1 2; do
  ROW=0
  until_end write_rows "$worker" &
  workers+=($!)
done
for action in cancel_one kill_one half_open suspend_one crash_one; do
  until_end "$action" &
  workers+=($!)
done
wait "${workers[@]}"

equal "the proxy is the same process" "$(proxy_pid)" "$pid"
total=0
for branch in "${BRANCHES[@]}"; do
  cat "$TEST_DIR/kept.$branch".* 2>/dev/null | sort >"$TEST_DIR/acknowledged.$branch"
  total=$((total + $(wc -l <"$TEST_DIR/acknowledged.$branch")))
  check "branch $branch answers" wait_for 60 psql -XAtqc 'select 1' "dbname=app@$branch"
  psql -XAtq -F ' ' -c 'select worker, n from kept' "dbname=app@$branch" | sort >"$TEST_DIR/stored.$branch"
  equal "each row acknowledged by $branch is there" "$(comm -23 "$TEST_DIR/acknowledged.$branch" "$TEST_DIR/stored.$branch")" ""
done
at_least "rows that were acknowledged" "$total" 10
no_sessions() {
  local left
  left=$(catalog_sql 'select s.*, e.state, e.pid from lakebase.sessions s left join lakebase.endpoints e using (endpoint_id)')
  [[ -z $left ]] || { echo "$left" && return 1; }
}
few_descriptors() {
  (($(descriptors) <= before + 2))
}
wait_for 30 no_sessions || show_logs
check "no session is left" no_sessions
check "no descriptor is left" wait_for 30 few_descriptors
bough_down_all >/dev/null 2>&1
equal "no memory was lost" "$(grep -h 'Sanitizer\|runtime error' "$BOUGH_HOME"/logs/*.log || true)" ""
