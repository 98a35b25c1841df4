# What every integration test starts with: `source "$(dirname "$0")/../harness/lib.sh"`. It gives the
# test a throw-away BOUGH_HOME, checks that print one TAP line each, and an ending that takes all down
# and fails when something of it is left.
#
# BOUGH_BUILD      build directory whose programs are tested (default: build)
# BOUGH_TEST_MODE  system (root: accounts, btrfs pool) or user (one account, files pool)
# BOUGH_TEST_DATA  the sample databases (default: ../shared/data beside the project)
# A script may set TEST_TIMEOUT (seconds), TEST_MODE_ONLY (system or user) and TEST_ON_DISK (not where checks
# keep their files in memory) before sourcing.
# shellcheck shell=bash

set -eEuo pipefail

# shellcheck source=tests/harness/isolate.sh
source "$(dirname "${BASH_SOURCE[0]}")/isolate.sh"

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BOUGH_BUILD=${BOUGH_BUILD:-$ROOT/build}
BOUGH_TEST_DATA=${BOUGH_TEST_DATA:-$ROOT/../shared/data}
BOUGH_HOME=$TEST_DIR/home
export BOUGH_HOME BOUGH_BUILD BOUGH_TEST_DATA NO_COLOR=1 LC_ALL=C.UTF-8 PGCONNECT_TIMEOUT=20
PG_BIN=$(pg_config --bindir)
PATH=$PG_BIN:$PATH # psql itself: the wrapper in front of it takes five times as long to start
PROGRAM=$BOUGH_BUILD/src/cli/bough
POOL_SIZE=${POOL_SIZE:-3G}
CHECKS=0
FAILED=0
ENDED=0

# shellcheck source=tests/harness/checks.sh
source "$ROOT/tests/harness/checks.sh"
# shellcheck source=tests/harness/bough.sh
source "$ROOT/tests/harness/bough.sh"
# shellcheck source=tests/harness/leaks.sh
source "$ROOT/tests/harness/leaks.sh"

# Whatever happens, the plan is printed and the checks for leaks are made: a script that stops early
# is a failure with the line where it stopped.
test_end() {
  local status=$1
  trap - ERR EXIT
  set +eE
  if [[ $ENDED == 0 ]]; then
    ENDED=1
    [[ $status == 0 ]] || fail "the script ran to its end" "stopped with status $status at ${STOPPED_AT:-?}"
    [[ $FAILED == 0 ]] || show_logs
    take_down
    check_leaks
    echo "1..$CHECKS"
  fi
  exit $((FAILED > 0))
}
# Called by the trap, so frame 0 is where it stopped.
stopped_at() {
  local frame
  STOPPED_AT="\"$1\""
  for ((frame = 1; frame < ${#BASH_SOURCE[@]}; frame++)); do
    STOPPED_AT+=", ${BASH_SOURCE[frame]##*/} line ${BASH_LINENO[frame - 1]}"
  done
}
trap 'stopped_at "$BASH_COMMAND"' ERR
trap 'test_end $?' EXIT
trap 'exit 143' INT TERM

[[ -x $PROGRAM ]] || skip_all "$PROGRAM can't be run by $(id -un) (build it, or set BOUGH_BUILD)"
