#!/bin/bash
# The audit: what each request leaves in it, who reads it and how, that nothing in it can be changed
# unnoticed, and that effect and row are there together or not at all.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
bough principal add ann --type human --role developer >/dev/null
bough principal add bot --type agent --role agent --for ann >/dev/null
bough principal add op --type human --role platform >/dev/null
declare -A TOKEN
for name in ann bot op; do TOKEN[$name]=$(bough principal token "$name" --ttl 1h); done
by() {
  BOUGH_TOKEN=${TOKEN[$1]} bough "${@:2}"
}
trail() {
  catalog_sql "select count(*) from access.audit where $1"
}
# system_sql NAME SQL: as that principal, in the catalog, through the proxy.
system_sql() {
  PGPASSWORD=${TOKEN[$1]} psql -XAtq -v ON_ERROR_STOP=1 "host=127.0.0.1 port=6432 user=$1 dbname=system" -c "$2"
}

note "what requests leave"
check "a branch" by op branch create one
equal "one row, with who, what and how" "$(catalog_sql "select actor, actor_type, status, request_params->>'name', source_ip like 'uid:%', request_id like 'req-%', branch_id = '$(branch_id one)', endpoint_id is not null from access.audit where action_name = 'branch.create'")" 'op|human|ok|one|t|t|t|t'
check "renamed" by op branch rename one uno
check "started" by op endpoint start uno
check "suspended" by op endpoint suspend uno
check "protected, and not" by op branch protect uno
check "no more" by op branch unprotect uno
for action in branch.rename endpoint.start endpoint.suspend; do
  equal "$action" "$(trail "action_name = '$action' and actor = 'op' and status = 'ok'")" 1
done
check_not "an agent forks nothing yet" by bot branch create theirs
equal "refused, and for whom" "$(catalog_sql "select status, error_code, on_behalf_of, request_params->>'name' from access.audit where action_name = 'branch.create' and actor = 'bot'")" 'refused|branch-not-found|ann|theirs'
check_not "nor adds anybody" by bot principal add eve --type human --role platform
equal "refused too" "$(trail "action_name = 'principal.add' and actor = 'bot' and error_code = 'forbidden'")" 1
check_not "a stranger" env BOUGH_TOKEN=bough_aaaaaaaaaaaa_0 "$PROGRAM" project list
equal "is nobody" "$(trail "actor_type = 'unknown' and error_code = 'unauthenticated'")" 1
request=$(curl -si --unix-socket "$BOUGH_HOME/boughd.sock" -X DELETE "http://x/v1/projects/shop/branches/nothing" | tr -d '\r' | sed -n 's/^X-Request-Id: //p')
matches "the answer names the request" "$request" '^req-[a-z2-7]{12}$'
equal "so does the row" "$(trail "request_id = '$request' and error_code = 'branch-not-found'")" 1
equal "no token and no password anywhere" "$(catalog_sql "select count(*) from access.audit as a where a::text like '%bough\\_%\\_%' or a::text like '%${TOKEN[op]#bough_*_}%'")" 0

note "a flood"
for ((n = 0; n < 60; n++)); do printf 'url = http://x/v1/projects/shop/branches/nowhere\nrequest = DELETE\nunix-socket = %s/boughd.sock\noutput = /dev/null\n' "$BOUGH_HOME"; done >"$TEST_DIR/flood"
curl -s -K "$TEST_DIR/flood" &
curl -s -K "$TEST_DIR/flood" &
wait
flood="actor <> 'op' and action_name = 'branch.delete' and error_code = 'branch-not-found'"
equal "counted to the last one" "$(catalog_sql "select (select count(*) from access.audit where $flood and not request_params ? 'since') + (select sum(count) from access.audit_refusals where $flood)")" 121
equal "and one row" "$(trail "$flood")" 1

