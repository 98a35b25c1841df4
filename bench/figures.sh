# The figures of the table: one function each, named figure_NAME. Sourced by bench/run.
# shellcheck shell=bash

ROW='select count(*) from pgbench_branches'

FIGURES=(create first_row peers verify load churn bytes idle_memory siblings memory delete policy_decision diff lint)

# What each needs and how it is measured, for --help.
declare -A FIGURE_TEXT=(
  [create]="branch create without start: whole command, and inside boughd"
  [first_row]="branch create --start to the first row, beside the floor"
  [peers]="what others do: CREATE DATABASE TEMPLATE, pg_basebackup, cp --reflink"
  [load]="create to first row while the parent takes full pgbench load"
  [churn]="8 clients creating and deleting"
  [bytes]="bytes on disk of a fresh branch"
  [idle_memory]="memory of an idle compute"
  [siblings]="pgbench on branch and parent with 0, 100 and 500 siblings, against plain PostgreSQL"
  [memory]="memory of boughd with 1,000 branches"
  [delete]="delete of 500 branches until the cleaner is idle"
  [diff]="schema diff of branches with 1,000 tables and 10,000 columns, beside pg_dump -s of both and diff"
  [verify]="migrate verify of one migration beside its own SQL"
  [lint]="lint of a folder with 1,000 migrations and their undos, without a server"
  [policy_decision]="one decision of the policy engine with 200 rules"
)

# Figures that are taken for each size of the database; the others once, on the small one.
SIZED=(create first_row peers verify)

declare -A CREATE_MEDIAN=()

figure_create() {
  local run out whole=() inside=()
  for ((run = 0; run < CREATE_RUNS; run++)); do
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json branch create "c$run" --parent production)
    whole+=("${out% *}")
    inside+=("${out#* }")
    bough --quiet branch delete "c$run"
  done
  CREATE_MEDIAN[$SIZE_NAME]=$(median "${whole[@]}")
  record "branch create, $SIZE_NAME" "whole command" ms "<= 30" "${whole[@]}"
  record "branch create, $SIZE_NAME" "inside boughd" ms "<= 15" "${inside[@]}"
  record "branch create, $SIZE_NAME" "floor: snapshot and least log copy" ms - "$(floor_runs 5 | awk '{ print $1 + $2 }')"
  [[ -z ${CREATE_MEDIAN[$LARGE_NAME]:-} || -z ${CREATE_MEDIAN[$SMALL_NAME]:-} ]] ||
    record "branch create, $LARGE_NAME" "$LARGE_NAME : $SMALL_NAME" ratio "<= 1.3" \
      "$(divide "${CREATE_MEDIAN[$LARGE_NAME]}" "${CREATE_MEDIAN[$SMALL_NAME]}")"
}

# floor_runs N: lines "snapshot log start all" in ms.
floor_runs() {
  local run volume conninfo
  volume=$(branch_volume production)
  conninfo=$(url production)
  cp "$BOUGH_HOME/compute/$volume/postgresql.conf" "$DIR/floor.conf"
  chmod 644 "$DIR/floor.conf"
  for ((run = 0; run < $1; run++)); do
    "$FLOOR" -s "$BOUGH_HOME/pool/volumes/$volume/data" -l "$BOUGH_HOME/wal/$volume" -d "$BOUGH_HOME/pool/floor" \
      -L "$DIR/floor-log" -f "$DIR/floor.conf" -u "$(config .compute.uid)" -c "$conninfo" -D app -U bough_platform \
      -q "$ROW" -b "$PG_BIN"
  done
}

# Bough and floor take turns, so that both see the same machine.
figure_first_row() {
  local run out ours=() floor=() ratio=() floor_now
  for ((run = 0; run < START_RUNS; run++)); do
    out=$("$CLOCK" -q "$ROW" -- "$PROGRAM" --project bench --json branch create "s$run" --start)
    floor_now=$(floor_runs 1 | awk '{ print $4 }')
    ours+=("${out% *}")
    floor+=("$floor_now")
    ratio+=("$(divide "${out% *}" "$floor_now")")
    bough --quiet branch delete "s$run"
  done
  record "create, start, first row, $SIZE_NAME" "bough" ms - "${ours[@]}"
  record "create, start, first row, $SIZE_NAME" "floor" ms - "${floor[@]}"
  record "create, start, first row, $SIZE_NAME" "bough : floor" ratio "<= 1.5" "${ratio[@]}"
}

