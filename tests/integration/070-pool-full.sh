#!/bin/bash
# A pool that fills up: the branch that eats it is suspended first, creates are refused with the figure
# and the remedy, and all the time the parent goes on writing.
TEST_TIMEOUT=600
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"

POOL_SIZE=4G
start_bough
make_project shop
sql production 'create table ledger (n int primary key)'
ledger=0

parent_writes() {
  ledger=$((ledger + 1))
  sql production "insert into ledger values ($ledger)"
}

available() {
  result .available pool status
}

# Writes into a branch until it is stopped from doing so, 16 MB at a time and no faster than a
# supervisor can look; true if it was suspended, or writing was refused.
eat() {
  local name=$1 chunk socket
  bough branch create "$name" >"$TEST_DIR/create.$name" 2>&1 || return 1
  socket=$(connection "$name")
  psql -XAtq "$socket" -c 'create table food (x text); alter table food alter x set storage plain' || return 1
  for ((chunk = 0; chunk < 300; chunk++)); do
    psql -XAtq "$socket" -c "insert into food select repeat(md5(x::text), 125) from generate_series(1, 4000) x" \
      >"$TEST_DIR/eat.log" 2>&1 || return 0
    parent_writes || { fail "the parent writes while $name eats" && return 0; }
    sleep 0.3
  done
  return 0
}

refused=
for glutton in glutton1 glutton2 glutton3 glutton4 glutton5 glutton6; do
  if ! eat "$glutton"; then
    refused=$glutton
    break
  fi
  note "$glutton stopped, $(available) bytes available: $(tail -n 1 "$TEST_DIR/eat.log")"
  check "after $glutton the parent still writes" parent_writes
done

someone_is_suspended() {
  [[ $(result '[.endpoints[] | select(.error != null and (.error | startswith("suspended")))] | length' endpoint list) -ge 1 ]]
}
check "who ate the pool is suspended" wait_for 5 someone_is_suspended
suspended=$(result '[.endpoints[] | select(.error != null and (.error | startswith("suspended")))][0].branch' endpoint list)
matches "and isn't woken by connecting" "$(psql -XAtqc 'select 1' "$(connection "$suspended")" 2>&1 || true)" 'the branch is suspended'
check "production runs" test "$(endpoint production state)" = running
check "creates are refused at last" test -n "$refused"
expect_error pool-full "a create is refused" branch create one-more
refusal=$(bough --json branch create one-more 2>/dev/null || true)
matches "with the figure" "$(jq -r .error.message <<<"$refusal")" '[0-9]+ MB'
matches "and the remedy" "$(jq -r .error.hint <<<"$refusal")" 'delete|enlarge'
at_least "while there is room for parents (bytes)" "$(available)" 33554432
for _ in {1..20}; do parent_writes || break; done
equal "the parent goes on writing" "$(sql production 'select count(*) from ledger')" "$ledger"
check "and can make a checkpoint" platform_sql production app checkpoint
check "status answers" status_answers
matches "doctor names the pool" "$( (bough --json doctor 2>/dev/null || true) | jq -r '[.result.findings[] | .id + " " + .message] | join(" ")')" pool

for glutton in glutton1 glutton2 glutton3 glutton4 glutton5 glutton6; do
  bough branch delete "$glutton" >/dev/null 2>&1 || true
done
check "btrfs gives back what was deleted" timeout 120 btrfs subvolume sync "$(config .pool.path)"
check "after deleting them a create works again" wait_for 60 bough branch create again
check "rows, volumes and processes agree" agreement
