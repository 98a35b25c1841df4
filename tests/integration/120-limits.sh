#!/bin/bash
# Requests that are too large, too slow, too many or broken: each is bounded, and boughd goes on
# answering others meanwhile.
source "$(dirname "$0")/../harness/lib.sh"

PORT=7432
start_bough --http-port $PORT
make_project shop
socket=$BOUGH_HOME/boughd.sock

answers_still() {
  [[ $(api_status GET /v1/status --max-time 3) == 200 ]]
}

memory() {
  awk '/^VmRSS/ { print $2 }' "/proc/$(boughd_pid)/status"
}

pid=$(boughd_pid)
head -c 20000000 /dev/zero | tr '\0' a >"$TEST_DIR/large"
matches "a body of 20 MB is refused" "$(api_status POST /v1/projects --data-binary @"$TEST_DIR/large" -H 'Expect:')" '^(400|413|000)$'
matches "an upload chunk past 4 MiB is refused" "$(upload=$(api_post /v1/uploads '{}' | jq -r .result.upload) && api_status PUT "/v1/uploads/$upload?offset=0" --data-binary @"$TEST_DIR/large" -H 'Expect:')" '^(400|413|000)$'
matches "a header of 1 MB is refused" "$(api_status GET /v1/status -H "X-Long: $(head -c 100000 /dev/zero | tr '\0' a)")" '^(400|413|431|000)$'
matches "a path of 100 kB is refused" "$(api_status GET "/v1/$(head -c 100000 /dev/zero | tr '\0' a)")" '^(400|404|413|414|000)$'
nested=$(printf '[%.0s' {1..100000})
matches "JSON nested 100,000 deep is refused" "$(api_status POST /v1/projects/-/branches --data-binary "$nested")" '^(400|413)$'
for body in '' '{' 'null' '[]' '"x"' '{"name":1}' '{"name":"x","name":"y"}' '{"name":"x","parent":{}}' '{"name":"x\u0000y"}'; do
  matches "body $body is refused" "$(api_status POST /v1/projects/-/branches -H 'Content-Type: application/json' --data-binary "$body")" '^4[0-9][0-9]$'
done
matches "an unknown path is 404" "$(api_status GET /v1/nonsense)" '^404$'
matches "an unknown method is refused" "$(api_status BREW /v1/status)" '^(400|404|405|501)$'
matches "a wrong method is refused" "$(api_status DELETE /v1/status)" '^(404|405)$'
equal "no branch was made of all this" "$(branch_names)" production

python=$(command -v python3 || true)
if [[ -n $python ]]; then
  # raw TEXT SECONDS: sends bytes as they are, prints what comes back until the server closes.
  raw() {
    "$python" - "$socket" "$1" "${2:-5}" <<'PY'
import socket, sys, codecs
s = socket.socket(socket.AF_UNIX); s.settimeout(float(sys.argv[3])); s.connect(sys.argv[1])
try:
    s.sendall(codecs.escape_decode(sys.argv[2].encode())[0])
    data = b''
    while True:
        part = s.recv(65536)
        if not part: break
        data += part
    print(data.decode('latin1')[:200])
except socket.timeout: print(data.decode('latin1')[:200] + ' (open)')
except OSError as e: print('closed')
PY
  }
  matches "garbage is refused" "$(raw 'this is no HTTP\r\n\r\n')" '400|closed|^$'
  matches "a negative length is refused" "$(raw 'POST /v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n')" '400|413|closed|^$'
  matches "a huge length is refused" "$(raw 'POST /v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n')" '400|413|closed|^$'
  matches "two lengths are refused" "$(raw 'POST /v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x')" '400|closed|^$'
  matches "NUL in a header is refused" "$(raw 'GET /v1/status\x00 HTTP/1.1\r\nHost: x\r\n\r\n')" '400|404|closed|^$'

  "$python" - "$socket" 300 <<'PY' &
import socket, sys, time
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    try: s.connect(sys.argv[1]); s.send(b'POST /v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{'); held.append(s)
    except OSError: pass
