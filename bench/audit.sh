# What the audit costs: creates with and without its rows, and how fast a million of them is verified.
# Sourced by bench/run.
# shellcheck shell=bash

FIGURES+=(audit)
FIGURE_TEXT+=([audit]="creates with and without the audit's rows; verifying a million of them")

catalog_sql() {
  setpriv --reuid="$(config .control.uid)" --regid="$(config .control.gid)" --init-groups \
    psql -XAtq -v ON_ERROR_STOP=1 -h "$BOUGH_HOME/run/catalog" -U bough_catalog -d system -c "$1"
}

# The only way to have none: a trigger that drops each row before it is written, so that nothing is
# left to seal either. Not "replica" mode, which would take the product's own triggers away.
audit_off() {
  catalog_sql "create function access.bench_skip() returns trigger language plpgsql as 'begin return null; end';
    create trigger aaa_bench_skip before insert on access.audit_events for each row execute function access.bench_skip()"
}

audit_on() {
  catalog_sql "drop trigger aaa_bench_skip on access.audit_events; drop function access.bench_skip()"
}

creates_a_second() {
  load_program -m churn -c 8 -t "$CHURN_SECONDS" -x "$1" | jq .creates_per_second
}

audit_pairs() {
  local pair with=() without=() ratio=() on off
  creates_a_second warm- >/dev/null
  for ((pair = 0; pair < PAIRS; pair++)); do
    on=$(creates_a_second "on$pair-")
    audit_off
    off=$(creates_a_second "off$pair-")
    audit_on
    with+=("$on")
    without+=("$off")
    ratio+=("$(divide "$on" "$off")")
  done
  record "8 clients create and delete" "with the audit" 1/s - "${with[@]}"
  record "8 clients create and delete" "without its rows" 1/s - "${without[@]}"
  record "8 clients create and delete" "with : without" ratio ">= 0.9" "${ratio[@]}"
}

audit_is_sealed() {
  [[ $(catalog_sql "select count(*) from access.audit_events") == "$(catalog_sql "select count(*) from access.audit_chain")" ]]
}

audit_million() {
  local rows=1000000 step=50000 written start
  start=${EPOCHREALTIME/[.,]/}
  for ((written = 0; written < rows; written += step)); do
    catalog_sql "insert into access.audit_events (actor_type, actor, source_ip, service_name, action_name, request_id,
        request_params, status, project_id, branch_id)
      select 'agent', 'agent-' || n % 200, 'uid:1000', 'boughd', 'branch.create', 'req-' || n,
        jsonb_build_object('name', 'branch-' || n, 'kind', 'feature'), 'ok', 'prj-aaaaaaaaaaaa', 'br-aaaaaaaaaaaa'
      from generate_series(1, $step) as n"
  done
  until audit_is_sealed; do sleep 0.5; done
  record "a million rows of the audit" "written and sealed" s - "$(divide $((${EPOCHREALTIME/[.,]/} - start)) 1000000)"
  record "a million rows of the audit" "verified, whole command" s - \
    "$(divide "$("$CLOCK" -- "$PROGRAM" --json audit verify | cut -d' ' -f1)" 1000)"
}

figure_audit() {
  audit_pairs
  audit_million
}
