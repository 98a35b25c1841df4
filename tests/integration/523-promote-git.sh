#!/bin/bash
# With a repository a promotion between tiers moves code, too, and waits for CI of what it would make; a release
# candidate is a tier for a while, by declaration.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1, author_may_approve: false, require: \[ci, schema-diff\]/approvals: 0, require: [schema-diff]/
s/approvals: 2/approvals: 0/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
add rm human release-manager
add ci ci ci
begin_work
bough init >/dev/null
git checkout -q staging
by dev --quiet scm claim split
echo 'create table parts (id int primary key);' >migrations/1_parts.sql
by dev --quiet migrate apply split
git add . && git commit -q -m 'Parts'
check "prepare-pr" by dev scm prepare-pr
check "CI" by dev scm wait-ci --timeout 1m
refused "a branch goes by its pull request" bad-precondition dev promote split --to staging
check "merge" bough scm merge split
head=$(head_of staging)
differ "staging has the code" "$head" "$(head_of production)"

note "staging to production"
refused "not before CI of what it would make" forbidden rm promote staging --to production
passed() {
  by rm --json promote staging --to production --dry-run 2>/dev/null |
    jq -e '.result.gates[] | select(.gate == "ci") | .ok' >/dev/null
}
check "CI runs by itself" wait_for 60 passed
expect_json "then it goes" .result.state "done" by rm --json promote staging --to production
equal "production has the code" "$(as_control git --git-dir="$(bare)" merge-base --is-ancestor "$head" production && echo yes)" yes
equal "and the table" "$(sql production "select count(*) from parts")" 0
equal "again there is nothing to do" "$(by rm --json promote staging --to production 2>/dev/null | jq -r .error.code)" nothing-to-do

note "a release candidate"
sed 's/  - { name: staging, parent: production/  - { name: candidate, parent: production }\n  - { name: staging, parent: candidate/
s/  - { from: staging, to: production, approvals: 0.*/  - { from: staging, to: candidate, approvals: 0, require: [schema-diff] }\n  - { from: candidate, to: production, approvals: 0, require: [schema-diff] }/
s/\(.*\)on: { from: staging, to: production } }/\1on: { from: staging, to: candidate } }\n\1on: { from: candidate, to: production } }/' \
  "$TEST_DIR/bough.yaml" >"$TEST_DIR/candidate.yaml"
check "it is declared" bough policy apply "$TEST_DIR/candidate.yaml" --yes
check "and has a branch" branch_exists candidate
refused "staging doesn't go past it" forbidden rm promote staging --to production
check "it goes again by declaration" bough policy apply "$TEST_DIR/bough.yaml" --yes
refused "then nothing goes there" branch-not-found rm promote staging --to candidate
