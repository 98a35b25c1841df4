#!/bin/bash
# Each finding of `bough scm doctor` comes of what it is about, and each way to put one right does. And every pair of a
# state and a command that the workflow's table refuses is refused by the server with the table's code.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
sed -i 's/approvals: 1, author_may_approve: false, require: .ci, schema-diff. }/approvals: 0, require: [] }/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add dev human developer
begin_work
STATE=.lakebase/workflow-state.json
declare -A SEEN

# found TEXT ID...: doctor has those findings now
found() {
  local text=$1 list id
  shift
  list=$( (bough --json scm doctor 2>/dev/null || true) | jq -r '[.result.findings[].id] | unique | join(" ")')
  for id in "$@"; do
    SEEN[$id]=1
    if [[ " $list " == *" $id "* ]]; then pass "$text: $id"; else fail "$text: $id" "found: $list"; fi
  done
}
gone() { # ID...
  local list id
  list=$( (bough --json scm doctor 2>/dev/null || true) | jq -r '[.result.findings[].id] | unique | join(" ")')
  for id in "$@"; do
    if [[ " $list " == *" $id "* ]]; then fail "$id is put right" "found: $list"; else pass "$id is put right"; fi
  done
}
# refusals STATE FEATURE: each command that the table refuses there
refusals() {
  local event code
  while read -r event code; do
    [[ $event == init ]] && route=init body="{\"git_branch\":\"feature/$2\"}" || route="$2/$event" body='{}'
    equal "$1: $event is refused" "$(api_post "/v1/projects/shop/workflow/$route" "$body" | jq -r .error.code)" "$code"
  done < <(awk -F'[(,]' -v state="$1" '
    FILENAME ~ /states/ && /^SCM_EVENT\(/ { name = $2; match($0, /"[^"]*"/); text[name] = substr($0, RSTART + 1, RLENGTH - 2) }
    FILENAME ~ /states/ && /^SCM_REFUSE\(/ { gsub(/ /, ""); if ($2 == state && $3 !~ /MOVED|LOST/) print text[$3], tolower($4) }' \
    "$ROOT/src/scm/states.def" | tr _ -)
}

note "before init"
refusals NONE one
found "nothing is there yet" tier-branch-missing state-file-missing
bough init >/dev/null
gone tier-branch-missing state-file-missing
refusals SCAFFOLD one

note "of the work tree"
bough --quiet scm claim one
refusals CLAIMED one
cp "$STATE" "$TEST_DIR/good"
head -c 50 "$TEST_DIR/good" >"$STATE"
found "cut short" state-file-invalid
check "put right" bough scm doctor --fix state-file-invalid
jq '.parent_branch = "production"' "$TEST_DIR/good" >"$STATE"
found "edited" state-file-differs
check "put right" bough scm doctor --fix state-file-differs
git add -f "$STATE"
found "in git" state-file-tracked
check "put right" bough scm doctor --fix state-file-tracked
equal "the file stays" "$(jq -S . "$STATE")" "$(jq -S . "$TEST_DIR/good")"
sed -i 's/^BOUGH_BRANCH=.*/BOUGH_BRANCH=other/' .env
found "another branch's" env-branch-drift
check "put right" bough scm doctor --fix env-branch-drift
rm .env
found "no .env" env-missing
check "put right" bough scm doctor --fix env-missing
git add -f .env
found ".env in git" env-tracked
git rm -q --cached .env
rm .git/hooks/post-checkout
found "no hook" hook-missing
check "put right" bough scm doctor --fix hook-missing
gone state-file-invalid state-file-differs state-file-tracked env-branch-drift env-missing env-tracked hook-missing
printf '#!/bin/sh\n' >.git/hooks/post-checkout
found "somebody's hook" hook-foreign
expect_status 1 "isn't put right by itself" bough scm doctor --fix hook-foreign
rm .git/hooks/post-checkout
bough scm doctor --fix hook >/dev/null 2>&1 || true
touch untracked
echo "# more" >>bough.yaml
found "changed files" dirty-working-tree policy-file-differs
rm untracked && git checkout -q bough.yaml
git remote rename -f bough gone 2>/dev/null || git remote rename bough gone
found "no remote" remote-missing
git remote rename gone bough
git checkout -q --detach
found "on no branch" head-detached
git checkout -q -b feature/unclaimed
found "a branch that nobody claimed" orphan-git-branch
git checkout -q feature/one

note "of git and the database"
printf 'create table one (id int primary key);\n' >migrations/1_one.sql
printf 'drop table one;\n' >migrations/1_one.undo.sql
git add . && git commit -q -m One
found "not applied" git-ahead-of-database
bough --quiet migrate apply one
mv migrations/1_one.sql "$TEST_DIR/kept.sql"
mv migrations/1_one.undo.sql "$TEST_DIR/kept.undo.sql"
printf 'select 2;\n' >migrations/2_two.sql
found "not in the folder" db-ahead-of-code
rm migrations/2_two.sql
printf 'create table edited (id int primary key);\n' >migrations/1_one.sql
found "another text" migrations-disagree
mv "$TEST_DIR/kept.sql" migrations/1_one.sql
mv "$TEST_DIR/kept.undo.sql" migrations/1_one.undo.sql
check "prepare-pr" bough scm prepare-pr
refusals PR_READY one
git commit -q --allow-empty -m more
found "not pushed" git-ahead-of-forge
git reset -q --hard HEAD~1
check "green" bough scm wait-ci --timeout 1m
refusals CI_GREEN one

note "of the server"
bare=$(bare)
head=$(head_of feature/one)
moved() { # REF COMMIT: behind the server's back
  as_control git --git-dir="$bare" update-ref "refs/heads/$1" "$2"
}
other=$(as_control env GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x \
  git --git-dir="$bare" commit-tree -p "$head" -m other "$head^{tree}")
moved feature/one "$other"
found "somebody pushed" head-moved git-behind-forge
as_control git --git-dir="$bare" update-ref -d refs/heads/feature/one
found "the forge lost it" git-branch-missing
moved feature/one "$head"
tier=$(head_of staging)
moved staging "$other"
found "the tier went on" base-moved
moved staging "$tier"
catalog_sql "update lakebase.pulls set state = 'closed' where head_branch = 'feature/one'"
found "closed" pull-request-closed
catalog_sql "update lakebase.pulls set state = 'open' where head_branch = 'feature/one'"
catalog_sql "update lakebase.branches set expires_at = now() + interval '1 hour' where name = 'one'"
found "soon over" pair-expiring
catalog_sql "update lakebase.branches set expires_at = now() + interval '9 days' where name = 'one'"
catalog_sql "update lakebase.changes set tier = 'production' where feature = 'one'"
found "another tier" parent-changed
catalog_sql "update lakebase.changes set tier = 'staging' where feature = 'one'"
bough branch create lonely --kind feature --parent staging >/dev/null 2>&1
found "claimed by nobody" orphan-database-branch
bough branch delete lonely >/dev/null 2>&1
gone head-moved git-branch-missing base-moved pull-request-closed pair-expiring parent-changed orphan-database-branch
catalog_sql "insert into lakebase.promotion_texts (digest, content) values (repeat('0', 64), '[]')"
# stopped FROM TO PULL: a promotion that stopped half-way is on record
stopped() {
  catalog_sql "insert into lakebase.promotions (promotion_id, project_id, from_name, to_tier, source_branch_id, source_name,
      target_branch_id, pull_request, change_digest, state, step, requested_by)
    select 'pm-aaaaaaaaaaaa', project_id, name, '$2', branch_id, name, parent_id, $3, repeat('0', 64), 'stopped', 'migrating', 'dev'
    from lakebase.branches where name = '$1' and state = 'ready'"
}
stopped one staging 1
found "half-way" merge-stopped
catalog_sql "delete from lakebase.promotions where state = 'stopped'"
stopped staging production null
found "half-way" promotion-stopped
catalog_sql "delete from lakebase.promotions where state = 'stopped'"
check "merge" bough scm merge one
refusals MERGED one
bough --quiet scm claim two
bough branch delete two --recursive >/dev/null 2>&1 || bough branch delete two >/dev/null 2>&1
found "its database is gone" pair-missing
check "which is given up" bough scm abandon two --force
bough --quiet scm claim three
catalog_sql "update lakebase.changes set state = 'abandoned', ended_at = now() where feature = 'three'"
found "a rest" pair-left-over

all=$(awk -F'"' '/^SCM_FINDING/ { print $2 }' "$ROOT/src/scm/findings.def" | sort | xargs)
equal "all findings were seen" "$(printf '%s\n' "${!SEEN[@]}" | sort | xargs)" "$all"
