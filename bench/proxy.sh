# The figures of bough-proxy, beside PgBouncer and the same compute reached by TCP. Sourced by
# bench/run.
# shellcheck shell=bash

PROXY_FIGURES=(through_proxy connect wake storm proxy_memory awake)

FIGURE_TEXT+=(
  [through_proxy]="pgbench through the proxy, against PgBouncer and direct TCP"
  [connect]="connect and first row by TCP and SCRAM, against a direct connection"
  [wake]="wake of a suspended branch to the first row, against postgres alone"
  [storm]="100 clients at once on a sleeping branch"
  [proxy_memory]="memory of bough-proxy with 5,000 idle sessions"
  [awake]="branches awake at once, each answering"
)
FIGURES+=("${PROXY_FIGURES[@]}")

DIRECT_PORT=6470
BOUNCER_PORT=6471

# Without TLS, as PgBouncer and the direct connection are.
proxy_url() {
  bough --json url "$1" --with-password | jq -r '.result.url + "?sslmode=disable"'
}

# The same postgres on the same volume under the same settings, but for an address: what a client
# would reach if there were no proxy. Takes the place of the branch's compute.
direct_up() {
  local branch=$1 pid command=()
  bough --quiet endpoint start "$branch"
  pid=$(bough --json endpoint show "$branch" | jq -r .result.endpoint.pid)
  mapfile -d '' -t command <"/proc/$pid/cmdline"
  ROLE=$(psql -XAtqc 'select session_user' "$(url "$branch")")
  DIRECT_PASSWORD=$(head -c 24 /dev/urandom | base64 | tr -dc a-zA-Z0-9)
  as_control psql -Xq -h "$(bough --json url "$branch" | jq -r .result.socket_directory)" -U bough_platform -d app <<<"
    drop role if exists bench_direct; create role bench_direct login in role bough_owner password '$DIRECT_PASSWORD'; checkpoint;"
  bough --quiet endpoint suspend "$branch"
  printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$DIR/direct.hba"
  chmod 644 "$DIR/direct.hba"
  mkdir -p "$DIR/direct"
  chown "$(config .compute.uid)" "$DIR/direct"
  DIRECT_COMMAND=(setpriv --reuid="$(config .compute.uid)" --regid="$(config .compute.gid)" --init-groups setsid "${command[@]}"
    -c "hba_file=$DIR/direct.hba" -c listen_addresses=127.0.0.1 -c "port=$DIRECT_PORT"
    -c "unix_socket_directories=$DIR/direct")
  DIRECT_DATA=$(sed -n 2p < <(printf '%s\n' "${command[@]:1}"))
  DIRECT="host=127.0.0.1 port=$DIRECT_PORT user=bench_direct dbname=app password=$DIRECT_PASSWORD sslmode=disable"
  direct_start
}

direct_start() {
  "${DIRECT_COMMAND[@]}" >>"$DIR/direct.log" 2>&1 &
  await_answer "$DIRECT" "$DIR/direct.log"
}

# await_answer CONNINFO LOG
await_answer() {
  local try
  for ((try = 0; try < 600; try++)); do
    ! psql -Xqc 'select 1' "$1" >/dev/null 2>"$DIR/await.log" || return 0
    sleep 0.05
  done
  cat "$DIR/await.log" "$2" >&2
  return 1
}

direct_down() {
  as_compute "$PG_BIN/pg_ctl" --pgdata "$DIRECT_DATA" --wait stop >/dev/null
}

# PgBouncer in front of the branch's compute, on the same socket and as the same account as the proxy.
bouncer_up() {
  local socket
  bough --quiet endpoint start "$1"
  socket=$(bough --json url "$1" | jq -r .result.socket_directory)
  mkdir -p "$DIR/bouncer"
  cat >"$DIR/bouncer/ini" <<END
[databases]
app = host=$socket port=5432 dbname=app user=$ROLE
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $BOUNCER_PORT
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $DIR/bouncer/users
pool_mode = session
default_pool_size = 60
max_client_conn = 100
log_connections = 0
log_disconnections = 0
server_reset_query =
END
  install -m 600 /dev/null "$DIR/bouncer/users"
  printf '"%s" "%s"\n' bench_direct "$DIRECT_PASSWORD" >"$DIR/bouncer/users"
  chown -R "$(config .control.uid):$(config .control.gid)" "$DIR/bouncer"
  setpriv --reuid="$(config .control.uid)" --regid="$(config .control.gid)" --init-groups setsid \
    pgbouncer "$DIR/bouncer/ini" >"$DIR/bouncer.log" 2>&1 &
  BOUNCER_PID=$!
  BOUNCER="host=127.0.0.1 port=$BOUNCER_PORT user=bench_direct dbname=app password=$DIRECT_PASSWORD sslmode=disable"
  await_answer "$BOUNCER" "$DIR/bouncer.log"
}

