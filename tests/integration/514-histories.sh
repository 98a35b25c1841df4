#!/bin/bash
# Two real histories as they would have come in: what each number of the history has is a feature, which is claimed,
# applied, proposed, tested, reviewed, merged, and with others promoted. At the end the tiers are what plain psql makes
# of the same files. Short form: five features of each; HISTORIES_LONG=1: more than thirty.
#
# What an honest developer does on the way, and so does this script:
#  - gitness tells files apart by their whole names, so its policy declares the layout "stem"; its first files make
#    extensions, so the policy lists those, and gives those who take them through migration.privilege;
#  - where the linter is sure that a migration fails on rows, the file says why there are none;
#  - an undo that was measured not to lead back (results/*.json) is no undo: the file isn't committed.
TEST_TIMEOUT=7200
POOL_SIZE=${HISTORIES_LONG:+8G}
POOL_SIZE=${POOL_SIZE:-5G}
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"
# shellcheck source=tests/harness/postgres.sh
source "$ROOT/tests/harness/postgres.sh"

[[ -d $BOUGH_TEST_DATA/mig ]] || skip_all "no histories in $BOUGH_TEST_DATA/mig"
FEATURES=5 TOGETHER=5
[[ -z ${HISTORIES_LONG:-} ]] || FEATURES=32 TOGETHER=8
declare -A PROJECT=([gitness]=gitness [exposure_notifications]=exposure)
declare -A EMPTY_TABLES=([gitness]="0033_alter_ci_tables" [exposure_notifications]="000009_export_bucket_name")
REASON="-- bough:ignore-file add-required-column no tier has rows of these tables yet"

# policy HISTORY
policy() {
  local privilege="" more=""
  if [[ $1 == gitness ]]; then
    privilege=", migration.privilege"
    more="extensions: [btree_gin, citext, pg_trgm]
migrations: { layout: stem }"
  fi
  cat <<EOF
version: 1
project: ${PROJECT[$1]}
tiers:
  - { name: production, protected: true }
  - { name: staging, parent: production }
entry: staging
features: { ttl: 14d }
work_branches: { ci: { parent: target, ttl: 1d } }
roles: [developer, ci, reviewer, release-manager, platform]
allow:
  - { role: developer, action: [branch.create, branch.read, branch.write, branch.own, branch.delete, migration.apply$privilege], on: feature, own: true }
  - { role: developer, action: branch.fork, on: staging }
  - { role: reviewer, action: [branch.read$privilege], on: feature }
  - { role: reviewer, action: [promote.approve, promote], on: { from: feature, to: staging } }
  - { role: release-manager, action: [branch.read$privilege], on: staging }
  - { role: release-manager, action: [promote.approve, promote], on: { from: staging, to: production } }
  - { role: ci, action: branch.fork, on: [staging, production], kind: ci }
  - { role: ci, action: [branch.create, branch.read, branch.write, branch.own, branch.delete, migration.apply$privilege, ci.report], on: ci, own: true }
  - { role: platform, action: "*", on: "*" }
promotion:
  - { from: feature, to: staging, approvals: 1, require: [ci, schema-diff] }
  - { from: staging, to: production, approvals: 1, require: [ci, schema-diff] }
commands: { test: "sh tests/run.sh" }
keep: { snapshots: 1d }
$more
EOF
}

# prepare HISTORY: its project, with a repository whose test counts what was applied
prepare() {
  local work=$TEST_DIR/$1
  export BOUGH_PROJECT=${PROJECT[$1]}
  check "$1: an empty project" bough project create "$BOUGH_PROJECT" --empty
  policy "$1" >"$TEST_DIR/$1.yaml"
  check "$1: its policy" bough policy apply "$TEST_DIR/$1.yaml" --yes
  git init -q -b main "$work"
  mkdir "$work/tests"
  cat >"$work/tests/run.sh" <<'SH'
set -eu
test "$(psql -XAtc "select count(*) from bough.migrations where state = 'done'")" = "$(ls migrations | grep -c '\.up\.sql$')"
SH
  git -C "$work" add --all
  git -C "$work" commit -q -m 'The beginning'
  (cd "$work" && bough init) >/dev/null
  bough branch create by-hand >/dev/null 2>&1
}

# numbers HISTORY: the first ones, each a feature
numbers() {
  find "$BOUGH_TEST_DATA/mig/$1" -name '*.up.sql' -printf '%f\n' | sed 's/_.*//' | LC_ALL=C sort -u | head -n "$FEATURES"
}

# leads_back HISTORY STEM: whether its undo does, by what was measured
leads_back() {
  ! jq -r '.drift[], (.down_fail[] | .[0])' "$BOUGH_TEST_DATA/results/$1.json" | sed 's/ (empty down)//' | grep -qxF "$2"
}

# take_files HISTORY NUMBER: into the checkout, as the history has them
take_files() {
  local file stem
  for file in "$BOUGH_TEST_DATA/mig/$1/$2"_*.up.sql; do
    stem=$(basename "$file" .up.sql)
    { [[ ${EMPTY_TABLES[$1]} != "$stem" ]] || echo "$REASON"; } >"migrations/$stem.up.sql"
    cat "$file" >>"migrations/$stem.up.sql"
    file=${file%.up.sql}.down.sql
    [[ ! -f $file ]] || ! leads_back "$1" "$stem" || cp "$file" migrations/
  done
}

