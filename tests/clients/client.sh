#!/bin/bash
# Drives psql through what somebody at a terminal or in a script does: one line "ok WHAT" or "not ok WHAT: WHY" each.
# The connection comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE. $1: a directory for files.
set -u
DIR=$1
LARGE=$((64 * 1024 * 1024))

# told WHAT ACTUAL EXPECTED
told() {
  if [[ $2 == "$3" ]]; then echo "ok $1"; else echo "not ok $1: got ${2:0:300}"; fi
}
# run: the statements on stdin
run() {
  psql -XAtq -v ON_ERROR_STOP=1 2>&1
}

secured=$(psql -XAtqc '\conninfo' 2>&1)
[[ $secured != *'SSL connection'* ]] || secured=SSL
told encryption "${secured##You are connected*}" "$([[ $PGSSLMODE == disable ]] || echo SSL)"

told prepared "$(run <<<'prepare twice (int) as select $1 * 2; execute twice (21); execute twice (4); deallocate twice;' | tr '\n' ' ')" "42 8 "

printf '1\tone\n2\ttwo\n3\t\\N\n' >"$DIR/copied.in"
run >"$DIR/copied.log" <<EOT
create temp table copied (id int, name text);
\\copy copied from '$DIR/copied.in'
\\copy (select * from copied order by id) to '$DIR/copied.out'
EOT
told copy "$(cat "$DIR/copied.log" "$DIR/copied.out")" "$(cat "$DIR/copied.in")"

# ^C while a statement runs: it is cancelled, and with it the script.
rm -f "$DIR/canceled"
mkfifo "$DIR/canceled"
psql -XAtq -v VERBOSITY=sqlstate <"$DIR/canceled" >"$DIR/canceled.log" 2>&1 &
session=$!
exec 7>"$DIR/canceled"
echo "select 'begun'; select pg_sleep(60);" >&7
until grep -q begun "$DIR/canceled.log" || ! kill -0 "$session" 2>/dev/null; do sleep 0.05; done
sleep 0.3
start=$SECONDS
kill -INT "$session"
wait "$session"
exec 7>&-
told cancel "$((SECONDS - start < 20)) $(tr '\n' ' ' <"$DIR/canceled.log")" "1 begun Cancel request sent ERROR:  57014 "

# psql tells of what has come when it is done with a statement.
told notify "$(run <<EOT | sed 's/ received from.*//'
listen news;
\\! psql -XAtqc "notify news, 'here'"
select 'done';
EOT
)" 'done
Asynchronous notification "news" with payload "here"'
told large "$(psql -XAtc "select repeat('x', $LARGE)" | wc -c)" $((LARGE + 1))
