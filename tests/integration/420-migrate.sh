#!/bin/bash
# Migrations on a branch: each layout, status, apply and rollback; what doesn't fit is refused with its code;
# what can't be one transaction stops between statements and is gone on with; who may do it, and as whom.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
bough branch create work >/dev/null 2>&1
cd "$TEST_DIR" || exit

# migration FILE SQL: a file of the folder.
migration() {
  mkdir -p "$(dirname "migrations/$1")"
  printf '%s\n' "$2" >"migrations/$1"
}
fresh() {
  rm -rf migrations
}
migrate() {
  bough --json migrate "$@" 2>"$TEST_DIR/stderr"
}
# shellcheck disable=SC2120
states() {
  migrate status work "$@" | jq -r '[.result.migrations[] | .version + ":" + .state] | join(" ")'
}
# refused CODE NAME ARGUMENTS...
refused() {
  expect_json "$2" .error.code "$1" migrate "${@:3}"
}

note "Bough's own layout"
equal "new makes two files" "$(migrate new add-note | jq '.result.files | length')" 2
fresh
migration 20260101000000_notes.sql "create table notes (id bigint primary key, text text not null);
insert into notes select n, 'note ' || n from generate_series(1, 100) n;"
migration 20260101000000_notes.undo.sql "drop table notes;"
migration 20260102000000_title.sql "alter table notes add column title text;"
migration 20260102000000_title.undo.sql "alter table notes drop column title;"
equal "both are pending" "$(states)" "20260101000000:pending 20260102000000:pending"
check "status makes no ledger" test "$(platform_sql work app "select to_regnamespace('bough') is null")" = t
equal "up to the first" "$(migrate apply work --to 20260101000000 | jq -c '[.result.done[].version]')" '["20260101000000"]'
equal "the rest" "$(migrate apply work | jq -c '[.result.done[].version]')" '["20260102000000"]'
equal "nothing is left to do" "$(migrate apply work | jq -c .result.done)" '[]'
equal "both are applied" "$(states)" "20260101000000:applied 20260102000000:applied"
equal "the schema is as they left it" "$(migrate status work | jq -r .result.schema)" matches
equal "what it makes belongs to bough_owner" "$(sql work "select tableowner from pg_tables where tablename = 'notes'")" bough_owner
equal "everybody reads the ledger" "$(sql work 'select count(*) from bough.migrations')" 2
check_not "nobody writes it" sql work "update bough.migrations set state = 'failed'"
check_not "nor adds a trigger to it" sql work "create trigger t before insert on bough.migrations execute function touch_updated_at()"
check_not "nor makes anything beside it" sql work "create table bough.more (x int)"
bough branch create child --parent work >/dev/null 2>&1
equal "a branch inherits it" "$(migrate status child | jq -r '.result.applied')" 2
equal "back by one" "$(migrate rollback work | jq -c '[.result.done[].version]')" '["20260102000000"]'
equal "it is pending again" "$(states)" "20260101000000:applied 20260102000000:pending"
check "again" migrate apply work
check "back to nothing" migrate rollback work --to 0
equal "all is gone" "$(sql work "select to_regclass('notes') is null")" t
check "and forth" migrate apply work

equal "the system catalog tells who did it" "$(catalog_sql "select string_agg(action || ' ' || version, ', ' order by migration_id) from lakebase.migrations where branch_name = 'work' and author = '$(id -un)' and state = 'done'")" "apply 20260101000000, apply 20260102000000, rollback 20260102000000, apply 20260102000000, rollback 20260102000000, rollback 20260101000000, apply 20260101000000, apply 20260102000000"

note "what doesn't fit"
migration 20260102000000_title.sql "alter table notes add column title varchar;"
refused migration-edited "a file that was edited" apply work
equal "status explains it" "$(migrate status work | jq -r '.result.findings[0].code')" migration-edited
check "accepted" migrate apply work --accept migration-edited
migration 20260102000000_title.sql "alter table notes add column title text;"
migration 20260101120000_late.sql "select 1;"
refused migration-out-of-order "a version that comes too late" apply work
check "accepted" migrate apply work --accept migration-out-of-order
rm migrations/20260101120000_late.sql
refused migration-ahead "the database is ahead of the code" apply work
migration 20260101120000_other.sql "select 2;"
refused migration-collision "two branches with one version" apply work
fresh
migration 20260101000000_notes.sql "create table notes (id bigint primary key, text text not null);
insert into notes select n, 'note ' || n from generate_series(1, 100) n;"
check_not "what the folder lacks and has no undo stays" migrate rollback work --to 20260101000000
refused migration-no-undo "with its code" rollback work --to 20260101000000
bough branch reset work >/dev/null 2>&1
check "a fresh start" migrate apply work
sql work 'create table by_hand (x int)'
migration 20260103000000_more.sql "create table more (x int);"
refused migration-drift "a schema that was changed by other means" apply work
equal "status says so" "$(migrate status work | jq -r .result.schema)" differs
check "accepted" migrate apply work --accept migration-drift
equal "it matches again" "$(migrate status work | jq -r .result.schema)" matches

