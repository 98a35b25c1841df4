#!/bin/bash
# bough init in repositories as people have them: nothing of theirs is lost, what stays is told, and what can't be done is
# said before anything is. Twice, in a subdirectory, under a path with blanks and letters of other alphabets, without a
# commit, on no branch, in a bare repository; with files, hooks, an .env and branches of their own; killed on the way.
TEST_TIMEOUT=600
source "$(dirname "$0")/../harness/lib.sh"
# shellcheck source=tests/harness/git.sh
source "$ROOT/tests/harness/git.sh"

start_bough
check "a project" bough project create shop --empty
write_policy
check "the policy" bough policy apply "$TEST_DIR/bough.yaml" --yes --project shop
STATE=.lakebase/workflow-state.json

# fresh FOLDER: an empty git repository there, and a forge that has none yet
fresh() {
  rm -rf "$(bare)"
  mkdir -p "$1"
  cd "$1" || exit
  git init -q -b main .
}
committed() {
  git add --all && git commit -q -m "$1"
}
heads() {
  git ls-remote --heads bough | sed 's,.*heads/,,' | sort | xargs
}

note "where it can't be done"
mkdir "$TEST_DIR/none" && cd "$TEST_DIR/none" || exit
expect_error nothing-to-do "outside of a repository" init
git init -q --bare "$TEST_DIR/bare.git" && cd "$TEST_DIR/bare.git" || exit
expect_error nothing-to-do "in a bare repository" init
equal "nothing was made there" "$(git -C "$TEST_DIR/bare.git" remote)$(git -C "$TEST_DIR/bare.git" for-each-ref)" ""

note "without a commit, under a path with blanks and other letters, from a subdirectory"
fresh "$TEST_DIR/Lager Größe 在庫/repo"
mkdir -p "sub dir/ü" && cd "sub dir/ü" || exit
check "init" bough init
cd ../.. || exit
equal "the tiers are there" "$(heads)" "production staging"
equal "the state file is at the top" "$(jq -r .state "$STATE")" scaffold-complete
equal "nothing is left to commit" "$(git status --porcelain)" ""
check "claim" bough scm claim first
check "back" git checkout -q staging
equal "the hook finds its way" "$(jq -r .state "$STATE")" scaffold-complete
cp -r . "$TEST_DIR/before"
check "init again" bough init
equal "changes nothing" "$(diff -r --exclude=.git . "$TEST_DIR/before")" ""
bough scm abandon first --force >/dev/null 2>&1

note "with files of one's own"
fresh "$TEST_DIR/own"
mkdir -p .github/workflows migrations
echo "name: mine" >.github/workflows/pr.yml
printf 'node_modules' >.gitignore
echo "version: 1 # another" >bough.yaml
echo "select 1;" >migrations/1_mine.sql
printf '#!/bin/sh\ntouch "%s/hooked"\n' "$TEST_DIR" >.git/hooks/post-checkout
chmod 755 .git/hooks/post-checkout
cp .git/hooks/post-checkout "$TEST_DIR/hook"
committed "Mine"
printf 'SECRET=1\nDATABASE_URL=postgres://mine' >.env
chmod 640 .env
bough --json init >"$TEST_DIR/init.json" 2>"$TEST_DIR/stderr" || true
equal "init" "$(jq -r .ok "$TEST_DIR/init.json")" true
equal "theirs stay" "$(cat .github/workflows/pr.yml bough.yaml migrations/1_mine.sql | xargs)" "name: mine version: 1 # another select 1;"
matches "and that is told of the workflow" "$(jq -r '.result.notes | join(" ")' "$TEST_DIR/init.json")" ".github/workflows/pr.yml is there already and stays"
matches "and of the policy" "$(jq -r '.result.notes | join(" ")' "$TEST_DIR/init.json")" "bough.yaml is there already and stays"
equal "the hook stays" "$(cat .git/hooks/post-checkout)" "$(cat "$TEST_DIR/hook")"
matches "and that is told" "$(jq -r '.result.notes | join(" ")' "$TEST_DIR/init.json")" "post-checkout is somebody else's and stays"
equal "lines of .gitignore stay" "$(xargs <.gitignore)" "node_modules .env $STATE"
equal "what was in .env stays" "$(head -n 2 .env | xargs)" "SECRET=1 DATABASE_URL=postgres://mine"
equal "with its mode" "$(stat -c %a .env)" 640
equal "and isn't committed" "$(git log --all --format= --name-only | grep -cx .env || true)" 0
equal "nothing is left to commit" "$(git status --porcelain)" ""

