#!/bin/bash
# CI against those whom it tests: an agent that rewrites what is run, deletes tests, reports by itself, replays old
# results, or has its tests reach for more than their branch. Nothing of that counts, and honest work goes on.
TEST_TIMEOUT=900
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/git.sh"
source "$ROOT/tests/harness/ci.sh"
set_up_ci
add bot agent agent dev

# told NAME METHOD PATH [BODY]: the error's code, or "done"
told() {
  api "$2" "/v1/projects/shop/ci/$3" --header "Authorization: Bearer $1" ${4:+--header 'Content-Type: application/json' --data-binary "$4"} |
    jq -r 'if .ok then "done" else .error.code end'
}

note "an agent rewrites everything that could decide, and its tests reach for more"
feature evil
printf 'test:\n\t@true\n' | tee "$W/GNUmakefile" "$W/Makefile.sh" >"$W/Makefile"
echo made >"$W/test"
mkdir -p "$W/.github/workflows"
printf 'on: push\n' >"$W/.github/workflows/pr.yml"
sed 's/make test/true/; s/approvals: 1/approvals: 0/' "$TEST_DIR/bough.yaml" >"$W/bough.yaml"
git -C "$W" rm -q tests/test_base.sh
cat >"$W/tests/test_reach.sh" <<SH
for path in "$BOUGH_HOME/audit" "$BOUGH_HOME/git" "$BOUGH_HOME/ci" "$BOUGH_HOME/runner/runner.lock"; do
  { cat "\$path" || ls "\$path/"; } >/dev/null 2>&1 && echo "REACHED \$path"
done
echo x >"$TEST_DIR/written" 2>/dev/null && echo "REACHED the file system"
psql -XAtc 'select 1' "dbname=app@staging" >/dev/null 2>&1 && echo "REACHED the tier"
psql -XAtc 'select 1' "dbname=app@evil" >/dev/null 2>&1 && echo "REACHED another branch"
psql -XAtc 'select 1' "dbname=system" >/dev/null 2>&1 && echo "REACHED the catalog"
env | grep -i 'bough_token' && echo "REACHED a token"
grep -laz BOUGH_TOKEN /proc/[0-9]*/environ 2>/dev/null | grep -v "^/proc/\$\$/" && echo "REACHED an environment"
echo "password \$PGPASSWORD"
sleep 86321 &
echo "the tests of the target ran with mine"
SH
migration 20260101000000_evil 'alter schema public rename to elsewhere;' 'alter schema elsewhere rename to public;'
propose evil
ends 1 failed "what would pass by its own rules fails by the target's"
log=$(by dev ci log 1)
matches "so does one that make would read before it" "$log" "GNUmakefile would say what the declared test runs"
matches "and what make would find made already" "$log" "test would be a goal of make"
matches "the test that it deleted was run" "$log" "tests/test_base.sh is a test that was deleted"
rm -r "$W/migrations"
propose evil
ends 1 passed "without what breaks the target's tests it passes"
log=$(by dev ci log 1)
matches "the target's Makefile was run" "$log" "Makefile is what the declared test runs"
matches "and the deleted test" "$log" "tests/test_base.sh is a test that was deleted"
matches "the tests came to their end" "$log" "the tests of the target ran with mine"
check_not "nothing was reached" grep REACHED <<<"$log"
left() { ! pgrep -f 'sleep 86321' >/dev/null; }
check "what they left running was ended" left
password=$(grep -o 'bough_[a-z2-7]*_[a-z2-7]*' <<<"$log" | tail -n 1)
differ "they had a token, for their branch" "$password" ""
equal "which opens no API" "$(told "$password" GET runs)" unauthenticated

note "its own word"
git -C "$W" checkout -q -f --detach origin/staging
expect_status 2 "an agent runs CI itself" env BOUGH_TOKEN="${TOKEN[bot]}" git -C "$W" -c alias.x="!$PROGRAM ci run --pull 1 --here" x
for name in bot dev mate rev; do
  equal "$name begins no run" "$(told "${TOKEN[$name]}" POST runs '{"pull": 1}')" forbidden
  equal "$name reports no success" "$(told "${TOKEN[$name]}" POST "runs/$(run_sql run_id 1)/end" '{"status": 0}')" forbidden
done
equal "nor does the platform" "$(api_post "/v1/projects/shop/ci/runs/$(run_sql run_id 1)/end" '{"status": 0}' | jq -r .error.code)" forbidden
equal "nor a ci principal for a run that isn't its own" "$(told "${TOKEN[ci]}" POST "runs/$(run_sql run_id 1)/end" '{"status": 0}')" forbidden
at_least "all of it is on record" "$(catalog_sql "select count(*) from access.audit where action_name in ('ci.begin', 'ci.report') and status = 'refused'")" 6

