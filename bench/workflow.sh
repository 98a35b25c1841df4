# What claiming a feature takes: git and database together, in a repository of 10,000 files. Sourced by bench/run.
# shellcheck shell=bash

FIGURES+=(claim)
FIGURE_TEXT+=([claim]="bough scm claim in a repository of 10,000 files, beside git's own part of it")

CLAIM_FILES=10000

claim_policy() {
  cat <<'POLICY'
version: 1
project: claims
tiers:
  - { name: production, protected: true }
  - { name: staging, parent: production }
entry: staging
roles: [platform]
allow:
  - { role: platform, action: "*", on: "*" }
POLICY
}

# A hundred folders of a hundred files.
claim_repository() {
  local folder file
  git init -q -b main .
  for ((folder = 0; folder < CLAIM_FILES / 100; folder++)); do
    mkdir "$folder"
    for ((file = 0; file < 100; file++)); do echo "$folder $file" >"$folder/$file"; done
  done
  git add . && git commit -q -m "$CLAIM_FILES files"
}

claim_runs() {
  local run whole=() floor=() ratio=() a b
  for ((run = 0; run < START_RUNS + 1; run++)); do
    git checkout -q staging
    a=$("$CLOCK" -- "$PROGRAM" --project claims --json scm claim "c$run" | cut -d' ' -f1)
    git checkout -q staging
    b=$("$CLOCK" -- sh -c "git status --porcelain >/dev/null && git checkout -q -b floor$run staging" | cut -d' ' -f1)
    ((run > 0)) || continue # the first one warms what git reads
    whole+=("$a")
    floor+=("$b")
    ratio+=("$(divide "$a" "$b")")
  done
  record "scm claim, $CLAIM_FILES files" "whole command, git included" ms "<= 500" "${whole[@]}"
  record "scm claim, $CLAIM_FILES files" "floor: git status, git checkout -b" ms - "${floor[@]}"
  record "scm claim, $CLAIM_FILES files" "claim : floor" ratio - "${ratio[@]}"
}

figure_claim() (
  export GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@localhost GIT_COMMITTER_NAME=bench
  export GIT_COMMITTER_EMAIL=bench@localhost PATH=${PROGRAM%/*}:$PATH
  mkdir "$DIR/claims" && cd "$DIR/claims" || exit 1
  "$PROGRAM" project create claims --sample inventory >/dev/null
  claim_policy >"$DIR/claims.yaml"
  "$PROGRAM" --project claims --quiet policy apply "$DIR/claims.yaml" --yes >/dev/null 2>&1
  claim_repository
  "$PROGRAM" --project claims init >/dev/null
  claim_runs
)
