# Load whose every acknowledged transaction can be asked for afterwards: TPC-B with a numbered row per
# client in the same transaction. Sourced by tests that need it.
# shellcheck shell=bash

LOAD_CLIENTS=${LOAD_CLIENTS:-4}

write_load_script() {
  cat >"$TEST_DIR/load.sql" <<'SQL'
\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
\set n :n + 1
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
INSERT INTO load_acks VALUES (:client_id, :n);
END;
SQL
}

# load_prepare BRANCH SCALE: pgbench's tables and the acknowledgements.
load_prepare() {
  LOAD_URL=$(connection "$1")
  "$PG_BIN/pgbench" --quiet --initialize --scale "$2" "$LOAD_URL" >"$TEST_DIR/load-init.log" 2>&1
  psql -XqAt -v ON_ERROR_STOP=1 "$LOAD_URL" -c \
    'create table load_acks (client int, n bigint, primary key (client, n))'
  write_load_script
}

# load_start SECONDS SCALE: in the background; its log has one line per acknowledged transaction.
load_start() {
  rm -f "$TEST_DIR"/load-log.*
  "$PG_BIN/pgbench" --no-vacuum --client "$LOAD_CLIENTS" --jobs 2 --time "$1" --define n=0 --define scale="$2" \
    --log --log-prefix "$TEST_DIR/load-log" --file "$TEST_DIR/load.sql" "$LOAD_URL" \
    >"$TEST_DIR/load.log" 2>&1 &
  LOAD_PID=$!
}

stop_load() {
  [[ -n ${LOAD_PID:-} ]] || return 0
  kill -INT "$LOAD_PID" 2>/dev/null || true
  wait "$LOAD_PID" 2>/dev/null || true
  LOAD_PID=
}

load_wait() {
  wait "$LOAD_PID" || true
  LOAD_PID=
}

# Microseconds since 1970, as pgbench's log has them.
now_us() {
  echo "${EPOCHREALTIME/[.,]/}"
}

# acked_before MICROSECONDS: "client count" of transactions acknowledged until then.
acked_before() {
  awk -v t="$1" -v clients="$LOAD_CLIENTS" '
    $5 * 1000000 + $6 <= t { n[$1]++ }
    END { for (c = 0; c < clients; c++) print c, n[c] + 0 }' "$TEST_DIR"/load-log.*
}

# load_is_whole BRANCH MICROSECONDS: the sums agree, and for each client its transactions 1..n are
# there without a gap, with n at least what was acknowledged before that moment.
load_is_whole() {
  local sums client acked there
  sums=$(sql "$1" "select (select sum(bbalance) from pgbench_branches), (select sum(tbalance) from pgbench_tellers),
    (select sum(abalance) from pgbench_accounts), (select coalesce(sum(delta), 0) from pgbench_history)")
  awk -F'|' '{ exit !($1 == $2 && $2 == $3 && $3 == $4) }' <<<"$sums" || { echo "sums differ: $sums" && return 1; }
  there=$(sql "$1" "select client, max(n) from load_acks group by client having count(*) = max(n)" | tr '|' ' ')
  while read -r client acked; do
    awk -v c="$client" -v a="$acked" '$1 == c { n = $2 } END { exit !(n + 0 >= a) }' <<<"$there" ||
      { echo "client $client: $acked acknowledged, on the branch (client, n): $there" && return 1; }
  done <<<"$(acked_before "$2")"
}

acked_total() {
  acked_before "$1" | awk '{ n += $2 } END { print n }'
}