note "bough audit"
sealed() {
  [[ $(trail "seq is null") == 0 ]]
}
check "all rows are sealed" wait_for 20 sealed
expect_json "verify" .result.ok true bough --json audit verify
expect_json "the newest are last" '.result.events | (map(.event_time) | sort) == map(.event_time)' true bough --json audit --limit 20
expect_json "of one principal, agents' deeds for it too" '[.result.events[].actor] | unique | join(" ")' bot bough --json audit --principal ann
expect_json "of one branch by its name" '[.result.events[] | select(.action_name | startswith("branch."))] | length > 2' true bough --json audit --branch uno
expect_json "of one kind of action" '[.result.events[].action_name] | unique | join(" ")' 'principal.add principal.token' bough --json audit --action 'principal.*' --principal "$(id -un)"
expect_json "refusals" '[.result.events[].status] | unique | join(" ")' refused bough --json audit --refused --since 1h
check_not "not for everybody" by ann audit
matches "a table" "$(bough audit --limit 3)" '^TIME +WHO +ACTION +BRANCH +RESULT'
timeout 4 "$PROGRAM" audit --follow --limit 1 >"$TEST_DIR/follow" 2>&1 &
follower=$!
sleep 1
check "while somebody follows" by op branch protect uno
wait "$follower" || true
matches "they see it" "$(cat "$TEST_DIR/follow")" 'branch.protect'

note "database system"
equal "read by SQL" "$(system_sql op "select count(*) from system.access.audit where action_name = 'branch.create' and status = 'ok'")" 1
equal "through bough psql" "$(bough psql system -- -XAtc "select count(*) from lakebase.branches where name = 'uno'")" 1
matches "its url" "$(bough url system)" '^postgresql://.*@.*:6432/system$'
refusal=$(system_sql ann 'select 1' 2>&1 || true)
matches "not for everybody" "$refusal" 'may not read the audit'
equal "refused in the audit" "$(trail "action_name = 'session.start' and actor = 'ann' and status = 'refused' and error_code = 'forbidden'")" 1
at_least "sessions there are, too" "$(trail "action_name = 'session.start' and actor = 'op' and request_params->>'database' = 'system' and status = 'ok' and branch_id is null")" 1
system_ended() {
  (($(trail "action_name = 'session.end' and actor = 'op' and branch_id is null") > 0))
}
check "and their ends" wait_for 20 system_ended
for view in access.audit access.audit_heads access.refusals_per_principal access.tier_write_sessions lakebase.branch_origins lakebase.branch_expiry lakebase.forks_per_day lakebase.projects lakebase.branches lakebase.endpoints lakebase.operations lakebase.principals lakebase.policies; do
  check "may read $view" system_sql op "select * from system.$view limit 1"
done
for table in access.tokens access.secrets access.audit_events access.audit_chain access.audit_sealer access.audit_refusals pg_authid lakebase.identities; do
  check_not "may not read $table" system_sql op "select * from $table limit 1"
done
for deed in "update lakebase.branches set name = 'x'" "delete from access.audit" "insert into access.audit_events (actor_type, actor, service_name, action_name, status) values ('human', 'op', 'x', 'x', 'ok')" \
  'create table mine (x int)' 'create temp table mine (x int)' 'create schema mine' "create function f() returns int language sql as 'select 1'" 'do $$ begin end $$' 'select lo_create(0)' 'select pg_advisory_lock(1)' \
  'select pg_terminate_backend(pg_backend_pid())' 'select pg_current_xact_id()' 'select access.audit_add_days(current_date, current_date + 90)' 'select access.audit_drop_day(current_date)' 'set role bough_catalog' \
  'set session authorization bough_catalog' "select pg_read_file('PG_VERSION')" "copy (select 1) to program 'true'" "select nextval('access.audit_serials')" 'lock table access.audit in exclusive mode' "alter role bough_auditor superuser"; do
  check_not "may not: ${deed:0:60}" system_sql op "set default_transaction_read_only = off; $deed"
