# A plain PostgreSQL cluster that has nothing to do with Bough: the source of imports, and the truth
# that branches are compared with. Sourced by tests that need it.
# shellcheck shell=bash

export PGTZ=UTC PGDATESTYLE=ISO

# The server refuses to run as root.
as_server() {
  if [[ $(id -u) == 0 ]]; then
    setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups "$@"
  else
    "$@"
  fi
}

# Sets SOURCE, the connection string without a database. Arguments: further settings.
source_start() {
  SOURCE_DIR=$TEST_DIR/source
  mkdir "$SOURCE_DIR"
  [[ $(id -u) != 0 ]] || chown postgres: "$SOURCE_DIR"
  SOURCE_PORT=$((20000 + RANDOM % 20000))
  as_server "$PG_BIN/initdb" --pgdata "$SOURCE_DIR/data" --username postgres --auth trust --encoding UTF8 \
    --locale C.UTF-8 "${SOURCE_INITDB[@]:---data-checksums}" >"$TEST_DIR/initdb.log" 2>&1
  as_server "$PG_BIN/pg_ctl" --pgdata "$SOURCE_DIR/data" --wait --log "$SOURCE_DIR/log" \
    --options "-c port=$SOURCE_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$SOURCE_DIR $*" \
    start >/dev/null
  SOURCE="host=127.0.0.1 port=$SOURCE_PORT user=postgres"
}

source_stop() {
  as_server "$PG_BIN/pg_ctl" --pgdata "$SOURCE_DIR/data" --wait --mode fast stop >/dev/null
}

# source_sql DATABASE STATEMENTS
source_sql() {
  psql -XAtq -v ON_ERROR_STOP=1 "$SOURCE dbname=$1" -c "$2"
}

# sums CONNINFO: for each user table its name, number of rows and a checksum of them.
sums() {
  psql -XAtq -v ON_ERROR_STOP=1 "$1" <<'SQL' | LC_ALL=C sort
select format('select %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from only %I.%I t',
              n.nspname || '.' || c.relname, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not like 'pg\_%' and n.nspname not in ('information_schema', 'bough')
\gexec
SQL
}
