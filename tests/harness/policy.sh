# A project under the contract's policy, with principals of every role. Sourced by the tests of policies,
# after lib.sh.
# shellcheck shell=bash

declare -A TOKEN

# The model of the contract, with short limits.
write_policy() {
  cat >"${1:-$TEST_DIR/bough.yaml}" <<'EOF'
version: 1
project: shop
timezone: Europe/Berlin
tiers:
  - { name: production, protected: true, idle: never }
  - { name: staging, parent: production, idle: 30m }
entry: staging
features: { ttl: 14d, ttl_max: 30d, max_per_principal: 4, idle: 5m }
work_branches:
  hotfix: { parent: production, ttl: 3d }
  ci: { parent: target, ttl: 1d }
roles: [developer, agent, ci, reviewer, release-manager, analyst, platform]
allow:
  - { role: [developer, agent], action: [branch.create, branch.read, branch.write, branch.own, branch.reset, branch.delete, branch.expire, migration.apply], on: feature, own: true }
  - { role: [developer, agent], action: [branch.fork], on: staging }
  - { role: [developer, reviewer], action: [branch.read], on: feature }
  - { role: [ci], action: [branch.fork], on: [staging, production], kind: ci }
  - { role: [ci], action: [branch.create, branch.read, branch.write, branch.own, branch.delete, migration.apply, ci.report], on: ci, own: true }
  - { role: [reviewer], action: [promote.approve, promote], on: { from: feature, to: staging } }
  - { role: [release-manager], action: [promote.approve, promote, rollback], on: { from: staging, to: production } }
  - { role: [release-manager], action: [branch.fork, branch.create], on: production, kind: hotfix }
  - { role: [analyst], action: [branch.read], on: [staging] }
  - { role: [platform], action: ["*"], on: "*" }
promotion:
  - { from: feature, to: staging, approvals: 1, author_may_approve: false, require: [ci, schema-diff] }
  - { from: staging, to: production, approvals: 2, author_may_approve: false, require: [ci, schema-diff] }
keep: { snapshots: 7d, audit: 400d }
limits: { branches: 40, branch_bytes: 20GB, connections_per_branch: 20 }
EOF
}

# add NAME TYPE ROLE [FOR]
add() {
  bough principal add "$1" --type "$2" --role "$3" ${4:+--for "$4"} >/dev/null
  TOKEN[$1]=$(bough principal token "$1" --ttl 2h)
}

# by NAME BOUGH-ARGUMENTS...
by() {
  BOUGH_TOKEN=${TOKEN[$1]} bough "${@:2}"
}

# as NAME BRANCH SQL [DATABASE]: over the port
as() {
  PGPASSWORD=${TOKEN[$1]} psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose \
    "host=127.0.0.1 port=6432 user=$1 dbname=${4:-app}@$2" -c "$3"
}

# refused TEXT CODE NAME BOUGH-ARGUMENTS...: with exit status 2 and that error code
refused() {
  local text=$1 code=$2 output status=0
  shift 2
  output=$(by "$1" --json "${@:2}" 2>"$TEST_DIR/stderr") || status=$?
  if [[ $status == 2 && $(jq -r .error.code <<<"$output" 2>&1) == "$code" ]]; then pass "$text"; else
    fail "$text" "expected $code with status 2, got $status: $*
$output"
  fi
}

# sqlstate TEXT STATE NAME BRANCH SQL [DATABASE]
sqlstate() {
  local text=$1 state=$2 output status=0
  shift 2
  output=$(as "$@" 2>&1) || status=$?
  if [[ $status != 0 && $output == *"$state"* ]]; then pass "$text"; else
    fail "$text" "expected SQLSTATE $state, got status $status: $output"
  fi
}
