# What taking a tier back takes, until its first query is answered, with little data and with much. Sourced by
# bench/run.
# shellcheck shell=bash

FIGURES+=(rollback)
FIGURE_TEXT+=([rollback]="bough rollback of a tier to the first answered query, for a small and a large database")

rollback_policy() {
  cat <<POLICY
version: 1
project: $1
tiers:
  - { name: production, protected: true }
  - { name: staging, parent: production }
entry: staging
roles: [platform]
allow:
  - { role: platform, action: "*", on: "*" }
promotion:
  - { from: feature, to: staging, approvals: 0, require: [schema-diff] }
  - { from: staging, to: production, approvals: 0, require: [schema-diff] }
POLICY
}

# A project with that many MB in production, and one migration promoted to it.
rollback_prepare() {
  local project=$1 megabytes=$2
  "$PROGRAM" project create "$project" --sample inventory >/dev/null
  "$PROGRAM" --project "$project" psql production -- -q -c "create table filler as
    select n, repeat(md5(n::text), 31) as text from generate_series(1, $megabytes * 1000) n" >/dev/null
  rollback_policy "$project" >"$DIR/$project.yaml"
  "$PROGRAM" --project "$project" --quiet policy apply "$DIR/$project.yaml" --yes >/dev/null 2>&1
  mkdir -p migrations
  echo 'create table notes (id int primary key);' >migrations/1_notes.sql
  echo 'drop table notes;' >migrations/1_notes.undo.sql
  "$PROGRAM" --project "$project" --quiet branch create change >/dev/null
  "$PROGRAM" --project "$project" --quiet migrate apply change >/dev/null
  "$PROGRAM" --project "$project" --quiet promote change --to staging >/dev/null
  "$PROGRAM" --project "$project" --quiet promote staging --to production >/dev/null
}

# There and back again: each way is a rollback.
rollback_runs() {
  local project=$1 size=$2 run to='' values=()
  for ((run = 0; run < START_RUNS; run++)); do
    # shellcheck disable=SC2016
    values+=("$("$CLOCK" -- sh -c '"$1" --project "$2" --quiet --json rollback production ${4:+--to "$4"} --yes >"$3" &&
      "$1" --project "$2" psql production -- -XAtqc "select 1" >/dev/null' sh "$PROGRAM" "$project" "$DIR/back" "$to" | cut -d' ' -f1)")
    to=$(jq -r .result.previous "$DIR/back")
  done
  record "rollback of a tier, $size MB" "from the command to the first answered query" ms "<= 1000" "${values[@]}"
  ROLLBACK_MS=$(median "${values[@]}")
}

figure_rollback() (
  local small
  mkdir "$DIR/rollbacks" && cd "$DIR/rollbacks" || exit 1
  rollback_prepare small 100
  rollback_runs small 100
  small=$ROLLBACK_MS
  rollback_prepare large 600
  rollback_runs large 600
  record "rollback of a tier" "600 MB : 100 MB" ratio - "$(divide "$ROLLBACK_MS" "$small")"
)
