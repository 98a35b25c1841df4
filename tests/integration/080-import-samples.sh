#!/bin/bash
# Real databases that nobody of this project wrote: loaded with --sql, and taken from a running
# PostgreSQL both ways. Row counts and a checksum of each table agree with the source, on the root
# and on a branch of a branch of a branch.
TEST_TIMEOUT=600
TEST_ON_DISK=1 # a large pool, and a source beside it
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/postgres.sh"

DATA=$BOUGH_TEST_DATA/db
[[ -r $DATA/pagila/pagila.sql ]] || skip_all "the sample databases are not at $DATA"
declare -A FILES=([pagila]=pagila/pagila.sql [chinook]=chinook/chinook.load.sql [northwind]=northwind/northwind.sql
  [iso3166]=iso3166/iso-3166.sql)
declare -A TRUTH=()

POOL_SIZE=5G
source_start
for name in pagila chinook northwind iso3166; do
  source_sql postgres "create database $name"
  psql -Xq "$SOURCE dbname=$name" -f "$DATA/${FILES[$name]}" >"$TEST_DIR/load-$name.log" 2>&1
  TRUTH[$name]=$(sums "$SOURCE dbname=$name")
  at_least "the source has $name" "$(wc -l <<<"${TRUTH[$name]}")" 2
done
start_bough

# url_of BRANCH DATABASE: the connection string of its socket, with that database.
url_of() {
  bough endpoint start "$1" --quiet >/dev/null 2>&1
  result .socket_url url "$1" | sed -E "s,^postgresql:///[^?]*,postgresql:///$2,"
}

compare() {
  local branch=$1 database=$2 name=$3 here
  here=$(sums "$(url_of "$branch" "$database")" 2>&1) || true
  if [[ $here == "${TRUTH[$name]}" ]]; then pass "$BOUGH_PROJECT/$branch: $name agrees with the source"; else
    fail "$BOUGH_PROJECT/$branch: $name agrees with the source" "$(diff <(cat <<<"${TRUTH[$name]}") <(cat <<<"$here") | head -n 20)"; fi
}

descend() {
  check "$BOUGH_PROJECT: a branch" bough branch create b1
  check "$BOUGH_PROJECT: of a branch" bough branch create b2 --parent b1
  check "$BOUGH_PROJECT: of a branch" bough branch create b3 --parent b2
}

for name in pagila chinook northwind iso3166; do
  export BOUGH_PROJECT=sql-$name
  check "--sql loads $name" bough project create "sql-$name" --sql "$DATA/${FILES[$name]}"
  compare production app "$name"
  descend
  compare b3 app "$name"
  bough branch delete b1 --recursive >/dev/null 2>&1 || true
  bough endpoint suspend production >/dev/null 2>&1 || true
done

export BOUGH_PROJECT=base
check "--from takes the running cluster by pg_basebackup" bough project create base --method basebackup --from "$SOURCE dbname=pagila"
descend
for name in pagila chinook northwind iso3166; do
  compare production "$name" "$name"
  compare b3 "$name" "$name"
done

for name in pagila northwind; do
  export BOUGH_PROJECT=dump-$name
  check "--from takes $name by pg_dump" bough project create "dump-$name" --method dump --from "$SOURCE dbname=$name"
  compare production "$name" "$name"
  descend
  compare b3 "$name" "$name"
done

export BOUGH_PROJECT=base
for name in pagila chinook northwind iso3166; do
  equal "the source's $name is as it was" "$(sums "$SOURCE dbname=$name")" "${TRUTH[$name]}"
done
expect_error password-in-conninfo "a password in the connection string is refused" project create secret --from "$SOURCE password=hush dbname=pagila"
matches "with a pointer to PGPASSFILE" "$(bough project create secret --from "postgresql://u:hush@127.0.0.1:$SOURCE_PORT/pagila" 2>&1 || true)" PGPASSFILE
equal "the password is in no log" "$(grep -rl hush "$BOUGH_HOME/logs" || true)" ""
source_stop
expect_error source-unreachable "a source that is down is told" project create late --from "$SOURCE dbname=pagila"
check "no rest of a refused import" agreement
