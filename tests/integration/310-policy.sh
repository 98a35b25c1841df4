#!/bin/bash
# A declared policy: applying it makes its tiers, and from then on the server refuses what it doesn't
# allow, by the API and by the port, for readers, writers and owners. A policy that takes rights away
# ends the sessions that had them.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"

start_bough
make_project shop
write_policy
P=$TEST_DIR/bough.yaml
sed -i 's/branch_bytes: 20GB/branch_bytes: 256MB/' "$P"
add dev human developer
add bot agent agent dev
add rev human reviewer
add ana human analyst
add rel human release-manager
add robot ci ci
add op human platform

note "until a policy is applied"
refused "a developer forks nothing" branch-not-found dev branch create x --parent production
refused "nor applies one" forbidden dev policy apply "$P" --yes
check "the platform forks" bough branch create early

note "applying"
expect_error unconfirmed "without a terminal it takes a yes" policy apply "$P" </dev/null
matches "the difference is shown first" "$(bough policy apply "$P" 2>&1 </dev/null || true)" 'tiers.*staging'
expect_json "nothing was applied" '.error.code' nothing-to-do bough --json policy show
expect_json "applied" '[.result.version, (.result.made | join(" "))] | @csv' '1,"staging"' bough --json policy apply "$P" --yes
expect_json "the same again changes nothing" '[.result.version, .result.same] | @csv' '1,true' bough --json policy apply "$P" --yes
equal "it is shown as it was written" "$(bough policy show)" "$(cat "$P")"
expect_json "with who and when" '.result.versions[0] | [.version, .in_force, .applied_by != null] | @csv' '1,true,true' bough --json policy history
equal "staging is a fork of production" "$(result '.branch | [.parent, .kind] | join(" ")' branch show staging)" "production tier"
expect_json "production is protected" .result.branch.protected true bough --json branch show production
sed 's/ci: { parent: target, ttl: 1d }/ci: { parent: nowhere, ttl: 1d }/' "$P" >"$TEST_DIR/wrong.yaml"
expect_error policy-invalid "a wrong file is refused" policy apply "$TEST_DIR/wrong.yaml" --yes
sed 's/^project: shop/project: other/' "$P" >"$TEST_DIR/other.yaml"
expect_error policy-invalid "as is another project's" policy apply "$TEST_DIR/other.yaml" --yes --project shop

note "creating"
expect_json "a feature forks the entry tier" '.result.branch | [.parent, .kind] | join(" ")' "staging feature" by dev --json branch create one
refused "from production by flag" forbidden dev branch create two --parent production
refused "by another kind's rule" forbidden dev branch create two --kind hotfix
refused "a fork of a fork" forbidden dev branch create two --parent one
refused "under a tier's name" forbidden dev branch create production
refused "nor a tier" forbidden dev branch create two --kind tier --parent staging
expect_json "ci forks its target" '.result.branch | [.parent, .kind] | join(" ")' "production ci" by robot --json branch create ci-1 --kind ci --parent production
refused "ci makes no feature" forbidden robot branch create two
refused "a release manager forks production for hotfixes alone" forbidden rel branch create two
expect_json "a hotfix" '.result.branch | [.parent, .kind] | join(" ")' "production hotfix" by rel --json branch create fix --kind hotfix
check "an agent's branch is its person's, too" by bot branch create bots
equal "both see it" "$(as dev bots 'select current_user')" bough_owner
equal "what allowed it is on the operation" "$(catalog_sql "select count(*) from lakebase.operations where kind = 'branch.create' and policy_version = 1 and policy_rule <> ''")" 4

note "names"
refused "renaming isn't a developer's" forbidden dev branch rename one uno
refused "nor is protecting" forbidden dev branch protect one
refused "nor repointing" forbidden dev endpoint repoint one --to staging
refused "others' branches aren't there" branch-not-found bot branch delete one
refused "a reviewer sees but doesn't delete" forbidden rev branch delete one
expect_error branch-protected "the policy's protection stays" branch unprotect production
expect_error branch-protected "a tier isn't deleted" branch delete staging

note "limits"
check "a third" by dev branch create three
check "a fourth, agents' included" by dev branch create four
refused "not a fifth" limit-reached dev branch create five
expect_json "which explain tells, with the line" '.result | [.allowed, (.text | test("max_per_principal"))] | @csv' 'false,true' by dev --json policy explain dev branch.create staging --kind feature
refused "nor by its agent" limit-reached bot branch create five
check "one goes" by dev branch delete four
check "then another one may come" by bot branch create five

note "on the wire"
equal "a feature's owner owns it" "$(as dev one 'create table mine as select 1 as x; select current_user')" bough_owner
equal "a reviewer reads it" "$(as rev one 'select current_user, count(*) from mine')" "bough_reader|1"
sqlstate "and doesn't write" 42501 rev one 'insert into mine values (2)'
sqlstate "nor make anything" 42501 rev one 'create table theirs (x int)'
sqlstate "not even for the session" 42501 rev one 'create temp table theirs (x int)'
sqlstate "nor a large object" 42501 rev one 'select lo_create(0)'
sqlstate "nor become the owner" 42501 rev one 'set role bough_owner'
sqlstate "nor the writer" 42501 rev one 'set role bough_writer'
equal "an analyst reads staging" "$(as ana staging 'select current_user')" bough_reader
sqlstate "and nothing else" 'does not exist' ana one 'select 1'
sqlstate "a developer has no session on staging" 'may not read' dev staging 'select 1'
equal "the platform reads production" "$(as op production 'select current_user')" bough_reader
sqlstate "and changes nothing there" 42501 op production 'create table x (x int)'
equal "so does who set it up" "$(sql production 'select current_user')" bough_reader