time.sleep(8)
PY
  slow=$!
  sleep 1
  matches "300 that send slowly: others are answered, or told busy" "$(api_status GET /v1/status --max-time 10)" '^(200|503)$'
  wait "$slow" || true
  check "and afterwards all is as before" wait_for 10 answers_still
else
  skip "broken and slow requests" "python3 is not installed"
fi

for caller in {1..64}; do (echo "$(api_status GET /v1/status)" >"$TEST_DIR/status.$caller") & done
for job in $(jobs -p); do wait "$job" || true; done
matches "64 at once are all answered" "$(sort -u "$TEST_DIR"/status.* | paste -sd' ')" '^(200|200 503)$'

# A long operation doesn't block the loop.
(bough project create long --sample inventory --scale 20 >/dev/null 2>&1 || true) &
long=$!
for _ in {1..10}; do
  check "answered while an import runs" answers_still
  sleep 0.2
done
kill "$long" 2>/dev/null || true
wait "$long" 2>/dev/null || true
equal "it is the same boughd all along" "$(boughd_pid)" "$pid"
at_most "its memory stays small (kB)" "$(memory)" 65536

if [[ $BOUGH_TEST_MODE == system ]]; then
  matches "a stranger is not known" "$(setpriv --reuid=nobody --regid=nogroup --clear-groups curl -s --max-time 5 --unix-socket "$socket" http://localhost/v1/projects -o /dev/null -w '%{http_code}' || true)" '^(401|403|000)$'
  matches "the compute account is refused" "$(as_compute curl -s --max-time 5 --unix-socket "$socket" http://localhost/v1/projects -o /dev/null -w '%{http_code}' || true)" '^(401|403|000)$'
fi

# tcp PATH [CURL ARGUMENTS...]: the HTTP status by loopback TCP, where the kernel doesn't tell who asks.
tcp() {
  curl --silent --max-time 20 --output /dev/null --write-out '%{http_code}' "${@:2}" "http://127.0.0.1:$PORT$1" || true
}
bearer() {
  tcp "$1" --header "Authorization: Bearer $2" "${@:3}"
}
# Where something listens on the port, as the kernel writes it.
listening() {
  awk -v port=":$(printf %04X "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $2 }' /proc/net/tcp /proc/net/tcp6
}
file=$BOUGH_HOME/locks/api.token
token=$(cat "$file")
equal "the API's token is its owner's alone" "$(stat -c '%a %F' "$file")" '600 regular file'
equal "the API listens on loopback only" "$(listening $PORT)" "0100007F:$(printf %04X $PORT)"
equal "without a token: 401, though root would be known by the socket" "$(tcp /v1/projects)" 401
for wrong in "${token%?}$(tr 0-9a-f 1-9a-f0 <<<"${token: -1}")" "${token%?}" "${token:0:32}" "${token}0" "${token^^}x" '' bough_ "bough_$token"; do
  equal "a token of ${#wrong} that isn't it: 401" "$(bearer /v1/projects "$wrong")" 401
done
equal "another scheme: 401" "$(tcp /v1/projects --header "Authorization: Basic $token")" 401
equal "the token as a part of the address: 401" "$(tcp "/v1/projects?token=$token")" 401
equal "with the token: 200" "$(bearer /v1/projects "$token")" 200
bough principal add guest --type human --role analyst >/dev/null
guest=$(bough principal token guest)
equal "a principal's token: 200" "$(bearer /v1/projects "$guest")" 200
matches "but with that principal's rights" "$(bearer /v1/principals "$guest" --json '{"name":"more","type":"human","roles":["platform"]}')" '^40[34]$'
equal "one letter off: 401" "$(bearer /v1/projects "$(other_end "$guest")")" 401
BOUGH_HOME=/nonexistent expect_json "bough by TCP with --token-file" .ok true "$PROGRAM" --json --server "http://127.0.0.1:$PORT" --token-file "$file" project list
BOUGH_HOME=/nonexistent expect_status 2 "and without it is refused" "$PROGRAM" --server "http://127.0.0.1:$PORT" project list
matches "--http-port 0 is for the next start, and says so" "$(bough up --http-port 0 2>&1)" 'come into force after'
check "down" bough down
check "up" bough up
equal "nothing listens there any more" "$(listening $PORT)" ""
