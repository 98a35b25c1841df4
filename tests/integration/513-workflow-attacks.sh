#!/bin/bash
# An agent with a shell in the repository against the gates between green and merged: history rewritten after CI,
# other migrations on the database than in the commit, none at all, some that were only noted, rights that no
# statement shows, its own and its twin's approval, another policy on its branch, a state file from git. Each is
# refused with its reason, on record, and the next honest command works.
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
add bot agent developer dev
add twin agent reviewer dev
add rev human reviewer
add ci ci ci
STATE=.lakebase/workflow-state.json
begin_work
bough init >/dev/null

scm() {
  by "$1" scm "${@:2}"
}
recorded() {
  catalog_sql "select state from lakebase.changes where feature = '$1' order by serial desc limit 1"
}
# text FILE UP DOWN: a migration in the work tree
text() {
  echo "$2" >"migrations/$1.sql"
  echo "$3" >"migrations/$1.undo.sql"
}
# green: what is committed goes to ci-green
green() {
  check "prepare-pr" scm bot prepare-pr "$@"
  check "CI" scm bot wait-ci --timeout 4m
}
tier_has() {
  sql staging "select to_regclass('$1') is not null"
}

check "claim" scm bot claim parts
text 20260101000000_parts 'create table parts (id int primary key);' 'drop table parts;'
check "apply" by bot migrate apply parts
git add . && git commit -q -m 'Parts'
green

note "who approves"
refused "the agent" forbidden bot pr review 1 --approve
refused "who it acts for" forbidden dev pr review 1 --approve
refused "another agent of the same person" forbidden twin pr review 1 --approve
refused "and without an approval nobody merges" forbidden rev scm merge parts
check "a reviewer does" by rev pr review 1 --approve

note "the database has something else than the commit"
check "it is taken back there" by bot migrate rollback parts
refused "none: the tier would lack what the code relies on" migrations-pending rev scm merge parts
cp -r migrations "$TEST_DIR/honest"
text 20260101000000_parts 'create table parts (id int primary key); create table backdoor (id int);' 'drop table backdoor; drop table parts;'
check "another text is applied, not committed" by bot migrate apply parts
by bot --json promote parts --to staging --dry-run >/dev/null 2>&1 || true # keeps a schema diff of it
git checkout -q migrations
refused "another one" migration-edited rev scm merge parts
check "taken back again" by bot migrate rollback parts
check "and only noted" by bot migrate apply parts --baseline
refused "noted isn't run" migrations-pending rev scm merge parts
check "reset" by bot branch reset parts
text 20260101000001_more 'create table more (id int);' 'drop table more;'
check "one that no commit has beside it" by bot migrate apply parts
rm migrations/20260101000001_more.*
by bot --json promote parts --to staging --dry-run >/dev/null 2>&1 || true
refused "more" db-ahead-of-code rev scm merge parts
equal "the tier has nothing of all that" "$(tier_has parts)$(tier_has backdoor)$(tier_has more)" fff
equal "the state stays" "$(recorded parts)" ci-green

note "history is rewritten after CI"
check "honest again" by bot branch reset parts
text 20260101000000_parts 'create table parts (id int primary key);' 'drop table parts; drop table inventory cascade;'
check "but for what undoes it" by bot migrate apply parts
git checkout -q migrations
echo evil >code && git commit -q -a --amend -m 'Parts'
check "a forced push" pushes_as bot . --force bough feature/parts
equal "takes it back" "$(recorded parts)" feature-claimed
refused "what was green isn't merged" bad-precondition rev scm merge parts
refused "nor is it green without CI" bad-precondition bot scm wait-ci
expect_json "the approval is gone as well" '.result.approved_by | length' 0 by rev --json pr show 1

note "another policy on its branch, a state file out of git"
sed 's/approvals: 1/approvals: 0/; s/require: \[ci, schema-diff\]/require: []/' bough.yaml >"$TEST_DIR/mine.yaml"
cp "$TEST_DIR/mine.yaml" bough.yaml
git add bough.yaml && git commit -q -m 'My rules'
refused "it can't apply them" forbidden bot policy apply bough.yaml --yes
green
refused "on its branch they mean nothing" forbidden rev scm merge parts
git add -f "$STATE" && git commit -q -m 'My state'
check "prepared again" scm bot prepare-pr
git checkout -q HEAD -- "$STATE"
equal "git's copy is of when it was green" "$(jq -r .state "$STATE")" ci-green
refused "that doesn't make it green" state-file-differs bot scm merge
git reset -q --hard HEAD~2
check "doctor puts it right" scm bot doctor --fix state-file
green --force
check "approved" by rev pr review 1 --approve
check "and merged" scm rev merge parts
equal "as it was proposed" "$(tier_has parts)$(tier_has backdoor)$(tier_has more)" tff
equal "with what undoes it" "$(platform_sql staging app "select undo from bough.migrations where version = '20260101000000'")" 'drop table parts;'

note "rights"
git checkout -q staging 2>/dev/null || true
check "claim" scm bot claim rights
text 20260102000000_rights 'grant select on inventory to public;' 'revoke select on inventory from public;'
refused "a GRANT isn't applied" forbidden bot migrate apply rights
git add . && git commit -q -m 'Rights'
refused "so it isn't proposed" migrations-pending bot scm prepare-pr
check "noted only" by bot migrate apply rights --baseline
refused "it isn't either" migrations-pending bot scm prepare-pr
check "reset" by bot branch reset rights
text 20260102000000_rights "do \$\$ begin execute 'create function sneak() returns int language sql security definer as ''select 1'''; end \$\$;" 'drop function sneak();'
check "what a DO block hides is applied on its own branch" by bot migrate apply rights
git add . && git commit -q -m 'Rights'
green
check "approved" by rev pr review 2 --approve
refused "but doesn't get into a tier" forbidden rev scm merge rights
matches "which says why" "$(by rev --json scm merge rights 2>/dev/null | jq -r .error.message)" "more to rights"
equal "nothing of it is there" "$(sql staging "select count(*) from pg_proc where proname = 'sneak'")" 0

note "on record, and the honest way is open"
for code in migrations-pending migration-edited db-ahead-of-code bad-precondition forbidden state-file-differs; do
  at_least "$code" "$(catalog_sql "select count(*) from access.audit where status = 'refused' and error_code = '$code' and actor in ('bot', 'rev')")" 1
done
check "abandon" scm bot abandon --force
check "the next claim" scm bot claim honest
