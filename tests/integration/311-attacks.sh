#!/bin/bash
# The attack suite: an agent with a shell on this machine, under a user of its own, and a token. What
# reaches a Bough process is refused and leaves its row in the audit; what the operating system stops
# never gets there. Afterwards nothing has changed. Then every way that was found to gain in two steps
# what the policy refuses in one.
TEST_MODE_ONLY=system
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"

start_bough
make_project shop
write_policy
P=$TEST_DIR/bough.yaml
bough policy apply "$P" --yes >/dev/null 2>&1
add dev human developer
add bot agent agent dev
add other agent agent
add robot ci ci
add rev human reviewer
add op human platform
by bot branch create mine >/dev/null 2>&1
by other branch create theirs >/dev/null 2>&1
by robot branch create job --kind ci --parent production >/dev/null 2>&1
check "a snapshot of production" bough branch create snap --kind snapshot --parent production

# shell COMMAND...: as the agent's own user, with nothing but its token
SHELL_DIR=$TEST_DIR/agent
mkdir -m 755 "$SHELL_DIR" && chown 61234:61234 "$SHELL_DIR"
shell() {
  (cd "$SHELL_DIR" && setpriv --reuid=61234 --regid=61234 --clear-groups --no-new-privs \
    env -i PATH="$PATH" HOME="$SHELL_DIR" LC_ALL=C.UTF-8 BOUGH_TOKEN="${TOKEN[bot]}" \
    BOUGH_SERVER="unix://$BOUGH_HOME/boughd.sock" PGPASSWORD="${TOKEN[bot]}" "$@")
}
# denied TEXT COMMAND...: the operating system says no
denied() {
  local text=$1 output status=0
  shift
  output=$(shell "$@" 2>&1) || status=$?
  if [[ $status != 0 && $output =~ (Permission denied|Connection refused|No such file|Operation not permitted) ]]; then
    pass "$text"
  else
    fail "$text" "status $status of: $*
$output"
  fi
}
# attack TEXT CODE BOUGH-ARGUMENTS...: refused with exit status 2 and that code
attack() {
  local text=$1 code=$2 output status=0
  shift 2
  output=$(shell "$PROGRAM" --json "$@" 2>/dev/null) || status=$?
  if [[ $status == 2 && $(jq -r .error.code <<<"$output" 2>&1) == "$code" ]]; then pass "$text"; else
    fail "$text" "expected $code with status 2, got $status: $*
$output"
  fi
}
# wire TEXT PATTERN BRANCH SQL [USER] [DATABASE]
wire() {
  local output status=0
  output=$(shell psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "host=127.0.0.1 port=6432 user=${5:-bot} dbname=${6:-app@$3}" -c "$4" 2>&1) || status=$?
  if [[ $status != 0 && $output =~ $2 ]]; then pass "$1"; else fail "$1" "expected $2, got status $status: $output"; fi
}
# raw METHOD PATH [BODY]: the code of the answer to a request without the command line
raw() {
  shell curl -s --max-time 60 --unix-socket "$BOUGH_HOME/boughd.sock" -X "$1" \
    -H "Authorization: Bearer ${TOKEN[bot]}" -H 'Content-Type: application/json' ${3:+-d "$3"} "http://localhost$2" | jq -r '.error.code // "done"'
}
state() {
  catalog_sql "select string_agg(concat_ws(' ', name, kind, state, parent_id, volume_id, is_protected, generation), E'\n' order by serial) from lakebase.branches where state <> 'deleted'"
  for branch in production staging theirs; do table_sum "$branch" inventory.product 2>/dev/null || true; done
  sql production "select count(*), max(oid::bigint) from pg_class"
  catalog_sql "select count(*), max(version) from lakebase.policies"
}
note "before"
BASE=/v1/projects/shop/branches
before=$(state)

note "fork production"
attack "by flag" forbidden branch create x --parent production
equal "by API" "$(raw POST "$BASE" '{"name":"x","parent":"production"}')" forbidden
equal "by API, of another kind" "$(raw POST "$BASE" '{"name":"x","parent":"production","kind":"hotfix"}')" forbidden
attack "by snapshot" branch-not-found branch create x --parent snap
attack "by ancestor: a fork of it" branch-not-found branch create x --kind ci --parent job
attack "by its own branch" forbidden branch create x --parent mine

