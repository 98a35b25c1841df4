#!/bin/bash
# A power loss, imitated: pool image and logs lie on an XFS; under load the image is cloned by FICLONE
# at one moment, then the logs. All is killed, the clones are put in place, and Bough must come back
# with every transaction that was acknowledged before the first clone, and with branches that were made or
# reset right before it: whole, and without what a branch must not have of its parent.
TEST_TIMEOUT=600
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/load.sh"

command -v mkfs.xfs >/dev/null || skip_all "mkfs.xfs is not installed (package xfsprogs)"
truncate -s 12G "$TEST_DIR/xfs.img"
mkfs.xfs -q -m reflink=1 "$TEST_DIR/xfs.img"
mkdir "$TEST_DIR/disk"
mount -o loop "$TEST_DIR/xfs.img" "$TEST_DIR/disk" || skip_all "an XFS image can't be mounted here"
chmod 755 "$TEST_DIR/disk"
BOUGH_HOME=$TEST_DIR/disk/home
bough pool create --image "$TEST_DIR/disk/pool.img" --size 3G >"$TEST_DIR/pool.log" 2>&1 || { cat "$TEST_DIR/pool.log" && exit 1; }
check "up" bough up
make_project shop
bough branch create busy >/dev/null 2>&1
load_prepare busy 5
bough branch create again --parent busy >/dev/null 2>&1
# What forks of it must not have: a slot, a setting, a server's log.
data=$BOUGH_HOME/pool/volumes/$(volume_of busy)/data
platform_sql busy app "select pg_create_physical_replication_slot('stays', true)" >/dev/null
platform_sql busy app "alter system set log_min_duration_statement = '12345'"
as_compute sh -c "umask 077; mkdir -p '$data/log'; echo secret >'$data/log/postgresql.log'"

# All of Bough at once, until nothing starts anything again; pgbench ends by itself and keeps its log.
kill_all() {
  local round pid rest
  for round in 1 2 3 4 5; do
    while read -r pid rest; do
      [[ -z $pid || $rest == *pgbench* ]] || kill -9 "$pid" 2>/dev/null || true
    done <<<"$(left_processes)"
    sleep 0.2
  done
}

cut_power() {
  cp --reflink=always "$TEST_DIR/disk/pool.img" "$TEST_DIR/disk/pool.clone"
  cp -a --reflink=always "$BOUGH_HOME/wal" "$TEST_DIR/disk/wal.clone"
  kill_all
  load_wait
  no_processes_left 10
  umount "$(config .pool.path)"
  mv "$TEST_DIR/disk/pool.clone" "$TEST_DIR/disk/pool.img"
  rm -rf "$BOUGH_HOME/wal"
  mv "$TEST_DIR/disk/wal.clone" "$BOUGH_HOME/wal"
}

# bare BRANCH: nothing of that is on it once it was started (files are cleaned before that, too, since the first
# cleaning needn't survive a power loss), and its log is its own.
bare() {
  local volume files
  volume=$(volume_of "$1")
  files=$BOUGH_HOME/pool/volumes/$volume/data
  equal "$1 has none of its parent's slots and logs" "$(find "$files/pg_replslot" "$files/log" -mindepth 1 2>/dev/null)" ""
  check_not "$1 has none of its parent's settings" grep -q 12345 "$files/postgresql.auto.conf"
  equal "$1 has a log of its own" "$(readlink -f "$files/pg_wal")" "$(readlink -f "$BOUGH_HOME/wal/$volume")"
}

for round in 1 2; do
  psql -XqAt "$(connection busy)" -c 'truncate load_acks'
  load_start 60 5
  sleep 5
  forked=$(now_us)
  bough branch create "fresh$round" --parent busy >/dev/null 2>&1
  bough branch reset again >/dev/null 2>&1
  cut=$(now_us)
  cut_power
  at_least "round $round: there was load" "$(acked_total "$cut")" 20
  check "round $round: up after the power loss" bough up
  check "round $round: every acknowledged transaction is there" load_is_whole busy "$cut"
  for name in "fresh$round" again; do
    check "round $round: $name is whole" load_is_whole "$name" "$forked"
    bare "$name"
  done
  equal "round $round: production is there" "$(sql production 'select count(*) > 0 from inventory')" t
  check "round $round: a branch can be made of it" bough branch create "after$round" --parent busy
  check "round $round: and it is whole" load_is_whole "after$round" "$cut"
  check "round $round: rows, volumes and processes agree" agreement
done
check "everything stops" bough_down_all
umount "$(config .pool.path)"
umount "$TEST_DIR/disk"
