# A git repository with its origin in the built-in forge. Sourced after lib.sh; brings policy.sh along.
# shellcheck shell=bash disable=SC2034

# shellcheck source=tests/harness/policy.sh
source "$ROOT/tests/harness/policy.sh"

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost
export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost
PATH=$BOUGH_BUILD/src/cli:$PATH # git-remote-bough

# begin_work [LINE...]: a new repository with one commit, and one file of these lines; stays in it
begin_work() {
  mkdir "$TEST_DIR/work"
  cd "$TEST_DIR/work" || exit
  git init -q -b main .
  printf '%s\n' "${@:-code}" >code
  git add . && git commit -q -m 'The beginning'
}

# make_repository FOLDER PROJECT TIER...: one commit, pushed as every tier
make_repository() {
  local folder=$1 project=$2 tier
  shift 2
  git init -q -b "$1" "$folder"
  echo "inventory" >"$folder/README"
  git -C "$folder" add --all
  git -C "$folder" commit -q -m "The beginning"
  git -C "$folder" remote add origin "bough://$project"
  for tier in "$@"; do
    git -C "$folder" push -q origin "HEAD:refs/heads/$tier"
  done
  git -C "$folder" fetch -q origin
}

# commit_file FOLDER FILE TEXT
commit_file() {
  mkdir -p "$(dirname "$1/$2")"
  echo "$3" >"$1/$2"
  git -C "$1" add --all
  git -C "$1" commit -q -m "$2"
}

# pushes_as NAME FOLDER ARGUMENTS...: git push with that principal's token
pushes_as() {
  local who=$1 folder=$2
  shift 2
  BOUGH_TOKEN=${TOKEN[$who]} git -C "$folder" push -q "$@"
}

# refused_push TEXT WORDS NAME FOLDER ARGUMENTS...: the push fails and git shows those words
refused_push() {
  local text=$1 words=$2 who=$3 folder=$4 output status=0
  shift 4
  output=$(BOUGH_TOKEN=${TOKEN[$who]} git -C "$folder" push "$@" 2>&1) || status=$?
  if [[ $status != 0 && $output == *"$words"* ]]; then pass "$text"; else
    fail "$text" "status $status, expected words: $words
$output"; fi
}

# bare: the path of the only project's repository, as the control account has it
bare() {
  echo "$BOUGH_HOME/git/$(catalog_sql "select project_id from lakebase.projects where state = 'ready' and name like '${BOUGH_PROJECT:-%}' limit 1").git"
}
# head_of BRANCH: what the forge has
head_of() {
  as_control git --git-dir="$(bare)" rev-parse --verify --quiet "refs/heads/$1" || true
}
