# What CI takes beyond the tests of whoever uses it: a pull request with one migration. Sourced by bench/run.
# shellcheck shell=bash

FIGURES+=(ci)
FIGURE_TEXT+=([ci]="a CI run of the built-in forge, without the time of the declared test")

ci_policy() {
  cat <<'POLICY'
version: 1
project: checks
tiers:
  - { name: production, protected: true }
  - { name: staging, parent: production }
entry: staging
work_branches:
  ci: { parent: target, ttl: 1d }
roles: [platform, ci]
allow:
  - { role: platform, action: "*", on: "*" }
  - { role: ci, action: branch.fork, on: [staging, production], kind: ci }
  - { role: ci, action: [branch.create, branch.read, branch.write, branch.own, branch.delete, migration.apply, ci.report], on: ci, own: true }
commands: { test: "true" }
POLICY
}

# ci_change NUMBER: a branch with one migration, pushed and proposed
ci_change() {
  "$PROGRAM" --project checks --quiet branch create "c$1" >/dev/null
  git checkout -q -b "feature/c$1" staging
  mkdir -p migrations
  echo "create table bench_$1 (id int primary key);" >"migrations/2026010100000$1_bench.sql"
  echo "drop table bench_$1;" >"migrations/2026010100000$1_bench.undo.sql"
  git add . && git commit -q -m "change $1"
  git push -q origin "feature/c$1"
  "$PROGRAM" --project checks --quiet pr open "feature/c$1" >/dev/null
}

ci_runs() {
  local run took test shown whole=() beyond=()
  for ((run = 1; run <= START_RUNS && run < 10; run++)); do
    ci_change "$run"
    took=$("$CLOCK" -- "$PROGRAM" --project checks --json ci run --pull "$run" | cut -d' ' -f1)
    shown=$("$PROGRAM" --project checks --json ci show "$run")
    [[ $(jq -r .result.run.state <<<"$shown") == passed ]] || continue
    test=$(jq '.result.run.checks[] | select(.name == "test").duration_ms' <<<"$shown")
    whole+=("$took")
    beyond+=("$((${took%.*} - test))")
  done
  record "CI, one migration with its undo" "from asking to the result" ms - "${whole[@]}"
  record "CI, one migration with its undo" "of that not the declared test" ms "<= 3000" "${beyond[@]}"
}

figure_ci() (
  export GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@localhost GIT_COMMITTER_NAME=bench
  export GIT_COMMITTER_EMAIL=bench@localhost PATH=${PROGRAM%/*}:$PATH
  mkdir "$DIR/checks" && cd "$DIR/checks" || exit 1
  "$PROGRAM" project create checks --sample inventory >/dev/null
  "$PROGRAM" --quiet principal add bench-ci --type ci --role ci >/dev/null
  ci_policy >"$DIR/checks.yaml"
  "$PROGRAM" --project checks --quiet policy apply "$DIR/checks.yaml" --yes >/dev/null 2>&1
  git init -q -b staging .
  git commit -q --allow-empty -m "The beginning"
  git remote add origin bough://checks
  git push -q origin HEAD:refs/heads/production HEAD:refs/heads/staging
  ci_runs
)
