# Checks: each prints one TAP line and goes on, so that a run shows all that is wrong. Sourced by lib.sh.
# shellcheck shell=bash

pass() {
  CHECKS=$((CHECKS + 1))
  echo "ok $CHECKS - $1"
}

# fail TEXT [DETAIL]
fail() {
  CHECKS=$((CHECKS + 1))
  FAILED=$((FAILED + 1))
  echo "not ok $CHECKS - $1"
  [[ -z ${2:-} ]] || sed 's/^/#   /' <<<"$2"
}

skip() {
  CHECKS=$((CHECKS + 1))
  echo "ok $CHECKS - $1 # SKIP $2"
}

# Ends the script: nothing of it can be tried here.
skip_all() {
  skip "$(basename "$0" .sh)" "$1"
  exit 0
}

note() {
  sed 's/^/# /' <<<"$*"
}

# check TEXT COMMAND...: it succeeds.
check() {
  local text=$1 output status=0
  shift
  output=$("$@" 2>&1) || status=$?
  if [[ $status == 0 ]]; then pass "$text"; else fail "$text" "status $status of: $* 
$output"; fi
}

# check_not TEXT COMMAND...: it fails.
check_not() {
  local text=$1 output
  shift
  if output=$("$@" 2>&1); then fail "$text" "succeeded: $*
$output"; else pass "$text"; fi
}

# equal TEXT ACTUAL EXPECTED
equal() {
  if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "expected: $3
     got: $2"; fi
}

differ() {
  if [[ $2 != "$3" ]]; then pass "$1"; else fail "$1" "both are: $2"; fi
}

# matches TEXT ACTUAL REGULAR-EXPRESSION
matches() {
  if [[ $2 =~ $3 ]]; then pass "$1"; else fail "$1" "expected to match: $3
              got: $2"; fi
}

# at_least TEXT NUMBER LIMIT, at_most likewise; both take decimals.
at_least() {
  if awk -v a="$2" -v b="$3" 'BEGIN { exit !(a + 0 >= b + 0 && a != "") }'; then pass "$1"; else
    fail "$1" "expected at least $3, got \"$2\""; fi
}

at_most() {
  if awk -v a="$2" -v b="$3" 'BEGIN { exit !(a + 0 <= b + 0 && a != "") }'; then pass "$1"; else
    fail "$1" "expected at most $3, got \"$2\""; fi
}

# expect_status N TEXT COMMAND...: the exit status is that number.
expect_status() {
  local expected=$1 text=$2 output status=0
  shift 2
  output=$("$@" 2>&1) || status=$?
  if [[ $status == "$expected" ]]; then pass "$text"; else fail "$text" "expected status $expected, got $status: $*
$output"; fi
}

# expect_json TEXT FILTER EXPECTED COMMAND...: jq's FILTER over the command's stdout prints EXPECTED.
expect_json() {
  local text=$1 filter=$2 expected=$3 output actual
  shift 3
  output=$("$@" 2>"$TEST_DIR/stderr") || true
  actual=$(jq -r "$filter" <<<"$output" 2>&1) || true
  if [[ $actual == "$expected" ]]; then pass "$text"; else fail "$text" "$filter: expected \"$expected\", got \"$actual\": $*
$output
$(tail -n 5 "$TEST_DIR/stderr")"; fi
}

# expect_error CODE TEXT ARGUMENTS...: bough --json fails with that code and the exit status that
# src/core/error.def gives it, and says something.
expect_error() {
  local code=$1 text=$2 output status=0 wanted
  shift 2
  wanted=$(awk -F, -v c="\"$code\"" '/^ERROR\(/ { gsub(/ /, "", $2); if ($2 == c) { gsub(/ /, "", $3); print $3 } }' \
    "$ROOT/src/core/error.def")
  [[ -n $wanted ]] || { fail "$text" "error.def has no code \"$code\"" && return 0; }
  output=$(bough --json "$@" 2>"$TEST_DIR/stderr") || status=$?
  if [[ $status == "$wanted" && $(jq -r '[.ok, .error.code, (.error.message | length > 0)] | @csv' <<<"$output" 2>&1) == "false,\"$code\",true" ]]; then
    pass "$text"
  else
    fail "$text" "expected $code with status $wanted, got status $status: bough $*
$output
$(tail -n 5 "$TEST_DIR/stderr")"
  fi
}

# wait_for SECONDS COMMAND...: asks until it succeeds; fails silently when time is up.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || return 1
    sleep 0.1
  done
}
