#!/bin/bash
# What goes wrong on a machine: doctor names each, status still answers, and nothing else is harmed.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
for name in good tampered volumeless broken; do bough branch create "$name" >/dev/null 2>&1; done
rows=$(table_sum production inventory)

findings() {
  (bough --json doctor 2>/dev/null || true) | jq -r '.result.findings[] | select(.severity != "note") | "\(.severity) \(.id) \(.subject): \(.message) -> \(.fix)"'
}

# named TEXT PATTERN: doctor has a finding like that, with a fix, and status answers.
named() {
  local found
  found=$(findings)
  if grep -qiE "$2" <<<"$found"; then pass "$1"; else fail "$1" "nothing matches $2 in:
$found"; fi
  check "status answers" status_answers
  check "production is untouched" test "$(table_sum production inventory)" = "$rows"
}

equal "a healthy installation has no error" "$(findings | grep '^error' || true)" ""
expect_json "and is said to be healthy" .result.ok true bough --json doctor
equal "each finding has something to do about it" "$( (bough --json doctor 2>/dev/null || true) | jq '[.result.findings[] | select(.fix == null or .fix == "")] | length')" 0

id=$(branch_id tampered)
# As somebody would who knows how to get past the checks of the schema.
catalog_sql "alter domain lakebase.row_state drop constraint row_state_known" >/dev/null
catalog_sql "alter domain lakebase.volume_id drop constraint volume_id_pattern" >/dev/null
catalog_sql "alter domain lakebase.name drop constraint name_pattern" >/dev/null
volume=$(volume_of tampered)
tamper() {
  catalog_sql "update lakebase.branches set $1 where branch_id = '$id'" >/dev/null
}
tamper "state = 'nonsense'"
invalid='^error catalog-invalid catalog: table lakebase.branches, row'
named "a row with a state that is none is named" "$invalid \"$id\", column state: \"nonsense\""
tamper "state = 'ready', volume_id = '../../../etc'"
named "a row with a volume that is none is named" "$invalid \"$id\", column volume_id: \"\.\./\.\./\.\./etc\""
check "the others work" test "$(table_sum good inventory)" = "$rows"
check "a create works" bough branch create beside
tamper "name = 'bad''; drop table x; --'"
named "a name that is no name is named" "$invalid \"$id\", column name: "
check "doctor and list don't choke on it" bough branch list
tamper "name = 'tampered', volume_id = '$volume'"

bough endpoint suspend volumeless >/dev/null 2>&1 || true
volume=$(volume_of volumeless)
if [[ $BOUGH_TEST_MODE == system ]]; then
  btrfs subvolume delete "$BOUGH_HOME/pool/volumes/$volume/data" >/dev/null
fi
rm -rf "$BOUGH_HOME/pool/volumes/$volume"
named "a missing volume is named" '^error volume-missing volumeless: '
check_not "its branch doesn't open" sql volumeless 'select 1'

if [[ $BOUGH_TEST_MODE == system ]]; then
  btrfs subvolume create "$BOUGH_HOME/pool/volumes/strangers" >/dev/null
  btrfs subvolume create "$BOUGH_HOME/pool/elsewhere" >/dev/null
else
  mkdir "$BOUGH_HOME/pool/volumes/strangers" "$BOUGH_HOME/pool/elsewhere"
fi
echo "not Bough's" >"$BOUGH_HOME/pool/volumes/strangers/file"
named "a foreign subvolume is named" '^warning foreign-in-pool [^ ]*strangers: '
bough down >/dev/null 2>&1 && bough up >/dev/null 2>&1
equal "and left alone" "$(cat "$BOUGH_HOME/pool/volumes/strangers/file")" "not Bough's"
[[ $BOUGH_TEST_MODE != system ]] || btrfs subvolume delete "$BOUGH_HOME/pool/volumes/strangers" "$BOUGH_HOME/pool/elsewhere" >/dev/null
rm -rf "$BOUGH_HOME/pool/volumes/strangers" "$BOUGH_HOME/pool/elsewhere"

bough endpoint suspend broken >/dev/null 2>&1 || true
volume=$(volume_of broken)
as_compute truncate -s 100 "$BOUGH_HOME/pool/volumes/$volume/data/global/pg_control"
check_not "a PostgreSQL that can't start doesn't" sql broken 'select 1'
named "a PostgreSQL that can't start is named" '^error compute-failed broken: '

catalog_sql "update lakebase.branches set created_at = created_at + interval '2 days' where name = 'good'" >/dev/null
named "a clock that was set back is named" '^warning clock-behind good: '
catalog_sql "update lakebase.branches set created_at = created_at - interval '2 days' where name = 'good'" >/dev/null

if [[ -n ${BOUGH_TEST_MAY_SET_CLOCK:-} && $(id -u) == 0 ]]; then
  date --set='+30 seconds' >/dev/null
  found=$(findings)
  date --set='-30 seconds' >/dev/null
  matches "a clock that jumped is named" "$found" 'warning clock-jumped '
else
  skip "a clock that jumped is named" "it sets this machine's clock: only with BOUGH_TEST_MAY_SET_CLOCK=1, as root"
fi

agent=$(agent_pid)
kill -STOP "$agent"
check "status answers while the agent hangs" timeout 20 "$PROGRAM" status
kill -CONT "$agent"

if [[ $BOUGH_TEST_MODE == system ]]; then
  bough down >/dev/null 2>&1
  umount "$(config .pool.path)"
  mv "$TEST_DIR/pool.img" "$TEST_DIR/pool.img.away"
  bough up >"$TEST_DIR/up.log" 2>&1 || true
  check "status answers without a pool" status_answers
  found=$(findings)
  matches "a pool that isn't mounted is named" "$found" 'error pool-missing '
  expect_error pool-missing "a create is refused" branch create homeless
  equal "nothing was written under the mount point" "$(find "$(config .pool.path)" -mindepth 1 2>/dev/null)" ""
  mv "$TEST_DIR/pool.img.away" "$TEST_DIR/pool.img"
  bough down >/dev/null 2>&1 || true
  check "with the pool it is as before" bough up
  equal "production is untouched" "$(table_sum production inventory)" "$rows"
fi