note "write to a tier"
wire "data on staging" 'may not read' staging 'delete from inventory.product'
wire "DDL on production" 'may not read' production 'drop schema inventory cascade'
attack "reset it" forbidden branch reset staging
attack "delete it" forbidden branch delete staging
attack "unprotect it" forbidden branch unprotect production
attack "repoint it" forbidden endpoint repoint staging --to mine
mkdir -p "$SHELL_DIR/migrations"
echo 'create table evil (x int);' >"$SHELL_DIR/migrations/0001_evil.up.sql"
attack "migrate it" forbidden migrate apply production
equal "migrate it by API" "$(raw POST "$BASE/staging/migrations/apply" '{"layout":"bough","files":[]}' | sed 's/usage\|too-large/forbidden/')" forbidden

note "promote"
expect_json "not its own" '.result.allowed' false shell "$PROGRAM" --json policy explain bot promote mine --to staging
expect_json "nor approve it" '.result.allowed' false shell "$PROGRAM" --json policy explain bot promote.approve mine --to staging
attack "another policy" forbidden policy apply "$P" --yes
attack "another principal" forbidden principal add eve --type human --role platform
attack "a token of somebody's" forbidden principal token op

note "limits"
matches "a life past the cap" "$(shell "$PROGRAM" --json branch create x --ttl 90d 2>/dev/null | jq -r .error.code)" '^(forbidden|limit-reached)$'
for wish in '--ttl 90d' --never; do
  # shellcheck disable=SC2086
  matches "nor later: $wish" "$(shell "$PROGRAM" --json branch expire mine $wish 2>/dev/null | jq -r .error.code)" '^(forbidden|limit-reached)$'
done
for name in a b c; do shell "$PROGRAM" branch create "own-$name" >/dev/null 2>&1 || true; done
attack "one branch more than its limit" limit-reached branch create x
for name in a b c; do shell "$PROGRAM" branch delete "own-$name" >/dev/null 2>&1 || true; done

note "be somebody else"
wire "another's name with one's own token" 'password' theirs 'select 1' other
wire "the platform's" 'password' production 'select 1' op
wire "the platform's role" 'password' mine 'select 1' bough_platform
wire "another's branch" 'does not exist' theirs 'select 1'
attack "another's branch by API" branch-not-found branch delete theirs
attack "another's log" branch-not-found endpoint show theirs
equal "a tier's log" "$(shell "$PROGRAM" --json endpoint show staging | jq -r .result.log)" ''
wire "another role inside of one's own" '42501' mine 'set role bough_platform'
equal "a token cut short" "$(BOUGH_TOKEN=${TOKEN[op]%?} bough --json project list | jq -r .error.code)" unauthenticated
equal "a token with one letter wrong" "$(BOUGH_TOKEN=$(other_end "${TOKEN[op]}") bough --json project list | jq -r .error.code)" unauthenticated

note "the operating system"
own=$(socket_of mine)
theirs=$(socket_of theirs)
for place in "$own" "$theirs" "$BOUGH_HOME/run/catalog"; do
  denied "a socket: ${place##*/}" psql -XAtqc 'select 1' "host=$place user=bough_platform dbname=postgres"
done
for place in pool wal agent locks catalog config.json logs/boughd.log run locks/proxy.sock; do
  [[ -e $BOUGH_HOME/$place ]] || continue
  if [[ -d $BOUGH_HOME/$place ]]; then denied "the state directory: $place" ls "$BOUGH_HOME/$place"; else
    case $place in
    config.json) check "config.json holds no secret" bash -c "! grep -qi 'token\|secret\|password' '$BOUGH_HOME/config.json'" ;;
    *) denied "the state directory: $place" cat "$BOUGH_HOME/$place" ;;
    esac
  fi
done
denied "the agent's socket" curl -v --max-time 5 --unix-socket "$BOUGH_HOME/agent/agent.sock" http://x/
denied "a compute's process" kill -9 "$(endpoint mine pid)"
denied "boughd" kill -9 "$(boughd_pid)"
denied "its environment" cat "/proc/$(boughd_pid)/environ"

note "the audit"
wire "reading it" 'may not read the audit' - 'select 1' bot system
attack "by command" forbidden audit
count=$(catalog_sql "select count(*) from access.audit")
op_system() { PGPASSWORD=${TOKEN[op]} psql -XAtq -v ON_ERROR_STOP=1 "host=127.0.0.1 port=6432 user=op dbname=system" -c "$1"; }
check "the platform reads it" op_system "select count(*) from access.audit"
check_not "and changes nothing" op_system "delete from access.audit"
check_not "nor with its own settings" op_system "set default_transaction_read_only = off; update access.audit set actor = 'nobody'"
at_least "all rows are there" "$(catalog_sql "select count(*) from access.audit")" "$count"

