#!/bin/bash
# Branches end by themselves: announced once, in list, audit and to a webhook; deleted, or closed and
# renamed while others that were forked from them stand; never protected ones; not while the clocks
# disagree; hundreds of them without anybody's turn being lost.
TEST_TIMEOUT=400
source "$(dirname "$0")/../harness/lib.sh"

start_bough
bough_down_all >/dev/null 2>&1
# A receiver that fails twice and then takes what comes.
printf 'a secret of the test, long enough' >"$BOUGH_HOME/hook.secret"
chmod 0600 "$BOUGH_HOME/hook.secret"
chown "$(config .control.uid):$(config .control.gid)" "$BOUGH_HOME/hook.secret"
cat >"$TEST_DIR/receiver.py" <<'PYTHON'
import http.server, json, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    seen = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.seen += 1
        self.send_response(503 if Receiver.seen <= 2 else 204)
        self.end_headers()
        if Receiver.seen > 2:
            with open(sys.argv[1], "ab") as out:
                out.write(json.dumps({"time": self.headers["X-Bough-Timestamp"], "body": body.decode(),
                                      "signature": self.headers["X-Bough-Signature"]}).encode() + b"\n")
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 "$TEST_DIR/receiver.py" "$TEST_DIR/received" >"$TEST_DIR/port" 2>/dev/null &
receiver=$!
wait_for 10 test -s "$TEST_DIR/port"
jq --arg url "http://127.0.0.1:$(cat "$TEST_DIR/port")/hook" --arg file "$BOUGH_HOME/hook.secret" \
  '.webhook_url = $url | .webhook_secret_file = $file | .expiry_hold_seconds = 4' "$BOUGH_HOME/config.json" >"$TEST_DIR/config"
cat "$TEST_DIR/config" >"$BOUGH_HOME/config.json"
bough up >/dev/null 2>&1
make_project shop

gone() {
  ! branch_exists "$1"
}
audit_count() {
  catalog_sql "select count(*) from access.audit where action_name = '$1' and branch_id = '$2'"
}

note "asking"
expect_error usage "a span that is none" branch create one --ttl soon
check "a branch with an end" bough branch create one --ttl 2h
at_least "it is told how long it has" "$(result .branch.expires_in_seconds branch show one)" 7100
equal "that isn't near" "$(result .branch.expiring branch show one)" false
matches "branch list has it" "$(bough branch list | grep '^one ')" ' (2 hours|1 hour) '
check "a branch without" bough branch create two
equal "has none" "$(result .branch.expires_at branch show two)" null
expect_error usage "expire needs to know" branch expire two
expect_error usage "one thing only" branch expire two --ttl 1h --never
check "an end is given" bough branch expire two --ttl 3d
check "and taken back" bough branch expire two --never
equal "it has none" "$(result .branch.expires_at branch show two)" null
expect_error branch-protected "a root never ends" branch expire production --ttl 1d

note "warning, deletion"
one=$(branch_id one)
sql one 'create table mine (x int)'
catalog_sql "update lakebase.branches set created_at = now() - interval '1 h' where name = 'one'" >/dev/null
check "the end is moved to soon" bough branch expire one --ttl 8s
announced() {
  [[ $(audit_count branch.expiring "$one") == 1 ]]
}
check "it is announced" wait_for 20 announced
check "and goes" wait_for 30 gone one
equal "it was announced once" "$(audit_count branch.expiring "$one")" 1
equal "its end is in the audit" "$(audit_count branch.expired "$one")" 1
equal "as an operation of the system's" "$(api GET /v1/operations | jq -r '[.result.operations[] | select(.kind == "branch.delete")][0] | .created_by + " " + .state')" "system done"
check "the webhook is told, after it failed twice" wait_for 30 grep -q branch.expiring "$TEST_DIR/received"
check "of the end too" wait_for 30 grep -q branch.expired "$TEST_DIR/received"
message=$(head -n 1 "$TEST_DIR/received")
equal "what it is told of" "$(jq -r '.body | fromjson | .project + " " + .branch.name' <<<"$message")" "shop one"
expected=$(printf '%s.%s' "$(jq -r .time <<<"$message")" "$(jq -r .body <<<"$message")" |
  openssl dgst -sha256 -hmac 'a secret of the test, long enough' | sed 's/.*= //')