peer_template() {
  local run times=()
  for ((run = 0; run < PEER_RUNS; run++)); do
    plain_checkpoint
    times+=("$("$CLOCK" -u "$PLAIN dbname=copy" -q "$ROW" -- psql -Xq "$PLAIN dbname=postgres" -c "create database copy template bench strategy $1" | cut -d' ' -f1)")
    psql -Xq "$PLAIN dbname=postgres" -c "drop database copy"
  done
  record "create, start, first row, $SIZE_NAME" "peer: CREATE DATABASE TEMPLATE, $1" ms - "${times[@]}"
}

peer_basebackup() {
  local run times=() copy=$PLAIN_DIR/copy
  for ((run = 0; run < PEER_RUNS; run++)); do
    times+=("$("$CLOCK" -u "host=$PLAIN_DIR port=5433 user=postgres dbname=bench" -q "$ROW" -- setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups \
      sh -c "'$PG_BIN/pg_basebackup' -D '$copy' -c fast -X stream -d '$PLAIN' && { '$PG_BIN/postgres' -D '$copy' -p 5433 >'$copy.log' 2>&1 & }" | cut -d' ' -f1)")
    as_postgres "$PG_BIN/pg_ctl" --pgdata "$copy" --mode immediate stop >/dev/null
    rm -rf "$copy"
  done
  record "create, start, first row, $SIZE_NAME" "peer: pg_basebackup and start" ms - "${times[@]}"
}

# From a stopped cluster on an XFS: cp alone isn't atomic, so the source can't run meanwhile.
peer_reflink() {
  local run times=() disk=$DIR/xfs source copy
  command -v mkfs.xfs >/dev/null || { say "cp --reflink is left out: mkfs.xfs is not installed" && return 0; }
  truncate -s "$((SIZE_MB * 2 + 2000))M" "$disk.img"
  mkfs.xfs -q -f -m reflink=1 "$disk.img"
  mkdir -p "$disk"
  mount -o loop "$disk.img" "$disk"
  chown postgres: "$disk"
  source=$disk/source
  copy=$disk/copy
  plain_down
  as_postgres cp -a "$PLAIN_DIR/data" "$source"
  plain_up
  for ((run = 0; run < PEER_RUNS; run++)); do
    times+=("$("$CLOCK" -u "host=$PLAIN_DIR port=5434 user=postgres dbname=bench" -q "$ROW" -- setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups \
      sh -c "cp -a --reflink=always '$source' '$copy' && { '$PG_BIN/postgres' -D '$copy' -p 5434 >'$copy.log' 2>&1 & }" | cut -d' ' -f1)")
    as_postgres "$PG_BIN/pg_ctl" --pgdata "$copy" --mode immediate stop >/dev/null
    rm -rf "$copy"
  done
  umount "$disk"
  rm -f "$disk.img"
  record "create, start, first row, $SIZE_NAME" "peer: cp --reflink of a stopped one, start" ms - "${times[@]}"
}

figure_peers() {
  peer_template wal_log
  peer_template file_copy
  peer_basebackup
  peer_reflink
}

