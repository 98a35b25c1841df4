# What figures are made of: timing, medians, the table, and a plain PostgreSQL to compare with.
# Sourced by bench/run.
# shellcheck shell=bash

# record FIGURE SERIES UNIT BOUND VALUE...: BOUND is "<= 30", ">= 0.85" or "-"; judged by the median. Without a value
# it failed.
record() {
  local figure=$1 series=$2 unit=$3 bound=$4
  shift 4
  printf '%s\n' "$@" | { grep -E '^-?[0-9.]+$' || true; } | sort -g | awk -v figure="$figure" -v series="$series" -v unit="$unit" -v bound="$bound" '
    { v[NR] = $1 }
    END {
      if (NR == 0) { printf "%s\t%s\t%s\t%s\t-\t-\t-\t0\tfailed\n", figure, series, unit, bound; exit }
      m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
      verdict = "-"
      if (split(bound, b, " ") == 2) verdict = (b[1] == "<=" ? m <= b[2] + 0 : m >= b[2] + 0) ? "holds" : "MISSED"
      printf "%s\t%s\t%s\t%s\t%.4g\t%.4g\t%.4g\t%d\t%s\n", figure, series, unit, bound, m, v[1], v[NR], NR, verdict
    }' >>"$RECORDS"
  tail -n 1 "$RECORDS" | awk -F'\t' '{ printf "    %s, %s: %s %s (%s to %s)  %s\n", $1, $2, $5, $3, $6, $7, $9 }' >&2
}

