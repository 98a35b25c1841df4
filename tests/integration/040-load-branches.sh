#!/bin/bash
# Twenty branches taken while pgbench runs at full load: each is one moment of the parent, holds every
# transaction that was acknowledged before its create started, and has no damaged page.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/load.sh"

BRANCHES=${LOAD_BRANCHES:-20}
SCALE=${LOAD_SCALE:-4}
POOL_SIZE=${LOAD_POOL:-4G}
start_bough
make_project shop
load_prepare production "$SCALE"
platform_sql production app 'create extension if not exists amcheck' || true

declare -A started=()
load_start $((BRANCHES * 3 + 20)) "$SCALE"
wait_for 20 grep -q . "$TEST_DIR"/load-log.* || true
for ((branch = 1; branch <= BRANCHES; branch++)); do
  sleep 0.5
  started[$branch]=$(now_us)
  check "branch $branch is made under load" bough branch create "b$branch"
done
stop_load
end=$(now_us)
at_least "the load was one: transactions" "$(acked_total "$end")" $((BRANCHES * 20))

clean() {
  as_control "$PG_BIN/pg_amcheck" --host "$(socket_of "$1")" --username bough_platform --database app \
    --heapallindexed --jobs 1
}

for ((branch = 1; branch <= BRANCHES; branch++)); do
  check "b$branch: sums agree, no acknowledged transaction is missing" load_is_whole "b$branch" "${started[$branch]}"
  check "b$branch: pg_amcheck is clean" clean "b$branch"
  bough endpoint suspend "b$branch" >/dev/null 2>&1
done
check "production: sums agree, nothing is missing" load_is_whole production "$end"
check "production: pg_amcheck is clean" clean production
