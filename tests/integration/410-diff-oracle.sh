#!/bin/bash
# The oracle of the schema diff: for pairs of databases A and B, the migration that the diff writes makes A
# equal to B. Cases: one of our own for every kind of object, the pairs of other tools that nobody of this
# project wrote, the sample databases, and steps of real migration histories.
#
# ORACLE_LONG=1 (tools/soak) runs all of them, each migration of each history included. The short form takes
# every own case, and of the others those that stand first in an order by the hash of their names: fair,
# because nobody chose them, and always the same.
TEST_TIMEOUT=${ORACLE_TIMEOUT:-900}
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/postgres.sh"

export ORACLE_TOOL=${ORACLE_TOOL:-$BOUGH_BUILD/tests/unit/diff/schema-diff} ORACLE_DIR=$TEST_DIR/oracle
[[ -x $ORACLE_TOOL ]] || skip_all "$ORACLE_TOOL isn't built"
CASES=$TEST_DIR/cases
SHORT_APGDIFF=${SHORT_APGDIFF:-20}
SHORT_STEPS=${SHORT_STEPS:-8}
mkdir "$ORACLE_DIR"

own_cases() {
  local case
  for case in "$ROOT"/tests/unit/diff/cases/*/; do
    printf 'own/%s - %s %s\n' "$(basename "$case")" "${case}a.sql" "${case}b.sql"
    # and back; an extension has no way back to its older version
    [[ -z ${ORACLE_LONG:-} || $case == */extensions-schemas/ ]] ||
      printf 'own/%s-back - %s %s\n' "$(basename "$case")" "${case}b.sql" "${case}a.sql"
  done
}

apgdiff_cases() {
  local dir=$BOUGH_TEST_DATA/diff/apgdiff file name
  for file in "$dir"/*_original.sql; do
    name=$(basename "$file" _original.sql)
    printf 'apgdiff/%s - %s %s\n' "$name" "$file" "$dir/${name}_new.sql"
  done
}

# Each pair alone on the shop database they were written for, and all of them together.
pgquarrel_cases() {
  local dir=$BOUGH_TEST_DATA/diff/pgquarrel name side
  local before=$TEST_DIR/pgquarrel.sql
  echo 'create extension postgres_fdw; create extension file_fdw;' >"$before"
  # Where a set of its own scripts is needed, in the order of its own driver.
  local order=(server table index sequence domain function extension language schema cast collation view matview fdw
    statistics publication eventtrigger user-mapping)
  declare -A all=([from]="" [to]="")
  for name in "${order[@]}"; do
    # its event triggers forbid the migration itself: they are a case of their own only
    [[ $name == eventtrigger ]] || for side in from to; do all[$side]+=,$dir/$side-$name.sql; done
    printf 'pgquarrel/%s %s %s %s\n' "$name" "$before,$dir/dellstore.sql" "$dir/from-$name.sql" "$dir/to-$name.sql"
  done
  printf 'pgquarrel/all %s %s %s\n' "$before,$dir/dellstore.sql" "${all[from]#,}" "${all[to]#,}"
  printf 'pgquarrel/dellstore %s - %s\n' "$dir/dellstore.sql" "$dir/dellstore-alter.sql"
}

database_cases() {
  local dir=$BOUGH_TEST_DATA/db
  printf 'db/make-pagila - - %s\n' "$dir/pagila/pagila.sql"
  printf 'db/drop-pagila - %s -\n' "$dir/pagila/pagila.sql"
  printf 'db/northwind-to-chinook - %s %s\n' "$dir/northwind/northwind.sql" "$dir/chinook/chinook.load.sql"
  printf 'db/iso3166-to-northwind - %s %s\n' "$dir/iso3166/iso-3166.sql" "$dir/northwind/northwind.sql"
}

# history NAME FILES...: from nothing to the last, back, and between points on the way.
history() {
  local name=$1 count at step
  shift
  local -a files=("$@")
  count=${#files[@]}
  joined() { if (($1 == 0)); then echo -; else (IFS=, && echo "${files[*]:0:$1}"); fi; }
  printf 'mig/%s-all - - %s\n' "$name" "$(joined "$count")"
  printf 'mig/%s-none - %s -\n' "$name" "$(joined "$count")"
  step=$((count / 8 > 0 ? count / 8 : 1))
  [[ -z ${ORACLE_LONG:-} ]] || step=1
  for ((at = step; at <= count; at += step)); do
    printf 'mig/%s-%03d %s - %s\n' "$name" "$at" "$(joined $((at - step)))" "$(IFS=, && echo "${files[*]:at-step:step}")"
    printf 'mig/%s-%03d-back %s %s -\n' "$name" "$at" "$(joined $((at - step)))" \
      "$(IFS=, && echo "${files[*]:at-step:step}")"
  done
}

migration_cases() {
  local dir=$BOUGH_TEST_DATA/mig
  history authelia "$dir"/authelia/*.up.sql
  history concourse "$dir"/concourse/*.up.sql
  history gitness "$dir"/gitness/*.up.sql
  history exposure "$dir"/exposure_notifications/*.up.sql
  history hydra "$dir"/hydra/*.up.sql
}

# few N: the first N lines in the order of a hash of them; all in the long form.
few() {
  if [[ -n ${ORACLE_LONG:-} ]]; then cat; else
    while read -r line; do printf '%s %s\n' "$(cut -d' ' -f1 <<<"$line" | md5sum | cut -c 1-8)" "$line"; done |
      sort | cut -d' ' -f2- | awk -v n="$1" 'NR <= n'
  fi
}

own_cases >"$CASES"
if [[ -d $BOUGH_TEST_DATA/diff ]]; then
  { apgdiff_cases | few "$SHORT_APGDIFF" && pgquarrel_cases && database_cases && migration_cases | few "$SHORT_STEPS"; } >>"$CASES"
else
  skip "the pairs of other tools" "they are not at $BOUGH_TEST_DATA/diff"
fi
[[ -z ${ORACLE_ONLY:-} ]] || sed -i -nE "/^($ORACLE_ONLY) /p" "$CASES"

source_start -c fsync=off -c full_page_writes=off -c autovacuum=off -c wal_level=logical -c shared_buffers=64MB \
  -c allow_system_table_mods=on -c max_connections=40
export SOURCE
for role in fordfrog dv asi krioweb2 intranet anonymous admin webuser customer same_role_1 same_role_2 same_role_3 \
  PGQ_same_role_4 oracle_a oracle_b 'hos"tile; --'; do
  source_sql postgres "create role \"${role//\"/\"\"}\""
done
xargs -P 2 -L 1 "$ROOT/tests/harness/oracle-case" <"$CASES" >"$TEST_DIR/verdicts" || true
sort -k 2 -o "$TEST_DIR/verdicts" "$TEST_DIR/verdicts"

equal "every case has a verdict" "$(wc -l <"$TEST_DIR/verdicts")" "$(wc -l <"$CASES")"
while read -r class name detail; do
  case $class in
  fail) fail "$name" "$detail" ;;
  inexpressible) pass "$name: reported, $detail" ;;
  *) pass "$name: $class" ;;
  esac
done <"$TEST_DIR/verdicts"
for corpus in own apgdiff pgquarrel db mig; do
  note "$corpus: $(awk -v c="$corpus/" 'index($2, c) == 1 { n[$1]++ } END { for (k in n) printf "%s %d  ", k, n[k] }' "$TEST_DIR/verdicts")"
done
[[ -z ${ORACLE_REPORT:-} ]] || cp -r "$TEST_DIR/verdicts" "$ORACLE_DIR" "$ORACLE_REPORT"