equal "signed with the secret" "$(jq -r .signature <<<"$message")" "sha256=$expected"
kill "$receiver"

note "children"
bough branch create parent >/dev/null 2>&1
parent=$(branch_id parent)
bough branch create child --parent parent >/dev/null 2>&1
url=$(connection parent)
endpoint=$(result .branch.endpoint.id branch show parent)
mkfifo "$TEST_DIR/keep"
psql -XAtq "$url" <"$TEST_DIR/keep" >"$TEST_DIR/keep.out" 2>&1 &
session=$!
exec 7>"$TEST_DIR/keep"
echo "select 'open';" >&7
check "a session is open" wait_for 30 grep -q open "$TEST_DIR/keep.out"
bough branch create kept >/dev/null 2>&1
bough branch protect kept >/dev/null
bough branch expire kept --ttl 1s >/dev/null
bough branch expire parent --ttl 1s >/dev/null
check "a parent whose time is over loses its name" wait_for 30 gone parent
closed=$(result "[.branches[] | select(.id == \"$parent\")][0].name" branch list)
matches "it has one of its own" "$closed" '^parent-[0-9]{8}-[0-9]{6}-[a-z2-7]{4}$'
matches "branch list says so" "$(bough branch list | grep "^$closed ")" ' expired '
equal "the child stands" "$(result .branch.parent branch show child)" "$closed"
echo "select 'after';" >&7 || true
exec 7>&-
wait "$session" || true
check_not "its session has ended" grep -q after "$TEST_DIR/keep.out"
check_not "nobody is let in" psql -XAtqc 'select 1' "$url"
fails=$(psql -XAtqc 'select 1' "${url/@parent/?options=endpoint%3D$endpoint}" 2>&1 || true)
matches "nor by its endpoint" "$fails" 'time of branch|does not exist'
expect_error branch-expired "it isn't started" endpoint start "$closed"
expect_error branch-expired "nor forked" branch create other --parent "$closed"
expect_error branch-expired "nor extended" branch expire "$closed" --ttl 1d
check "its name is free" bough branch create parent
bough branch delete child >/dev/null
check "when the child has gone it goes" wait_for 30 gone "$closed"
check "the new one of that name stands" branch_exists parent
check "a protected one stands though its time is over" branch_exists kept
bough branch unprotect kept >/dev/null
check "until it isn't any more" wait_for 30 gone kept

note "clocks"
held() {
  [[ $(catalog_sql "select count(*) from access.audit where action_name = 'expiry.held'") -ge $1 ]]
}
bough branch create late --ttl 1h >/dev/null 2>&1
catalog_sql "update lakebase.branches set expires_at = now() + interval '2 s' where name = 'late'; update lakebase.reaper set wall_us = wall_us - 7200 * 1000000::bigint" >/dev/null
check "a clock that jumped ahead is noticed" wait_for 20 held 1
matches "doctor says so" "$(bough doctor || true)" 'jumped'
sleep 2
check "nothing expires meanwhile" branch_exists late
check "when that is over it does" wait_for 30 gone late
catalog_sql "update lakebase.reaper set wall_us = wall_us + 7200 * 1000000::bigint" >/dev/null
check "so is one that jumped back" wait_for 20 held 2

note "many"
bough branch create other --ttl 1h >/dev/null 2>&1
MANY=${BOUGH_TEST_MANY:-40} # tools/soak has more
seq "$MANY" | xargs -P 8 -I{} curl --silent --output /dev/null --unix-socket "$BOUGH_HOME/boughd.sock" \
  --header 'Content-Type: application/json' --data-binary '{"name":"many-{}","ttl":"1d"}' http://localhost/v1/projects/-/branches
equal "$MANY branches are there" "$(branch_names | tr ' ' '\n' | grep -c '^many-')" "$MANY"
started=$SECONDS
catalog_sql "update lakebase.branches set expires_at = now() where name like 'many-%' or name = 'other'" >/dev/null
none_left() {
  ! branch_names | grep -q -e many- -e other
}
check "they go" wait_for 90 none_left
note "$MANY branches went in $((SECONDS - started)) s"
check "rows, volumes and processes agree" wait_for 20 agreement
