#!/bin/bash
# A crew at once on one repository: agents and people, each a principal with a clone of its own, whose features all
# touch the schema. Some take the same version, some the same lines, some what another one has taken meanwhile: they
# are given back with the reason, repair it, and come again. Then staging is promoted, and production is what the
# merged migrations alone make.
TEST_TIMEOUT=${CREW_LONG:+7200}
TEST_TIMEOUT=${TEST_TIMEOUT:-900}
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

AGENTS=${CREW_AGENTS:-20} # fewer, to look into something
PEOPLE=5
ROUNDS=${CREW_LONG:+4}
ROUNDS=${ROUNDS:-1}
ALL=$(((AGENTS + PEOPLE) * ROUNDS))
CREW=$TEST_DIR/crew
mkdir "$CREW"

start_bough
make_project shop
write_policy
sed -i 's/^keep:/commands: { test: "sh tests\/run.sh" }\nkeep:/; s/branches: 40/branches: 300/; s/max_per_principal: 4/max_per_principal: 20/
s/approvals: 2, author_may_approve: false, require: \[ci, schema-diff\]/approvals: 2, author_may_approve: false, require: [schema-diff]/
s/^promotion:/  - { role: [developer, agent], action: [promote], on: { from: feature, to: staging } }\npromotion:/' "$TEST_DIR/bough.yaml"
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
add ci ci ci
add rev human reviewer
add rel1 human release-manager
add rel2 human release-manager
bough branch create by-hand >/dev/null 2>&1 # before the first feature
for member in $(seq $((AGENTS + PEOPLE))); do
  if ((member <= PEOPLE)); then add "person$member" human developer; else
    add "agent$member" agent agent "person$((member % PEOPLE + 1))"; fi
done
name_of() { # MEMBER
  if (($1 <= PEOPLE)); then echo "person$1"; else echo "agent$1"; fi
}

mkdir "$TEST_DIR/work" "$TEST_DIR/work/tests"
cd "$TEST_DIR/work" || exit
git init -q -b main .
printf 'line one\nline two\n' >code
# Each merged feature's table is there, and what it says of itself.
printf 'set -eu\nfor file in migrations/*_crew*.sql; do :; done\npsql -XAtqc "select count(*) > 0 from inventory" | grep -q t\n' >tests/run.sh
git add . && git commit -q -m 'The beginning'
check "the repository" bough init

# What makes members get into each other's way:
#   3 and 4, 11 and 12: the same version; 6 and 7: the same line of the same file; 9 and 17: the same table
version_of() { # MEMBER ROUND
  local number=$1
  case $number in 4 | 12) number=$((number - 1)) ;; esac
  echo $((20260101000000 + $2 * 100000 + number * 10))
}

