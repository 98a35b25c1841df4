#!/bin/bash
# A migration that fills the disk half-way: it fails, the branch is as it was before, the ledger says so, its
# neighbours go on, and once it asks for less it is applied.
TEST_TIMEOUT=600
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"

POOL_SIZE=1G
start_bough
make_project shop
bough branch create work >/dev/null 2>&1
cd "$TEST_DIR" || exit
mkdir migrations
echo "create table counted (n int);" >migrations/1_first.sql
check "one that fits" bough migrate apply work
before=$(sql work "select count(*), sum(hashtext(o::text)) from orders o")

# Two gigabytes that don't compress, behind a change that must not stay.
cat >migrations/2_fills.sql <<'SQL'
alter table orders add column filled int;
create table food (x text);
alter table food alter x set storage plain;
insert into food select repeat(md5(x::text), 125) from generate_series(1, 500000) x;
SQL
output=$(bough --json migrate apply work 2>"$TEST_DIR/stderr") && fail "it fits" "$output"
note "$(jq -r '.error | .code + ": " + .message' <<<"$output")"
equal "it fails with its own status" "$(jq -r .ok <<<"$output")" false
check "the neighbour writes" sql production "create table neighbour (n int)"

# Whoever ate the pool may have been suspended before the server itself found it full.
wakes() {
  bough --quiet endpoint start work && [[ $(sql work "select 1") == 1 ]]
}
check "the branch can be used again" wait_for 60 wakes
equal "the table is gone" "$(sql work "select to_regclass('food') is null")" t
equal "the column, too" "$(sql work "select count(*) from information_schema.columns where table_name = 'orders' and column_name = 'filled'")" 0
equal "the data is what it was" "$(sql work "select count(*), sum(hashtext(o::text)) from orders o")" "$before"
# Where the server was stopped, too, nobody could note the end: the next who applies finds it out.
matches "status doesn't take it for applied" \
  "$(bough --json migrate status work | jq -r '.result.migrations[] | select(.version == "2") | .state')" '^(pending|running)$'
sed -i 's/500000/50/' migrations/2_fills.sql
check "asking for less, it is applied" bough migrate apply work
equal "once" "$(sql work "select count(*) from food")" 50
equal "the ledger tells both" \
  "$(platform_sql work app "select string_agg(state, ' ' order by entry) from bough.migrations where version = '2'")" "failed done"