note "explain"
expect_json "why not" '.result | [.allowed, .version] | @csv' 'false,1' bough --json policy explain dev branch.fork production
expect_json "why" '.result | [.allowed, (.text | test("branch.create")), .line > 0] | @csv' 'true,true,true' bough --json policy explain dev branch.delete one
refused "of others only the platform asks" forbidden dev policy explain bot branch.delete one
expect_json "of oneself everybody" .result.allowed true by dev --json policy explain dev branch.delete one
expect_json "what it says of a branch" '.result.roles[] | select(.role == "analyst") | .actions | join(" ")' branch.read bough --json policy show --effective staging

note "a policy that takes rights away"
mkfifo "$TEST_DIR/session"
PGPASSWORD=${TOKEN[rev]} psql -XAtq "host=127.0.0.1 port=6432 user=rev dbname=app@one" <"$TEST_DIR/session" >"$TEST_DIR/session.out" 2>&1 &
session=$!
exec 7>"$TEST_DIR/session"
echo 'select 41 + 1; select pg_sleep(60);' >&7
check "a reviewer is at work" wait_for 20 grep -q 42 "$TEST_DIR/session.out"
sed 's/role: \[developer, reviewer\], action: \[branch.read\]/role: [developer], action: [branch.read]/' "$P" >"$TEST_DIR/less.yaml"
start=$(date +%s%N)
expect_json "its right goes, its session too" '[.result.version, .result.sessions_ended] | @csv' '2,1' bough --json policy apply "$TEST_DIR/less.yaml" --yes
closed() { [[ $(catalog_sql "select count(*) from lakebase.sessions s join lakebase.principals p using (principal_id) where p.name = 'rev'") == 0 ]]; }
wait "$session" 2>/dev/null || true
at_most "it is ended within two seconds, in the middle of a statement" "$((($(date +%s%N) - start) / 1000000))" 2000
exec 7>&-
check "on record, too" wait_for 10 closed
matches "and told why" "$(cat "$TEST_DIR/session.out")" 'policy was applied'
sqlstate "it doesn't come back" 'may not read' rev one 'select 1'
bough policy show --revision 1 >"$TEST_DIR/old.yaml"
expect_json "an older version is applied again" .result.version 3 bough --json policy apply "$TEST_DIR/old.yaml" --yes
equal "and the right is there again" "$(as rev one 'select current_user')" bough_reader

note "what a branch writes (to its log, too, but a log in memory is not counted)"
food="create table food as select repeat(md5(x::text), 60) from generate_series(1, 200000) x"
check "a tier may write a lot" as op staging "$food"
for _ in 1 2 3 4 5; do
  as dev one "drop table if exists again" && as dev one "create table again as select repeat(md5(x::text), 60) from generate_series(1, 45000) x" || break
done >/dev/null 2>&1
over() { bough --json branch show "$1" | jq -e '.result.usage.written_since_start_bytes > 256000000' >/dev/null; }
check "one that writes the same again and again writes more than its limit" wait_for 10 over one
check "a feature writes" as dev three "create table kept as select generate_series(1, 1000)"
as dev three "$food" >/dev/null 2>&1 || true # it may be suspended in the middle
is_suspended() { [[ $(endpoint "$1" state) == stopped ]]; }
check "and is suspended" wait_for 40 is_suspended three
equal "who has less than the limit is not, whatever it wrote" "$(endpoint one state)" running
matches "with the figures" "$(endpoint three error)" '^suspended: it wrote [0-9]+ MB since it was started, more than the 256 MB that limits.branch_bytes of the policy allows$'
matches "and the next step for who connects" "$(as dev three 'select 1' 2>&1 || true)" 'suspended: it wrote.*bough endpoint start'
equal "nor does it wake for an operation" "$(bough --json diff three 2>/dev/null | jq -r .error.code)" pool-full
equal "the tier runs" "$(endpoint staging state)" running
check "it is started by who means it" bough endpoint start three
equal "with what was written" "$(as dev three 'select count(*) from kept')" 1000
as dev three "${food/table food/table more}" >/dev/null 2>&1 || true
check "which doesn't let it off" wait_for 40 is_suspended three
check "a reset leaves behind what it wrote" by dev branch reset three
equal "and who connects wakes it" "$(as dev three 'select 1')" 1

note "a tier without a branch refuses"
catalog_sql "delete from lakebase.tiers where name = 'staging'" >/dev/null
refused "it isn't guessed" branch-not-found dev branch create six
expect_json "applying the policy finds it again" '.result.made | length' 0 bough --json policy apply "$TEST_DIR/old.yaml" --yes
check "one goes" by dev branch delete three
check "then features fork it" by dev branch create six
equal "the versions never change" "$(catalog_sql "update lakebase.policies set content = 'x'" 2>&1 | grep -c 'never change')" 1
check "all agree" agreement

note "what is the matter with others' branches"
bough branch create hidden >/dev/null 2>&1
catalog_sql "update lakebase.endpoints as e set error = 'its last words' from lakebase.branches as b
  where b.branch_id = e.branch_id and b.name = 'hidden'" >/dev/null
words() { grep -c 'its last words'; }
equal "is told to the platform" "$(bough --json doctor 2>&1 | words)" 1
equal "not to who doesn't see them" "$(by bot --json doctor 2>&1 | words)" 0
