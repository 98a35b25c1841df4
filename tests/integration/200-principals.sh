#!/bin/bash
# Principals and tokens: who may come in, by the API and by the one port, on which branches, and what
# is left of it in the trail. Nothing of a token can be found anywhere afterwards.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
bough branch create mine >/dev/null 2>&1

# as NAME BRANCH SQL [DATABASE]: over the port, with the token of that principal.
as() {
  PGPASSWORD=${TOKEN[$1]} psql -XAtq -v ON_ERROR_STOP=1 "host=127.0.0.1 port=6432 user=$1 dbname=${4:-app}@$2" -c "$3"
}
# by NAME BOUGH-ARGUMENTS...
by() {
  BOUGH_TOKEN=${TOKEN[$1]} bough "${@:2}"
}
trail() {
  catalog_sql "select count(*) from access.audit where $1"
}
declare -A TOKEN

check "a person" bough principal add ann --type human --role developer
check "an agent" bough principal add bot --type agent --role agent --for ann
check "somebody of the platform" bough principal add op --type human --role platform
expect_error principal-exists "a name is given once" principal add ann --type human --role developer
expect_error usage "only agents act for others" principal add bob --type human --role developer --for ann
expect_error principal-not-found "nobody acts for nobody" principal add bob --type agent --role agent --for nobody
expect_error invalid-name "a name is a name" principal add 'x"y' --type human --role developer
expect_json "the list knows on whose behalf" '.result.principals[] | select(.name == "bot") | .for' ann bough --json principal list
for name in ann bot op; do TOKEN[$name]=$(bough principal token "$name" --ttl 1h); done
matches "a token is its id and 220 bits" "${TOKEN[ann]}" '^bough_[a-z2-7]{12}_[a-z2-7]{44}$'
differ "another one each time" "$(bough principal token ann)" "${TOKEN[ann]}"
equal "30 days unless told otherwise" "$(catalog_sql "select round(extract(epoch from expires_at - created_at) / 86400) from access.tokens order by created_at desc limit 1")" 30

# The API
expect_json "the token stands for its principal" '.result.principals | map(.name) | join(" ")' ann by ann --json principal list
expect_json "on an unknown token nobody" .error.code unauthenticated env BOUGH_TOKEN="$(other_end "${TOKEN[ann]}")" "$PROGRAM" --json project list
expect_json "nor on half a token" .error.code unauthenticated env BOUGH_TOKEN=bough_x "$PROGRAM" --json project list
expect_json "ann adds nobody" .error.code forbidden by ann --json principal add eve --type human --role platform
expect_json "nor a token for others" .error.code forbidden by ann --json principal token op
expect_json "but one for herself" .ok true by ann --json principal token ann --ttl 10d
equal "which lives no longer than the one she used" "$(catalog_sql "select count(*) from access.tokens join lakebase.principals using (principal_id) where name = 'ann' and expires_at > now() + interval '2 hours'")" 1
equal "a token makes no session token" "$(curl -s --unix-socket "$BOUGH_HOME/boughd.sock" -X POST -H "Authorization: Bearer ${TOKEN[ann]}" http://x/v1/session-token | jq -r .error.code)" forbidden
expect_json "ann forks what is hers to fork: nothing yet" .error.code branch-not-found by ann --json branch create hers --parent mine
expect_json "the platform forks" .ok true by op --json branch create ops --parent mine
if [[ $BOUGH_TEST_MODE == system ]]; then
  expect_json "a stranger on this machine is nobody" .error.code unauthenticated setpriv --reuid=nobody --regid=nogroup --clear-groups "$PROGRAM" --json --server "unix://$BOUGH_HOME/boughd.sock" project list
  expect_json "unless with a token" .ok true env BOUGH_TOKEN="${TOKEN[ann]}" setpriv --reuid=nobody --regid=nogroup --clear-groups "$PROGRAM" --json --server "unix://$BOUGH_HOME/boughd.sock" project list
  status=$(as_compute curl -s --unix-socket "$BOUGH_HOME/boughd.sock" -H "Authorization: Bearer ${TOKEN[op]}" http://x/v1/projects | jq -r .error.code)
  equal "the compute account is nobody with any token" "$status" unauthenticated
fi

# The port
equal "who set this up" "$(sql mine 'select session_user, current_user')" "bough_u_$(id -un | tr -c 'a-z0-9\n' _)|bough_owner"
equal "the platform" "$(as op mine 'select session_user, current_user')" "bough_u_op|bough_owner"
platform_sql mine postgres 'create database other'
check "again, another database" as op mine 'select 1' other
unknown=$(as ann nowhere 'select 1' 2>&1 || true)
not_hers=$(as ann mine 'select 1' 2>&1 || true)
equal "not hers and not there are told alike" "${not_hers//mine/nowhere}" "$unknown"
matches "in words" "$unknown" 'branch "nowhere" does not exist'
matches "a database that isn't there" "$(as op mine 'select 1' nothing 2>&1 || true)" 'database "nothing" does not exist'
matches "no branch" "$(PGPASSWORD=${TOKEN[op]} psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app" -c 'select 1' 2>&1 || true)" 'no branch is named'
endpoint=$(endpoint mine id)
equal "by its endpoint" "$(PGPASSWORD=${TOKEN[op]} psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app options=endpoint=$endpoint" -c 'select 1')" 1
equal "twice the same is fine" "$(PGPASSWORD=${TOKEN[op]} psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app@mine options=endpoint=$endpoint" -c 'select 1')" 1
matches "two that differ are not" "$(PGPASSWORD=${TOKEN[op]} psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app@production options=endpoint=$endpoint" -c 'select 1' 2>&1 || true)" "endpoint \"$endpoint\" .*branch \"production\""
check_not "somebody else's token" env PGPASSWORD="${TOKEN[ann]}" psql -XAtq "host=127.0.0.1 port=6432 user=op dbname=app@mine" -c 'select 1'
check_not "nobody's user" env PGPASSWORD="${TOKEN[ann]}" psql -XAtq "host=127.0.0.1 port=6432 user=eve dbname=app@mine" -c 'select 1'
matches "url names the principal and the branch" "$(by op url mine)" '^postgresql://op@localhost:6432/app@mine$'
equal "url --with-password needs nothing else" "$(psql -XAtqc 'select 1' "$(bough url mine --with-password)")" 1
equal "psql by token" "$(by op psql mine -- -XAtqc 'select session_user')" bough_u_op
equal "\\c stays on the branch" "$(printf '%s\n' '\c other' 'select current_database()' | bough psql mine -- -XAtq)" other
check_not "without a password" env -u PGPASSWORD psql -XAtqwc 'select 1' "$(by op url mine)"

