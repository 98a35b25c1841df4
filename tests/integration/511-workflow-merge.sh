#!/bin/bash
# The workflow to its end: prepare-pr, CI, review, merge, for a person and an agent; what the world does
# meanwhile takes the state back; who may not is refused.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
add bot agent agent dev
add rev human reviewer
add ci ci ci
W=$TEST_DIR/work
STATE=.lakebase/workflow-state.json
begin_work
bough init >/dev/null

scm() {
  by "$1" scm "${@:2}"
}
state() {
  jq -r ".${1:-state}" "$STATE"
}
# feature NAME ID SQL UNDO: claimed, with a migration that is applied and committed
feature() {
  git checkout -q staging
  by "$1" --quiet scm claim "$2"
  echo "$3" >"migrations/${5:-20260101000000}_$2.sql"
  echo "$4" >"migrations/${5:-20260101000000}_$2.undo.sql"
  by "$1" --quiet migrate apply "$2"
  git add . && git commit -q -m "$2"
}

note "a person's"
feature dev split 'alter table inventory add column location text;' 'alter table inventory drop column location;' >/dev/null
check "prepare-pr" scm dev prepare-pr
equal "is pr-ready" "$(state)" pr-ready
head=$(git rev-parse HEAD)
equal "the forge has the commit" "$(head_of feature/split)" "$head"
expect_json "the pull request goes to the tier" '.result.pull.base_branch' staging by rev --json pr show 1
refused "merge before CI" bad-precondition dev scm merge

note "what is pushed afterwards takes it back"
echo more >>code && git commit -q -a -m More
BOUGH_TOKEN=${TOKEN[dev]} git push -q bough feature/split
equal "on record" "$(catalog_sql "select state from lakebase.changes where feature = 'split'")" feature-claimed
refused "CI isn't waited for" bad-precondition dev scm wait-ci
check "prepare-pr again, from a file that hadn't heard" scm dev prepare-pr
git commit -q --amend -m 'Rewritten'
check_not "a rewritten branch isn't pushed by itself" scm dev prepare-pr
check "but on purpose" scm dev prepare-pr --force
check "CI" scm dev wait-ci --timeout 3m
equal "is ci-green" "$(state)" ci-green
refused "without an approval it isn't merged" forbidden rev scm merge split
refused "nor approved by an author" forbidden dev pr review 1 --approve

note "merge"
add second human reviewer
check "a reviewer asks for changes" by rev pr review 1 --request-changes --message "why?"
check "another one approves" by second pr review 1 --approve
refused "what somebody asks to be changed isn't merged" forbidden second scm merge split
check "a reviewer approves" by rev pr review 1 --approve
refused "without the right promote it waits" forbidden dev scm merge
equal "as it was" "$(state)" ci-green
git -C "$W" clone -q bough://shop "$TEST_DIR/reviewer" 2>/dev/null
check "who has it merges, from elsewhere" bash -c "cd '$TEST_DIR/reviewer' && BOUGH_TOKEN=${TOKEN[rev]} '$PROGRAM' init && BOUGH_TOKEN=${TOKEN[rev]} '$PROGRAM' scm merge split"
equal "git has it" "$(as_control git --git-dir="$(bare)" merge-base --is-ancestor "$(git rev-parse HEAD)" staging && echo yes)" yes
equal "the tier has the column" "$(sql staging "select count(*) from information_schema.columns where column_name = 'location' and table_name = 'inventory'")" 1
equal "production hasn't" "$(sql production "select count(*) from information_schema.columns where column_name = 'location' and table_name = 'inventory'")" 0
equal "the pair is gone" "$(branch_exists split && echo there)$(head_of feature/split)" ""
check "merge again is nothing" bash -c "cd '$TEST_DIR/reviewer' && BOUGH_TOKEN=${TOKEN[rev]} '$PROGRAM' scm merge split"
refused "its author goes on" wrong-branch dev scm prepare-pr split

note "an agent's, while another one is merged"
git checkout -q staging
git pull -q bough staging
feature bot one 'create table one (id int primary key);' 'drop table one;' 20260104000000 >/dev/null
check "prepare-pr" scm bot prepare-pr
check "wait-ci" scm bot wait-ci --timeout 3m
feature dev two 'create table two (id int primary key);' 'drop table two;' 20260103000000 >/dev/null
check "the other's" scm dev prepare-pr
check "green as well" scm dev wait-ci --timeout 3m
check "approved" by rev pr review 3 --approve
check "merged" scm rev merge two
equal "the agent's keeps its green" "$(catalog_sql "select state from lakebase.changes where feature = 'one'")" ci-green
git checkout -q feature/one
check "approved" by rev pr review 2 --approve
check "the queue tests it with what came, and merges it" scm rev merge
equal "with a run of its own" "$(catalog_sql "select string_agg(source || ' ' || state, ', ') from lakebase.ci_runs where number = 0")" "queue/staging passed"
equal "by one's own work tree the pair goes there too" "$(git branch --list 'feature/one')$(git symbolic-ref --short HEAD)" staging
equal "its state" "$(state) $(state feature_id)" "merged one"
equal "the tier has both" "$(sql staging "select to_regclass('one') is not null and to_regclass('two') is not null")" t
equal "the trail tells it" "$(bough --json audit --action 'workflow.*' | jq -r '[.result.events[] | select(.request_params.feature == "one" and .status == "ok") | .action_name | sub("workflow."; "")] | join(" ")')" "claim prepare-pr wait-ci queue merge"
check "the next claim" scm dev claim three