done
equal "nothing else can be read" "$(system_sql op "select string_agg(c.oid::regclass::text, ' ' order by c.oid::regclass::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_|^information_schema' and c.relkind in ('r', 'v', 'm', 'p', 'S', 'f') and has_table_privilege(c.oid, 'select') and n.nspname || '.' || c.relname not in ('access.audit', 'access.audit_heads', 'access.refusals_per_principal', 'access.tier_write_sessions', 'lakebase.branch_origins', 'lakebase.branch_expiry', 'lakebase.forks_per_day', 'lakebase.projects', 'lakebase.branches', 'lakebase.endpoints', 'lakebase.operations', 'lakebase.principals', 'lakebase.policies', 'lakebase.policy_heads', 'lakebase.tiers', 'lakebase.authors', 'lakebase.schedules', 'lakebase.sessions', 'lakebase.migrations', 'lakebase.promotions', 'lakebase.promotion_approvals', 'lakebase.schema_diffs', 'lakebase.snapshots', 'lakebase.ci_runs', 'lakebase.ci_checks', 'lakebase.changes', 'lakebase.merge_queue')")" ''
equal "nor written" "$(system_sql op "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_|^information_schema' and c.relkind in ('r', 'v', 'p', 'f') and has_table_privilege(c.oid, 'insert, update, delete, truncate, references, trigger')")" 0
equal "nor called" "$(system_sql op "select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_|^information_schema' and has_function_privilege(p.oid, 'execute')")" 0
# These check for superusers and REPLICATION themselves, or only tell names.
equal "of what changes something in pg_catalog" "$(system_sql op "select string_agg(distinct proname::text, ' ') from pg_proc where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege(oid, 'execute') and proname ~ '^lo_|advisory|terminate|cancel_backend|emit_message|current_xact_id\$|notify\$|pg_(read|write|ls|rotate|reload|switch|create|promote|start|stop)_|rename|_file'")" 'pg_create_logical_replication_slot pg_create_physical_replication_slot pg_filenode_relation pg_read_file_old pg_relation_filenode pg_relation_filepath pg_rotate_logfile_old pg_stat_get_db_temp_files pg_stop_making_pinned_objects'

note "the documented queries"
awk '/^```sql$/ { inside = 1; next } /^```$/ && inside { inside = 0; printf "%c", 0; next } inside' "$ROOT/docs/audit.md" >"$TEST_DIR/queries"
queries=0
while IFS= read -r -d '' query; do
  queries=$((queries + 1))
  check "query $queries" system_sql op "$query"
done <"$TEST_DIR/queries"
equal "there are" "$queries" 5
matches "who made what" "$(system_sql op "select branch, created_by, parent from lakebase.branch_origins where branch = 'uno'")" '^uno\|op\|production$'
equal "forks of a day" "$(system_sql op "select forks from lakebase.forks_per_day where tier = 'production'")" 1
at_least "refusals" "$(system_sql op "select refusals from access.refusals_per_principal where actor = 'bot' and error_code = 'forbidden'")" 1

note "what can't be counted is told as missing"
mkfifo "$TEST_DIR/asked"
PGPASSWORD=${TOKEN[op]} psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app@uno" <"$TEST_DIR/asked" >/dev/null 2>&1 &
exec 7>"$TEST_DIR/asked"
equal "no counter was lost yet" "$(trail "action_name = 'sessions.gap'")" 0
catalog_sql "alter table lakebase.sessions rename to elsewhere" >/dev/null
given_up() {
  echo 'select 1;' >&7
  grep -q 'boughd was told in vain' "$BOUGH_HOME"/logs/proxy.log
}
check "a report fails again and again" wait_for 30 given_up
catalog_sql "alter table lakebase.elsewhere rename to sessions" >/dev/null
gap_is_told() {
  echo 'select 1;' >&7
  [[ $(trail "action_name = 'sessions.gap' and actor = 'system' and (request_params->>'reports')::int >= 1") -ge 1 ]]
}
check "the next one that is taken says how many were lost" wait_for 30 gap_is_told
exec 7>&-
wait $! 2>/dev/null || true

note "kill -9 between the effect and its end"
kill_boughd
BOUGH_FAILPOINT=branch-create-wal-copied=crash bough up >/dev/null 2>&1
by op branch create two >/dev/null 2>&1 || true
dead() {
  ! boughd_alive
}
check "boughd dies in the middle of a create" wait_for 20 dead
equal "no row of what is neither done nor undone" "$(trail "request_params->>'name' = 'two'")" 0
check "up again" bough up
settled() {
  [[ $(catalog_sql "select count(*) from lakebase.operations where state = 'running'") == 0 ]]
}
check "recovered" wait_for 60 settled
equal "what was undone left its row" "$(catalog_sql "select status, error_code, actor, source_ip like 'uid:%' from access.audit where action_name = 'branch.create' and request_params->>'name' = 'two'")" 'failed|cancelled|op|t'
expect_json "verify" .result.ok true bough --json audit verify --anchor "$BOUGH_HOME/audit/anchors.jsonl"

note "tampering"
catalog_sql "set session_replication_role = replica; update access.audit_events set actor = 'ann' where action_name = 'branch.rename'" >/dev/null
expect_json "found" '.result.findings[0].kind' changed bough --json audit verify
check_not "with a status of its own" bough audit verify