note "with an .env that git tracks"
fresh "$TEST_DIR/tracked"
echo "A=1" >.env
committed "With .env"
check "init" bough init
equal "it isn't written" "$(cat .env)" "A=1"
equal "nor is anything else changed" "$(git status --porcelain)" ""
check "a claim works" bough scm claim tracked
equal "nor is it then" "$(cat .env)$(git status --porcelain)" "A=1"
matches "doctor tells" "$( (bough --json scm doctor 2>/dev/null || true) | jq -r '[.result.findings[].id] | join(" ")')" env-tracked
bough scm abandon tracked --force >/dev/null 2>&1

note "with branches of one's own, and on none"
fresh "$TEST_DIR/branches"
echo 1 >code && committed one
git branch staging
echo 2 >code && committed two
mine=$(git rev-parse main)
git checkout -q --detach
check "init" bough init
equal "the tiers have what HEAD was" "$(git rev-parse "bough/staging^")" "$mine"
equal "no branch of theirs lost a commit" "$(git rev-parse main)" "$mine"
check "theirs is brought forward" git merge-base --is-ancestor "$mine" HEAD
fresh "$TEST_DIR/apart"
echo 1 >code && committed one
git checkout -q -b staging
echo theirs >code && committed theirs
theirs=$(git rev-parse HEAD)
git checkout -q main
check "init beside a branch that went elsewhere" bough init
equal "that one stays" "$(git rev-parse staging)" "$theirs"
equal "the work tree has the tier's commit" "$(git rev-parse HEAD)" "$(git rev-parse bough/staging)"
fresh "$TEST_DIR/dirty"
echo 1 >code && committed one
echo 2 >code
expect_error dirty-working-tree "changes that are not committed" init
equal "stay, and nothing was done" "$(cat code) $(git rev-list --count HEAD) $(find . -mindepth 1 -maxdepth 1 | sort | xargs) $(git remote)" "2 1 ./.git ./code "
git checkout -q code
git remote add bough "$TEST_DIR/bare.git"
check_not "a remote of that name is somebody's" bough init
equal "and stays" "$(git remote get-url bough)" "$TEST_DIR/bare.git"
git remote rename -q bough elsewhere 2>/dev/null || git remote rename bough elsewhere

note "killed on the way"
printf '#!/bin/sh\nkill -9 $(ps -o ppid= -p $PPID)\nexit 1\n' >.git/hooks/pre-push
chmod 755 .git/hooks/pre-push
check_not "before anything is pushed" bough init
rm .git/hooks/pre-push
echo 3 >code && committed three
check "the same command goes on, with what was committed since" bough init
equal "the tiers are there" "$(heads)" "production staging"
equal "with all of it" "$(git show bough/production:code)" 3
git worktree add -q -b other "$TEST_DIR/other tree"
cd "$TEST_DIR/other tree" || exit
check "in another work tree" bough init
equal "it has its own state" "$(jq -r .state "$STATE")" scaffold-complete

note "several projects: the one that is named, else the repository's, else the file's for a policy"
project_meant() { # BOUGH-ARGUMENTS...
  result '.branches[0].project' "$@" branch list
}
check "another project" bough project create second --empty
equal "in the work tree it is the repository's" "$(project_meant)" shop
equal "unless the environment says another" "$(BOUGH_PROJECT=second project_meant)" second
equal "or the command does" "$(BOUGH_PROJECT=shop project_meant --project second)" second
sed 's/^project: .*/project: second/' "$TEST_DIR/bough.yaml" >"$TEST_DIR/second.yaml"
check "a policy goes to the project that it names" bough policy apply "$TEST_DIR/second.yaml" --yes
expect_error policy-invalid "unless another was named" policy apply "$TEST_DIR/second.yaml" --yes --project shop
cd "$TEST_DIR" || exit
expect_error project-ambiguous "elsewhere somebody has to say it" branch list
check "except for a policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
