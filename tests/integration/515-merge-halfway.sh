#!/bin/bash
# A merge that fails when the tier is changed already: migrations with steps outside of a transaction that stop half-way
# on data that the tier alone has, git that can't move behind them, boughd killed in between. What is left is undone by
# the migration's own undo, or finished, or taken back by `bough scm doctor`; the snapshot is offered and never taken.
TEST_TIMEOUT=900
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1/approvals: 0/; s/require: .ci, schema-diff. }/require: [schema-diff] }/' "$TEST_DIR/bough.yaml"
sed 's/require: .schema-diff. }/require: [] }/' "$TEST_DIR/bough.yaml" >"$TEST_DIR/open.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
add rev human reviewer
begin_work
bough init >/dev/null

scm() {
  by "$1" scm "${@:2}"
}
# green ID VERSION UP UNDO: a feature of dev's at ci-green. CI is tried elsewhere; merges need the schema diff.
green() {
  git checkout -q staging
  git pull -q bough staging
  by dev --quiet scm claim "$1"
  printf '%s\n' "$3" >"migrations/$2_$1.sql"
  printf '%s\n' "$4" >"migrations/$2_$1.undo.sql"
  by dev --quiet migrate apply "$1"
  git add . && git commit -q -m "$1"
  by dev --quiet scm prepare-pr
  bough policy apply "$TEST_DIR/open.yaml" --yes >/dev/null 2>&1
  check "$1 is green" scm dev wait-ci --timeout 1m
  bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
}
# fails TEXT STATUS CODE ARGUMENTS...: rev's command of the workflow does
fails() {
  local text=$1 wanted=$2 code=$3 output status=0
  shift 3
  output=$(by rev --json scm "$@" 2>"$TEST_DIR/stderr") || status=$?
  answer=$output
  if [[ $status == "$wanted" && $(jq -r .error.code <<<"$output") == "$code" ]]; then pass "$text"; else
    fail "$text" "expected $code with status $wanted, got $status: $output"
  fi
}
change_is() {
  equal "$1" "$(catalog_sql "select state from lakebase.changes where feature = '$2' order by serial desc limit 1")" "$3"
}
promotion_is() {
  equal "$1" "$(catalog_sql "select state from lakebase.promotions where source_name = '$2' order by serial desc limit 1")" "$3"
}
# promotion_row NAME: all of it
promotion_row() {
  catalog_sql "select p from lakebase.promotions p where source_name = '$1' order by serial desc limit 1"
}
# tier_has NAME...: those of the names that are relations of the tier
tier_has() {
  local names
  printf -v names "'%s'," "$@"
  platform_sql staging app "select coalesce(string_agg(relname, ' ' order by relname), '') from pg_catalog.pg_class where relname in (${names%,})"
}
findings() {
  (by "$1" --json scm doctor 2>/dev/null || true) | jq -r '[.result.findings[] | select(.severity != "note") | .id] | unique | join(" ")'
}
# twice COLUMN, once COLUMN: the tier has a value of it twice, or not any more
twice() {
  platform_sql staging app "insert into trap ($1) values (1), (1)" >/dev/null
}
once() {
  platform_sql staging app "update trap set $1 = null" >/dev/null
}

# Its rows are the tier's alone: an unlogged table is empty on every branch, so on the copy where the merge tries first.
green trap 1 "create unlogged table trap (a int, b int, c int, d int);" "drop table trap;"

note "the branch moves while its merge is tried on a copy"
kill_boughd
BOUGH_FAILPOINT=promote-measured=sleep:4000 bough up >/dev/null 2>&1
by rev --json scm merge trap >"$TEST_DIR/moved" 2>/dev/null &
merge=$!
is_measured() {
  [[ $(catalog_sql "select step from lakebase.promotions where source_name = 'trap'") == measured ]]
}
check "its merge has begun" wait_for 60 is_measured
git commit -q --allow-empty -m More
refused_push "a push waits until it is over" "the merge of \"trap\" into \"staging\" is being done" dev . bough feature/trap
git reset -q --hard HEAD~1
as_control git --git-dir="$(bare)" update-ref refs/heads/feature/trap "$(git rev-parse HEAD~1)"
wait "$merge" || true
equal "what moves beside Bough ends it" "$(jq -r .error.code "$TEST_DIR/moved")" merge-stale
equal "before the tier is touched" "$(tier_has trap)" ""
promotion_is "it waits again" trap open
as_control git --git-dir="$(bare)" update-ref refs/heads/feature/trap "$(git rev-parse HEAD)"
kill_boughd
bough up >/dev/null 2>&1
check "the first one is merged" scm rev merge trap

note "half-way on the tier, and taken back by its own undo"
twice a
green back 2 "create table parts (id int);
create unique index concurrently trap_back on trap (a);
create table more (id int);" "drop table if exists more;
drop index if exists trap_back;
drop table if exists parts;"
head=$(head_of staging)
fails "the merge fails" 3 migration-failed merge back
equal "the tier is as before" "$(tier_has parts more trap_back)" ""
equal "git isn't merged" "$(head_of staging)" "$head"
change_is "the state stays" back ci-green
equal "also in the work tree" "$(jq -r .state .lakebase/workflow-state.json)" ci-green
promotion_is "the promotion is over" back failed
equal "doctor finds nothing" "$(findings dev)" ""
once a
check "with the data put right it goes" scm rev merge back
equal "all of it is there" "$(tier_has parts more trap_back)" "more parts trap_back"
differ "git is merged" "$(head_of staging)" "$head"

