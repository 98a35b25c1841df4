#!/bin/bash
# Changes are taken from tier to tier: gates, snapshot, migrations once, ledger read back; what fails leaves the
# tier as it was; a tier is taken back to what it was, and that is taken back.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

promote() {
  by "$1" --json promote "$2" --to "$3" "${@:4}" 2>"$TEST_DIR/stderr"
}
migration() {
  mkdir -p migrations
  printf '%s\n' "$2" >"migrations/$1"
}
snapshots() {
  catalog_sql "select count(*) from lakebase.branches where kind = 'snapshot' and state = 'ready'"
}
copies() {
  catalog_sql "select count(*) from lakebase.branches where kind = 'rehearsal' and state <> 'deleted'"
}

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1, author_may_approve: false, require: \[ci, schema-diff\]/approvals: 0, require: [schema-diff]/
s/require: \[ci, schema-diff\]/require: [schema-diff]/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add ann human developer
add bot agent developer ann
add rev human reviewer
add rm human release-manager
add mia human release-manager
add nina human release-manager
cd "$TEST_DIR" || exit
migration 1_notes.sql "create table notes (id int primary key, text text);"
migration 1_notes.undo.sql "drop table notes;"
by ann branch create split >/dev/null 2>&1
check "the author applies to the feature" by ann migrate apply split

note "into the entry tier"
refused "who may not promote is told" forbidden ann promote split --to staging
expect_json "and the request waits for somebody who may" '[.result.promotions[0] | .state, .branch, .to] | join(" ")' "open split staging" by rev --json promotion list
expect_json "not past a tier" '.error.code' forbidden bough --json promote split --to production
before=$(snapshots)
expect_json "who may does it" '[.result.state, .result.migrations[0].version, (.result.snapshot | startswith("staging-") | tostring)] | join(" ")' "done 1 true" promote rev split staging
equal "the tier has it" "$(sql staging "select count(*) from notes")" 0
equal "its ledger says so, by whom and from where" "$(sql staging "select state, author, branch from bough.migrations")" "done|ann|split"
equal "a snapshot is kept, and no copy" "$(snapshots) $(copies)" "$((before + 1)) 0"
equal "again there is nothing to do" "$(promote rev split staging | jq -r .error.code)" nothing-to-do

note "into a protected tier: approvals for what was seen"
refused "approvals are missing" forbidden rm promote staging --to production
check "what it would do is shown" promote rm staging production --dry-run
expect_json "gates are told" '[.result.gates[] | select(.ok | not) | .gate] | join(" ")' "approvals promote" promote rm staging production --dry-run
one() {
  catalog_sql "select p from lakebase.promotions p where to_tier = 'production'"
}
catalog_sql "update lakebase.promotions set state = 'stopped', step = 'migrating', promoted_by = 'rm' where to_tier = 'production'"
stopped=$(one)
check "one that stopped is looked at" promote rm staging production --dry-run
check "and approved" promote rm staging production --approve
equal "which leaves it as it is" "$(one)" "$stopped"
catalog_sql "update lakebase.promotions set state = 'open', step = '', promoted_by = null where to_tier = 'production'"
check "one approves" promote rm staging production --approve
refused "one isn't two" forbidden rm promote staging --to production
check "the same again" promote rm staging production --approve
refused "counts once" forbidden rm promote staging --to production
refused "an author approves nothing" forbidden ann promote staging --to production --approve
check "another one approves" promote mia staging production --approve
expect_json "then it goes" '[.result.state, .result.migrations[0].version] | join(" ")' "done 1" promote rm staging production
equal "production has it" "$(sql production "select count(*) from notes")" 0
equal "the audit has who and what" "$(catalog_sql "select actor, status from access.audit where action_name = 'promote' and status = 'ok' order by event_time desc limit 1")" "rm|ok"

note "rollback, counted from the log, and taken back"
platform_sql production app "insert into notes select n, 'x' from generate_series(1, 5) n" >/dev/null
platform_sql production app "begin; savepoint a; insert into notes values (6, 'y'); release a; update notes set text = 'z' where id = 1; commit" >/dev/null
platform_sql production app "begin; insert into notes values (7, 'gone'); rollback" >/dev/null
platform_sql production app "update inventory set quantity = quantity where ctid in (select ctid from inventory limit 3)" >/dev/null || true
by rm --json rollback production --dry-run >"$TEST_DIR/preview" 2>/dev/null
equal "committed transactions are counted per table" "$(jq -r '[.result.lost[] | select(.table == "public.notes") | .transactions] | join(" ")' "$TEST_DIR/preview")" 2
equal "and together" "$(jq -r '.result.known, .result.transactions' "$TEST_DIR/preview" | tr '\n' ' ')" "true 3 "
refused "it asks" unconfirmed rm rollback production
refused "who may not is told" forbidden ann rollback production --yes
by rm --json rollback production --yes >"$TEST_DIR/rollback" 2>/dev/null
equal "it is done" "$(jq -r .ok "$TEST_DIR/rollback")" true
left=$(jq -r .result.previous "$TEST_DIR/rollback")
equal "the tier is what it was" "$(sql production "select to_regclass('notes') is null")" t
equal "what was left behind is there to be looked at" "$(sql "$left" "select count(*) from notes")" 6
equal "the promotion is undone" "$(by rm --json promotion list | jq -r '[.result.promotions[] | select(.to == "production") | .state] | join(" ")')" undone
check "and it is taken back" by rm rollback production --to "$left" --yes
equal "with all that was committed" "$(sql production "select count(*) from notes")" 6