# Without load to the end there are no figures, rather than those of an idle parent.
figure_load() {
  local run out times=() load p95=()
  pgbench --no-vacuum --client 4 --jobs 2 --time $((LOAD_RUNS * 6 + 30)) "$(url production)" >"$DIR/load.out" 2>&1 &
  load=$!
  sleep 5
  for ((run = 0; run < LOAD_RUNS; run++)); do
    out=$("$CLOCK" -q "$ROW" -- "$PROGRAM" --project bench --json branch create "l$run" --start)
    times+=("${out% *}")
    bough --quiet branch delete "l$run"
    sleep 1
    kill -0 "$load" 2>/dev/null || break
  done
  if kill -INT "$load" 2>/dev/null && ! grep -q aborted "$DIR/load.out"; then
    p95=("$(percentile 0.95 "${times[@]}")")
  else
    say "pgbench or a client of it ended after ${#times[@]} of $LOAD_RUNS runs: $(tail -n 1 "$DIR/load.out")"
    times=()
  fi
  wait "$load" || true
  record "create to first row under load" "median" ms "<= 1500" "${times[@]}"
  record "create to first row under load" "p95" ms "<= 3000" "${p95[@]}"
}

load_program() {
  "$LOAD" -s "unix://$BOUGH_HOME/boughd.sock" -p bench "$@"
}

figure_churn() {
  local out
  out=$(load_program -m churn -c 8 -t "$CHURN_SECONDS" -x churn- || true)
  record "8 clients create and delete" "creates a second" 1/s ">= 60" "$(jq .creates_per_second <<<"$out")"
  record "8 clients create and delete" "errors" "" "<= 0" "$(jq .errors <<<"$out")"
  record "8 clients create and delete" "one create" ms - "$(jq .create_ms.min <<<"$out")" "$(jq .create_ms.median <<<"$out")" "$(jq .create_ms.max <<<"$out")"
}

# What one branch of a parent at rest takes: its exclusive data and its log; and by the pool's own account over
# many. While the parent writes, up to 24 MB of log come with it rather than a checkpoint.
figure_bytes() {
  local run volume exclusive log each=() before after count=50
  branch_checkpoint production
  for run in 1 2 3; do
    bough --quiet branch create "b$run"
    volume=$(branch_volume "b$run")
    sync -f "$BOUGH_HOME/pool"
    exclusive=$(btrfs filesystem du -s --raw "$BOUGH_HOME/pool/volumes/$volume/data" | awk 'END { print $2 }')
    log=$(du -s -B1 "$BOUGH_HOME/wal/$volume" | cut -f1)
    each+=("$(((exclusive + log) / 1024))")
    bough --quiet branch delete "b$run"
  done
  record "bytes of a fresh branch" "exclusive data and log" KiB "<= 1024" "${each[@]}"
  btrfs subvolume sync "$BOUGH_HOME/pool" >/dev/null
  before=$(pool_used)
  load_program -m create -n "$count" -x b- >/dev/null
  after=$(pool_used)
  record "bytes of a fresh branch" "growth of pool and logs, $count branches" KiB "<= 1024" "$(((after - before) / count / 1024))"
  load_program -m delete -n "$count" -x b- >/dev/null
}

pool_used() {
  sync -f "$BOUGH_HOME/pool"
  echo $(($(btrfs filesystem usage --raw "$BOUGH_HOME/pool" | awk '/^ *Used:/ { print $2; exit }') + $(du -s -B1 "$BOUGH_HOME/wal" | cut -f1)))
}

figure_idle_memory() {
  local pid
  bough --quiet branch create idle --start
  psql -Xqc 'select 1' "$(url idle)" >/dev/null
  sleep 3
  pid=$(bough --json endpoint show idle | jq -r .result.endpoint.pid)
  record "memory of an idle compute" "proportional set size" MiB - "$(mebibytes "$(memory_kb "$pid")")"
  bough --quiet branch delete idle
}

# pairs FIGURE BRANCH BOUND PGBENCH-ARGUMENTS...: plain and Bough take turns.
pairs() {
  local figure=$1 conninfo pair plain=() ours=() ratio=() branch=$2 bound=$3 p o
  shift 3
  conninfo=$(url "$branch")
  tps "$PLAIN dbname=bench" "$WARM_SECONDS" "$@" >/dev/null
  tps "$conninfo" "$WARM_SECONDS" "$@" >/dev/null
  for ((pair = 0; pair < PAIRS; pair++)); do
    plain_checkpoint
    p=$(tps "$PLAIN dbname=bench" "$PAIR_SECONDS" "$@")
    branch_checkpoint "$branch"
    o=$(tps "$conninfo" "$PAIR_SECONDS" "$@")
    plain+=("$p")
    ours+=("$o")
    ratio+=("$(divide "$o" "$p")")
  done
  record "$figure" "bough" tps - "${ours[@]}"
  record "$figure" "plain PostgreSQL" tps - "${plain[@]}"
  record "$figure" "bough : plain" ratio "$bound" "${ratio[@]}"
}

