#!/bin/bash
# Names from outside: only good ones get in, a bad one is refused before it reaches SQL, a path or a
# process, and nothing appears anywhere because of it.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
files_before=$(find "$TEST_DIR" -path "$BOUGH_HOME/logs" -prune -o -path '*/catalog/*' -prune -o -path '*/data/*' -prune -o -print | sort)

bad=("it's" 'a"b' 'with space' 'a/b' '../up' '..' '.' 'ünïcode' '分支' 'Upper' '-dash' '--help-me' '1first'
  'semi;colon' "'; drop table lakebase.branches; --" '$(touch pwned)' '`id`' 'a%2fb' '%00' 'a.b' 'a_b' ''
  $'new\nline' $'tab\t' $'esc\e[31m' "$(printf 'a%.0s' {1..64})" "$(printf 'a%.0s' {1..5000})")
for name in "${bad[@]}"; do
  shown=$(printf '%q' "${name:0:30}")
  body=$(jq -n --arg name "$name" '{name: $name}')
  equal "the API refuses branch $shown" "$(api_post /v1/projects/-/branches "$body" | jq -r '.ok, .error.code' | paste -sd' ')" "false invalid-name"
  equal "the API refuses project $shown" "$(api_post /v1/projects "$(jq -n --arg name "$name" '{name: $name, source: {kind: "empty"}}')" | jq -r '.ok, .error.code' | paste -sd' ')" "false invalid-name"
  equal "the API refuses rename to $shown" "$(api_post /v1/projects/-/branches/production/rename "$body" | jq -r '.ok, .error.code' | paste -sd' ')" "false invalid-name"
done
for name in "it's" 'with space' 'a/b' '../up' 'Upper' '1first' "$(printf 'a%.0s' {1..64})"; do
  expect_error invalid-name "the command refuses $(printf '%q' "${name:0:30}")" branch create "$name"
done
for name in '-dash' '--help-me'; do
  expect_status 1 "the command takes $name for a flag" bough branch create "$name"
done

for path in '..%2f..%2fetc' '%2e%2e' "production'--" '%00' 'production%00x' '%ff%fe' 'production/../../status'; do
  status=$(api_status GET "/v1/projects/-/branches/$path")
  matches "a path with $path finds nothing" "$status" '^4[0-9][0-9]$'
done
status=$(api_status DELETE "/v1/projects/-/branches/..%2fproduction")
matches "nor does it delete" "$status" '^4[0-9][0-9]$'

long=$(printf 'a%.0s' {1..63})
check "63 characters are fine" bough branch create "$long"
check "one character is fine" bough branch create a
check "its data can be read" sql "$long" 'select count(*) from inventory'
for name in "$long" a; do check "it can be deleted" bough branch delete "$name"; done

equal "no branch appeared" "$(branch_names)" production
files_after=$(find "$TEST_DIR" -path "$BOUGH_HOME/logs" -prune -o -path '*/catalog/*' -prune -o -path '*/data/*' -prune -o -print | sort)
extra=$(comm -13 <(cat <<<"$files_before") <(cat <<<"$files_after") | grep -vE '/(stderr|locks/.*|audit.*|run/.*|compute/.*|wal/.*|pool/.*|spool.*)$' || true)
equal "no file appeared" "$extra" ""
check "boughd still answers" boughd_answers