# The trail, and what isn't in it
at_least "each session is there" "$(trail "action_name = 'session.start' and status = 'ok' and actor = 'op' and session_id is not null and branch_id = '$(branch_id mine)'")" 5
counted_ends() {
  (($(trail "action_name = 'session.end' and actor = 'op' and (request_params->>'bytes_out')::bigint > 0") > 2))
}
check "and its end, with counters" wait_for 5 counted_ends
# Repeats within a minute are counted beside the first one's row.
refusals() {
  catalog_sql "select coalesce(sum(n), 0) from (
    select 1 as n, actor, action_name, error_code from access.audit where status = 'refused' and not request_params ? 'since'
    union all select count, actor, action_name, error_code from access.audit_refusals) as r where $1"
}
at_least "refusals too" "$(refusals "action_name = 'session.start' and actor = 'ann' and error_code = 'branch-not-found'")" 2
at_least "wrong passwords too" "$(refusals "action_name = 'session.start' and error_code = 'wrong-password'")" 2
equal "who made whom" "$(trail "action_name = 'principal.add' and status = 'ok'")" 3
no_sessions() {
  [[ $(catalog_sql 'select count(*) from lakebase.sessions') == 0 ]]
}
check "no session is left on record" wait_for 5 no_sessions
secret=${TOKEN[op]##*_}
check_not "no token is in a file" grep -rlF "$secret" "$BOUGH_HOME" --exclude-dir=pool
dump=$(as_control "$PG_BIN/pg_dump" -h "$BOUGH_HOME/run/catalog" -U bough_catalog system)
matches "the catalog knows op" "$dump" 'op	human'
check "and not its token" test "${dump/$secret/}" = "$dump"

# Ends
hold() { # NAME BRANCH: keeps a session open, its last words go to $TEST_DIR/held.NAME
  PGPASSWORD=${TOKEN[$1]} psql -XAtq "host=127.0.0.1 port=6432 user=$1 dbname=app@$2" -c 'select pg_sleep(60)' >"$TEST_DIR/held.$1" 2>&1 &
  HELD=$!
}
has_session() {
  [[ $(catalog_sql "select count(*) from lakebase.sessions join lakebase.principals using (principal_id) where name = '$1'") == 1 ]]
}
hold op mine
check "a session is open" wait_for 10 has_session op
expect_json "list shows it" '.result.endpoints[] | select(.branch == "mine") | .sessions' 1 bough --json endpoint list
check "an agent of its" bough principal add ops-agent --type agent --role agent --for op
expect_error forbidden "nobody goes whose agents would stay" principal remove op
check "the agent first" bough principal remove ops-agent
start=$(date +%s%N)
check "remove" bough principal remove op
wait "$HELD" || true
at_most "its session ended within two seconds" "$((($(date +%s%N) - start) / 1000000))" 2000
matches "as an administrator's shutdown" "$(cat "$TEST_DIR/held.op")" 'terminating connection'
check_not "its token is worth nothing" as op mine 'select 1'
expect_json "nor at the API" .error.code unauthenticated by op --json project list
expect_error principal-exists "its name stays taken" principal add op --type human --role platform
expect_error forbidden "who set this up stays" principal remove "$(result '.principals[] | select(.created_by == null) | .name' principal list)"

bough principal add two --type ci --role platform >/dev/null
TOKEN[two]=$(bough principal token two)
token_id=tok-$(cut -d_ -f2 <<<"${TOKEN[two]}")
hold two mine
check "a session of a token" wait_for 10 has_session two
check "revoke it" bough principal revoke two "$token_id"
check "ends it" wait_for 2 bash -c "! kill -0 $HELD 2>/dev/null"
wait "$HELD" || true
check_not "and it is worth nothing" as two mine 'select 1'
TOKEN[two]=$(bough principal token two --ttl 1s)
sleep 1.2
check_not "an expired one neither" as two mine 'select 1'
metrics=$(api GET /metrics)
matches "metrics" "$metrics" 'bough_endpoint_running\{endpoint="'"$endpoint"'"\} 1'