# try_all NAME PGBENCH-ARGUMENTS...: proxy, PgBouncer and direct TCP take turns.
try_all() {
  local name=$1 pair ours=() bouncer=() direct=() to_bouncer=() to_direct=() o b=0 d
  shift
  for ((pair = 0; pair < PAIRS; pair++)); do
    direct_start
    d=$(tps "$DIRECT" "$PAIR_SECONDS" --client 8 "$@")
    direct_down
    bough --quiet endpoint start production
    branch_checkpoint production
    o=$(tps "$PROXIED" "$PAIR_SECONDS" --client 8 "$@")
    if [[ -n ${BOUNCER:-} ]]; then
      branch_checkpoint production
      b=$(tps "$BOUNCER" "$PAIR_SECONDS" --client 8 "$@")
      bouncer+=("$b")
      to_bouncer+=("$(divide "$o" "$b")")
    fi
    bough --quiet endpoint suspend production
    ours+=("$o")
    direct+=("$d")
    to_direct+=("$(divide "$o" "$d")")
  done
  record "$name, 8 clients, TCP" "through bough-proxy" tps - "${ours[@]}"
  record "$name, 8 clients, TCP" "direct" tps - "${direct[@]}"
  record "$name, 8 clients, TCP" "proxy : direct" ratio "$BOUND_DIRECT" "${to_direct[@]}"
  [[ -z ${BOUNCER:-} ]] || record "$name, 8 clients, TCP" "through PgBouncer" tps - "${bouncer[@]}"
  [[ -z ${BOUNCER:-} ]] || record "$name, 8 clients, TCP" "proxy : PgBouncer" ratio "$BOUND_BOUNCER" "${to_bouncer[@]}"
}

figure_through_proxy() {
  PROXIED=$(proxy_url production)
  direct_up production
  direct_down
  BOUNCER=
  if command -v pgbouncer >/dev/null; then
    bouncer_up production
  else
    say "PgBouncer is left out: it is not installed"
  fi
  bough --quiet endpoint suspend production
  BOUND_DIRECT=- BOUND_BOUNCER=">= 1.0" try_all "pgbench -S" --select-only
  BOUND_DIRECT=">= 0.95" BOUND_BOUNCER=- try_all "pgbench TPC-B"
  [[ -z $BOUNCER ]] || kill "$BOUNCER_PID"
  bough --quiet endpoint start production
}

figure_connect() {
  local run ours=() direct=() ratio=() o d
  PROXIED=$(proxy_url production)
  direct_up production
  direct_down
  # turns of several each, for a change of turns costs a start
  for ((run = 0; run < PAIRS; run++)); do
    direct_start
    d=$(connects "$DIRECT")
    direct_down
    bough --quiet endpoint start production
    o=$(connects "$PROXIED")
    bough --quiet endpoint suspend production
    ours+=("$o") direct+=("$d") ratio+=("$(divide "$o" "$d")")
  done
  record "connect and first row" "through bough-proxy" ms - "${ours[@]}"
  record "connect and first row" "direct" ms - "${direct[@]}"
  record "connect and first row" "proxy : direct" ratio "<= 1.3" "${ratio[@]}"
  bough --quiet endpoint start production
}

# Milliseconds of a connect and a row, from many in a row by one client.
connects() {
  echo 'select 1' >"$DIR/one.sql"
  pgbench --no-vacuum --connect --client 1 --transactions 100 --file "$DIR/one.sql" "$1" >/dev/null 2>&1
  pgbench --no-vacuum --connect --client 1 --transactions 300 --file "$DIR/one.sql" "$1" 2>/dev/null |
    awk '/^latency average/ { print $4 }'
}

