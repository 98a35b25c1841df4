#!/bin/bash
# What must not get into a tier doesn't: migrations that fail on the way, rights that nobody may give, changes beside
# the ledger, swapped evidence, no room for a snapshot. Each time the tier is as before, and the next honest try works.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

migration() {
  mkdir -p migrations
  printf '%s\n' "$2" >"migrations/$1"
}
# feature NAME: a branch of ann's with what the folder holds.
feature() {
  by ann branch create "$1" >/dev/null 2>&1
  by ann --json migrate apply "$1" >"$TEST_DIR/applied" 2>&1 || cat "$TEST_DIR/applied"
}
# fails TEXT STATUS CODE BRANCH: a promotion to staging does.
fails() {
  local status=0 output
  output=$(by rev --json promote "$4" --to staging 2>"$TEST_DIR/stderr") || status=$?
  if [[ $status == "$2" && $(jq -r .error.code <<<"$output") == "$3" ]]; then pass "$1"; else
    fail "$1" "expected $3 with status $2, got $status: $output"
  fi
}
state() {
  catalog_sql "select state from lakebase.promotions where source_name = '$1' order by serial desc limit 1"
}
tier_is() {
  equal "$1" "$(platform_sql staging app "select string_agg(distinct version, ' ' order by version) from bough.migrations where state = 'done'")" "$2"
}

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1, author_may_approve: false, require: \[ci, schema-diff\]/approvals: 0, require: [schema-diff]/
s/max_per_principal: 4/max_per_principal: 40/
s/branch.expire, migration.apply\], on: feature/branch.expire, migration.apply, migration.privilege], on: feature/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add ann human developer
add rev human reviewer
cd "$TEST_DIR" || exit
migration 1_first.sql "create table first (id int);"
migration 1_first.undo.sql "drop table first;"
feature first
check "the first one goes" by rev promote first --to staging

note "a migration that works on the feature and not on the tier"
migration 2_unique.sql "create table half (id int); alter table first add unique (id);"
migration 2_unique.undo.sql "drop table half; alter table first drop constraint first_id_key;"
feature unique
platform_sql staging app "insert into first values (1), (1)" >/dev/null
fails "it fails on the copy" 3 migration-failed unique
tier_is "the tier isn't touched" 1
equal "and nothing was begun" "$(state unique)" ""
platform_sql staging app "delete from first where ctid = '(0,1)'" >/dev/null
check "with the data put right it goes" by rev promote unique --to staging

note "one that fails on the tier alone, behind one that worked"
migration 3_one.sql "create table one (id int);"
migration 3_one.undo.sql "drop table one;"
migration 4_trap.sql "do \$\$ begin if exists (select from pg_catalog.pg_class where relname = 'trap') then raise exception 'caught'; end if; end \$\$;"
feature trap
kill_boughd
BOUGH_FAILPOINT=promote-confirmed=sleep:4000 bough up >/dev/null 2>&1
by rev --json promote trap --to staging >"$TEST_DIR/trap" 2>/dev/null &
promotion=$!
migrating() {
  [[ $(catalog_sql "select step from lakebase.promotions where source_name = 'trap'") == migrating ]]
}
check "the gates are behind it" wait_for 60 migrating
platform_sql staging app "create table trap (id int)" >/dev/null
wait "$promotion" || true
equal "it fails" "$(jq -r .error.code "$TEST_DIR/trap")" migration-failed
equal "and what had worked is taken back" "$(platform_sql staging app "select to_regclass('one') is null")" t
equal "the promotion is over" "$(state trap)" failed
platform_sql staging app "drop table trap" >/dev/null
kill_boughd
bough up >/dev/null 2>&1
check "then it goes" by rev promote trap --to staging

note "rights"
migration 5_grant.sql "grant select on first to public;"
feature grant
fails "a GRANT needs migration.privilege of who promotes" 2 forbidden grant
rm migrations/5_grant.sql
migration 5_hidden.sql "do \$\$ begin execute 'create function sneak() returns int language sql security definer as ''select 1'''; end \$\$;"
feature hidden
fails "and so does a definer function that a DO block hides" 2 forbidden hidden
matches "it says what it saw" "$(by rev --json promote hidden --to staging 2>/dev/null | jq -r .error.message)" "more to rights"
tier_is "the tier has nothing of it" "1 2 3 4"
rm migrations/5_hidden.sql

note "beside the ledger"
migration 5_plain.sql "create table plain (id int);"
feature drift
as ann drift "create table beside (id int)" >/dev/null
fails "a schema that the ledger doesn't explain" 2 migration-drift drift
rm migrations/5_plain.sql
migration 1_other.sql "create table other (id int);"
mkdir only && mv migrations/1_other.sql only/
by ann branch create clash >/dev/null 2>&1
platform_sql clash app "update bough.migrations set name = 'other', checksum = repeat('0', 64) where version = '1'" >/dev/null
fails "a version that is something else in the tier" 2 migration-collision clash

note "evidence"
migration 6_seen.sql "create table seen (id int);"
feature seen
check "what it would do is measured" by rev promote seen --to staging --dry-run
catalog_sql "update lakebase.schema_diffs set content = content || '-- harmless' where source_branch_id = '$(branch_id seen)'"
fails "a swapped schema diff is noticed" 3 catalog-invalid seen
catalog_sql "update lakebase.schema_diffs set (content, digest) = (select content, digest from lakebase.schema_diffs where source_branch_id = '$(branch_id unique)') where source_branch_id = '$(branch_id seen)'"
fails "and so is another one in its place" 2 merge-stale seen
check "measured anew it goes" by rev promote seen --to staging

note "no snapshot, no promotion"
migration 7_room.sql "create table room (id int);"
feature room
sed 's/limits: { branches: 40/limits: { branches: 1/' "$TEST_DIR/bough.yaml" >"$TEST_DIR/few.yaml"
check "no branch more is allowed" bough policy apply "$TEST_DIR/few.yaml" --yes
fails "it is refused" 2 limit-reached room
tier_is "and nothing was run" "1 2 3 4 6"
check "the limit goes" bough policy apply "$TEST_DIR/bough.yaml" --yes
check "then it goes" by rev promote room --to staging

note "the declared check of a tier"
sed 's/^keep:/commands: { post_check: "exit 7" }\nkeep:/' "$TEST_DIR/bough.yaml" >"$TEST_DIR/checked.yaml"
check "one is declared" bough policy apply "$TEST_DIR/checked.yaml" --yes
migration 8_checked.sql "create table checked (id int);"
migration 8_checked.undo.sql "drop table checked;"
feature checked
fails "it fails, and so does the promotion" 3 post-check-failed checked
equal "the tier is as before" "$(platform_sql staging app "select to_regclass('checked') is null")" t

note "an extension that takes a superuser"
sed 's/^keep:/extensions: [bloom]\nkeep:/' "$TEST_DIR/bough.yaml" >"$TEST_DIR/extended.yaml"
check "one is declared" bough policy apply "$TEST_DIR/extended.yaml" --yes
migration 9_bloom.sql "create extension if not exists bloom; create index on first using bloom (id);"
feature bloom
fails "it changes rights" 2 forbidden bloom
check "and goes by who may do that" bough promote bloom --to staging
equal "the tier has it" "$(platform_sql staging app "select extowner::regrole from pg_extension where extname = 'bloom'")" bough_owner

equal "no copy is left over" "$(catalog_sql "select count(*) from lakebase.branches where kind = 'rehearsal' and state <> 'deleted'")" 0
equal "nor a token" "$(catalog_sql "select count(*) from access.tokens t join lakebase.principals p using (principal_id) where p.name = 'rev'")" 1
