#!/bin/bash
# The merge queue: who is green for a tier that has moved is tested with what came since and merged; several are
# tested together, the one that fails alone is given back; a push, a lost right and its author's word take it out.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1/approvals: 0/; s/max_per_principal: 4/max_per_principal: 20/; s/^keep:/commands: { test: "sh check.sh" }\ntests: { from: target }\nkeep:/' \
  "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
add rev human reviewer
add gone human reviewer
add ci ci ci
begin_work one two
mkdir tests
echo 'sh tests/test_apart.sh' >check.sh
echo 'if [ -e left ] && [ -e right ]; then echo "left and right"; exit 1; fi' >tests/test_apart.sh
git add . && git commit -q -m 'What is tested'
bough init >/dev/null

# green ID VERSION SQL UNDO [FILE [MUTED]]: claimed, proposed, green for the tier as it is now
green() {
  git checkout -q staging && by dev --quiet scm claim "$1"
  mkdir -p migrations
  echo "$3" >"migrations/$2_$1.sql"
  echo "$4" >"migrations/$2_$1.undo.sql"
  [[ -z ${5:-} ]] || echo "$1" >"$5"
  [[ -z ${6:-} ]] || echo true >"$6"
  by dev --quiet migrate apply "$1" && git add . && git commit -q -m "$1"
  by dev --quiet scm prepare-pr && by dev --quiet scm wait-ci --timeout 5m
}
state() {
  catalog_sql "select state from lakebase.changes where feature = '$1' order by serial desc limit 1"
}
queued() {
  catalog_sql "select state from lakebase.merge_queue where feature = '$1' order by serial desc limit 1"
}
is_over() {
  [[ $(queued "$1") == @(merged|refused|withdrawn) ]]
}

green b 20 'create table b (id int primary key);' 'drop table b;'
green c 30 'create table b (id int primary key, other text);' 'drop table b;'
green d 40 'create table d (id int primary key);' 'drop table d;' left
green f 45 'create table f (id int primary key);' 'drop table f;' right tests/test_apart.sh
green e 50 'create table e (id int primary key);' 'drop table e;'
equal "all are green for one and the same tier" "$(catalog_sql "select count(distinct base_commit) from lakebase.changes where state = 'ci-green'")" 1

note "four at once, of which one fails with another by its migration, one by the tests; boughd is killed at each step"
dead() { ! boughd_alive; }
restart_with() {
  kill_boughd
  BOUGH_FAILPOINT=$1 bough up >"$TEST_DIR/up.log" 2>&1 || true
}
is_merging() { [[ $(queued "$1") == merging ]]; }
restart_with queue-entered=crash
check_not "queue-entered: the caller isn't told" by rev --quiet scm merge b --no-wait
restart_with queue-merging=sleep:60000
check "its turn comes all the same" wait_for 60 is_merging b
for id in c d f; do check "$id waits behind it" by rev --quiet scm merge "$id" --no-wait; done
restart_with queue-formed=crash
for point in queue-passed queue-merging queue-merged nothing; do
  check "killed before $point" wait_for 120 dead
  restart_with "$point=crash"
done
for id in b c d f; do check "$id: it comes to an end" wait_for 240 is_over "$id"; done
equal "what holds is merged" "$(state b) $(state d)" "merged merged"
equal "and in the tier" "$(sql staging "select to_regclass('b') is not null and to_regclass('d') is not null")" t
equal "what doesn't is back with its author" "$(queued c) $(state c)" "refused ci-green"
matches "with the reason" "$(catalog_sql "select error_code || ': ' || error from lakebase.merge_queue where feature = 'c'")" "ci-failed: .*verify"
equal "nor is what fails the tests of the tier, which it mutes" "$(queued f) $(state f)" "refused ci-green"
matches "with that for a reason" "$(catalog_sql "select error_code || ': ' || error from lakebase.merge_queue where feature = 'f'")" "ci-failed: .*test"
equal "none of it is in the tier" "$(sql staging "select to_regclass('f') is null")" t
matches "which the pull request shows" "$(by dev --json pr show 2 | jq -r '.result.comments[].text')" "The queue of .staging. gives this back"
equal "the trail tells it" "$(catalog_sql "select string_agg(distinct action_name, ' ' order by action_name) from access.audit where request_params ->> 'feature' = 'c' and action_name like 'workflow.%queue'")" "workflow.queue workflow.unqueue"
equal "each was merged by who asked" "$(catalog_sql "select string_agg(distinct actor, ' ') from access.audit where action_name in ('workflow.merge', 'pull.merge', 'promote') and status = 'ok'")" rev

note "while no run is begun"
bough principal remove ci >/dev/null
check "what is green for an older tier waits" by gone scm merge e --no-wait
expect_json "everybody sees where" '.result.queue[0] | "\(.feature) \(.place) \(.of) \(.asked_by)"' "e 1 1 gone" bough --json ci queue
refused "nobody else takes it out" forbidden rev scm withdraw e
check "its author does" by dev scm withdraw e
equal "all else is as it was" "$(queued e) $(state e)" "withdrawn ci-green"
check_not "twice is nothing" by dev scm withdraw e
check "again" by gone scm merge e --no-wait
check "and the other one" by rev scm merge c --no-wait
git checkout -q feature/c && git commit -q --allow-empty -m More
BOUGH_TOKEN=${TOKEN[dev]} git push -q bough feature/c
check "a push takes it out" wait_for 60 is_over c
equal "with the reason" "$(catalog_sql "select error_code from lakebase.merge_queue where feature = 'c' order by serial desc limit 1")" merge-stale
bough principal remove gone >/dev/null
add ci2 ci ci
check "who asked is gone when its turn comes" wait_for 120 is_over e
equal "so it isn't merged" "$(queued e) $(state e)" "refused ci-green"
restart_with promote-merged=error
check_not "git moves, and its merge breaks down behind that" by rev scm merge e --timeout 3m
equal "which stays half-way" "$(catalog_sql "select state from lakebase.promotions where source_name = 'e' order by serial desc limit 1")" stopped
equal "and in nobody's way but its own" "$(queued e)" refused
restart_with nothing=crash
check "the same command finishes it" by rev scm merge e --timeout 1m
equal "it is" "$(state e)$(head_of feature/e)" merged
left() { [[ $(catalog_sql "select count(*) from lakebase.branches where state <> 'deleted' and kind in ('ci', 'rehearsal')") == 0 ]]; }
check "no branch of a run is left" wait_for 60 left
left || note "$(catalog_sql "select name || ' ' || kind || ' ' || state || ' ' || created_at from lakebase.branches where state <> 'deleted' and kind in ('ci', 'rehearsal')")"
