#!/bin/bash
# Real histories from the first migration to the last, and verify's verdicts on each against what was measured
# with psql and pg_dump. Short form: one history forth and back; MIGRATE_LONG=1: all of them, proved.
TEST_TIMEOUT=3000
source "$(dirname "$0")/../harness/lib.sh"

[[ -d $BOUGH_TEST_DATA/mig ]] || skip_all "no histories in $BOUGH_TEST_DATA/mig"
declare -A LAYOUT=([gitness]=stem [concourse]=stem [authelia]=numbered [exposure_notifications]=numbered [hydra]=numbered)
read -r -a HISTORIES <<<"${MIGRATE_HISTORIES:-gitness concourse authelia exposure_notifications hydra}"
[[ -n ${MIGRATE_LONG:-} ]] || HISTORIES=(authelia)

start_bough
cd "$TEST_DIR" || exit

# Where verify and the measurement differ, and why: the measurement ignored white space. These undos give
# functions the bodies they had, indented otherwise (blanks for tabs, for one): other bodies all the same.
declare -A EXPLAINED=([exposure_notifications]="000056_UpdateLocks drift"
  [concourse]="1597342429_add_deleted_pipelines_table drift")

# Verdicts as "name verdict" lines: what is neither drift nor a failed undo isn't named in the results.
measured() {
  jq -r '(.drift[] | sub(" \\(empty down\\)$"; "") + " drift"), (.down_fail[] | .[0] + " down_fail")' "$1" | LC_ALL=C sort
}
verdicts() {
  jq -r '.result.migrations[] | select(.rollback.verdict == "drift" or .rollback.verdict == "down_fail")
    | (.file | sub("\\.up\\.sql$"; "")) + " " + .rollback.verdict' "$1" | LC_ALL=C sort
}
count() {
  jq "[.result.migrations[] | select(.rollback.verdict == \"$2\")] | length" "$1"
}

for history in "${HISTORIES[@]}"; do
  folder=$TEST_DIR/$history
  results=$BOUGH_TEST_DATA/results/$history.json
  cp -r "$BOUGH_TEST_DATA/mig/$history" "$folder"
  rm -f "$folder"/000052_enable_pgaudit.* # an extension that isn't trusted
  ups=$(jq .up_ok "$results")
  check "$history: an empty project" bough project create "${history//_/-}" --empty
  export BOUGH_PROJECT=${history//_/-}
  bough branch create work >/dev/null 2>&1
  here=(--dir "$folder" --layout "${LAYOUT[$history]}")
  equal "$history: all are applied" "$(bough --json migrate apply work "${here[@]}" | jq '.result.done | length')" "$ups"
  equal "$history: and nothing is left" "$(bough --json migrate status work "${here[@]}" | jq -r '"\(.result.pending) \(.result.schema) \(.result.findings | length)"')" "0 matches 0"
  if [[ $history == authelia ]]; then
    check "$history: back to the beginning" bough migrate rollback work --to 0 "${here[@]}"
    equal "$history: where nothing is left" "$(sql work "select count(*) from pg_class where relnamespace = 'public'::regnamespace")" 0
  fi
  if [[ -n ${MIGRATE_LONG:-} ]]; then
    bough --json migrate verify production "${here[@]}" >"$folder.report" 2>"$folder.err" || true
    equal "$history: each was looked at" "$(jq '.result.migrations | length' "$folder.report")" "$ups"
    explained=${EXPLAINED[$history]:-}
    different=0
    measured "$results" >"$folder.measured"
    if [[ -n $explained ]]; then
      different=1
      echo "$explained" >>"$folder.measured"
      LC_ALL=C sort -o "$folder.measured" "$folder.measured"
    fi
    verdicts "$folder.report" >"$folder.verdicts"
    equal "$history: exact" "$(count "$folder.report" exact)" "$(jq .exact "$results")"
    equal "$history: order only" "$(count "$folder.report" order_only)" "$(($(jq .order_only "$results") - different))"
    check "$history: what drifts and what fails" diff "$folder.measured" "$folder.verdicts"
    [[ -z ${MIGRATE_REPORTS:-} ]] || cp "$folder".{report,err,measured,verdicts} "$MIGRATE_REPORTS"
  fi
done
