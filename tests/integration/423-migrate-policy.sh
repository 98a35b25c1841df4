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
