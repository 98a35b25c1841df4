# A project whose pull requests the built-in runner tests. Sourced after lib.sh and git.sh.
# shellcheck shell=bash

# set_up_ci: project shop, principals dev, mate, rev, ci; repository $W whose test reads the branch
set_up_ci() {
  W=$TEST_DIR/work
  start_bough
  make_project shop
  write_policy
  sed -i 's/^keep:/commands: { test: "make test" }\nkeep:/' "$TEST_DIR/bough.yaml"
  bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
  add dev human developer
  add mate human developer
  add rev human reviewer
  add ci ci ci
  git init -q -b staging "$W"
  mkdir -p "$W/tests"
  printf 'test:\n\t@sh tests/run.sh\n' >"$W/Makefile"
  cat >"$W/tests/run.sh" <<'SH'
set -eu
echo "tests on $(psql -XAtc 'select current_database()') as $(psql -XAtc 'select current_user')"
for test in tests/test_*.sh; do sh "$test"; done
SH
  printf 'psql -XAtqc "select count(*) >= 0 from inventory" | grep -q t || exit 1\necho "the base holds"\n' >"$W/tests/test_base.sh"
  git -C "$W" add --all
  git -C "$W" commit -q -m "The beginning"
  git -C "$W" remote add origin bough://shop
  git -C "$W" push -q origin HEAD:refs/heads/production HEAD:refs/heads/staging
}

# feature NAME: claimed by dev, checked out from staging
feature() {
  by dev branch create "$1" >/dev/null 2>&1
  git -C "$W" fetch -q origin
  git -C "$W" checkout -q -B "feature/$1" origin/staging
}

# migration VERSION_NAME UP DOWN
migration() {
  mkdir -p "$W/migrations"
  echo "$2" >"$W/migrations/$1.sql"
  echo "$3" >"$W/migrations/$1.undo.sql"
}

# propose NAME: commits all, pushes, opens the pull request
propose() {
  git -C "$W" add --all
  git -C "$W" commit -q --allow-empty -m "$1"
  pushes_as dev "$W" --force origin "feature/$1"
  by dev pr open "feature/$1" >/dev/null 2>&1
}

# run_sql COLUMN NUMBER: of the last run of a pull request
run_sql() {
  catalog_sql "select $1 from lakebase.ci_runs where number = $2 order by serial desc limit 1"
}

# state_of NUMBER: of the run of its live head on its live base; empty where there is none
state_of() {
  local branch
  branch=$(catalog_sql "select head_branch from lakebase.pulls where number = $1")
  catalog_sql "select state from lakebase.ci_runs where number = $1 and head_commit = '$(head_of "$branch")' and base_commit = '$(head_of staging)' order by serial desc limit 1"
}

has_ended() {
  [[ $(state_of "$1") == @(passed|failed) ]]
}

# ends NUMBER STATE TEXT: waits for its run
ends() {
  wait_for 240 has_ended "$1" || true
  equal "$3" "$(state_of "$1")" "$2"
}

# check_of NUMBER NAME: state of one of its checks
check_of() {
  catalog_sql "select state from lakebase.ci_checks where run_id = '$(run_sql run_id "$1")' and name = '$2'"
}

# nothing_left: of any run
nothing_left() {
  [[ $(catalog_sql "select count(*) from lakebase.ci_runs where state in ('queued', 'running') or branch_name is not null") == 0 &&
    $(catalog_sql "select count(*) from lakebase.branches where kind = 'ci' and state <> 'deleted'") == 0 &&
    $(catalog_sql "select count(*) from access.tokens where run_id is not null") == 0 &&
    -z $(ls -A "$BOUGH_HOME/runner/jobs") && -z $(find "$BOUGH_HOME/ci" -mindepth 1 ! -name '*.log') ]]
}