note "half-way, and its undo fails, too"
twice b
green stuck 3 "create table first (id int);
create unique index concurrently trap_stuck on trap (b);
create table second (id int);" "drop table second;
drop index trap_stuck;
drop table first;"
green locked 4 "create table locked (id int);" "drop table locked;"
git checkout -q feature/stuck
fails "the merge fails" 3 migration-failed merge stuck
matches "and offers the snapshot" "$(jq -r .error.hint <<<"$answer")" "bough rollback staging"
equal "the tier is half-way" "$(tier_has first second trap_stuck)" first
equal "git isn't merged" "$(head_of staging)" "$(git rev-parse bough/staging)"
change_is "the state stays" stuck ci-green
promotion_is "the promotion can be gone on with" stuck stopped
equal "doctor tells" "$(findings dev)" merge-stopped
git commit -q --allow-empty -m More
refused_push "nothing is pushed to it" "stopped half-way" dev . bough feature/stuck
git reset -q --hard HEAD~1
refused "the change isn't given up meanwhile" bad-precondition dev scm abandon --force
fails "nothing else is built on it" 2 bad-precondition merge locked
refused "who may not merge takes nothing back" forbidden dev scm doctor --fix undo-merge
fails "what it stumbles over is there still" 3 migration-failed merge stuck
check_not "nor can it be taken back" by rev scm doctor --fix undo-merge
promotion_is "it waits" stuck stopped
before=$(promotion_row stuck)
check "what is left of it is shown" by rev promote stuck --to staging --dry-run
equal "whoever looks changes nothing of it" "$(promotion_row stuck)" "$before"
fails "nothing else is built on it still" 2 bad-precondition merge locked
once b
check "with the data put right doctor finishes it" by rev scm doctor --fix merge-stopped
equal "all of it is there" "$(tier_has first second trap_stuck)" "first second trap_stuck"
change_is "it is merged" stuck merged
equal "its git branch, too" "$(head_of feature/stuck)" ""
equal "the ledger has each once" "$(platform_sql staging app "select string_agg(version || ' ' || state, ',' order by version) from bough.migrations where state = 'done' and action = 'apply'")" "1 done,2 done,3 done"

note "git can't move behind the migrations, and boughd is killed"
git checkout -q feature/locked
bough policy apply "$TEST_DIR/open.yaml" --yes >/dev/null 2>&1
check "it is green on the new base" scm dev wait-ci --timeout 1m
bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
lock=$(bare)/refs/heads/staging.lock
before=$(head_of staging)
as_control touch "$lock"
kill_boughd
BOUGH_FAILPOINT=promote-applied=crash bough up >/dev/null 2>&1
check_not "killed behind the migrations" scm rev merge locked
kill_boughd
bough up >/dev/null 2>&1
has_stopped() {
  [[ $(catalog_sql "select state from lakebase.promotions where source_name = 'locked'") == stopped ]]
}
check "the next start goes on, to where git can't be moved" wait_for 60 has_stopped
equal "the tier has the migration" "$(tier_has locked)" locked
equal "git is as it was" "$(head_of staging)" "$before"
fails "the same command again" 3 tool-failed merge locked
matches "says what is the matter" "$(jq -r .error.message <<<"$answer")" "staging has the migrations, git isn't merged.*staging.lock"
equal "doctor tells" "$(findings rev)" merge-stopped
kill_boughd
BOUGH_FAILPOINT=promote-undone=crash bough up >/dev/null 2>&1
check_not "killed while it is taken back" scm rev doctor --fix undo-merge
kill_boughd
bough up >/dev/null 2>&1
has_failed() {
  [[ $(catalog_sql "select state from lakebase.promotions where source_name = 'locked'") == failed ]]
}
check "the next start comes to the end of that" wait_for 60 has_failed
equal "the tier is as before" "$(tier_has locked)" ""
change_is "the state is the one before" locked ci-green
equal "doctor finds nothing" "$(findings rev)" ""
fails "git can't be moved still" 3 tool-failed merge locked
rm "$lock"
check "when it can, the same command finishes it" scm rev merge locked
equal "the tier has it" "$(tier_has locked)" locked
equal "once" "$(platform_sql staging app "select count(*) from bough.migrations where version = '4' and action = 'apply'")" 2
differ "and git" "$(head_of staging)" "$before"
equal "the trail tells it" "$(catalog_sql "select string_agg(distinct action_name || ' ' || status, ', ') from access.audit
  where action_name ~ '^promote' and request_params::text like '%locked%'")" "promote failed, promote ok, promote.undo ok"

note "no file can be written in the repository, and the snapshot is taken"
green full 5 "create table full_ (id int);" "drop table full_;"
chmod 500 "$(bare)/objects" "$(bare)"/objects/*/ "$(bare)/refs/heads"
fails "git can't make the merge" 3 tool-failed merge full
promotion_is "it stopped" full stopped
chmod 755 "$(bare)/objects" "$(bare)"/objects/*/ "$(bare)/refs/heads"
check "the snapshot is taken on purpose" bough rollback staging --yes
equal "the tier is as before" "$(tier_has full_)" ""
equal "doctor finds nothing" "$(findings rev)" ""
check "the same command merges it" scm rev merge full
equal "the tier has it" "$(tier_has full_)" full_