# Both kinds of pgbench on a branch and on the parent with that many siblings.
with_siblings() {
  local count=$1 branch_bound=- parent_bound=-
  [[ $count != 0 ]] || branch_bound=">= 0.85"
  [[ $count != "$SIBLINGS_MOST" ]] || parent_bound=">= 0.85"
  bough --quiet branch create worker --start
  pairs "TPC-B, branch, $count siblings" worker "$branch_bound"
  pairs "TPC-B, parent, $count siblings" production "$parent_bound"
  pairs "pgbench -S, branch, $count siblings" worker - --select-only
  pairs "pgbench -S, parent, $count siblings" production - --select-only
  bough --quiet branch delete worker
}

# The forks that really happened stand beside what they are said to have cost.
with_forks() {
  local forks rate=10
  "$LOAD" -s "unix://$BOUGH_HOME/boughd.sock" -p bench -m churn -c 4 -t 100000 -r "$rate" -x fork- \
    >"$DIR/forks.json" 2>"$DIR/forks.err" &
  forks=$!
  pairs "TPC-B, parent, $rate forks a second" production -
  pairs "pgbench -S, parent, $rate forks a second" production - --select-only
  kill "$forks" 2>/dev/null || say "the forks had ended before: $(tail -n 1 "$DIR/forks.err")"
  wait "$forks" || true
  record "parent, $rate forks a second" "forks a second that happened" 1/s ">= $((rate - 1))" "$(jq .creates_per_second "$DIR/forks.json")"
  record "parent, $rate forks a second" "errors" "" "<= 0" "$(jq .errors "$DIR/forks.json")"
}

figure_siblings() {
  local count standing=0
  for count in "${SIBLINGS[@]}"; do
    ((count == standing)) || load_program -m create -n "$count" -x "sibling$count-" >/dev/null
    with_siblings "$count"
    ((count == 0)) || load_program -m delete -n "$count" -x "sibling$count-" >/dev/null
  done
  with_forks
}

figure_memory() {
  local workers
  load_program -m create -n "$MEMORY_BRANCHES" -x "many-" >/dev/null
  workers=$(memory_kb "$(boughd_pid)")
  record "memory, $MEMORY_BRANCHES branches" "boughd and its workers" MiB "<= 64" "$(mebibytes "$workers")"
  record "memory, $MEMORY_BRANCHES branches" "boughd alone" MiB - "$(mebibytes "$(awk '/^Pss:/ { print $2 }' "/proc/$(boughd_pid)/smaps_rollup")")"
  record "memory, $MEMORY_BRANCHES branches" "bough-agent" MiB - "$(mebibytes "$(memory_kb "$(jq -r .pid "$BOUGH_HOME/agent/agent.pid")")")"
  record "memory, $MEMORY_BRANCHES branches" "branch list, whole command" ms - "$("$CLOCK" -- "$PROGRAM" --project bench --json branch list | cut -d' ' -f1)"
  load_program -m delete -n "$MEMORY_BRANCHES" -x "many-" >/dev/null
}

figure_delete() {
  local start
  load_program -m create -n "$DELETE_BRANCHES" -x "gone-" >/dev/null
  btrfs subvolume sync "$BOUGH_HOME/pool" >/dev/null
  start=${EPOCHREALTIME/[.,]/}
  load_program -m delete -n "$DELETE_BRANCHES" -x "gone-" >/dev/null
  record "delete of $DELETE_BRANCHES branches" "until the last is gone for callers" s - "$(divide $((${EPOCHREALTIME/[.,]/} - start)) 1000000)"
  btrfs subvolume sync "$BOUGH_HOME/pool" >/dev/null
  record "delete of $DELETE_BRANCHES branches" "until the cleaner is idle" s - "$(divide $((${EPOCHREALTIME/[.,]/} - start)) 1000000)"
}

