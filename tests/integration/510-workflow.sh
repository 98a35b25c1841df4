#!/bin/bash
# The workflow up to the pull request: init, claim, several features in flight, work trees, prepare-pr's gates,
# the state file edited in every way, abandon, adopt, doctor. What comes behind the pull request is in 511.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
add dev human developer
add eve agent agent dev
add mate human developer
W=$TEST_DIR/work
STATE=.lakebase/workflow-state.json
begin_work

# scm NAME ARGUMENTS...: with that principal's token
scm() {
  by "$1" scm "${@:2}"
}
state() {
  jq -r ".${1:-state}" "$STATE"
}

note "init"
refused "without a policy there are no tiers" bad-precondition dev init
write_policy
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
refused "who doesn't manage the project doesn't begin its repository" forbidden dev init
expect_error no-state-file "nor claims anything before" scm claim early
check "init" bough init
equal "the work tree is on the entry tier" "$(git symbolic-ref --short HEAD)" staging
equal "the forge has the tiers" "$(git ls-remote --heads bough | sed 's,.*heads/,,' | sort | xargs)" "production staging"
equal "the state" "$(state)" scaffold-complete
equal "the policy in git is the one in force" "$(cat bough.yaml)" "$(cat "$TEST_DIR/bough.yaml")"
equal "what is one's own isn't in git" "$(git ls-files .env "$STATE")" ""
equal "nothing is left to commit" "$(git status --porcelain)" ""
check "init again changes nothing" bough init
equal "nor does it commit" "$(git rev-list --count HEAD)" 2

note "claim"
refused "from another tier" wrong-tier dev scm claim split --parent production
expect_status 1 "of a kind that nobody declared" scm dev claim split --kind mystery
refused "of a kind that goes by its target" wrong-tier dev scm claim split --kind ci
refused "of another kind's tier, without its right" forbidden dev scm claim split --kind hotfix
for name in PARENT BOUGH_PARENT BOUGH_TIER BOUGH_ENTRY LAKEBASE_BASE_BRANCH LAKEBASE_TRUNK_BRANCH LAKEBASE_STAGING_BRANCH BOUGH_KIND; do
  export "$name=production"
done
check "no variable says another tier" scm dev claim split
unset PARENT BOUGH_PARENT BOUGH_TIER BOUGH_ENTRY LAKEBASE_BASE_BRANCH LAKEBASE_TRUNK_BRANCH LAKEBASE_STAGING_BRANCH BOUGH_KIND
equal "it was forked from staging" "$(result .branch.parent branch show split)" staging
equal "the git branch is checked out" "$(git symbolic-ref --short HEAD)" feature/split
equal "the state" "$(state) $(state parent_branch) $(state branch)" "feature-claimed staging feature/split"
equal "with the branch's id" "$(state lakebase_branch_uid)" "$(branch_id split)"
matches ".env leads to the branch" "$(grep ^PGDATABASE .env)" '^PGDATABASE=app@split$'
equal "and holds no secret" "$(grep -c 'bough_[a-z0-9]*_\|PGPASSWORD=' .env || true)" 0
equal "the password comes by a command" "$(PGPASSWORD=$(by dev scm password) psql -XAtqc 'select 1' 'host=127.0.0.1 port=6432 user=dev dbname=app@split')" 1
check "the same again is nothing" scm dev claim split
refused "somebody else's isn't" already-claimed-other mate scm claim split
touch untracked
refused "a work tree with changes" dirty-working-tree dev scm claim other
rm untracked
equal "nothing of it was made" "$(branch_exists other && echo there)" ""

note "several in flight"
check "another one" scm dev claim other
git checkout -q feature/split
equal "the hook brings the state back" "$(state feature_id)" split
matches "and .env" "$(grep ^BOUGH_BRANCH .env)" '=split$'
git worktree add -q "$TEST_DIR/tree" feature/other
equal "a work tree has its own" "$(jq -r .feature_id "$TEST_DIR/tree/$STATE") $(state feature_id)" "other split"
expect_json "status knows both" '[.result.changes[].feature] | sort | join(" ")' "other split" scm dev --json status

note "the state file"
edited() { # TEXT CODE: prepare-pr is refused, and doctor puts it right
  refused "$1" "$2" dev scm prepare-pr
  expect_status 3 "... doctor tells" scm dev doctor
  check "... and puts it right" scm dev doctor --fix state-file
}
cp "$STATE" "$TEST_DIR/good"
jq '.state = "ci-green" | .pr_url = "bough://shop/pulls/1" | .pushed_at = .claimed_at | .ci_run_url = .pr_url | .ci_green_at = .claimed_at' "$TEST_DIR/good" >"$STATE"
refused "set to ci-green by hand" state-file-differs dev scm merge
edited "set to ci-green by hand" state-file-differs
jq '.parent_branch = "production"' "$TEST_DIR/good" >"$STATE"
edited "another tier" state-file-differs
matches "the field is named" "$(jq '.parent_branch = "production"' "$TEST_DIR/good" >"$STATE" && scm dev prepare-pr 2>&1)" 'parent_branch'
cp "$TEST_DIR/tree/$STATE" "$STATE"
edited "copied from another feature" state-file-differs
head -c 100 "$TEST_DIR/good" >"$STATE"
edited "cut short" state-file-differs
: >"$STATE"
edited "empty" state-file-differs
rm "$STATE"
expect_status 1 "gone" scm dev prepare-pr
check "doctor writes it" scm dev doctor --fix state-file
equal "as it was" "$(jq -S . "$STATE")" "$(jq -S . "$TEST_DIR/good")"

