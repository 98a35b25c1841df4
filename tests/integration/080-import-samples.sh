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

# from NAME METHOD PATTERN ARGUMENTS...: an import that was made in that way, notes like that, a branch three deep.
from() {
  export BOUGH_PROJECT=$1
  matches "--from makes $1" "$(result '.notes | join("; ")' project create "$1" "${@:4}")" "$3"
  equal "$1 was copied by $2" "$(catalog_sql "select details ->> 'method' from lakebase.projects where name = '$1'")" "$2"
  descend
  for name in pagila chinook northwind iso3166; do
    compare production "$name" "$name"
    compare b3 "$name" "$name"
  done
  for name in b3 production; do bough endpoint suspend "$name" >/dev/null 2>&1 || true; done
}

operations() {
  catalog_sql 'select count(*) from lakebase.operations'
}

# turned_down CODE PATTERN ARGUMENTS...: before any row, volume or file of it is made.
turned_down() {
  local before
  before=$(operations)
  expect_error "$1" "refused with $1" project create refused "${@:3}"
  matches "with the reason" "$(bough project create refused "${@:3}" 2>&1 || true)" "$2"
  equal "and nothing was begun" "$(operations)" "$before"
}

from base basebackup 'copied by pg_basebackup' --from "$SOURCE dbname=pagila"
source_sql postgres 'create role reader login in role pg_read_all_data'
from reader dump 'by pg_dump, since .* no REPLICATION' --from "${SOURCE/user=postgres/user=reader} dbname=northwind"
sed -i 's/^[^#]*replication/#&/' "$SOURCE_DIR/data/pg_hba.conf"
source_sql postgres 'select pg_reload_conf()' >/dev/null
turned_down source-unsupported 'pg_hba.conf lets no replication' --method basebackup --from "$SOURCE dbname=pagila"

as_server mkdir "$SOURCE_DIR/space"
source_sql chinook "create tablespace fast location '$SOURCE_DIR/space'"
source_sql chinook 'alter table track set tablespace fast'
turned_down source-unsupported 'uses tablespaces' --method basebackup --from "$SOURCE dbname=pagila"
from dump dump '' --method dump --from "$SOURCE dbname=pagila"

# A file full of holes in the database's directory counts for its size as any other.
large=$SOURCE_DIR/data/base/$(source_sql postgres "select oid from pg_database where datname = 'iso3166'")/999999
as_server truncate -s 100G "$large"
turned_down pool-full 'the source has 10[0-9]{4} MB, the pool has room for [0-9]+ MB' --from "$SOURCE dbname=iso3166"
turned_down pool-full 'enlarge the pool' --method dump --from "$SOURCE dbname=iso3166"
rm "$large"

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