figure_policy_decision() {
  local series values
  for series in "allowed by the last rule" "create with its fork" "refused, who could is told" \
    "refused on a protected tier"; do
    mapfile -t values < <(for _ in 1 2 3 4 5; do "$POLICY" 200 | awk -F'\t' -v s="$series" '$1 == s { print $2 }'; done)
    record "policy decision, 200 rules" "$series" us "<= 5" "${values[@]}"
  done
}

# What verify takes beyond the migration's own statements (which it runs, takes back and runs again) and beyond reading
# the tables that were written to.
figure_verify() {
  local run report whole=() beyond=() folder=$DIR/verify bound=-
  [[ $SIZE_NAME != "$LARGE_NAME" ]] || bound="<= 1500"
  mkdir "$folder"
  echo "alter table pgbench_branches add column note text default 'none';" >"$folder/1_note.sql"
  echo "alter table pgbench_branches drop column note;" >"$folder/1_note.undo.sql"
  for ((run = 0; run <= START_RUNS; run++)); do
    report=$(bough --json migrate verify production --dir "$folder")
    ((run > 0)) || continue
    whole+=("$(jq .result.took_ms <<<"$report")")
    beyond+=("$(jq '.result | .took_ms - ([.migrations[] | .applies.duration_ms + .data.duration_ms] | add)' <<<"$report")")
  done
  [[ $(jq .result.proved <<<"$report") == true ]] || beyond=()
  record "migrate verify, $SIZE_NAME" "whole command" ms - "${whole[@]}"
  record "migrate verify, $SIZE_NAME" "beyond the migration and reading tables" ms "$bound" "${beyond[@]}"
  rm -r "$folder"
}

# 1,000 tables of ten columns; the branch adds a column to every hundredth.
make_wide() {
  bough --quiet branch create wide --parent production --start
  bough psql wide -- -Xq -c "do \$\$ begin for i in 1..1000 loop execute format(
    'create table wide_%s (id bigint primary key, a int not null default 1, b text, c timestamptz default now(), d numeric(10,2),
      e text, f date, g jsonb, h uuid, i text check (length(i) > 0))', i); end loop; end \$\$"
  bough --quiet branch create wide-same --parent wide --start
  bough --quiet branch create wide-other --parent wide --start
  bough psql wide-other -- -Xq -c "do \$\$ begin for i in 1..10 loop execute format('alter table wide_%s add j int', i * 100); end loop; end \$\$"
}

# dump_and_diff A B: what one does without Bough, in ms.
dump_and_diff() {
  local started=$EPOCHREALTIME side
  for side in "$@"; do
    as_control "$PG_BIN/pg_dump" -s -h "$(bough --json url "$side" | jq -r .result.socket_directory)" -U bough_platform -d app >"$DIR/$side.sql"
  done
  diff "$DIR/$1.sql" "$DIR/$2.sql" >"$DIR/dump.diff" || true
  awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a) * 1000 }'
}

# The same schema, told by storage: a branch that slept since its first start, and a parent at rest.
diff_by_storage() {
  local run out by=() full=()
  as_control psql -Xqc vacuum -h "$(bough --json url wide | jq -r .result.socket_directory)" -U bough_platform -d app
  branch_checkpoint wide
  bough --quiet branch create wide-rest --parent wide --start
  bough --quiet endpoint suspend wide-rest
  for ((run = 0; run <= CREATE_RUNS; run++)); do
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json diff wide-rest)
    ((run == 0)) || by+=("${out% *}")
  done
  [[ $(bough --json diff wide-rest | jq -r .result.told_by) == storage ]] || by=()
  for ((run = 0; run <= CREATE_RUNS; run++)); do
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json diff wide-rest --full)
    ((run == 0)) || full+=("${out% *}")
  done
  record "diff, 1,000 tables" "the same, by storage" ms "<= 40" "${by[@]}"
  record "diff, 1,000 tables" "by storage : by reading both" ratio - "$(divide "$(median "${by[@]}")" "$(median "${full[@]}")")"
}