note "again, at once, and very often"
attack "a request once more" branch-exists branch create mine
drown() {
  seq 300 | shell xargs -P 16 -I@ curl -s -o /dev/null --max-time 60 --unix-socket "$BOUGH_HOME/boughd.sock" -X POST \
    -H "Authorization: Bearer ${TOKEN[bot]}" -H 'Content-Type: application/json' -d '{"name":"flood","parent":"production"}' "http://localhost$BASE"
}
drown &
flood=$!
check "the platform is served meanwhile" timeout 60 env BOUGH_TOKEN="${TOKEN[op]}" "$PROGRAM" branch list
wait "$flood" || true
check "and afterwards" boughd_answers
check_not "nothing came of it" branch_exists flood

note "afterwards"
equal "nothing has changed" "$(state)" "$before"
rows() { catalog_sql "select count(*) from access.audit where actor = 'bot' and status = 'refused' and action_name = '$1' and error_code = '$2'"; }
for row in branch.create:forbidden branch.create:branch-not-found branch.create:limit-reached branch.create:branch-exists branch.reset:forbidden branch.delete:forbidden branch.protect:forbidden endpoint.repoint:forbidden migration.apply:forbidden policy.apply:forbidden principal.add:forbidden principal.token:forbidden session.start:forbidden; do
  at_least "the audit has ${row%:*}: ${row#*:}" "$(rows "${row%:*}" "${row#*:}")" 1
done

note "in two steps"
check "its own branch" by dev branch create step
refused "fork a fork" forbidden dev branch create x --parent step
refused "rename it to a tier" forbidden dev branch rename step staging
refused "repoint it to production" forbidden dev endpoint repoint step --to production
refused "restore a snapshot" branch-not-found dev endpoint repoint step --to snap
equal "reset it with another parent: the parent stays" "$(curl -s --unix-socket "$BOUGH_HOME/boughd.sock" -X POST -H "Authorization: Bearer ${TOKEN[dev]}" -d '{"parent":"production"}' "http://x$BASE/step/reset" | jq -r .result.branch.parent)" staging
for kind in ci hotfix snapshot tier previous root; do
  refused "kind $kind" forbidden dev branch create x --kind "$kind" --parent production
done
check "the name is freed" by dev branch delete step
check "somebody else takes it" by other branch create step
sqlstate "who had it no longer owns it" 42501 dev step 'create table mine (x int)'
check "it is gone again" by other branch delete step
note "a name that a policy will give to a tier"
check "a feature is called so" by dev branch create perf
sed 's/^entry:/  - { name: perf, parent: staging }\nentry:/' "$P" >"$TEST_DIR/perf.yaml"
expect_error branch-exists "it doesn't become the tier" policy apply "$TEST_DIR/perf.yaml" --yes
matches "and the way out is told" "$(bough policy apply "$TEST_DIR/perf.yaml" --yes 2>&1 || true)" 'perf.*dev.*branch rename perf'
equal "it is what it was" "$(result '.branch | [.kind, .created_by] | join(" ")' branch show perf)" "feature dev"
check "it gets another name" bough branch rename perf devs-perf
check "then the platform's own may stand for it" by op branch create perf
expect_json "as a tier" '.result.made | length' 0 bough --json policy apply "$TEST_DIR/perf.yaml" --yes
equal "that is nobody's, and has no end" "$(result '.branch | [.kind, .created_by != "op", .expires_at == null] | join(" ")' branch show perf)" "tier true true"
check "back" bough policy apply "$P" --yes
check "it goes" bough branch delete perf
check "and the other" bough branch delete devs-perf

note "who has lost a right, and is still there"
# at_work NAME DATABASE PIPE: a session that is open and reads from PIPE
at_work() {
  mkfifo "$TEST_DIR/$3"
  PGPASSWORD=${TOKEN[$1]} psql -XAtq "host=127.0.0.1 port=6432 user=$1 dbname=$2" <"$TEST_DIR/$3" >"$TEST_DIR/$3.out" 2>&1 &
}
sessions_of() { catalog_sql "select count(*) from lakebase.sessions s join lakebase.principals p using (principal_id) where p.name = '$1'"; }
no_session() { [[ $(sessions_of "$1") == 0 ]]; }
sed 's/^  - { role: \[analyst\].*/&\n  - { role: [analyst], action: [audit.read], on: "*" }/' "$P" >"$TEST_DIR/auditors.yaml"
check "an analyst may read the audit" bough policy apply "$TEST_DIR/auditors.yaml" --yes
add ana human analyst
at_work ana system auditor
exec 7>"$TEST_DIR/auditor"
echo 'select 41 + 1;' >&7
check "and does" wait_for 20 grep -q 42 "$TEST_DIR/auditor.out"
expect_json "the right goes, its session too" .result.sessions_ended 1 bough --json policy apply "$P" --yes
check "it is ended" wait_for 20 no_session ana
exec 7>&-
check "an analyst may read it again" bough policy apply "$TEST_DIR/auditors.yaml" --yes
at_work ana system again
exec 7>"$TEST_DIR/again"
echo 'select 41 + 1;' >&7
check "and does" wait_for 20 grep -q 42 "$TEST_DIR/again.out"
bough project create third --empty >/dev/null 2>&1
check "another project, whose policy doesn't say so, ends that" wait_for 20 no_session ana
exec 7>&-
check "it goes" bough project delete third
check "back" bough policy apply "$P" --yes

check "an agent's own branch" by other branch create works
at_work other app@works worker
exec 7>"$TEST_DIR/worker"
echo 'create table proof (x int); select pg_sleep(100) from generate_series(1, 100);' >&7
busy() { [[ $(platform_sql works postgres "select count(*) from pg_stat_activity where usename = 'bough_u_other' and state = 'active'") == "$1" ]]; }
check "a statement is at work" wait_for 30 busy 1
stale=${TOKEN[other]}
stolen=$stale
minted=$(BOUGH_TOKEN=$stolen "$PROGRAM" --json principal token other --ttl 1h | jq -r .result.token)
second=$(BOUGH_TOKEN=$minted "$PROGRAM" --json principal token other --ttl 1h | jq -r .result.token)
check "what a stolen token made is good" env BOUGH_TOKEN="$second" "$PROGRAM" branch list
id=$(cut -d_ -f2 <<<"$minted")
expect_json "it is revoked, with what was made with it" '.result.tokens | length' 2 bough --json principal revoke other "tok-$id"
for token in "$minted" "$second"; do
  expect_json "a token made by a token" .error.code unauthenticated env BOUGH_TOKEN="$token" "$PROGRAM" --json branch list
done
check "the first one wasn't" env BOUGH_TOKEN="$stolen" "$PROGRAM" branch list
check "a principal goes" bough principal remove other
check "what it had at work on a compute ends" wait_for 20 busy 0
check "its session, too" wait_for 20 no_session other
exec 7>&-
expect_json "its token is stale" .error.code unauthenticated env BOUGH_TOKEN="$stale" "$PROGRAM" --json branch list
expect_error principal-exists "its name is not given again" principal add other --type agent --role platform

note "another project"
bough project create second --empty >/dev/null 2>&1
refused "another project" branch-not-found dev --project second branch create x
endpoint=$(BOUGH_PROJECT=second result .branch.endpoint.id branch show production)
matches "nor its endpoint" "$(PGPASSWORD=${TOKEN[dev]} psql -XAtqc 'select 1' "host=127.0.0.1 port=6432 user=dev dbname=app options='endpoint=$endpoint'" 2>&1)" 'does not exist'
check "all agree" agreement

note "repointing is no way around an end or a limit"
export BOUGH_PROJECT=shop
sed 's/branch.expire, migration.apply\], on: feature/branch.expire, branch.fork, endpoint.repoint, migration.apply], on: feature/' \
  "$P" >"$TEST_DIR/repoint.yaml"
check "owners may repoint" bough policy apply "$TEST_DIR/repoint.yaml" --yes
add hop human developer
by hop branch create one >/dev/null 2>&1
by hop branch create two >/dev/null 2>&1
catalog_sql "update lakebase.branches set created_at = now() - interval '29 d' where name = 'one'" >/dev/null
previous=$(by hop --json endpoint repoint one --to two 2>"$TEST_DIR/stderr" | jq -r .result.previous)
equal "what is left over stays what it was" "$(by hop --json branch show "$previous" | jq -r '.result.branch | [.kind, .expires_at != null] | join(" ")')" "feature true"
refused "the new one ends when the old one had to" limit-reached hop branch expire one --ttl 2d
check "again" by hop endpoint repoint one --to two
refused "up to the limit" limit-reached hop endpoint repoint one --to two
refused "which holds for new ones, too" limit-reached hop branch create three
