#!/bin/bash
# The clients that applications use, each with SCRAM and with TLS: prepared statements, COPY, cancel,
# NOTIFY, a row of 64 MB; pg_dump; pgbench in every protocol. A driver that isn't
# installed is skipped.
TEST_TIMEOUT=400
source "$(dirname "$0")/../harness/lib.sh"

CLIENTS=$ROOT/tests/clients
start_bough
make_project shop
bough branch create work --start >/dev/null 2>&1
bough principal add app --type human --role platform >/dev/null
export PGHOST=localhost PGPORT=6432 PGUSER=app PGDATABASE=app@work PGPASSWORD
PGPASSWORD=$(bough principal token app)

# drive NAME COMMAND...: each line that the client prints is a check.
drive() {
  local name=$1 what count=0
  shift
  for PGSSLMODE in disable require; do
    export PGSSLMODE
    timeout 120 "$@" >"$TEST_DIR/$name.out" 2>"$TEST_DIR/$name.err" || true
    while read -r what; do
      count=$((count + 1))
      case $what in
      ok\ *) pass "$name, sslmode $PGSSLMODE: ${what#ok }" ;;
      skip\ *) skip "$name, sslmode $PGSSLMODE: ${what%%: *}" "${what#*: }" ;;
      *) fail "$name, sslmode $PGSSLMODE: ${what#not ok }" "$(tail -n 5 "$TEST_DIR/$name.err")" ;;
      esac
    done <"$TEST_DIR/$name.out"
    matches "$name, sslmode $PGSSLMODE, came to its end" "$(tail -n 1 "$TEST_DIR/$name.out")" large
  done
}

drive psql bash "$CLIENTS/client.sh" "$TEST_DIR"

for driver in psycopg2 psycopg asyncpg; do
  if /usr/bin/python3 -c "import $driver" 2>/dev/null; then
    drive "$driver" /usr/bin/python3 "$CLIENTS/client.py" "$driver"
  else
    skip "python's $driver" "it is not installed"
  fi
done

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
if node -e 'require("pg")' 2>/dev/null; then
  drive node-postgres node "$CLIENTS/client.js"
else
  skip "node-postgres" "it is not installed"
fi

JDBC=/usr/share/java/postgresql.jar
if [[ -e $JDBC ]] && command -v javac >/dev/null; then
  javac -cp "$JDBC" -d "$TEST_DIR" "$CLIENTS/Client.java"
  drive jdbc java -Xmx1g -cp "$JDBC:$TEST_DIR" Client
else
  skip "the JDBC driver" "it is not installed"
fi

export PGSSLMODE=require
# "localhost" stands for either, and some clients try the first one only.
if grep -q '^0*1 .* lo$' /proc/net/if_inet6 2>/dev/null; then
  for address in 127.0.0.1 ::1; do equal "psql to $address" "$(PGHOST=$address psql -XAtc 'select 1')" 1; done
else
  skip "psql to ::1" "this host has no IPv6"
fi
equal "psql takes a row of 64 MB" "$(psql -XAtc "select repeat('x', 67108864)" | wc -c)" 67108865
check "pgbench makes its tables" pgbench --quiet --initialize --scale 1
for PGSSLMODE in disable require; do
  for protocol in simple extended prepared; do
    check "pgbench, sslmode $PGSSLMODE, $protocol" pgbench --no-vacuum --client 4 --transactions 50 --protocol "$protocol"
  done
done

dump() {
  pg_dump --schema-only --no-owner --no-privileges --schema public "$@" | grep -v '^--\|^\\'
}
equal "pg_dump through the proxy is pg_dump over the socket" "$(dump | sha256sum)" \
  "$(dump "$(result .socket_url url work)" | sha256sum)"
