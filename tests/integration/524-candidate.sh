#!/bin/bash
# A change through a release candidate: claimed, merged to staging, promoted to the candidate, and from there to
# production, each with approvals of its own, which neither an author nor anybody's agent gives. Then the candidate
# is taken out by declaration, and nothing is lost.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
check "two tiers" bough policy apply "$TEST_DIR/bough.yaml" --yes
sed 's/  - { name: staging, parent: production/  - { name: candidate, parent: production }\n  - { name: staging, parent: candidate/
s/  - { from: staging, to: production, approvals: 2.*/  - { from: staging, to: candidate, approvals: 1, require: [schema-diff] }\n  - { from: candidate, to: production, approvals: 2, require: [ci, schema-diff] }/
s/\(.*\)on: { from: staging, to: production } }/\1on: { from: staging, to: candidate } }\n\1on: { from: candidate, to: production } }/' \
  "$TEST_DIR/bough.yaml" >"$TEST_DIR/candidate.yaml"
add dev human developer
add bot agent developer dev
add twin agent release-manager dev
add rev human reviewer
add rm human release-manager
add rmbot agent release-manager rm
add mia human release-manager
add ci ci ci
begin_work
bough init >/dev/null

# change ID TABLE: the agent's, up to its merge into staging
change() {
  git checkout -q staging
  git pull -q bough staging
  by bot --quiet scm claim "$2"
  mkdir -p migrations
  echo "create table $2 (id int primary key); insert into $2 values (1);" >"migrations/$1.sql"
  echo "drop table $2;" >"migrations/$1.undo.sql"
  by bot --quiet migrate apply "$2"
  git add . && git commit -q -m "$1"
  by bot scm prepare-pr && by bot scm wait-ci --timeout 4m &&
    by rev pr review "$3" --approve && by rev scm merge
}
has() { # TIER TABLE
  platform_sql "$1" app "select to_regclass('$2') is not null"
}
has_code() { # TIER FILE
  as_control git --git-dir="$(bare)" cat-file -e "$1:migrations/$2.sql" 2>/dev/null && echo t || echo f
}
promotes() { # TEXT FROM TO
  expect_json "$1" .result.state "done" by rm --json promote "$2" --to "$3"
}

check "the candidate is declared" bough policy apply "$TEST_DIR/candidate.yaml" --yes
equal "it has a branch of production's data" "$(sql candidate "select count(*) > 0 from inventory")" t
check "a change goes to staging" change 20260101000000_parts parts 1
equal "and no further" "$(has staging parts)$(has candidate parts)$(has production parts)" tff

note "to the candidate"
refused "an agent that wrote it approves nothing" forbidden bot promote staging --to candidate --approve
refused "nor does the one it acts for" forbidden dev promote staging --to candidate --approve
refused "nor another agent of that one, though it is a release manager" forbidden twin promote staging --to candidate --approve
refused "unapproved it doesn't go" forbidden rm promote staging --to candidate
check "a release manager approves" by mia promote staging --to candidate --approve
promotes "then it goes" staging candidate
equal "with its code" "$(has candidate parts)$(has_code candidate 20260101000000_parts)$(has production parts)$(has_code production 20260101000000_parts)" ttff

note "to production"
refused "staging doesn't go past the candidate" forbidden rm promote staging --to production
refused "an author is one on every tier" forbidden twin promote candidate --to production --approve
check "CI of what it would make" by rm ci run --from candidate --to production
check "one approves" by rm promote candidate --to production --approve
check "and its agent" by rmbot promote candidate --to production --approve
expect_json "which is the same person" '.result.gates[] | select(.gate == "approvals") | .message' "1 of 2 given" by rm --json promote candidate --to production --dry-run
refused "so it doesn't go" forbidden rm promote candidate --to production
check "a second one approves" by mia promote candidate --to production --approve
promotes "then it goes" candidate production
equal "everywhere, with its code" "$(has staging parts)$(has candidate parts)$(has production parts)$(has_code production 20260101000000_parts)" tttt
equal "its row, too" "$(platform_sql production app "select count(*) from parts")" 1

note "what is in the candidate alone when it goes"
check "another change goes to staging" change 20260102000000_late late 2
check "approved" by mia promote staging --to candidate --approve
promotes "and to the candidate" staging candidate
platform_sql candidate app "create table notes (id int); insert into notes values (7)" >/dev/null
check "the candidate is taken out" bough policy apply "$TEST_DIR/bough.yaml" --yes
refused "nothing goes there any more" branch-not-found rm promote staging --to candidate
equal "its branch stands, with all that is on it" "$(platform_sql candidate app "select (select count(*) from late) || ' ' || (select id from notes)")" "1 7"
equal "its code stands" "$(has_code candidate 20260102000000_late)" t
equal "staging is as it was" "$(has staging late)$(has_code staging 20260102000000_late)" tt
check "CI" by rm ci run --from staging --to production
check "approved by one" by rm promote staging --to production --approve
check "and another" by mia promote staging --to production --approve
promotes "what was in it goes to production from staging" staging production
equal "once" "$(platform_sql production app "select count(*) from late")$(has_code production 20260102000000_late)" 1t
equal "production's ledger has both, in order" "$(platform_sql production app "select string_agg(version, ' ' order by entry) from bough.migrations where state = 'done'")" "20260101000000 20260102000000"
equal "refused approvals are on record" "$(catalog_sql "select string_agg(distinct actor, ' ' order by actor) from access.audit where action_name like 'promote%' and status = 'refused' and error_code = 'forbidden'")" "bot dev rm twin"