median() {
  printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

percentile() {
  local part=$1
  shift
  printf '%s\n' "$@" | sort -g | awk -v p="$part" '{ v[NR] = $1 } END { n = int(NR * p + 0.999999); print v[n < 1 ? 1 : n] }'
}

divide() {
  awk -v a="$1" -v b="$2" 'BEGIN { if (b + 0 > 0) printf "%.4f", a / b }'
}

print_table() {
  awk -F'\t' '
    BEGIN { printf "%-34s %-44s %10s %10s %10s %4s %-6s %-8s %s\n", "figure", "series", "median", "min", "max", "n", "unit", "bound", "verdict" }
    { printf "%-34s %-44s %10s %10s %10s %4s %-6s %-8s %s\n", $1 == last ? "" : $1, $2, $5, $6, $7, $8, $3, $4, $9; last = $1 }' "$RECORDS"
}

print_json() {
  jq -R -s --arg machine "$(uname -srm), $(nproc) cores, $(awk '/MemTotal/ { print int($2 / 1048576) }' /proc/meminfo) GiB" \
    --arg date "$(date -u +%FT%TZ)" --arg commit "$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || true)" '
    {machine: $machine, date: $date, commit: $commit, figures: [split("\n")[] | select(. != "") | split("\t") |
      {figure: .[0], series: .[1], unit: .[2], bound: .[3], median: (.[4] | tonumber? // null),
       min: (.[5] | tonumber? // null), max: (.[6] | tonumber? // null), runs: (.[7] | tonumber? // 0), verdict: .[8]}]}' "$RECORDS"
}

say() {
  printf '%s  %s\n' "$(date +%T)" "$*" >&2
}

bough() {
  "$PROGRAM" --project bench "$@"
}

config() {
  jq -r "$1" "$BOUGH_HOME/config.json"
}

# Runs as the account of computes, or of the plain server.
as_compute() {
  setpriv --reuid="$(config .compute.uid)" --regid="$(config .compute.gid)" --init-groups "$@"
}

as_control() {
  setpriv --reuid="$(config .control.uid)" --regid="$(config .control.gid)" --init-groups "$@"
}

as_postgres() {
  setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups "$@"
}

branch_volume() {
  local id
  id=$(bough --json branch show "$1" | jq -r .result.branch.id)
  as_control psql -XAtq -h "$BOUGH_HOME/run/catalog" -U bough_catalog -d system -c "select volume_id from lakebase.branches where branch_id = '$id'"
}

# Straight to the compute's socket, without the proxy; starts it.
url() {
  bough --quiet endpoint start "$1"
  bough --json url "$1" | jq -r .result.socket_url
}

# As superuser, for checkpoints between runs.
branch_checkpoint() {
  as_control psql -Xqc checkpoint -h "$(bough --json url "$1" | jq -r .result.socket_directory)" -U bough_platform -d app
}

plain_checkpoint() {
  psql -Xqc checkpoint "$PLAIN dbname=postgres"
}

# The settings under which a compute runs, for the plain server: both sides get the same.
SAME_SETTINGS="shared_buffers max_wal_size min_wal_size checkpoint_timeout checkpoint_completion_target fsync
  synchronous_commit full_page_writes wal_level wal_buffers wal_compression wal_writer_delay wal_init_zero wal_recycle
  max_connections work_mem maintenance_work_mem effective_cache_size autovacuum autovacuum_max_workers
  autovacuum_naptime bgwriter_delay bgwriter_lru_maxpages max_worker_processes max_parallel_workers
  max_parallel_workers_per_gather jit huge_pages effective_io_concurrency random_page_cost temp_file_limit
  checkpoint_flush_after backend_flush_after wal_log_hints commit_delay max_wal_senders track_io_timing
  shared_memory_type dynamic_shared_memory_type"

# pg_settings tells numbers in each setting's own unit, which is how postgres reads a number without one.
copy_settings() {
  local names
  # shellcheck disable=SC2086
  names=$(printf "'%s'," $SAME_SETTINGS)
  psql -XAtq "$(url production)" -c "select format('%s = ''%s''', name, setting) from pg_settings
    where name in (${names%,})"
}

# A plain cluster on the host's own file system, with the compute's settings and checksums.
plain_start() {
  PLAIN_DIR=$DIR/plain
  PLAIN="host=$PLAIN_DIR port=5432 user=postgres"
  mkdir "$PLAIN_DIR"
  chown postgres: "$PLAIN_DIR"
  as_postgres "$PG_BIN/initdb" --pgdata "$PLAIN_DIR/data" --data-checksums --username postgres --auth trust \
    --encoding UTF8 --locale C.UTF-8 >/dev/null
  copy_settings >"$PLAIN_DIR/same.conf"
  echo "listen_addresses = ''
unix_socket_directories = '$PLAIN_DIR'
include '$PLAIN_DIR/same.conf'" >>"$PLAIN_DIR/data/postgresql.conf"
  plain_up
}

plain_up() {
  as_postgres "$PG_BIN/pg_ctl" --pgdata "$PLAIN_DIR/data" --wait --log "$PLAIN_DIR/log" start >/dev/null
}

plain_down() {
  as_postgres "$PG_BIN/pg_ctl" --pgdata "$PLAIN_DIR/data" --wait --mode "${1:-fast}" stop >/dev/null
}

# fill SCALE: pgbench's tables of that scale in the plain cluster (database bench) and in a new project.
fill_plain() {
  psql -Xq "$PLAIN dbname=postgres options='-c client_min_messages=warning'" -c "drop database if exists bench with (force)" -c "create database bench"
  pgbench --quiet --initialize --scale "$1" "$PLAIN dbname=bench" 2>/dev/null
}

fill_branch() {
  pgbench --quiet --initialize --scale "$1" "$(url production)" 2>/dev/null
  branch_checkpoint production
}

# tps CONNINFO SECONDS [PGBENCH ARGUMENTS...]
tps() {
  local conninfo=$1 seconds=$2
  shift 2
  pgbench --no-vacuum --client 4 --jobs 2 --time "$seconds" "$@" "$conninfo" 2>/dev/null |
    awk '/^tps/ { print $3 }'
}

# configure JQ-PROGRAM: changes config.json, and starts everything anew by it.
configure() {
  jq "$1" "$BOUGH_HOME/config.json" >"$DIR/config"
  cat "$DIR/config" >"$BOUGH_HOME/config.json"
  bough --quiet down
  bough --quiet up
}

# Until nothing of the figure before is left to do: branches that were deleted lie in the pool until its cleaner has been.
settle() {
  btrfs subvolume sync "$BOUGH_HOME/pool" >/dev/null
  sync
}

# The proportional set size of a process and all its descendants, kB.
memory_kb() {
  local pid=$1 child total
  total=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null || echo 0)
  for child in $(pgrep --parent "$pid" || true); do
    total=$((total + $(memory_kb "$child")))
  done
  echo "$total"
}

mebibytes() {
  awk -v kb="$1" 'BEGIN { printf "%.2f", kb / 1024 }'
}

boughd_pid() {
  jq -r .pid "$BOUGH_HOME/locks/boughd.pid"
}
