#!/bin/bash
# CI of the built-in forge: what is proposed is merged into the live base and goes through a branch of its own,
# proof, lint, migration, the declared test and the schema diff; the pull request is told, and nothing is left.
TEST_TIMEOUT=900
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/git.sh"
source "$ROOT/tests/harness/ci.sh"
set_up_ci

note "a change with a migration"
feature notes
migration 20260101000000_notes 'create table notes (id int primary key);' 'drop table notes;'
printf 'psql -XAtqc "select count(*) from notes" | grep -qx 0 && echo "notes are there"\n' >"$W/tests/test_notes.sh"
propose notes
equal "ci run follows it to its end" "$(by dev ci run --pull 1 >"$TEST_DIR/log" 2>&1 && echo 0 || echo $?)" 0
ends 1 passed "it passes"
equal "every step left its check" "$(catalog_sql "select string_agg(name || ' ' || state, ',' order by serial) from lakebase.ci_checks")" \
  "branch passed,verify passed,lint passed,migrate passed,test passed,schema-diff passed,ci passed"
matches "the log was followed to its end" "$(cat "$TEST_DIR/log")" "notes are there"
matches "the test came as the ci principal's role, on the run's branch" "$(by dev ci log 1)" "tests on app as bough_"
equal "what was tested is the merge" "$(as_control git --git-dir="$(bare)" rev-parse "$(run_sql result_commit 1)^1" "$(run_sql result_commit 1)^2" | tr '\n' ' ')" "$(head_of staging) $(head_of feature/notes) "
matches "the comment names the tier that it is held against" "$(by dev --json pr show 1 | jq -r '.result.comments[] | select(.author == "ci").text')" "against <code>staging</code>"
matches "the comment shows the diff" "$(by dev --json pr show 1 | jq -r '.result.comments[] | select(.author == "ci").text')" "notes"
equal "by one comment" "$(by dev --json pr show 1 | jq '.result.comments | length')" 1
matches "the artifact is kept" "$(by dev ci artifact 1 schema-diff.json)" '"notes'
expect_json "asking again gives the same run" .result.run.run "$(run_sql run_id 1)" by dev --json ci run --pull 1
check "nothing is left" wait_for 30 nothing_left
equal "the tier wasn't touched" "$(as ci staging "select 1" 2>/dev/null || echo none)" none
equal "the audit tells the story" "$(catalog_sql "select string_agg(distinct action_name, ',' order by action_name) from access.audit where action_name like 'ci.%' and actor = 'ci'")" "ci.begin,ci.report,ci.token"

note "a test that fails"
echo 'echo "this is what is wrong"; exit 7' >"$W/tests/test_bad.sh"
propose notes
ends 1 failed "it fails"
equal "by its test" "$(check_of 1 test)" failed
matches "with its output" "$(by dev ci log 1)" "this is what is wrong"
equal "ci run tells it" "$(by dev ci run --pull 1 >/dev/null 2>&1 && echo 0 || echo $?)" 3
equal "the diff is known all the same" "$(check_of 1 schema-diff)" passed
matches "the comment was updated in place" "$(by dev --json pr show 1 | jq -r '.result.comments | length, (.[] | select(.author == "ci").text)' | head -2 | tr '\n' ' ')" "1 \*\*CI failed"

note "and is repaired, without a change of the schema: there is nothing to say"
rm -r "$W/tests/test_bad.sh" "$W/migrations" "$W/tests/test_notes.sh"
propose notes
ends 1 passed "it passes again"
gone() { [[ $(by dev --json pr show 1 | jq '[.result.comments[] | select(.author == "ci")] | length') == 0 ]]; }
check "the comment is gone" wait_for 30 gone

note "migrations that don't hold"
feature broken
migration 20260102000000_broken 'create table other (id int primary key);' 'drop table others;'
propose broken
ends 2 failed "one whose undo fails"
equal "isn't proved" "$(check_of 2 verify)" failed
equal "and isn't tested" "$(check_of 2 test)$(check_of 2 migrate)" skipped

note "the base moves"
git -C "$W" fetch -q origin
git -C "$W" checkout -q --detach origin/staging
echo moved >"$W/README"
git -C "$W" add --all
git -C "$W" commit -q -m moved
git -C "$W" bundle create -q "$TEST_DIR/bundle" HEAD
chmod 644 "$TEST_DIR/bundle"
as_control git --git-dir="$(bare)" fetch -q "$TEST_DIR/bundle" HEAD:refs/heads/staging
sleep 3 # the runner looks every two seconds
equal "what was green isn't tested again for that" "$(state_of 1)" ""
check "but when somebody asks for it" by dev --quiet ci run --pull 1
ends 1 passed "on the new base"
equal "what was tested is the merge with it" "$(as_control git --git-dir="$(bare)" show "$(run_sql result_commit 1):README")" moved

