#!/bin/bash
# kill -9 of boughd while pg_dump waits for a lock at the source: pg_dump ends with its worker, and so
# does its session there, which would keep a transaction and locks. After the next start nothing is left.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/postgres.sh"

source_start
source_sql postgres 'create database origin'
source_sql origin 'create table first (x int); create table second as select generate_series(1, 100) x'
truth=$(sums "$SOURCE dbname=origin")
start_bough

imports() {
  source_sql postgres "select count(*) from pg_stat_activity where datname = 'origin' and application_name <> 'holder'"
}

# pg_dump has its lock on the other table and waits for this one.
dump_waits() {
  [[ $(source_sql origin "select count(*) from pg_locks where not granted and relation = 'second'::regclass") == 1 ]]
}

no_imports() {
  [[ $(imports) == 0 ]]
}

PGAPPNAME=holder psql -XAtq "$SOURCE dbname=origin" \
  -c 'begin; lock table second' -c 'select pg_sleep(600)' >"$TEST_DIR/holder.log" 2>&1 &
holder=$!
holds() {
  [[ $(source_sql origin "select count(*) from pg_locks where granted and mode = 'AccessExclusiveLock' and relation = 'second'::regclass") == 1 ]]
}
check "somebody holds a lock at the source" wait_for 10 holds

(bough project create copy --method dump --from "$SOURCE dbname=origin" >"$TEST_DIR/import.log" 2>&1 || true) &
import=$!
check "the import's pg_dump waits for it" wait_for 60 dump_waits
kill_boughd
check "boughd killed: pg_dump has ended" wait_for 10 eval '! pgrep -f "^[^ ]*pg_dump "'
check "and its session at the source, with its locks" wait_for 10 no_imports
check "though the lock it waited for is still held" holds
wait "$import"

check "boughd starts again" bough up
no_operation_runs() {
  [[ $(api GET /v1/operations | jq '[.result.operations[] | select(.state == "running")] | length') == 0 ]]
}
check "no operation is left running" wait_for 60 no_operation_runs
check "rows, volumes, logs and processes agree" wait_for 20 agreement
expect_error project-not-found "nothing of the import is left" project show copy
source_sql postgres "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'" >/dev/null
wait "$holder" 2>/dev/null || true
check "the holder is gone" wait_for 10 eval '! holds'
check "and the source can be imported" bough project create copy --method dump --from "$SOURCE dbname=origin"
equal "it is as it was" "$(sums "$SOURCE dbname=origin")" "$truth"
