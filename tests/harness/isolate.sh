# The outer half of a test: a directory of its own, and namespaces in which whatever the test leaves
# behind is plainly its own. Runs the script again inside of them. Sourced by lib.sh.
# shellcheck shell=bash

# As root each test has its own process, mount, System V IPC and network namespace and its own
# /dev/shm: nothing can leak onto the machine, what is left at the end was left by this test, and every
# test has the ports to itself.
ISOLATION=(unshare --pid --fork --kill-child --mount-proc --mount --ipc --net)

isolation_works() {
  [[ $(id -u) == 0 ]] && "${ISOLATION[@]}" true 2>/dev/null
}

# The account of the tests in user mode; postgres refuses to run as root.
test_account() {
  getent passwd "${BOUGH_TEST_ACCOUNT:-postgres}" >/dev/null && echo "${BOUGH_TEST_ACCOUNT:-postgres}"
}

isolate_skip() {
  printf 'ok 1 - %s # SKIP %s\n1..1\n' "$(basename "$0" .sh)" "$1"
  exit 0
}

isolate_choose_mode() {
  local default=user
  [[ $(id -u) == 0 ]] && default=system
  export BOUGH_TEST_MODE=${TEST_MODE_ONLY:-${BOUGH_TEST_MODE:-$default}}
  case $BOUGH_TEST_MODE in
  system) [[ $(id -u) == 0 ]] || isolate_skip "system mode needs root" ;;
  user) [[ $(id -u) != 0 || -n $(test_account) ]] || isolate_skip "no account postgres for user mode" ;;
  *) echo "BOUGH_TEST_MODE is \"$BOUGH_TEST_MODE\", not system or user" >&2 && exit 2 ;;
  esac
}

isolate_drop_root() {
  local account=$1
  chown "$account:" "$TEST_DIR"
  echo setpriv --reuid="$account" --regid="$(id -g "$account")" --init-groups
}

isolate_run() {
  local -a wrap=()
  if isolation_works; then
    export BOUGH_TEST_ISOLATED=1
    wrap+=("${ISOLATION[@]}" bash -c 'mount -t tmpfs -o mode=1777 tmpfs /dev/shm; ip link set lo up; "$@"; exit $?' isolated)
  fi
  if [[ $BOUGH_TEST_MODE == user && $(id -u) == 0 ]]; then
    # shellcheck disable=SC2207
    wrap+=($(isolate_drop_root "$(test_account)"))
  fi
  export HOME=$TEST_DIR
  timeout --foreground -k 10 "${TEST_TIMEOUT:-300}" "${wrap[@]}" bash "$0" "$@"
}

# After the namespaces are gone: nothing runs or is mounted any more, loop devices let go by
# themselves; only the files are left.
isolate_remove() {
  local device
  for device in $(losetup --noheadings --output NAME,BACK-FILE 2>/dev/null |
    awk -v d="$TEST_DIR/" 'index($2, d) == 1 { print $1 }'); do
    losetup --detach "$device" || true
  done
  rm -rf --one-file-system "$TEST_DIR"
}

if [[ -z ${BOUGH_TEST_INSIDE:-} ]]; then
  export BOUGH_TEST_INSIDE=1
  isolate_choose_mode
  [[ -z ${TEST_ON_DISK:-} ]] || TMPDIR=/tmp
  TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/bt-XXXXXX")
  export TEST_DIR
  chmod 755 "$TEST_DIR"
  trap isolate_remove EXIT
  trap 'exit 130' INT TERM
  outcome=0
  isolate_run "$@" || outcome=$?
  [[ $outcome != 124 && $outcome != 137 ]] ||
    echo "not ok 999 - $(basename "$0" .sh) ended within ${TEST_TIMEOUT:-300} s"
  exit "$outcome"
fi