note "prepare-pr's gates"
refused "nothing to propose" no-commits-ahead dev scm prepare-pr
mkdir -p migrations
printf 'alter table inventory add column location text;\n' >migrations/20260101000000_split.sql
printf 'alter table inventory drop column location;\n' >migrations/20260101000000_split.undo.sql
refused "not committed" dirty-working-tree dev scm prepare-pr
git add . && git commit -q -m 'Split'
refused "not applied on the branch" migrations-pending dev scm prepare-pr
refused "merge comes later" bad-precondition dev scm merge
refused "so does CI" bad-precondition dev scm wait-ci
expect_status 0 "applied" by dev migrate apply split
git checkout -q feature/other 2>/dev/null || git checkout -q --detach
refused "from another HEAD" wrong-branch dev scm prepare-pr split
git checkout -q feature/split
git revert --no-edit HEAD >/dev/null
refused "the database is ahead of the code" db-ahead-of-code dev scm prepare-pr
git reset -q --hard HEAD~1

note "the API out of order, and by others"
refuse_api() { # TEXT CODE NAME ROUTE BODY
  equal "$1" "$(api POST "/v1/projects/shop/workflow/$4" -H "Authorization: Bearer ${TOKEN[$3]}" -H 'Content-Type: application/json' -d "$5" | jq -r .error.code)" "$2"
}
refuse_api "merge" bad-precondition dev split/merge '{}'
refuse_api "wait-ci" bad-precondition dev split/wait-ci '{}'
refuse_api "prepare-pr of a commit that wasn't pushed" wrong-branch dev split/prepare-pr '{"head":"0123456789012345678901234567890123456789"}'
refuse_api "somebody else prepares" forbidden mate split/prepare-pr '{}'
refuse_api "somebody else abandons" forbidden mate split/abandon '{}'
refuse_api "what nobody claimed" bad-precondition dev nothing/prepare-pr '{}'
refuse_api "claim with another tier" wrong-tier dev more/claim '{"parent":"production"}'
refuse_api "of a wrong type" usage dev more/claim '{"parent":7}'

note "abandon, adopt"
refused "commits would be lost" commits-would-be-lost dev scm abandon
check "on purpose" scm dev abandon --force
equal "the pair is gone" "$(git branch --list feature/split)$(branch_exists split && echo there)$(head_of feature/split)" ""
equal "back on the tier" "$(git symbolic-ref --short HEAD) $(state)" "staging scaffold-complete"
git checkout -q -b feature/found
echo more >>code && git commit -q -a -m More
check "a branch that is there is adopted" scm dev adopt
equal "with its commit" "$(state) $(state feature_id)" "feature-claimed found"
git checkout -q staging
refused "a branch whose database is somebody's isn't reused" already-claimed-other mate scm claim found
by dev branch create ahead >/dev/null 2>&1
mkdir "$TEST_DIR/elsewhere" && printf 'create table ahead (id int);\n' >"$TEST_DIR/elsewhere/20260102000000_ahead.sql"
by dev migrate apply ahead --dir "$TEST_DIR/elsewhere" >/dev/null
refused "nor one whose database is ahead of the code" db-ahead-of-code dev scm claim ahead
by dev branch reset ahead >/dev/null 2>&1
check "reset is the way out" scm dev claim ahead

note "an agent, and the names of other tools"
ln -s "$PROGRAM" "$TEST_DIR/lakebase-scm-claim-feature-branch"
git checkout -q staging
check "lakebase-scm-claim-feature-branch" env BOUGH_TOKEN="${TOKEN[eve]}" "$TEST_DIR/lakebase-scm-claim-feature-branch" agents
equal "claimed for whom it acts" "$(catalog_sql "select claimed_by || ' ' || claimed_for from lakebase.changes where feature = 'agents'")" "eve dev"
equal "the trail tells the story" "$(bough --json audit --branch agents --action 'workflow.*' | jq -r '[.result.events[].action_name] | join(" ")')" workflow.claim
differ "and the refusals" "$(bough --json audit --refused --action 'workflow.*' | jq '.result.events | length')" 0
sed -i 's/^BOUGH_BRANCH=.*/BOUGH_BRANCH=split/' .env
rm -f .git/hooks/post-checkout
equal "doctor" "$(scm eve --json doctor 2>/dev/null | jq -r '[.result.findings[].id] | sort | join(" ")' || true)" "env-branch-drift hook-missing"
check "puts .env right" scm eve doctor --fix env
check "and the hook" scm eve doctor --fix hook
