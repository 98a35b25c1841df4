#!/bin/bash
# The tutorial's own commands, as docs/tutorial.md has them, in one shell, beside the project that tools/up made; and then
# what it says must be so.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
check "a project is there already" bough project create demo --empty
mkdir "$TEST_DIR/tutorial"
# Every block of bash, each with its number, so that a failure tells where it was.
awk '/^```bash$/ { block++; print "echo \"# block " block "\""; inside = 1; next } /^```$/ { inside = 0 } inside' \
  "$ROOT/docs/tutorial.md" >"$TEST_DIR/commands.sh"
at_least "the tutorial has its blocks" "$(grep -c '^echo "# block' "$TEST_DIR/commands.sh")" 12
if (cd "$TEST_DIR/tutorial" && bash -euo pipefail "$TEST_DIR/commands.sh") >"$TEST_DIR/tutorial.log" 2>&1; then
  pass "every command of the tutorial works"
else
  fail "every command of the tutorial works" "$(tail -n 30 "$TEST_DIR/tutorial.log" && bough ci log 1 2>&1 | tail -n 30)"
fi

export BOUGH_PROJECT=inventory
parts() { # BRANCH: how many parts it has for how many codes
  sql "$1" "select count(p.inventory_id) = count(*) from inventory left join inventory_parts as p using (inventory_id)"
}
equal "staging has the parts" "$(parts staging)" t
equal "production has them again" "$(parts production)" t
equal "filled from the codes" "$(sql production "select count(*) from inventory join inventory_parts using (inventory_id) where inventory_code <> concat_ws('-', location_code, batch_number, serial_number)")" 0
equal "git has the commit on both tiers" "$(as_control git --git-dir="$(bare)" ls-tree --name-only -r production migrations | grep -c split)" 6
equal "the feature is merged" "$(catalog_sql "select state from lakebase.changes")" merged
equal "and its pair is gone" "$(branch_exists inventory-split && echo there)$(head_of feature/inventory-split)" ""