note "a runner of one's own, which tests on its machine what it has checked out, and what it tests reaches for the token"
feature here
migration 20260103000000_here 'create table here (id int primary key);' 'drop table here;'
cat >"$W/tests/test_here.sh" <<'SH'
echo "here as $(psql -XAtqc 'select current_user'), $(psql -XAtqc 'select count(*) from here') rows in $PGDATABASE"
secret() { tr '\0' '\n' | grep -E '^BOUGH_TOKEN=|^GITHUB_TOKEN=' && echo "REACHED $1"; }
env | tr '\n' '\0' | secret "its own environment"
here=$$
while [ "$here" -gt 1 ]; do
  [ "$(readlink "/proc/$here/exe" 2>/dev/null)" = "$(command -v sh)" ] || secret "the environment of $here" <"/proc/$here/environ"
  here=$(awk '/^PPid:/ { print $2 }' "/proc/$here/status")
done 2>/dev/null
for fd in /proc/$PPID/fd/* /proc/self/fd/*; do [ ! -f "$fd" ] || secret "$fd" <"$fd"; done 2>/dev/null
[ -n "${BOUGH_SERVER-}" ] && echo "REACHED the server's address"
PGDATABASE=app@staging psql -XAtc 'select 1' >/dev/null 2>&1 && echo "REACHED the tier"
exit 0
SH
propose here
ends 3 passed "the built-in runner tests it, too"
git clone -q "$W" "$TEST_DIR/job"
chmod 755 "$TEST_DIR"
[[ $BOUGH_TEST_MODE == user ]] || chown -R 61234:61234 "$TEST_DIR/job"
# as a service that was handed the token starts it: nothing else has it in its environment
job() {
  local wrap=()
  [[ $BOUGH_TEST_MODE == user ]] || wrap=(setpriv --reuid=61234 --regid=61234 --clear-groups)
  (cd "$TEST_DIR/job" && "${wrap[@]}" env -i "PATH=$PATH" "HOME=$TEST_DIR/job" "BOUGH_HOME=$BOUGH_HOME" \
    "BOUGH_SERVER=unix://$BOUGH_HOME/boughd.sock" "BOUGH_TOKEN=$1" GITHUB_TOKEN=ghs-secret "$PROGRAM" "${@:2}")
}
git -C "$TEST_DIR/job" -c safe.directory="*" checkout -q --detach origin/staging
equal "what isn't the merge isn't tested" "$(job "${TOKEN[ci]}" --json ci run --pull 3 --here 2>/dev/null | jq -r .error.code)" wrong-branch
git -C "$TEST_DIR/job" -c safe.directory='*' fetch -q "$W" "+refs/remotes/origin/*:refs/remotes/origin/*"
git -C "$TEST_DIR/job" -c safe.directory='*' checkout -q --detach origin/staging
git -C "$TEST_DIR/job" -c safe.directory='*' merge -q --no-ff -m merge "$(head_of feature/here)"
[[ $BOUGH_TEST_MODE == user ]] || chown -R 61234:61234 "$TEST_DIR/job"
equal "who is no ci principal has no word here" "$(job "${TOKEN[dev]}" --json ci run --pull 3 --here 2>/dev/null | jq -r .error.code)" forbidden
before=$(run_sql run_id 3)
expect_status 0 "the merge is" job "${TOKEN[ci]}" ci run --pull 3 --here
differ "by a run of its own" "$(run_sql run_id 3)" "$before"
ends 3 passed "which counts"
equal "as one from outside" "$(run_sql is_outside 3)" t
log=$(by dev ci log 3)
matches "its tests came to the run's branch" "$log" "here as bough_[^,]*, 0 rows in app@ci-pr-3"
check_not "they reached nothing else" grep REACHED <<<"$log"
printf 'exit 9\n' >"$TEST_DIR/job/tests/test_here.sh"
expect_status 3 "a test that fails there fails the run" job "${TOKEN[ci]}" ci run --pull 3 --here
equal "by what is checked out" "$(check_of 3 test)" failed
check "nothing is left" wait_for 60 nothing_left

note "promotion runs ask for the target's fork"
by dev --json ci run --from staging --to production >"$TEST_DIR/promotion" 2>&1 || true
equal "it passes" "$(jq -r .result.run.state "$TEST_DIR/promotion")" passed
check "nothing is left" wait_for 60 nothing_left
