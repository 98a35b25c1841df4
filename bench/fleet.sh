# 50 people and 200 agents at 30 creates a second, under a policy, with ends, deletes and refusals: how long a
# create takes. Sourced by bench/run. What must be right about it is tests/integration/314-fleet.sh.
# shellcheck shell=bash

FIGURES+=(fleet)
FIGURE_TEXT+=([fleet]="50 people and 200 agents at work: how long a create takes at 30 a second")

fleet_policy() {
  cat <<'END'
version: 1
project: fleet
tiers:
  - { name: production }
  - { name: staging, parent: production }
entry: staging
features: { ttl: 14d, ttl_max: 30d, max_per_principal: 1000 }
roles: [developer, agent, platform]
allow:
  - { role: [developer, agent], action: [branch.create, branch.read, branch.own, branch.delete, branch.expire], on: feature, own: true }
  - { role: [developer, agent], action: branch.fork, on: staging }
  - { role: platform, action: "*", on: "*" }
limits: { branches: 20000 }
END
}

# A project of its own: others are measured without a policy.
fleet_bough() {
  "$PROGRAM" --project fleet "$@"
}

# fleet_member NAME TYPE ROLE [FOR]
fleet_member() {
  fleet_bough principal add "$1" --type "$2" --role "$3" ${4:+--for "$4"} >/dev/null
  printf '%s %s\n' "$2" "$(fleet_bough principal token "$1" --ttl 2h)" >>"$DIR/fleet-tokens"
}

figure_fleet() {
  local n out seconds=600
  [[ -z $QUICK ]] || seconds=60
  fleet_policy >"$DIR/fleet.yaml"
  fleet_bough project create fleet --empty >/dev/null 2>&1
  fleet_bough policy apply "$DIR/fleet.yaml" --yes >/dev/null
  (umask 077 && : >"$DIR/fleet-tokens")
  for ((n = 0; n < 50; n++)); do fleet_member "person-$n" human developer; done
  for ((n = 0; n < 200; n++)); do fleet_member "agent-$n" agent agent "person-$((n % 50))"; done
  out=$("$FLEET" -s "unix://$BOUGH_HOME/boughd.sock" -p fleet -k "$DIR/fleet-tokens" -t "$seconds" -r 30 -l 1m || true)
  record "50 people, 200 agents, 30 creates/s" "errors" "" "<= 0" "$(jq .errors <<<"$out")"
  record "50 people, 200 agents, 30 creates/s" "creates a second" 1/s - "$(jq .creates_per_second <<<"$out")"
  record "50 people, 200 agents, 30 creates/s" "one create, median" ms - "$(jq .create_ms.median <<<"$out")"
  record "50 people, 200 agents, 30 creates/s" "one create, p95" ms "<= 250" "$(jq .create_ms.p95 <<<"$out")"
  fleet_bough project delete fleet >/dev/null
}