note "a run outside, by a ci principal"
feature outside
propose outside
ends 2 passed "tested inside already"
git -C "$W" commit -q --allow-empty -m again
pushes_as dev "$W" origin feature/outside
begun=$(api_post /v1/projects/shop/ci/runs '{"pull": 2}' 2>&1 | jq -r .error.code)
equal "not even the platform begins one" "$begun" forbidden
begun=$(api POST /v1/projects/shop/ci/runs --header "Authorization: Bearer ${TOKEN[ci]}" --header 'Content-Type: application/json' --data-binary '{"pull": 2}')
token=$(jq -r .result.token <<<"$begun")
run=$(jq -r .result.run <<<"$begun")
password=$(jq -r .result.connection.password <<<"$begun")
differ "it gets a token for that run" "$token" null
equal "which does nothing else" "$(told "$token" POST runs '{"pull": 2}')$(told "$token" GET runs)$(told "$token" GET runs/1)" forbiddenforbiddenforbidden
equal "nor on another run" "$(told "$token" POST "runs/$(run_sql run_id 1)/end" '{"status": 0}')" forbidden
matches "nor as a password" "$(PGPASSWORD=$token psql -XAtc 'select 1' "host=127.0.0.1 port=6432 user=ci dbname=app@ci-pr-2" 2>&1 || true)" "for the results of"
equal "the password opens the run's branch" "$(PGPASSWORD=$password psql -XAtc 'select 1' "host=127.0.0.1 port=6432 user=ci dbname=app@ci-pr-2" 2>&1)" 1
equal "and no report" "$(told "$password" POST "runs/$run/end" '{"status": 0}')" unauthenticated
head=$(git -C "$W" rev-parse HEAD)
git -C "$W" commit -q --allow-empty -m "after CI began"
pushes_as dev "$W" origin feature/outside
equal "a result for a commit that isn't the head any more" "$(told "$token" POST "runs/$run/end" '{"status": 0}')" cancelled
equal "doesn't count" "$(catalog_sql "select count(*) from lakebase.ci_runs where head_commit = '$head' and state = 'passed'")" 0
is_gone() { [[ $(told "$token" POST "runs/$run/end" '{"status": 0}') == unauthenticated ]]; }
check "and its token goes" wait_for 60 is_gone
ends 2 passed "the new head is tested for itself"

note "results don't change, whoever writes"
check_not "a failed check isn't made a passed one" catalog_sql "update lakebase.ci_checks set state = 'passed' where state = 'failed'"
check_not "an ended run takes no results" catalog_sql "insert into lakebase.ci_checks (run_id, name, state) values ('$run', 'ci', 'passed')"
check_not "an artifact isn't swapped" catalog_sql "update lakebase.ci_artifacts set content = ''"

note "an old commit again"
old=$(git -C "$W" rev-parse HEAD~1)
git -C "$W" checkout -q -B feature/outside "$old~1"
echo worse >"$W/tests/test_worse.sh"
propose outside
ends 2 failed "rewritten history is tested anew, and what it was before doesn't help"
note "a test that is muted, not deleted"
feature muted
printf 'echo "muted \140\140\140\140"\n' >"$W/tests/test_base.sh"
propose muted
ends 3 passed "is run as edited"
comment() { by dev --json pr show 3 | jq -r '.result.comments[] | select(.author == "ci").text'; }
says() { [[ $(comment) == *"$1"* ]]; }
check "and shown to reviewers" wait_for 30 says 'Tests that this change edits or deletes: 1'
matches "with what stood there" "$(comment)" '-psql -XAtqc "select count'
matches "in a fence that it doesn't end" "$(comment)" '`````diff'
green=$(run_sql run_id 3)
echo 'tests: { from: target }' | cat "$TEST_DIR/bough.yaml" - >"$TEST_DIR/target.yaml"
check "where the policy says so the target's counts" bough policy apply "$TEST_DIR/target.yaml" --yes
anew() { [[ $(run_sql run_id 3) != "$green" && $(run_sql state 3) == passed ]]; }
check "what was green is tested anew" wait_for 240 anew
matches "with the target's test" "$(by dev ci log 3)" "tests/test_base.sh is a test that was edited: the target's was run"
matches "which came to its end" "$(by dev ci log 3)" "the base holds"
check "nothing is left" wait_for 60 nothing_left
