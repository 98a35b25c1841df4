# Helpers that know Bough: its commands, its files, its processes. Sourced by lib.sh.
# shellcheck shell=bash

bough() {
  "$PROGRAM" "$@"
}

# Makes the installation and starts it. Arguments are passed to `bough up`.
start_bough() {
  make_pool
  bough up "$@" >"$TEST_DIR/up.log" 2>&1 || {
    fail "bough up" "$(tail -n 20 "$TEST_DIR/up.log")"
    exit 1
  }
}

# Small, where the product's own choice would be a large part of the disk.
make_pool() {
  [[ $BOUGH_TEST_MODE == system ]] || return 0
  bough pool create --image "$TEST_DIR/pool.img" --size "$POOL_SIZE" >"$TEST_DIR/pool.log" 2>&1 || {
    fail "bough pool create" "$(tail -n 20 "$TEST_DIR/pool.log")"
    exit 1
  }
}

# Stops boughd, all computes, the agent and the catalog; a boughd that a test killed is started for it.
bough_down_all() {
  boughd_alive || bough up >/dev/null 2>&1
  bough down
}

# Whether `bough status` says something within seconds, whatever it says.
status_answers() {
  [[ $(timeout 20 "$PROGRAM" --json status 2>/dev/null | jq -r .ok) == true ]]
}

# A small project with its root branch `production`, database `app`.
make_project() {
  bough project create "${1:-shop}" --sample inventory >"$TEST_DIR/project.log" 2>&1 || {
    fail "bough project create" "$(tail -n 20 "$TEST_DIR/project.log")"
    exit 1
  }
}

# result FILTER ARGUMENTS...: jq's FILTER over .result of `bough --json ARGUMENTS`.
result() {
  local filter=$1
  shift
  bough --json "$@" 2>"$TEST_DIR/stderr" | jq -r ".result | $filter"
}

# connection BRANCH: a connection string that needs nothing else.
connection() {
  bough url "$1" --with-password
}

# sql BRANCH STATEMENTS [DATABASE]: as the principal, through the product's own psql.
sql() {
  bough psql "$1" -- -XAtq -v ON_ERROR_STOP=1 ${3:+-d "$3"} -c "$2"
}

branch_id() {
  result .branch.id branch show "$1"
}

branch_names() {
  result '[.branches[].name] | sort | join(" ")' branch list
}

branch_exists() {
  [[ " $(branch_names) " == *" $1 "* ]]
}

# api METHOD PATH [CURL ARGUMENTS...]: a request as it is, the body on stdout.
api() {
  local method=$1 path=$2
  shift 2
  curl --silent --max-time 60 --path-as-is --unix-socket "$BOUGH_HOME/boughd.sock" --request "$method" \
    "$@" "http://localhost$path"
}

# The HTTP status alone.
api_status() {
  api "$@" --output /dev/null --write-out '%{http_code}' || true
}

api_post() {
  api POST "$1" --header 'Content-Type: application/json' --data-binary "$2"
}

# other_end TOKEN: with another last letter, whatever it was.
other_end() {
  printf '%s\n' "${1%?}$(tr a-z2-7 b-z2-7a <<<"${1: -1}")"
}

boughd_pid() {
  jq -r '.pid // empty' "$BOUGH_HOME/locks/boughd.pid" 2>/dev/null
}

agent_pid() {
  jq -r '.pid // empty' "$BOUGH_HOME/agent/agent.pid" 2>/dev/null
}

boughd_alive() {
  local pid
  pid=$(boughd_pid)
  [[ -n $pid && $(readlink "/proc/$pid/exe" 2>/dev/null) == */boughd* ]]
}

boughd_answers() {
  [[ $(api_status GET /v1/status) == 200 ]]
}

kill_boughd() {
  local pid
  pid=$(boughd_pid)
  ! boughd_alive || kill -9 "$pid"
  wait_for 10 test ! -e "/proc/$pid" || true
}

endpoint() {
  result ".endpoint.$2 // empty" endpoint show "$1"
}

# The socket directory of a branch, whose compute is started.
socket_of() {
  local url
  api POST "/v1/projects/${2:--}/branches/$1/endpoint/start" >/dev/null
  url=$(api GET "/v1/projects/${2:--}/branches/$1/url")
  jq -r .result.socket_directory <<<"$url"
}

# Runs a command as the account that owns boughd and the catalog.
as_control() {
  if [[ $BOUGH_TEST_MODE == system ]]; then
    setpriv --reuid="$(config .control.uid)" --regid="$(config .control.gid)" --init-groups "$@"
  else
    "$@"
  fi
}

as_compute() {
  if [[ $BOUGH_TEST_MODE == system ]]; then
    setpriv --reuid="$(config .compute.uid)" --regid="$(config .compute.gid)" --init-groups "$@"
  else
    "$@"
  fi
}

config() {
  jq -r "$1" "$BOUGH_HOME/config.json"
}

# platform_sql BRANCH DATABASE STATEMENTS: as the superuser of a branch, for what a test has to tamper with.
platform_sql() {
  as_control psql -XAtq -v ON_ERROR_STOP=1 -h "$(socket_of "$1")" -U bough_platform -d "$2" -c "$3"
}

# catalog_sql STATEMENTS: in the system catalog.
catalog_sql() {
  as_control psql -XAtq -v ON_ERROR_STOP=1 -h "$BOUGH_HOME/run/catalog" -U bough_catalog -d system -c "$1"
}

volume_of() {
  catalog_sql "select volume_id from lakebase.branches where branch_id = '$(branch_id "$1")'"
}

# A checksum of a table's rows, whatever their order.
table_sum() {
  sql "$1" "select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from $2 t" ${3:+"$3"}
}

# Rows, volumes, log directories, processes and operations say the same: run when nothing is going on.
agreement() {
  local rows volumes logs
  rows=$(catalog_sql "select volume_id from lakebase.branches where state <> 'deleted'")
  volumes=$(find "$BOUGH_HOME/pool/volumes" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort)
  logs=$(find "$BOUGH_HOME/wal" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort)
  rows=$(LC_ALL=C sort <<<"$rows")
  [[ $rows == "$volumes" ]] || { printf 'rows:\n%s\nvolumes:\n%s\n' "$rows" "$volumes" && return 1; }
  [[ $rows == "$logs" ]] || { printf 'rows:\n%s\nlogs:\n%s\n' "$rows" "$logs" && return 1; }
  processes_agree || return 1
  [[ $(result '[.operations[] | select(.state == "running")] | length' operation list 2>/dev/null ||
    api GET /v1/operations | jq '[.result.operations[] | select(.state == "running")] | length') == 0 ]] ||
    { echo "an operation is still running" && api GET /v1/operations && return 1; }
}

# Every postgres that runs on a volume is the one that an endpoint's row names, and the other way round.
processes_agree() {
  local running rows
  running=$(for process in /proc/[0-9]*; do
    tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q "^[^ ]*postgres .*$BOUGH_HOME/pool/" && basename "$process"
  done | sort -n)
  rows=$(catalog_sql "select pid from lakebase.endpoints where state = 'running' order by pid")
  [[ $running == "$rows" ]] || { printf 'running: %s\nrows: %s\n' "$running" "$rows" && return 1; }
}

show_logs() {
  local file
  for file in "$BOUGH_HOME"/logs/boughd.log "$BOUGH_HOME"/logs/agent.log "$BOUGH_HOME"/logs/catalog.log; do
    [[ ! -s $file ]] || { note "--- ${file##*/}" && tail -n 25 "$file" | sed 's/^/# /'; }
  done
}