figure_wake() {
  local run ours=() floor=() ratio=() o f
  PROXIED=$(proxy_url production)
  direct_up production
  direct_down
  for ((run = 0; run < START_RUNS; run++)); do
    f=$("$CLOCK" -u "$DIRECT" -q "$ROW" -- sh -c '"$@" >/dev/null 2>&1 &' - "${DIRECT_COMMAND[@]}" | cut -d' ' -f1)
    direct_down
    o=$("$CLOCK" -u "$PROXIED" -q "$ROW" -- true | cut -d' ' -f1)
    bough --quiet endpoint suspend production
    ours+=("$o") floor+=("$f") ratio+=("$(divide "$o" "$f")")
  done
  record "wake to first row" "bough" ms - "${ours[@]}"
  record "wake to first row" "postgres, exec to first row" ms - "${floor[@]}"
  record "wake to first row" "bough : postgres" ratio "<= 1.5" "${ratio[@]}"
}

figure_storm() {
  local served before after start
  bough --quiet endpoint suspend production
  before=$(wakes_of production)
  start=${EPOCHREALTIME/[.,]/}
  PROXIED=$(proxy_url production)
  for _ in {1..100}; do
    psql -XAtqc 'select 1' "$PROXIED" 2>>"$DIR/storm.log" &
  done >"$DIR/storm.out"
  # shellcheck disable=SC2046
  wait $(jobs -p | tail -n 100)
  served=$(grep -c '^1$' "$DIR/storm.out" || true)
  after=$(wakes_of production)
  record "100 clients, one sleeping branch" "served" "" ">= 100" "$served"
  record "100 clients, one sleeping branch" "starts" "" "<= 1" "$((after - before))"
  record "100 clients, one sleeping branch" "until the last is served" s - "$(divide $((${EPOCHREALTIME/[.,]/} - start)) 1000000)"
}

wakes_of() {
  local id
  id=$(bough --json endpoint show "$1" | jq -r .result.endpoint.id)
  as_control psql -XAtq -h "$BOUGH_HOME/run/catalog" -U bough_catalog -d system -c "select wakes from lakebase.endpoints where endpoint_id = '$id'"
}

proxy_pid() {
  pgrep --full --newest "bough-proxy --home $BOUGH_HOME\$"
}

# A branch takes some 90 sessions, so they are spread over many; a quarter of memory is left alone.
figure_proxy_memory() {
  local pid count branch room
  configure '.proxy += {clients_per_source: 10000, clients_per_principal: 10000}' # by themselves 2,000
  room=$(awk '/^MemAvailable:/ { print int($2 * 3 / 4 / 2500) }' /proc/meminfo)
  count=$((room < 5000 ? room / 80 * 80 : 5000))
  pid=$(proxy_pid)
  record "memory of bough-proxy" "no session" MiB - "$(mebibytes "$(memory_kb "$pid")")"
  for ((branch = 0; branch * 80 < count; branch++)); do
    bough --quiet branch create "idle$branch"
    proxy_url "idle$branch"
  done >"$DIR/idle.urls"
  "$SESSIONS" 80 "$count" <"$DIR/idle.urls" >"$DIR/idle.out" 2>"$DIR/idle.log" &
  until grep -q . "$DIR/idle.out" || ! kill -0 $! 2>/dev/null; do sleep 0.5; done
  record "memory of bough-proxy" "$(cat "$DIR/idle.out") idle sessions" MiB "<= 100" "$(mebibytes "$(memory_kb "$pid")")"
  kill $!
  wait $! || true
  load_program -m delete -n "$branch" -x idle >/dev/null
}

figure_awake() {
  local branch answered=0 count=200 free
  free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  load_program -m create -n "$count" -x awake >/dev/null
  for ((branch = 0; branch < count; branch++)); do
    psql -XAtqc "$ROW" "$(proxy_url "awake$branch")" >/dev/null 2>>"$DIR/awake.log" || true
  done
  for ((branch = 0; branch < count; branch++)); do
    [[ $(bough --json endpoint show "awake$branch" | jq -r .result.endpoint.state) != running ]] ||
      ! psql -XAtqc "$ROW" "$(url "awake$branch")" >/dev/null 2>>"$DIR/awake.log" || answered=$((answered + 1))
  done
  free=$((free - $(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)))
  record "branches awake at once" "that answer" "" ">= 200" "$answered"
  record "branches awake at once" "memory for all of them" MiB - "$(mebibytes "$free")"
  load_program -m delete -n "$count" -x awake >/dev/null
}
