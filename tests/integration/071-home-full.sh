#!/bin/bash
# The file system of the state directory fills up: without room for logs every parent and the catalog
# would stop. Creates are refused with the figure and the remedy, then who writes most is suspended.
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"

mkdir "$BOUGH_HOME"
mount -t tmpfs -o size=800m,mode=755 bough-home "$BOUGH_HOME"
start_bough
make_project shop
sql production 'create table ledger (n int primary key)'
check "there is room for a branch" bough branch create writer
sql writer 'create table food (x text)'

# leave BYTES: so many are available.
leave() {
  local available
  rm -f "$BOUGH_HOME/ballast"
  available=$(df --output=avail -B 1 "$BOUGH_HOME" | tail -n 1)
  fallocate --length $((available - $1)) "$BOUGH_HOME/ballast"
}

leave $((70 << 20))
expect_error pool-full "a create is refused" branch create one-more
expect_error pool-full "and a reset" branch reset writer
refusal=$(bough --json branch create one-more 2>/dev/null || true)
matches "with the figure" "$(jq -r .error.message <<<"$refusal")" '[0-9]+ MB left of 800 MB'
matches "and the remedy" "$(jq -r .error.hint <<<"$refusal")" 'free|enlarge'
check "the parent goes on writing" sql production 'insert into ledger values (1)'
check "and so does the branch" sql writer 'insert into food values (1)'
matches "doctor names it" "$( (bough --json doctor 2>/dev/null || true) | jq -r '[.result.findings[].id] | join(",")')" host-full

# Who writes most goes when hardly any room is left; roots stay.
is_suspended() {
  [[ $(endpoint "$1" error) == suspended* ]]
}
leave $((36 << 20))
check "then the branch that writes is suspended" wait_for 30 is_suspended writer
matches "with the reason" "$(endpoint writer error)" 'room for logs'
check "the parent still writes" sql production 'insert into ledger values (2)'
check "and makes a checkpoint" platform_sql production app checkpoint
check "status answers" status_answers

rm "$BOUGH_HOME/ballast"
check "with room again a create works" bough branch create one-more
equal "nothing is lost" "$(sql production 'select count(*) from ledger')" 2
check "the branch wakes" bough endpoint start writer
equal "with its rows" "$(sql writer 'select count(*) from food')" 1
check "rows, volumes and processes agree" agreement
