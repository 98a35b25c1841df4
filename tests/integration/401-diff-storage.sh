#!/bin/bash
# The shortcuts of schema diffs: told by storage only where both branches are at rest and their catalogs lie in the
# same blocks, by digests only where the rows of both are the same, and never against what reading both says.
TEST_MODE_ONLY=system # elsewhere copies may share no blocks
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
export BOUGH_PROJECT=shop
sql production "
  create table plain (id int primary key, a text, b text check (b <> ''));
  create view totals as select b, count(*) from plain group by b;
  insert into plain select g, g, g from generate_series(1, 1000) g" >/dev/null

# Every row's fate noted, all of it in the files.
settle() { # BRANCH
  platform_sql "$1" app "vacuum"
  platform_sql "$1" app "checkpoint"
}
fork() { # BRANCH: started once, and stopped again
  bough branch create "$1" --parent production --start >/dev/null 2>&1 || fail "branch create $1"
  rest "$1"
}
rest() {
  bough --quiet endpoint suspend "$1" || fail "endpoint suspend $1"
}
# told BRANCH [FLAGS]: what is said, and by what.
told() {
  result '"\(.same) by \(.told_by)"' diff "$@"
}
# both_ways TEXT BRANCH EXPECTED [FLAGS]: as it is told, and as it is when both are read.
both_ways() {
  local text=$1 branch=$2 expected=$3
  shift 3
  equal "$text" "$(told "$branch" "$@")" "$expected"
  equal "$text: reading both agrees" "$(told "$branch" "$@" --full)" "${expected%% *} by catalogs"
}

settle production
fork one
fork two
note "at rest"
both_ways "a branch that sleeps, a parent that is checkpointed" one "true by storage"
rest one
both_ways "two that sleep" one "true by storage" --against two
rest one
rest two
equal "neither was woken for it" \
  "$(told one --against two; result .endpoint.state endpoint show one)" "$(printf 'true by storage\nstopped')"
equal "nothing in text" "$(bough diff one)" "production -> one, database app: no difference"
equal "a database that isn't there is none that is the same" \
  "$(bough --json diff one --database nowhere | jq .ok)" false

note "data isn't schema"
sql one "update plain set a = 'changed'" >/dev/null
rest one
both_ways "after an update" one "true by storage"

note "each change is seen, however small"
number=0
while read -r statement; do
  number=$((number + 1))
  fork "changed-$number"
  sql "changed-$number" "$statement" >/dev/null
  rest "changed-$number"
  both_ways "$statement" "changed-$number" "false by catalogs"
  bough --quiet branch delete "changed-$number"
done <<'SQL'
comment on column plain.a is 'short'
alter table plain alter column a set statistics 10
create function f() returns int language sql as 'select 1'
SQL

note "not at rest"
sql two "comment on table plain is 'in the log only'" >/dev/null
both_ways "what isn't checkpointed" two "false by catalogs"
sql two "comment on table plain is null" >/dev/null
both_ways "the same again, in other blocks" two "true by digests"

note "decided on one side only"
mkfifo "$TEST_DIR/session"
as_control psql -Xq -h "$(socket_of production)" -U bough_platform -d app <"$TEST_DIR/session" >"$TEST_DIR/session.log" 2>&1 &
exec 9>"$TEST_DIR/session"
echo "begin; create table undecided (x int);" >&9
is_open() {
  [[ $(platform_sql production app "select count(*) from pg_stat_activity where state = 'idle in transaction'") == 1 ]]
}
check "a transaction has made a table" wait_for 60 is_open
platform_sql production app "checkpoint"
fork early
both_ways "while it isn't committed" early "true by digests"
rest early
echo "commit;" >&9
exec 9>&-
wait
platform_sql production app "checkpoint"
both_ways "committed on the other side only" early "false by catalogs"
