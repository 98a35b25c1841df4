#!/bin/bash
# People and a fleet of agents at work against one server, policy, audit, ends and deletes on: no error, the
# reaper keeps up, every create is in the audit once, refusals are counted exactly, and the chain verifies.
# FLEET_LONG=1: 50 people and 200 agents at 30 creates a second for 10 minutes. How long a create takes is
# measured by `bench/run fleet`.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"

PEOPLE=2 AGENTS=8 RATE=10 SECONDS_OF_WORK=4 TTL=2s
[[ -z ${FLEET_LONG:-} ]] || PEOPLE=50 AGENTS=200 RATE=30 SECONDS_OF_WORK=600 TTL=1m
FLEET=$BOUGH_BUILD/bench/bench-fleet
[[ -x $FLEET ]] || skip_all "$FLEET isn't built"

start_bough
make_project shop
write_policy
sed -i 's/max_per_principal: 4/max_per_principal: 1000/; s/branches: 40/branches: 20000/' "$TEST_DIR/bough.yaml"
check "a policy" bough policy apply "$TEST_DIR/bough.yaml" --yes
TOKENS=$TEST_DIR/tokens
(umask 077 && : >"$TOKENS")
for ((n = 0; n < PEOPLE; n++)); do add "person-$n" human developer && echo "human ${TOKEN[person-$n]}" >>"$TOKENS"; done
for ((n = 0; n < AGENTS; n++)); do
  add "agent-$n" agent agent "person-$((n % PEOPLE))" && echo "agent ${TOKEN[agent-$n]}" >>"$TOKENS"
done

note "at work"
work() { "$FLEET" -s "unix://$BOUGH_HOME/boughd.sock" -p shop -k "$TOKENS" -t "$SECONDS_OF_WORK" -r "$RATE" -l "$TTL" >"$TEST_DIR/fleet"; }
check "no error" work
seen() { jq -r "$1" "$TEST_DIR/fleet"; }
note "$(cat "$TEST_DIR/fleet")"
equal "all were made" "$(seen .creates)" "$((RATE * SECONDS_OF_WORK))"
equal "4 of 5 by agents" "$(seen '.agents * 5 == .creates * 4')" true

note "afterwards"
gone() { [[ $(catalog_sql "select count(*) from lakebase.branches where kind = 'feature' and state <> 'deleted'") == 0 ]]; }
check "what was left has ended" wait_for 120 gone
equal "all that was made is gone, each by its maker or by the reaper" "$(seen '.deletes + .left == .creates')" true
trail() { catalog_sql "select count(*) from access.audit where $1"; }
equal "the audit has every create, once" "$(trail "action_name = 'branch.create' and status = 'ok' and actor ~ '^(person|agent)-'")" "$(seen .creates)"
equal "with whom an agent acts for" "$(trail "action_name = 'branch.create' and status = 'ok' and actor_type = 'agent' and on_behalf_of ~ '^person-'")" "$(seen .agents)"
counted() {
  catalog_sql "select coalesce((select sum(coalesce((request_params->>'count')::bigint, 1)) from access.audit
      where action_name = 'branch.create' and status = 'refused'), 0)
    + coalesce((select sum(count) from access.audit_refusals where action_name = 'branch.create'), 0)"
}
equal "every refusal is counted" "$(counted)" "$(seen .refused)"
at_least "there were some" "$(seen .refused)" 1
expect_json "the chain verifies" .result.ok true bough --json audit verify
check "all agree" agreement
