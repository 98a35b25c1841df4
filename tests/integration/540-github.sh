#!/bin/bash
# The forge github against a mock of GitHub's own API description: every call fits it; a project's code is
# there when the server's operator has named the host; the token goes nowhere else and is seen nowhere.
TEST_TIMEOUT=240
source "$(dirname "$0")/../harness/lib.sh"

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
prism=$(node -p 'const path = require("path"); const file = require.resolve("@stoplight/prism-cli/package.json");
  require.resolve("@octokit/openapi/package.json"); path.join(path.dirname(file), require(file).bin.prism)' 2>/dev/null) ||
  skip_all "npm's @stoplight/prism-cli and @octokit/openapi are not installed (tools/check clients)"

PORT=4540
MOCK=127.0.0.1:$PORT
TOKEN=ghp_a-token-that-is-seen-nowhere
answers() {
  curl --silent --output /dev/null "http://$MOCK/"
}
node "$ROOT/tests/clients/github-description.js" "$TEST_DIR/description.json"
node "$prism" mock --errors --host 127.0.0.1 --port $PORT "$TEST_DIR/description.json" >"$TEST_DIR/prism.log" 2>&1 &
mock=$!
check "the mock answers" wait_for 60 answers

note "the calls"
while read -r verdict what; do
  if [[ $verdict == OK ]]; then pass "${what//_/ }"; else fail "${what//_/ }" "$(tail -n 20 "$TEST_DIR/calls")"; fi
done < <(BOUGH_GITHUB_MOCK=$MOCK timeout 100 "$BOUGH_BUILD/tests/unit/scm/test_scm_github_driver" 2>&1 | tee "$TEST_DIR/calls" |
  sed -nE 's/^\[ +(OK|FAILED) +\] (fits_.*)/\1 \2/p')
equal "each was tried" "$(grep -c '^\[ RUN' "$TEST_DIR/calls")" 3

note "a project there"
GH_HOST=$MOCK GH_ENTERPRISE_TOKEN=$TOKEN start_bough
make_project shop
bough branch create new-topic >/dev/null 2>&1
bough principal add anna --type human --role developer >/dev/null
equal "a project's code is in the built-in forge" "$(result .forge.kind project forge)" local
expect_error forbidden "the token goes to no host that a setting names" \
  project forge --github octocat/Hello-World --host 127.0.0.1:9
expect_error forge-refused "nor to GitHub itself, where there is none for it" project forge --github octocat/Hello-World
expect_error principal-not-found "accounts are given to principals" \
  project forge --github octocat/Hello-World --host $MOCK --person octocat=nobody
expect_error forge-refused "the repository must be there" project forge --github octocat/elsewhere --host $MOCK
expect_error usage "and have a name" project forge --github octocat --host $MOCK
equal "none of it was set" "$(result .forge.kind project forge)" local
BOUGH_TOKEN=$(bough principal token anna)
export BOUGH_TOKEN
expect_error forbidden "whoever doesn't manage the project doesn't say where its code is" \
  project forge --github octocat/Hello-World --host $MOCK
unset BOUGH_TOKEN
check "then it is" bough project forge --github octocat/Hello-World --host $MOCK --person octocat=anna
equal "what is cloned" "$(result .forge.clone_url project forge)" "http://$MOCK/octocat/Hello-World.git"

note "what is read there"
expect_json "pull requests" '.result.pulls[0] | [.number, .author, .head_branch, .base_branch] | @csv' \
  '1347,"anna","feature/new-topic","master"' bough --json pr list
equal "of a pull request the base is the live one" "$(result .pull.base pr show 1347)" \
  "$(curl --silent --header 'Accept: application/json' "http://$MOCK/api/v3/repos/octocat/Hello-World/git/ref/heads%2Fmaster" | jq -r .object.sha)"
check "a comment" bough pr comment 1347 --message "a comment"
equal "the audit knows who said where the code is" \
  "$(catalog_sql "select count(*) from access.audit where action_name = 'project.forge' and status = 'ok'
      and request_params::text like '%octocat/Hello-World%'")" 1

note "the token"
equal "is in no file" "$(grep -rlF "$TOKEN" "$BOUGH_HOME" "$TEST_DIR"/*.log 2>/dev/null)" ""
check_not "is in no argument" grep -qaF "$TOKEN" /proc/[0-9]*/cmdline
equal "is in no environment but boughd's and its workers'" \
  "$(grep -laF "$TOKEN" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do basename "$(readlink "${file%environ}exe")"; done | sort -u)" boughd

note "when GitHub isn't there"
kill "$mock"
wait "$mock" 2>/dev/null || true
expect_error forge-failed "it is told" pr list
check "the setting is shown all the same" bough project forge
check "and can be taken back" bough project forge --local
equal "the code is in the built-in forge again" "$(result .forge.kind project forge)" local