note "failures"
migration 20260104000000_bad.sql "create table half (x int);
insert into half values (1);
insert into half values ('x');"
refused migration-failed "a statement that fails" apply work
matches "file, line and the server's words" "$(migrate apply work | jq -r .error.message)" '20260104000000_bad.sql line 3: .*integer'
equal "nothing of it is left" "$(sql work "select to_regclass('half') is null")" t
equal "the ledger tells of both" "$(sql work "select count(*) from bough.migrations where state = 'failed'")" 2
migration 20260104000000_bad.sql "\\connect postgres"
refused migration-invalid "psql's commands" apply work
migration 20260104000000_bad.sql "copy notes from stdin;"
refused migration-invalid "COPY from the file" apply work
migration 20260104000000_bad.sql "select 1; commit; select 2;"
refused migration-invalid "a transaction of its own" apply work
migration 20260104000000_bad.sql "do \$\$ begin execute 'com' || 'mit'; end \$\$; create table sneaked (x int);"
refused migration-failed "nor one that is hidden" apply work
migration 20260104000000_bad.sql "alter system set fsync = off;"
refused migration-failed "what only a superuser may" apply work
migration 20260104000000_bad.sql "set role bough_platform;"
refused migration-failed "nor becomes one" apply work
migration 20260104000000_bad.sql "begin; create table good (x int); end;"
check "BEGIN and END around all" migrate apply work

note "statements that can't be in a transaction"
migration 20260105000000_index.sql "set maintenance_work_mem = '8MB';
create index concurrently notes_text on notes (text);
create unique index concurrently notes_broken on notes ((1));
create table after_all (x int);"
refused migration-failed "one of them fails" apply work
equal "it stopped behind the second" "$(sql work "select state || ' ' || done from bough.migrations order by entry desc limit 1")" "stopped 2"
equal "the invalid index is gone" "$(sql work "select count(*) from pg_index where not indisvalid")" 0
equal "status says so" "$(states | tr ' ' '\n' | tail -n 1)" 20260105000000:stopped
sed -i 's/maintenance_work_mem/work_mem/' migrations/20260105000000_index.sql
refused migration-edited "what is done can't be changed" apply work
sed -i 's/work_mem/maintenance_work_mem/; s/((1))/(id)/' migrations/20260105000000_index.sql
check "what isn't can, and it goes on" migrate apply work
equal "once each" "$(sql work "select count(*) from pg_indexes where indexname in ('notes_text', 'notes_broken')")" 2
equal "to its end" "$(states | tr ' ' '\n' | tail -n 1)" 20260105000000:applied

note "locks"
migration 20260106000000_lock.sql "alter table notes add column locked int;"
bough psql work -- -XAtqc 'begin; lock table notes; select pg_sleep(4)' >/dev/null 2>&1 &
holder=$!
wait_for 20 eval '[[ $(sql work "select count(*) from pg_locks where mode = '\''AccessExclusiveLock'\'' and relation = '\''notes'\''::regclass") == 1 ]]'
refused migration-locked "a lock that isn't given" apply work --lock-timeout 1s --attempts 1
check "one that is, after some attempts" migrate apply work --lock-timeout 1s --attempts 30
wait "$holder"

note "other layouts"
bough branch create layouts >/dev/null 2>&1
fresh
migration V1.9__a.sql "create table a (x int);"
migration V1.10__b.sql "alter table a add y int;"
migration U1.10__b.sql "alter table a drop y;"
migration R__view.sql "create or replace view seen as select x from a;"
equal "flyway: 1.9 before 1.10, views last" "$(migrate apply layouts | jq -r '[.result.done[].file] | join(" ")')" "V1.9__a.sql V1.10__b.sql R__view.sql"
migration R__view.sql "create or replace view seen as select x, 1 as one from a;"
equal "a repeatable one again when it changed" "$(migrate apply layouts | jq -r '[.result.done[].file] | join(" ")')" R__view.sql
bough branch reset layouts >/dev/null 2>&1
fresh
migration 00001_a.sql "-- +goose Up
-- +goose StatementBegin
create function one() returns int language plpgsql as \$\$ begin return 1; end \$\$;
-- +goose StatementEnd
-- +goose Down
drop function one();"
check "goose" migrate apply layouts
check "and back" migrate rollback layouts
fresh
migration 2026-01-01-000000_a/up.sql "create table a (x int);"
migration 2026-01-01-000000_a/down.sql "drop table a;"
check "diesel" migrate apply layouts
fresh
migration 20260101000000_a.up.sql "create table a (x int);"
equal "the same version in another layout" "$(migrate status layouts | jq -r .result.applied)" 1
bough branch reset layouts >/dev/null 2>&1
check "a baseline" migrate apply layouts --baseline
equal "isn't run" "$(sql layouts "select to_regclass('a') is null")" t
bough branch create liar >/dev/null 2>&1
sql liar "create schema bough; create table bough.migrations (entry int)"
refused migration-ledger "a ledger that somebody else made" apply liar

note "tools with code of their own"
bough branch create tools >/dev/null 2>&1
equal "none yet" "$(migrate tool tools | jq -c .result.tools)" '[]'
cat >tool.sh <<'END'
psql -XAtqc "create table alembic_version (version_num text); insert into alembic_version values ('ae1027a6acf')"
exit 3
END
equal "the command runs on the branch, and ends as it ends" "$(migrate tool tools -- bash tool.sh | jq -r .result.status)" 3
equal "its ledger is read, whatever its status says" "$(migrate tool tools | jq -r '.result.tools[0] | .tool + " " + .versions[0]')" "alembic ae1027a6acf"