promote_all() {
  by rm ci run --from staging --to production
  by rm promote staging --to production --approve
  by rm promote staging --to production
}

# replay HISTORY: stops at the first command that fails
replay() {
  local number feature count=0
  export BOUGH_PROJECT=${PROJECT[$1]}
  cd "$TEST_DIR/$1" || return 1
  mkdir -p migrations
  for number in $(numbers "$1"); do
    feature=change-$number
    echo "== $feature"
    by dev scm claim "$feature"
    take_files "$1" "$number"
    by dev migrate apply "$feature"
    git add --all
    git commit -q -m "$feature"
    by dev scm prepare-pr
    by dev scm wait-ci --timeout 10m || { by dev ci log "$((count + 1))" && return 1; }
    by rev pr review "$((count + 1))" --approve >/dev/null
    by rev scm merge
    count=$((count + 1))
    ((count % TOGETHER != 0)) || promote_all
  done
  ((count % TOGETHER == 0)) || promote_all
  echo "$count" >"$TEST_DIR/$1.count"
}

# plain HISTORY: the same files by psql, into a cluster that has nothing to do with Bough
plain() {
  local number file
  source_sql postgres "create database ${PROJECT[$1]}"
  for number in $(numbers "$1"); do
    for file in "$BOUGH_TEST_DATA/mig/$1/$number"_*.up.sql; do
      psql -Xq -v ON_ERROR_STOP=1 "$SOURCE dbname=${PROJECT[$1]}" -f "$file"
    done
  done
}

# dump CONNINFO: the schema, without who owns it, what is Bough's, and what pg_dump says about itself
dump() {
  pg_dump --schema-only --no-owner --no-privileges --exclude-schema=bough "$1" |
    grep -v -e '^--' -e '^SET ' -e '^SELECT pg_catalog.set_config' -e '^[\]' -e '^$'
}

# compare HISTORY
compare() {
  local files
  files=$(git -C "$TEST_DIR/$1" ls-files 'migrations/*.up.sql' | wc -l)
  export BOUGH_PROJECT=${PROJECT[$1]}
  check "$1: plain psql takes the same files" plain "$1"
  dump "$SOURCE dbname=$BOUGH_PROJECT" >"$TEST_DIR/$1.plain"
  at_least "$1: which make something" "$(wc -l <"$TEST_DIR/$1.plain")" 40
  for tier in staging production; do
    dump "$(connection "$tier")" >"$TEST_DIR/$1.$tier"
    check "$1: $tier is what psql makes of them" diff "$TEST_DIR/$1.plain" "$TEST_DIR/$1.$tier"
  done
  equal "$1: and bough diff sees nothing between the tiers" "$(bough --json diff staging --against production | jq .result.same)" true
  check "$1: nor to what psql makes of them on a branch" by_hand "$1"
  equal "$1: each file is in production's ledger once" "$(sql production "select count(*) || ' ' || count(distinct (version, name)) from bough.migrations where state = 'done'")" \
    "$files $files"
  equal "$1: a name that both projects have leads to this one's" "$(by rm psql staging -- -XAtqc "select count(*) from bough.migrations where state = 'done'")" "$files"
  equal "$1: git has them all" "$(git -C "$TEST_DIR/$1" fetch -q bough && git -C "$TEST_DIR/$1" diff --name-only bough/staging bough/production)" ""
  equal "$1: no pair, no run, no copy is left" "$(catalog_sql "select string_agg(b.name, ' ' order by b.name) from lakebase.branches b join lakebase.projects p using (project_id) where p.name = '$BOUGH_PROJECT' and b.state <> 'deleted' and b.kind <> 'snapshot'")" "production staging"
  equal "$1: the audit tells each story" "$(catalog_sql "select count(*) from access.audit a join lakebase.projects p using (project_id) where p.name = '$BOUGH_PROJECT' and action_name = 'workflow.merge' and a.status = 'ok'")" "$(cat "$TEST_DIR/$1.count")"
}

# by_hand HISTORY: psql with the same files on a branch that was forked before the first feature
by_hand() {
  local file
  for file in $(git -C "$TEST_DIR/$1" ls-files 'migrations/*.up.sql' | LC_ALL=C sort); do
    bough psql by-hand -- -Xq -v ON_ERROR_STOP=1 -f "$TEST_DIR/$1/$file"
  done
  bough --json diff by-hand --against production | jq -e .result.same
  bough branch delete by-hand
}

start_bough
source_start
add dev human developer
add rev human reviewer
add rm human release-manager
add ci ci ci
for history in "${!PROJECT[@]}"; do prepare "$history"; done

note "$FEATURES features of each, side by side"
declare -A REPLAY
for history in "${!PROJECT[@]}"; do
  (replay "$history") >"$TEST_DIR/$history.log" 2>&1 &
  REPLAY[$history]=$!
done
for history in "${!PROJECT[@]}"; do
  if wait "${REPLAY[$history]}"; then pass "$history: all went in"; else
    fail "$history: all went in" "$(tail -n 40 "$TEST_DIR/$history.log")"
  fi
done
for history in "${!PROJECT[@]}"; do compare "$history"; done
source_stop
