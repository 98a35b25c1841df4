#!/bin/bash
# Repointing: the name, the endpoint and the connection string of a branch lead to a new one made from a
# snapshot; open sessions end after the grace, new ones wait and land on the new branch, the old one
# stays with its children.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
sql production "create table state as select 'good' as what"
check "a snapshot" bough branch create snapshot
bough branch create child >/dev/null 2>&1
sql production "update state set what = 'bad'"
before=$(result '[.branch.endpoint.id, .url] | join(" ")' branch show production)
id=$(branch_id production)
url=$(connection production)
bough branch protect production >/dev/null

expect_error usage "not to itself" endpoint repoint production --to production
expect_error branch-not-found "not to what isn't there" endpoint repoint production --to nothing
expect_error usage "not with a long grace" endpoint repoint production --to snapshot --grace 1h

mkfifo "$TEST_DIR/keep"
psql -XAt "$url" <"$TEST_DIR/keep" >"$TEST_DIR/keep.out" 2>&1 &
keeper=$!
exec 7>"$TEST_DIR/keep"
echo "select 'open';" >&7
check "a session is open" wait_for 10 grep -q open "$TEST_DIR/keep.out"
(bough --json endpoint repoint production --to snapshot --grace 3s >"$TEST_DIR/repointed" 2>&1) &
repointing=$!
sleep 1.5
echo "select what from state;" >&7
check "within the grace it goes on" wait_for 1 grep -q bad "$TEST_DIR/keep.out"
psql -XAtqc 'select what from state' "$url" >"$TEST_DIR/waiting" 2>&1 &
waiting=$!
wait "$repointing"
equal "done" "$(jq -r .ok "$TEST_DIR/repointed")" true
wait "$waiting" || true
equal "who came meanwhile was held, and is on the new branch" "$(cat "$TEST_DIR/waiting")" good
echo "select 'after';" >&7
exec 7>&-
wait "$keeper" || true
matches "the open session was ended as by an administrator" "$(cat "$TEST_DIR/keep.out")" 'terminating connection.*repointed'
equal "the connection string leads to the new branch" "$(psql -XAtqc 'select what from state' "$url")" good
equal "endpoint and connection string are the same" "$(result '[.branch.endpoint.id, .url] | join(" ")' branch show production)" "$before"
differ "the branch is another one" "$(branch_id production)" "$id"
previous=$(jq -r .result.previous "$TEST_DIR/repointed")
matches "the old one has a name of its own" "$previous" '^production-[0-9]{8}-[0-9]{6}-[a-z2-7]{4}$'
equal "its id" "$(branch_id "$previous")" "$id"
equal "its data" "$(sql "$previous" 'select what from state')" bad
equal "its children" "$(result '.branch.parent' branch show child)" "$previous"
bough branch create grandchild --parent child >/dev/null 2>&1
check "a reset of a child" bough branch reset child
equal "goes to what stands there now" "$(result '.branch.parent' branch show child) $(sql child 'select what from state')" "production good"
equal "lists have parents before children still" "$(bough --json branch list | jq -c '[.result.branches[].name] | index("production") < index("child") and index("child") < index("grandchild")')" true
equal "a fork below it keeps its lineage" "$(result '.branch.parent' branch show grandchild)" child
equal "the new one comes from the snapshot" "$(result '.branch.parent' branch show production)" snapshot
equal "what was protected is" "$(result '.branch.protected' branch show production)" true
equal "it is the project's root" "$(result '.project.root_branch' project show shop)" "$(result '.project.root_branch' project show shop)"
expect_error branch-protected "which can't be deleted" branch delete production
check "a branch of it" bough branch create next
equal "has its data" "$(sql next 'select what from state')" good
check "back again" bough endpoint repoint production --to "$previous" --grace 0
equal "with what it was" "$(psql -XAtqc 'select what from state' "$url")" bad
check "a branch that sleeps" bough endpoint suspend next
check "is repointed too" bough endpoint repoint next --to snapshot
equal "and wakes as the new one" "$(sql next 'select what from state')" good
check "rows, volumes and processes agree" agreement
check "the project can go" bash -c "'$PROGRAM' branch unprotect production && '$PROGRAM' project delete shop"
