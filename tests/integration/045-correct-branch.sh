#!/bin/bash
# The rules of a correct branch (docs/adr/0002-correct-branch.md), each broken or provoked: recycled
# segments, a log cut short, every state of the source, prepared transactions, settings with a floor.
TEST_TIMEOUT=400
TEST_ON_DISK=1 # it looks at how many blocks files take
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
platform_sql production app "create table numbers as select generate_series(1, 20000) n"
rows() { platform_sql "$1" app "select count(*) || ' ' || sum(n) from numbers"; }
whole=$(rows production)

# Rule 1: what was acknowledged is there, also with synchronous_commit=off, which flushes nothing by itself.
for round in 1 2 3; do
  platform_sql production app "set synchronous_commit = off; insert into numbers values (0)"
  check "a branch is made right after a commit that wasn't flushed" bough branch create "async$round"
  equal "and has it" "$(rows "async$round")" "$(rows production)"
  bough branch delete "async$round" --quiet
done
platform_sql production app "delete from numbers where n = 0"

# Rules 2 and 6: the log is a copy of its own, in files of full length, of which little is on disk.
platform_sql production app checkpoint
bough branch create lean --quiet
log=$BOUGH_HOME/wal/$(volume_of lean)
equal "pg_wal is a relative link" "$(readlink "$BOUGH_HOME/pool/volumes/$(volume_of lean)/data/pg_wal")" ../wal
equal "its segments have their full length" "$(find "$log" -maxdepth 1 -type f -name '0000*' -size -16777216c | wc -l)" 0
at_most "of which little is on disk, in kB" "$(du -sk "$log" | cut -f1)" 1024
fork_log=$(readlink -f "$BOUGH_HOME/pool/volumes/$(volume_of lean)/data/pg_wal")
equal "and it is nobody else's" "$fork_log" "$(readlink -f "$log")"

# Rule 3: the source recycles its log between snapshot and copy.
with_failpoint() {
  bough_down_all
  BOUGH_FAILPOINT=$1 bough up --quiet
}
with_failpoint branch-create-snapshot=recycle
bough endpoint start production --quiet
check "a log recycled under the copy means a new snapshot" bough branch create recycled
equal "which is whole" "$(rows recycled)" "$whole"
with_failpoint branch-create-snapshot=recycle-always
bough endpoint start production --quiet
volumes=$(find "$BOUGH_HOME/pool/volumes" -mindepth 1 -maxdepth 1 | wc -l)
expect_status 3 "recycled each time, the create fails" bough branch create never
equal "and nothing of it is left" "$(find "$BOUGH_HOME/pool/volumes" -mindepth 1 -maxdepth 1 | wc -l)" "$volumes"
with_failpoint none=none
bough endpoint start production --quiet

# Rule 4: a copy cut short starts happily in PostgreSQL, and must not here.
platform_sql production app "checkpoint; insert into numbers select 7 from generate_series(1, 5000); select pg_current_xact_id()" >/dev/null
whole=$(rows production)
bough branch create short --quiet
bough branch create good --quiet
cut_log() { # zeroes what lies behind the first kilobytes behind redo
  local file=$1 from=$2
  dd if=/dev/zero of="$file" bs=8192 seek="$from" count=64 conv=notrunc status=none
}
segment=$(find "$BOUGH_HOME/wal/$(volume_of short)" -maxdepth 1 -type f -name '0000*' | sort | tail -1)
redo=$(catalog_sql "select redo_lsn from lakebase.branches where name = 'short' and state = 'ready'")
page=$(((16#${redo#*/} % 16777216) / 8192 + 1))
cut_log "$segment" "$page"
check_not "a branch whose log was cut isn't opened" bough psql short -- -c 'select 1'
equal "it is failed" "$(result .branch.state branch show short)" failed
expect_status 2 "and says so the second time" bough endpoint start short
check "a reset mends it" bough branch reset short
equal "it is whole then" "$(rows short)" "$whole"
equal "as is the one that wasn't cut" "$(rows good)" "$whole"

# Rule 7: every state of the source.
bough branch create running --quiet
bough endpoint suspend production --quiet
check "from a source that was stopped cleanly" bough branch create from-stopped
check "from one that was never started" bough branch create from-fresh --parent from-stopped
check "and from a fork of that" bough branch create from-fresh2 --parent from-fresh
for branch in running from-fresh2 from-fresh from-stopped; do
  equal "$branch is whole" "$(rows "$branch")" "$whole"
done
pid=$(platform_sql running app "insert into numbers values (1); select pg_read_file('postmaster.pid')" | head -1)
catalog_sql "update lakebase.endpoints set wanted = false where pid = $pid"
kill -9 "$pid"
wait_for 10 test ! -e "/proc/$pid" || true
check "from one that was killed" bough branch create from-killed --parent running
equal "it has what was committed" "$(rows from-killed)" "$(rows running)"

# Rule 9: the same system identifier everywhere, so nothing may be keyed by it.
identifier() { platform_sql "$1" app 'select system_identifier from pg_control_system()'; }
equal "branches share their system identifier" "$(identifier good)" "$(identifier production)"
