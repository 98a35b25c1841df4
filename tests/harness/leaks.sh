# The end of a test: everything is taken down by Bough's own means, and nothing may be left. Sourced by
# lib.sh. In a test's own namespaces "nothing" is literal; without them only what names its directory
# can be told from strangers' things.
# shellcheck shell=bash

take_down() {
  [[ -z ${LOAD_PID:-} ]] || stop_load
  [[ -z ${SOURCE_DIR:-} || ! -e $SOURCE_DIR/data/postmaster.pid ]] || source_stop
  [[ -e $BOUGH_HOME/config.json ]] || return 0
  # The last words of a test are part of it: a `down` that fails is a failure.
  check "everything stops when it is told to" bough_down_all
}

# Processes of this test that are still there, one a line. This script, its parents and its own
# helpers are not meant.
left_processes() {
  local process pid command
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [[ $pid != "$$" && $pid != "$BASHPID" && $pid != 1 ]] || continue
    command=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") 2>/dev/null || continue
    [[ -n $command ]] || continue # a kernel thread or a zombie
    [[ $command == *"$TEST_DIR"* || $command == *boughd* || $command == *bough-* || $command == *postgres* ||
      $(readlink "$process/cwd" 2>/dev/null) == "$TEST_DIR"* ]] || continue
    [[ -n ${BOUGH_TEST_ISOLATED:-} || $command == *"$TEST_DIR"* || $(readlink "$process/cwd" 2>/dev/null) == "$TEST_DIR"* ]] || continue
    [[ $command != *"$(basename "$0")"* ]] || continue
    echo "$pid $command"
  done
}

# no_processes_left [SECONDS]: they are given that long to end.
no_processes_left() {
  local left until=$((SECONDS + ${1:-5}))
  left=$(left_processes)
  while [[ -n $left && $SECONDS -lt $until ]]; do
    sleep 0.2
    left=$(left_processes)
  done
  [[ -z $left ]] || { echo "$left" && return 1; }
}

# Runtime directories hold sockets of computes; none runs any more.
no_sockets_left() {
  local left
  left=$(find "$BOUGH_HOME/run" /tmp/bough-"$(id -u)"-* -type s -path "*ep-*" 2>/dev/null)
  [[ -z $left ]] || { echo "$left" && return 1; }
}

no_shared_memory_left() {
  local left
  [[ -n ${BOUGH_TEST_ISOLATED:-} ]] || return 0
  left=$(
    ipcs -m | awk 'NR > 3 && NF'
    find /dev/shm -mindepth 1
  )
  [[ -z $left ]] || { echo "$left" && return 1; }
}

unmount_pool() {
  local target
  [[ $(id -u) == 0 ]] || return 0
  while read -r target; do
    [[ -z $target ]] || umount "$target" || return 1
  done <<<"$(awk -v d="$TEST_DIR/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r)"
}

no_loop_devices_left() {
  local left
  [[ $(id -u) == 0 ]] || return 0
  left=$(losetup --noheadings --output NAME,BACK-FILE | grep -F " $TEST_DIR/" || true)
  [[ -z $left ]] || { echo "$left" && return 1; }
}

# What the installation has on disk when all branches are deleted: volumes and their logs, of none.
no_volumes_left() {
  local left
  left=$(find "$BOUGH_HOME"/pool/volumes "$BOUGH_HOME"/wal "$BOUGH_HOME"/compute -mindepth 1 -maxdepth 1 2>/dev/null)
  [[ -z $left ]] || { echo "$left" && return 1; }
}

# What a sanitized build had to say about any of the programs.
no_sanitizer_report() {
  local report
  report=$(grep -hE -A 12 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$BOUGH_HOME"/logs/*.log 2>/dev/null | head -n 60)
  [[ -z $report ]] || { echo "$report" && return 1; }
}

# An installation in a throw-away directory has nothing to say in the machine's own set-up.
no_units_left() {
  local left
  left=$(grep -rlF "$TEST_DIR/" /etc/systemd/system /etc/fstab 2>/dev/null)
  [[ -z $left ]] || { echo "$left" && return 1; }
}

check_leaks() {
  [[ -e $BOUGH_HOME ]] || return 0
  check "no process is left" no_processes_left
  kill_left
  check "no socket is left" no_sockets_left
  check "no shared memory is left" no_shared_memory_left
  check "no sanitizer report" no_sanitizer_report
  check "the pool is unmounted" unmount_pool
  check "no loop device is left" no_loop_devices_left
}

# So that a failed test still ends; the leak is counted already.
kill_left() {
  local pid rest
  while read -r pid rest; do
    [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null || true
  done <<<"$(left_processes)"
  return 0
}