# In the clone of the feature: its migration, by that version.
write_migration() { # ID MEMBER VERSION
  local table=$1
  [[ ($2 != 9 && $2 != 17) || -e $CREW/$1.own-table ]] || table=shared${1##*x}
  mkdir -p migrations
  rm -f migrations/*_"$1".sql migrations/*_"$1".undo.sql
  echo "create table ${table//-/_} (id int primary key, note text not null default '$1');" >"migrations/$3_$1.sql"
  echo "alter table inventory add column ${1//-/_} int;" >>"migrations/$3_$1.sql"
  printf 'alter table inventory drop column %s;\ndrop table %s;\n' "${1//-/_}" "${table//-/_}" >"migrations/$3_$1.undo.sql"
}

# As its author does it, up to the green pull request and its review.
propose() { # NAME ID MEMBER VERSION
  write_migration "$2" "$3" "$4"
  by "$1" --quiet migrate apply "$2" && git add . && git commit -q -m "$2 as $4" &&
    by "$1" --quiet scm prepare-pr --force && by "$1" --quiet scm wait-ci --timeout 20m &&
    by rev --quiet pr review "$(jq -r '.pr_url | split("/") | last' .lakebase/workflow-state.json)" --approve
}

# What was given back is brought onto the tier as it is, under a version of now.
repair() { # NAME ID MEMBER VERSION
  BOUGH_TOKEN=${TOKEN[$1]} git fetch -q origin staging && by "$1" --quiet branch reset "$2" || return
  rm -f migrations/*_"$2".sql migrations/*_"$2".undo.sql
  git add . && git commit -q -m "$2 is put aside"
  git merge -q -X ours -m "staging into $2" FETCH_HEAD || return
  [[ $3 != 17 && $3 != 9 ]] || touch "$CREW/$2.own-table"
  propose "$1" "$2" "$3" "$4"
}

start_feature() { # NAME ID MEMBER ROUND
  BOUGH_TOKEN=${TOKEN[$1]} git clone -q bough://shop "$CREW/$2" && cd "$CREW/$2" && by "$1" --quiet init && by "$1" --quiet scm claim "$2" || return
  [[ $3 != 6 && $3 != 7 ]] || sed -i "s/line two.*/line two of $2/" code
  propose "$1" "$2" "$3" "$(version_of "$3" "$4")"
}

finish_feature() { # NAME ID MEMBER ROUND
  local attempt code status
  cd "$CREW/$2" || return
  for attempt in 1 2 3 4 5 6; do
    status=0
    by "$1" --json scm merge --timeout 20m >"$CREW/$2.json" || status=$?
    ((status != 0)) || return 0
    code=$(jq -r .error.code "$CREW/$2.json")
    echo "$2 $code $(jq -r '.error.message' "$CREW/$2.json")" >>"$CREW/refusals"
    repair "$1" "$2" "$3" $((20260101000000 + $4 * 100000 + attempt * 10000 + $3 * 10)) || return
  done
  return 1
}

# together WHAT ROUND: all of them at once, each a process of its own; their failures are told
together() {
  local what=$1 round=$2 member name id
  for member in $(seq $((AGENTS + PEOPLE))); do
    name=$(name_of "$member")
    id=crew$member-x$round
    ("$what" "$name" "$id" "$member" "$round" >"$CREW/$id.$what.log" 2>&1 || { echo "$id" && tail -n 3 "$CREW/$id.$what.log"; } >>"$CREW/failed-$what") &
  done
  wait
}

for round in $(seq "$ROUNDS"); do
  note "round $round"
  began=$SECONDS
  together start_feature "$round"
  equal "all are green and reviewed" "$(cat "$CREW/failed-start_feature" 2>/dev/null)" ""
  note "after $((SECONDS - began)) s"
  together finish_feature "$round"
  equal "all are merged" "$(cat "$CREW/failed-finish_feature" 2>/dev/null)" ""
  note "after $((SECONDS - began)) s"
done

# ---- what is left, and what it came to ----

merged_versions() {
  as_control git --git-dir="$(bare)" ls-tree --name-only "$1" migrations/
}
dump() { # BRANCH: its schema, without what pg_dump says about itself
  pg_dump --schema-only --no-owner --no-privileges --exclude-schema=bough "$(connection "$1")" |
    grep -v -e '^--' -e '^SET ' -e '^SELECT pg_catalog.set_config' -e '^[\]' -e '^$'
}
by_hand() {
  local file
  merged_versions production | grep -v undo | LC_ALL=C sort | while read -r file; do
    as_control git --git-dir="$(bare)" show "production:$file" | bough psql by-hand -- -Xq -v ON_ERROR_STOP=1 -f - || return
  done
}
nothing_left() {
  [[ $(catalog_sql "select count(*) from lakebase.branches b where state <> 'deleted' and (kind in ('feature', 'ci', 'rehearsal', 'verify')
      or kind = 'snapshot' and not exists (select from lakebase.promotions p where p.snapshot_branch_id = b.branch_id and p.state = 'done'))") == 0 &&
    $(catalog_sql "select count(*) from access.tokens where run_id is not null") == 0 &&
    $(catalog_sql "select count(*) from lakebase.merge_queue where ended_at is null") == 0 &&
    -z $(as_control git --git-dir="$(bare)" for-each-ref --format='%(refname)' refs/heads/feature) ]]
}

equal "as many merges as features" "$(catalog_sql "select count(*) from lakebase.changes where state = 'merged'")" "$ALL"
[[ ! -e $CREW/refusals ]] || sed 's/^/# given back: /' "$CREW/refusals"
at_least "some were given back, and came again" "$(wc -l <"$CREW/refusals")" $((AGENTS < 20 ? 1 : 4))
runs=$(catalog_sql "select count(*) from lakebase.ci_runs where state in ('passed', 'failed')")
note "$runs CI runs for $ALL merges, $(catalog_sql "select count(*) from lakebase.ci_runs where number = 0 and state in ('passed', 'failed')") of them the queue's; $(catalog_sql "select max(members) from lakebase.merge_queue") were tested together at most"
at_most "CI runs grow with the merges, not with their square" "$runs" $((4 * ALL))
equal "each was merged on what its run had tested, or on a member before it" "$(catalog_sql "select count(*) from lakebase.promotions p join lakebase.merge_queue q on q.number = p.pull_request and q.state = 'merged'
  where p.state = 'done' and p.base is distinct from (case q.place when 1 then q.base_commit else (select b.merge_commit from lakebase.merge_queue b where b.run_id = q.run_id and b.place = q.place - 1 and b.state = 'merged') end)")" 0

check "who promotes looks at it first" by rel1 --quiet promote staging --to production --dry-run
check "one approves" by rel1 promote staging --to production --approve
check "another one approves" by rel2 promote staging --to production --approve
check "staging is promoted" by rel1 promote staging --to production
equal "git has it" "$(merged_versions production)" "$(merged_versions staging)"
equal "all of it" "$(merged_versions production | grep -c 'crew[0-9]*-x[0-9]*\.sql')" "$ALL"

note "production beside what the merged migrations alone make"
check "psql takes them all, on a branch forked before the first" by_hand
equal "bough diff sees nothing" "$(bough --json diff by-hand --against production | jq .result.same)" true
dump by-hand >"$TEST_DIR/by-hand.dump"
dump production >"$TEST_DIR/production.dump"
at_least "they make something" "$(grep -c 'CREATE TABLE public.*crew\|CREATE TABLE public.shared' "$TEST_DIR/production.dump")" "$ALL"
check "pg_dump is the same" diff "$TEST_DIR/by-hand.dump" "$TEST_DIR/production.dump"
bough branch delete by-hand >/dev/null
check "no branch, snapshot, token or git branch is left over" wait_for 60 nothing_left
equal "each story is one query of the audit" "$(catalog_sql "select count(*) from (select request_params ->> 'feature' from access.audit where status = 'ok' and action_name like 'workflow.%' group by 1
  having array_agg(action_name::text) @> '{workflow.claim,workflow.prepare-pr,workflow.wait-ci,workflow.merge}') as story")" "$ALL"
equal "none is merged by another than who asked" "$(catalog_sql "select count(*) from access.audit a join lakebase.changes c on c.feature = a.request_params ->> 'feature' where a.action_name = 'workflow.merge' and a.status = 'ok' and a.actor <> c.claimed_by")" 0
