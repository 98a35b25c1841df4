#!/bin/bash
# migrate verify: what is exact, what drifts, what loses data, what doesn't run; locks and rewrites are told;
# the tests run on a scratch branch, and nothing is left of any.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
bough branch create work >/dev/null 2>&1
cd "$TEST_DIR" || exit
mkdir migrations

# pair VERSION UP UNDO: the only migration that is there.
pair() {
  rm -f migrations/*
  printf '%s\n' "$2" >"migrations/$1_m.sql"
  printf '%s\n' "$3" >"migrations/$1_m.undo.sql"
}
# verify FILTER [ARGUMENTS...]: jq's FILTER over the report on the last migration.
verify() {
  bough --json migrate verify work "${@:2}" >"$TEST_DIR/report" 2>"$TEST_DIR/stderr" || true
  jq -r "$1" "$TEST_DIR/report"
}
last() {
  jq -r ".result.migrations[-1] | $1" "$TEST_DIR/report"
}

before=$(branch_names)
sum=$(table_sum work orders)
pair 1 "create table notes (id int primary key); alter table orders add column x int default 1;" \
  "drop table notes; alter table orders drop column x;"
equal "exact" "$(verify '.result.migrations[-1].rollback.verdict')" exact
equal "proved" "$(last .proved)" true
equal "what no one wrote to is told by its files" "$(last '.data.read')" 0
equal "an added column with a constant rewrites nothing" "$(last '.rewritten | length')" 0
equal "the lock is told" "$(last '[.statements[] | select(.line == 1) | .locks[] | select(.relation == "public.orders") | .mode] | unique | join(" ")')" AccessExclusiveLock
equal "running the file twice isn't possible" "$(last .idempotent)" false
equal "the ledger keeps it from that" "$(last .again.ok)" true
equal "no scratch branch is left" "$(branch_names)" "$before"
equal "the branch itself was left alone" "$(table_sum work orders)" "$sum"

pair 1 "alter table orders alter column note type varchar(400);" "alter table orders alter column note type text;"
equal "a narrower type rewrites" "$(verify '.result.migrations[-1].rewritten[0].table')" public.orders
equal "and is read in full, which shows that it's the same" "$(last '.data | .verdict + " " + (.read | tostring)')" "same 1"
pair 1 "alter table customers drop column phone;" "alter table customers add column phone text;"
equal "a dropped column that comes back" "$(verify '.result.migrations[-1].rollback.verdict')" order_only
equal "is empty then" "$(last '.data.verdict + " " + .data.lost[0].column')" "lost phone"
equal "which isn't proved" "$(last .proved)" false
pair 1 "update products set name = upper(name);" "update products set name = initcap(name);"
equal "data that doesn't come back" "$(verify '.result.migrations[-1].data.lost[0] | .table + "." + .column')" public.products.name
pair 1 "create table a (x int); create index a_x on a (x);" "drop index a_x;"
equal "an undo that forgets something" "$(verify '.result.migrations[-1].rollback.verdict')" drift
matches "says what" "$(last '.rollback.differences | join("; ")')" 'added table public.a'
pair 1 "create table a (x int);" "drop table b;"
equal "an undo that fails" "$(verify '.result.migrations[-1].rollback.verdict')" down_fail
pair 1 "create table a (x int" ""
equal "one that doesn't apply" "$(verify '.result.migrations[-1].applies.ok')" false
check_not "ends with a failure" bough migrate verify work
pair 1 "create table a (x int);" "drop table b;"
printf 'create table if not exists c (x int);\n' >migrations/2_c.sql
printf 'drop table c;\n' >migrations/2_c.undo.sql
equal "what follows one that can't be taken back is proved all the same" "$(verify '[.result.migrations[] | .rollback.verdict] | join(" ")')" "down_fail exact"
equal "one that may be run twice" "$(last .idempotent)" true
pair 1 "create index concurrently orders_note on orders (note);" "drop index concurrently orders_note;"
equal "outside of transactions" "$(verify '.result.migrations[-1].rollback.verdict')" exact

note "the application's tests"
pair 1 "create table notes (id int primary key);" "drop table notes;"
cat >tests.sh <<'END'
set -e
[[ -z ${PGPASSWORD:-} && $(stat -c %a "$PGPASSFILE") == 600 && $DATABASE_URL != *bough_*_*:* ]]
psql -XAtqc 'insert into notes values (1)'
echo "$PGPASSFILE" >passfile
END
equal "pass" "$(verify .result.tests.ok -- bash tests.sh)" true
check_not "the password file is gone" test -e "$(cat passfile)"
equal "fail" "$(verify .result.tests.status -- false)" 1
equal "the branch is as it was" "$(sql work "select to_regclass('notes') is null")" t
equal "and no scratch branch is left" "$(branch_names)" "$before"

note "under load"
pair 1 "alter table orders add column x int; select pg_sleep(0.5);" "alter table orders drop column x;"
echo "select count(*) from orders" >load.sql
equal "the load runs" "$(verify '.result.load[0] | (.runs > 4), .failures' --under-load load.sql | xargs)" "true 0"
equal "and waits for the migration" \
  "$(jq -r '.result.load[0].waits[] | select(.waiter == "load" and .blocker == "migration" and .waited_ms > 100) | .relation' "$TEST_DIR/report" | sort -u)" \
  public.orders
echo "begin; select count(*) from orders; select pg_sleep(0.3); commit" >load.sql
equal "or the migration for it" \
  "$(verify '[.result.load[0].waits[] | select(.waiter == "migration" and .blocker == "load")] | length > 0' --under-load load.sql)" true
echo "select nothing" >load.sql
matches "a load that fails says why" "$(verify '.result.load[0].failure' --under-load load.sql)" '"nothing" does not exist'
equal "no scratch branch is left of it" "$(branch_names)" "$before"

note "what a policy demands, and the branch that is meant"
pair 1 "create table a (x int);" "drop table a;"
equal "without a policy, the root's" "$(bough --json migrate verify | jq -r '.result.branch, .result.proved' | xargs)" "production true"
source "$ROOT/tests/harness/policy.sh"
write_policy "$TEST_DIR/bough.yaml"
echo 'migrations: { idempotent: true }' >>"$TEST_DIR/bough.yaml"
check "a policy that demands more" bough policy apply "$TEST_DIR/bough.yaml" --yes
equal "what can't be run again isn't proved" "$(bough --json migrate verify | jq -r '.result.branch, .result.proved' | xargs)" "staging false"
pair 1 "create table if not exists a (x int);" "drop table a;"
equal "what can is" "$(bough --json migrate verify | jq -r '.result.branch, .result.proved' | xargs)" "staging true"
