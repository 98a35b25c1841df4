#!/bin/bash
# Without root, without btrfs: the same commands as one ordinary user, branches as file copies.
TEST_MODE_ONLY=user
source "$(dirname "$0")/../harness/lib.sh"

differ "this runs without root" "$(id -u)" 0
start_bough
expect_json "status says user mode" .result.mode user bough --json status
expect_json "the pool is of files" .result.pool.driver files bough --json status
make_project shop
rows=$(table_sum production inventory)
check "a branch of a running parent" bough branch create feature
equal "it has the data" "$(table_sum feature inventory)" "$rows"
sql feature 'truncate inventory cascade'
equal "production never notices" "$(table_sum production inventory)" "$rows"

# Without atomic snapshots the copy needs backup mode: rows written while it is taken are whole or absent.
sql production 'create table pairs (a int, b int)'
(for n in {1..200}; do echo "begin; insert into pairs values ($n, 0); update pairs set b = $n where a = $n; commit;"; done |
  psql -XqAt "$(connection production)" >/dev/null) &
writer=$!
check "a branch while the parent is written" bough branch create busy
wait "$writer"
equal "no half transaction is on it" "$(sql busy 'select count(*) from pairs where a <> b')" 0

check "reset" bough branch reset feature
equal "reset brings the rows back" "$(table_sum feature inventory)" "$rows"
check "delete" bough branch delete busy
others=$(find "$BOUGH_HOME" -perm /o+w ! -type l ! -type s 2>/dev/null)
equal "nothing is writable for others" "$others" ""
secrets=$(find "$BOUGH_HOME/catalog" "$BOUGH_HOME/pool" "$BOUGH_HOME/wal" "$BOUGH_HOME/locks" -maxdepth 0 -perm /o+rx)
equal "data, logs and locks are closed to others" "$secrets" ""
check "doctor has no error" test "$( (bough --json doctor 2>/dev/null || true) | jq '[.result.findings[] | select(.severity == "error")] | length')" = 0
check "rows, volumes and processes agree" agreement
check "down and up" bough_down_all
check "up" bough up
equal "all is there" "$(branch_names)" "feature production"
check "delete the project" bough project delete shop
check "no volume is left" no_volumes_left