# Both ways take turns; the first of each warms up and isn't counted.
figure_diff() {
  local run out whole=() same=() full=() peer=()
  make_wide
  for ((run = 0; run <= CREATE_RUNS; run++)); do
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json diff wide-other)
    ((run == 0)) || whole+=("${out% *}")
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json diff wide-same)
    ((run == 0)) || same+=("${out% *}")
    out=$("$CLOCK" -- "$PROGRAM" --project bench --json diff wide-same --full)
    ((run == 0)) || full+=("${out% *}")
    out=$(dump_and_diff wide wide-other)
    ((run == 0)) || peer+=("$out")
  done
  record "diff, 1,000 tables" "whole command, ten differ" ms "<= 400" "${whole[@]}"
  record "diff, 1,000 tables" "whole command, the same" ms "<= 150" "${same[@]}"
  record "diff, 1,000 tables" "the same, by digests : by reading both" ratio - "$(divide "$(median "${same[@]}")" "$(median "${full[@]}")")"
  record "diff, 1,000 tables" "pg_dump -s of both and diff" ms - "${peer[@]}"
  diff_by_storage
  record "diff, 1,000 tables" "bough, ten differ : pg_dump and diff" ratio - "$(divide "$(median "${whole[@]}")" "$(median "${peer[@]}")")"
  for run in wide-rest wide-other wide-same wide; do bough --quiet branch delete "$run"; done
}

# Each makes a table, fills and changes another one: 8 statements of about 900 bytes, and an undo.
make_migrations() {
  local number
  mkdir "$1"
  for ((number = 1; number <= $2; number++)); do
    cat >"$1/$(printf '20260101%06d' "$number")_step.sql" <<SQL
-- step $number
CREATE TABLE public.parts_$number (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, made_at timestamptz NOT NULL DEFAULT now(),
  weight numeric(12, 3) CHECK (weight > 0), maker bigint REFERENCES public.makers (id) ON DELETE CASCADE);
CREATE INDEX parts_${number}_maker ON public.parts_$number (maker);
INSERT INTO public.parts_$number (code, weight) SELECT p.code, p.weight FROM public.parts p WHERE p.batch = $number;
ALTER TABLE public.parts ADD COLUMN note_$number text, DROP COLUMN IF EXISTS remark_$number;
ALTER TABLE public.parts ADD CONSTRAINT note_${number}_short CHECK (length(note_$number) < 100) NOT VALID;
CREATE OR REPLACE VIEW public.stock_$number AS
  SELECT m.name, count(*) AS parts, sum(p.weight) AS weight FROM public.parts_$number p
    JOIN public.makers m ON m.id = p.maker GROUP BY m.name HAVING count(*) > 1 ORDER BY 2 DESC;
UPDATE public.parts SET note_$number = 'none' WHERE note_$number IS NULL AND id BETWEEN 1 AND 1000;
COMMENT ON TABLE public.parts_$number IS 'parts of batch $number';
SQL
    echo "DROP VIEW public.stock_$number; ALTER TABLE public.parts DROP COLUMN note_$number; DROP TABLE public.parts_$number;" \
      >"$1/$(printf '20260101%06d' "$number")_step.undo.sql"
  done
}

figure_lint() {
  local run whole=() reading=()
  make_migrations "$DIR/migrations" 1000
  for ((run = 0; run < 11; run++)); do
    whole+=("$("$CLOCK" -- "$PROGRAM" migrate lint --brief --dir "$DIR/migrations" | cut -d' ' -f1)")
    reading+=("$("$CLOCK" -- cat "$DIR/migrations"/* | cut -d' ' -f1)")
  done
  record "lint, 1,000 migrations" "whole command" ms "<= 1000" "${whole[@]}"
  record "lint, 1,000 migrations" "cat of the same files" ms - "${reading[@]}"
  rm -r "$DIR/migrations"
}
