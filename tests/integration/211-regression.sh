#!/bin/bash
# PostgreSQL's own regression files, run by the same ordinary role on two equal branches: over the
# compute's socket and through the proxy. What psql prints is the same. LIMITS_LONG takes all of them.
TEST_TIMEOUT=500
source "$(dirname "$0")/../harness/lib.sh"

FILES=$BOUGH_TEST_DATA/rls/pg15_regress
[[ -d $FILES/sql ]] || skip_all "PostgreSQL's regression files are not at $FILES"

SHORT="create_view enum identity rowsecurity sequence triggers"

start_bough
bough project create regress --empty >/dev/null 2>&1
bough branch create direct --start >/dev/null 2>&1
bough branch create proxied --start >/dev/null 2>&1

# Numbers that the server gives out, and what names the way in.
steady() {
  sed -E 's/[0-9]{5,}/N/g; s/pg_temp_[0-9]+/pg_temp_N/g; s/PID [0-9]+/PID N/'
}

# run FILE CONNINFO
run() {
  (cd "$TEST_DIR" && PGAPPNAME=regress PGTZ=PST8PDT PGDATESTYLE="Postgres, MDY" timeout 120 psql -X -a -q -v ON_ERROR_STOP=0 \
    -v HIDE_TABLEAM=on -v HIDE_TOAST_COMPRESSION=on -d "$2" <"$1" 2>&1) | steady
}

direct=$(result .socket_url url direct)
proxied=$(connection proxied)
for file in "$FILES"/sql/test_setup.sql "$FILES"/sql/*.sql; do
  name=$(basename "$file" .sql)
  [[ ! -e $FILES/sql_psql15.20/$name.sql ]] || file=$FILES/sql_psql15.20/$name.sql
  [[ ! -e $TEST_DIR/$name.direct ]] || continue
  [[ -n ${LIMITS_LONG:-} || " test_setup $SHORT " == *" $name "* ]] || continue
  run "$file" "$direct" >"$TEST_DIR/$name.direct" &
  run "$file" "$proxied" >"$TEST_DIR/$name.proxied"
  wait $!
  if cmp -s "$TEST_DIR/$name.direct" "$TEST_DIR/$name.proxied" && [[ -s $TEST_DIR/$name.direct ]]; then
    pass "$name"
  else
    fail "$name" "$(diff "$TEST_DIR/$name.direct" "$TEST_DIR/$name.proxied" | head -n 20)"
  fi
done
