#!/bin/bash
# Migrations under a policy: an owner applies to its own feature, rights need a right of their own, a tier is
# changed by nobody directly, and a proof is made on copies that the policy lets be made.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

start_bough
make_project shop
write_policy
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add ann human developer
add eve human developer
add op human platform
cd "$TEST_DIR" || exit
mkdir migrations
printf 'create table notes (id int);\n' >migrations/1_notes.sql
printf 'drop table notes;\n' >migrations/1_notes.undo.sql

check "a feature of one's own" by ann branch create mine
check "apply" by ann migrate apply mine
equal "in one's own name" "$(by ann --json migrate status mine | jq -r '.result.migrations[0].author')" ann
check "rollback" by ann migrate rollback mine
refused "a tier is changed by promotion" forbidden ann migrate apply staging
refused "another's feature isn't one's own" forbidden eve migrate apply mine
expect_json "but may be looked at" '.result.pending' 1 by eve --json migrate status mine
printf 'grant select on notes to public;\n' >migrations/2_grant.sql
refused "rights need a right of their own" forbidden ann migrate apply mine
equal "and nothing of it was run" "$(as ann mine "select to_regclass('notes') is null")" t
rm migrations/2_grant.sql
names=$(branch_names)
equal "a proof on the entry tier, by who may fork it" "$(by ann --json migrate verify staging | jq -r .result.proved)" true
equal "leaves nothing" "$(branch_names)" "$names"

note "what an undo does needs its rights, too"
check "its own feature again" by ann branch create proof
printf 'create table more (id int);\n' >migrations/3_more.sql
printf 'grant select on notes to public; drop table more;\n' >migrations/3_more.undo.sql
equal "in a proof" "$(by ann --json migrate verify staging | jq -r '.result.migrations[] | select(.version == "3") | .rollback.code')" forbidden
rm migrations/3_more*

note "extensions that take a superuser"
extension() { platform_sql ext app "select extowner::regrole, extnamespace::regnamespace from pg_extension where extname = '$1'"; }
check "a feature" bough branch create ext
mkdir -p "$TEST_DIR/ext/migrations"
cd "$TEST_DIR/ext" || exit
printf 'create extension if not exists bloom;\ncreate table b (a int, c int);\ncreate index on b using bloom (a, c);\nselect 1 / 0;\n' >migrations/1_bloom.sql
printf 'drop table b; drop extension bloom;\n' >migrations/1_bloom.undo.sql
expect_error forbidden "one that isn't declared" migrate apply ext
matches "by the key that declares it" "$(bough migrate apply ext 2>&1 || true)" 'extensions'
echo 'extensions: [bloom, earthdistance, xml2]' >>"$TEST_DIR/bough.yaml"
check "declared" bough policy apply "$TEST_DIR/bough.yaml" --yes
expect_error migration-failed "a migration that fails" migrate apply ext
equal "leaves none" "$(extension bloom)" ""
sed -i '$d' migrations/1_bloom.sql
as op ext 'create schema bough_extension' >/dev/null
expect_error migration-failed "the platform's own schema is new or not at all" migrate apply ext --accept migration-drift
as op ext 'drop schema bough_extension' >/dev/null
check "it is made" bough migrate apply ext --accept migration-drift
equal "for the owner, where it is looked for" "$(extension bloom)" "bough_owner|public"
equal "what is in it is the superuser's" "$(platform_sql ext app "select proowner::regrole from pg_proc where proname = 'blhandler'")" bough_platform
equal "and nothing else is left" "$(platform_sql ext app "select to_regnamespace('bough_extension') is null")" t
check "undone" bough migrate rollback ext
equal "it is gone" "$(extension bloom)" ""
equal "with who owned it" "$(platform_sql ext app "select count(*) from pg_shdepend where classid = 'pg_extension'::regclass")" 0
rm migrations/*
printf 'create extension if not exists earthdistance cascade;\n' >migrations/1_earth.sql
expect_error migration-invalid "not one whose script looks into other schemas" migrate apply ext
printf 'create extension if not exists xml2;\n' >migrations/1_earth.sql
expect_error migration-invalid "nor one that would stand among others" migrate apply ext
printf 'create extension if not exists xml2 schema xml;\ncreate table xml.x (x xml);\n' >migrations/1_earth.sql
check "but in a schema of its own" bough migrate apply ext
equal "which is the owner's" "$(extension xml2)" "bough_owner|xml"
cd "$TEST_DIR" || exit

note "a policy that comes between two migrations"
as ann proof 'create table go (now bool)' >/dev/null
printf 'do $$ begin while not exists (select from go) loop perform pg_sleep(0.1); end loop; end $$;\n' >migrations/3_wait.sql
printf 'create table late (id int);\n' >migrations/4_late.sql
by ann --json migrate apply proof >"$TEST_DIR/apply" 2>&1 &
apply=$!
waits() {
  [[ $(platform_sql proof app "select count(*) from pg_stat_activity where application_name = 'bough migrate' and query ~ 'pg_sleep' and pid <> pg_backend_pid()") == 1 ]]
}
check "the first runs" wait_for 60 waits
sed 's/branch.expire, migration.apply\], on: feature/branch.expire], on: feature/; s/action: \[branch.read\], on: \[staging\]/action: [branch.read, branch.write], on: feature/' \
  "$TEST_DIR/bough.yaml" >"$TEST_DIR/without.yaml"
check "the right goes" bough policy apply "$TEST_DIR/without.yaml" --yes
platform_sql proof app 'insert into go values (true)' >/dev/null
wait "$apply" || true
equal "what comes after it is refused" "$(jq -r .error.code "$TEST_DIR/apply")" forbidden
equal "and isn't there" "$(as ann proof "select to_regclass('late') is null")" t
equal "the first one is" "$(by ann --json migrate status proof | jq -r '[.result.migrations[] | select(.version == "3") | .state][0]')" applied

note "who writes rows doesn't write the ledger, whose texts are run again by others"
add app human analyst
equal "it writes" "$(as app proof 'insert into go values (false); select current_user')" bough_writer
equal "and reads the ledger" "$(as app proof "select count(*) from bough.migrations where version = '3'")" 1
for statement in "update bough.migrations set up = 'grant bough_owner to bough_u_app'" 'delete from bough.migrations' \
  "insert into bough.migrations overriding system value select * from bough.migrations"; do
  sqlstate "$statement" 42501 app proof "$statement"
done
