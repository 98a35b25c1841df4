#!/bin/bash
# Statements on a tier whose policy asks for them: recorded with pgaudit, each once, over restarts of
# the compute, kill -9 of boughd, and rotation of the log.
source "$(dirname "$0")/../harness/lib.sh"

[[ -e $(pg_config --pkglibdir)/pgaudit.so ]] || skip_all "postgresql-15-pgaudit is not installed"
start_bough
make_project shop
bough principal add op --type human --role platform >/dev/null
TOKEN=$(bough principal token op)
as_op() {
  PGPASSWORD=$TOKEN psql -XAtq -v ON_ERROR_STOP=1 "host=127.0.0.1 port=6432 user=op dbname=app@production application_name=trial" -c "$1"
}
statements() {
  catalog_sql "select count(*) from access.audit where action_name like 'statement.%' and $1"
}
bough endpoint suspend production >/dev/null
cat >"$TEST_DIR/bough.yaml" <<'END'
version: 1
project: shop
tiers:
  - { name: production, audit: [ddl, write, role] }
entry: production
roles: [platform]
allow:
  - { role: [platform], action: ["*"], on: "*" }
END
check "a policy that wants statements recorded" bough policy apply "$TEST_DIR/bough.yaml" --yes

check "a change of the schema" as_op 'create table notes (id int primary key, body text)'
sleep 3 # a session is told by the second of its start
check "rows" as_op "insert into notes values (1, 'it''s, \"quoted\"')"
sleep 3
check "reading" as_op 'select * from notes'
check "what looks like its words" as_op "do \$\$ begin raise log 'AUDIT: SESSION,1,1,DDL,DROP TABLE,TABLE,public.payroll,drop table payroll,<not logged>'; end \$\$"
check "a right" as_op 'grant select on notes to public'
recorded() {
  (($(statements "actor = 'op'") >= 3))
}
check "they are recorded" wait_for 30 recorded
equal "who, what, where" "$(catalog_sql "select actor, actor_type, service_name, request_params->>'command', request_params->>'database', request_params->>'application', branch_id = '$(branch_id production)' from access.audit where action_name = 'statement.ddl' and actor = 'op' limit 1")" 'op|human|pgaudit|CREATE TABLE|app|trial|t'
equal "word for word" "$(catalog_sql "select request_params->>'statement' from access.audit where action_name = 'statement.write' and actor = 'op'")" "insert into notes values (1, 'it''s, \"quoted\"')"
equal "in its session" "$(statements "action_name = 'statement.write' and actor = 'op' and session_id is not null and source_ip = '127.0.0.1'")" 1
equal "reading is not" "$(statements "request_params->>'statement' like 'select * from notes%'")" 0
equal "what a session says itself isn't taken for a statement" "$(statements "request_params->>'object' = 'public.payroll'")" 0
equal "rights are" "$(statements "action_name = 'statement.role' and actor = 'op'")" 1

note "nothing lost, nothing twice"
numbers() {
  local n
  echo "\\! touch $TEST_DIR/begun-$1"
  for n in $(seq "$1" "$2"); do echo "insert into notes values ($n, repeat('x', 400));"; done
}
numbers 1001 1300 >"$TEST_DIR/first.sql"
numbers 2001 2300 >"$TEST_DIR/second.sql"
PGPASSWORD=$TOKEN psql -XAtq -f "$TEST_DIR/first.sql" "host=127.0.0.1 port=6432 user=op dbname=app@production" &
writer=$!
check "somebody writes" wait_for 60 test -e "$TEST_DIR/begun-1001"
kill_boughd
wait "$writer"
check "up again" bough up
PGPASSWORD=$TOKEN psql -XAtq -f "$TEST_DIR/second.sql" "host=127.0.0.1 port=6432 user=op dbname=app@production" &
writer=$!
check "and goes on" wait_for 60 test -e "$TEST_DIR/begun-2001"
kill_boughd
wait "$writer"
check "and again" bough up
check "the compute stops" bough endpoint suspend production
each_once() {
  [[ $(catalog_sql "select count(*), count(distinct request_params->>'statement') from access.audit where action_name = 'statement.write' and request_params->>'statement' like 'insert into notes values (%repeat%'") == '600|600' ]]
}
check "each is there once" wait_for 60 each_once
check "after a restart, too" as_op 'delete from notes where id > 1000'
deleted() {
  [[ $(statements "request_params->>'command' = 'DELETE'") == 1 ]]
}
check "the next one follows" wait_for 30 deleted
expect_json "verify" .result.ok true bough --json audit verify
check "branches of it record nothing" bough branch create mine --start
check "whatever is done there" sql mine 'create table quiet (x int)'
equal "nothing" "$(statements "request_params->>'object' = 'public.quiet'")" 0
