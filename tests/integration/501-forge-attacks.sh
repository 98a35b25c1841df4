#!/bin/bash
# The built-in forge against those who have a shell, a token and patience: refs that aren't theirs, refs that
# are none, hooks and settings of a client's own, another's token, reviews of one's own change, another base,
# huge and endless pushes. Each is refused with its reason, on record, and the next honest push works.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
add dev human developer
add mate human developer
add boss human reviewer
add bot agent agent boss
add rev human reviewer
W=$TEST_DIR/work
make_repository "$W" shop production staging
by dev branch create mine >/dev/null 2>&1
by mate branch create theirs >/dev/null 2>&1
by bot branch create bots >/dev/null 2>&1
git -C "$W" checkout -q -b feature/mine
commit_file "$W" one.txt one
check "an honest push" pushes_as dev "$W" origin feature/mine
git -C "$W" branch -q orphan "$(git -C "$W" commit-tree -m orphan 'HEAD^{tree}')"
before=$(as_control git --git-dir="$(bare)" for-each-ref)

note "refs"
for tier in production staging; do
  refused_push "pushing to $tier" "moves by merge and promote alone" dev "$W" origin "HEAD:refs/heads/$tier"
  refused_push "forcing it" "moves by merge and promote alone" dev "$W" --force origin "orphan:refs/heads/$tier"
  refused_push "removing it" "" dev "$W" origin ":refs/heads/$tier"
done
refused_push "the platform neither" "moves by merge and promote alone" dev "$W" origin HEAD:refs/heads/production
expect_status 1 "not even root" git -C "$W" push -q origin HEAD:refs/heads/production
refused_push "somebody else's feature" "(forbidden)" dev "$W" origin HEAD:refs/heads/feature/theirs
refused_push "one that goes with no branch" "(invalid-name)" dev "$W" origin HEAD:refs/heads/feature/none
refused_push "one of a kind that isn't its own" "(invalid-name)" dev "$W" origin HEAD:refs/heads/hotfix/mine
refused_push "a name without a kind" "(invalid-name)" dev "$W" origin HEAD:refs/heads/mine
for ref in refs/tags/v1 refs/replace/"$(git -C "$W" rev-parse HEAD)" refs/notes/commits refs/bough/x refs/meta/config refs/heads2/x; do
  refused_push "pushing $ref" "" dev "$W" origin "HEAD:$ref"
done
refused_push "all at once: one bad ref spoils the push" "moves by merge and promote alone" dev "$W" origin HEAD:refs/heads/feature/mine HEAD:refs/heads/staging
refused_push "removing one's own" "" dev "$W" origin :refs/heads/feature/mine
# pkt TEXT: as git's protocol frames it
pkt() { printf '%04x%s' $((${#1} + 4)) "$1"; }
zero=0000000000000000000000000000000000000000
new=$(git -C "$W" rev-parse HEAD)
# raw_push TEXT REF: a push of a commit that the forge has, by a client of one's own
raw_push() {
  local output
  output=$(python3 - "$BOUGH_HOME/git.sock" "${TOKEN[dev]}" "$zero $new $2" <<'PY' 2>&1
import json, socket, subprocess, sys
path, token, command = sys.argv[1], sys.argv[2], sys.argv[3].encode().decode("unicode_escape")
s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(path)
s.sendall((json.dumps({"service": "receive-pack", "project": "shop", "token": token}) + "\n").encode())
f = s.makefile("rb")
print(f.readline().decode())
while (head := f.read(4)) not in (b"0000", b""): f.read(int(head, 16) - 4)
line = command.encode() + b"\0report-status"
pack = subprocess.run(["sh", "-c", "printf 'PACK\\0\\0\\0\\2\\0\\0\\0\\0'"], capture_output=True).stdout
import hashlib
s.sendall(b"%04x" % (len(line) + 4) + line + b"0000" + pack + hashlib.sha1(pack).digest())
print(f.read())
PY
  ) || true
  if [[ $output != *"ok refs/"* ]]; then pass "$1"; else fail "$1" "$output"; fi
}
for ref in 'refs/heads/../../evil' 'refs/heads/feature/mine\nx' 'refs/heads/feature/-x' 'HEAD' '../../../evil' 'refs/heads/feature/a..b' 'refs/heads/feature/@{-1}' 'config' 'hooks/post-update'; do
  raw_push "a ref named $ref" "$ref"
done
equal "no ref has moved" "$(as_control git --git-dir="$(bare)" for-each-ref)" "$before"
equal "no file has come up" "$(as_control find "$(bare)" "$BOUGH_HOME/git" -name '*evil*' -o -name 'post-update')" ''

note "who it is"
stolen=${TOKEN[dev]}
TOKEN[dev]=bough_aaaaaaaaaaaa_$(printf 'a%.0s' {1..44})
refused_push "with a token that isn't one" "(unauthenticated)" dev "$W" origin feature/mine
TOKEN[dev]=$stolen
id=$(catalog_sql "select token_id from access.tokens t join lakebase.principals p using (principal_id) where p.name = 'dev' limit 1")
check "a token is taken back" bough principal revoke dev "$id"
TOKEN[dev]=$stolen
commit_file "$W" two.txt two
refused_push "with a token that was taken back" "(unauthenticated)" dev "$W" origin feature/mine
TOKEN[dev]=$(bough principal token dev --ttl 2h)
refused_push "with another's token one is that other" "(forbidden)" mate "$W" origin feature/mine
check "with one's own it works" pushes_as dev "$W" origin feature/mine
check_not "no project of another name" env BOUGH_TOKEN="${TOKEN[dev]}" git clone -q bough://../../etc "$TEST_DIR/none"

note "settings and hooks of a client"
git -C "$W" config receive.denyDeletes false
git -C "$W" config transfer.hideRefs nothing
mkdir -p "$W/.git/hooks"
printf '#!/bin/sh\nexit 0\n' >"$W/.git/hooks/pre-receive"
chmod +x "$W/.git/hooks/pre-receive"
refused_push "a hook of its own changes nothing" "moves by merge and promote alone" dev "$W" origin HEAD:refs/heads/staging
refused_push "nor do options of a push" "" dev "$W" -o ci.skip -o force=1 origin HEAD:refs/heads/staging
check_not "nor another program on the other side" env BOUGH_TOKEN="${TOKEN[dev]}" git -C "$W" push --receive-pack='git-receive-pack --x; touch /tmp/x' origin HEAD:refs/heads/staging
# first_line TEXT LINE PATTERN: what the server answers to a first line
first_line() {
  matches "$1" "$(python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
print(s.recv(4096).decode())' "$BOUGH_HOME/git.sock" "$2" 2>&1)" "$3"
}
first_line "a first line that is none" 'hello\n' '"ok":false'
first_line "a service that there isn't" '{"service":"upload-archive","project":"shop"}\n' 'protocol-violation'
first_line "bytes before the answer" '{"service":"upload-pack","project":"shop"}\n0000' 'protocol-violation'
first_line "the hook's question without a push" '{"service":"pre-receive","ticket":"push-aaaaaaaaaaaa","updates":[{"ref":"refs/heads/staging","old":"'$zero'","new":"'"$new"'"}]}\n' 'forbidden'
first_line "a project by a path" '{"service":"upload-pack","project":"../../x"}\n' 'invalid-name'
first_line "an endless line is cut" "$(printf '%.0sx' {1..40000})" 'too-large'

note "reviews"
git -C "$W" checkout -q -b feature/bots origin/staging
commit_file "$W" bots.txt one
check "an agent proposes" pushes_as bot "$W" origin feature/bots
by bot pr open feature/bots >/dev/null 2>&1
expect_json "a reviewer may" '.result.approved_by | join(",")' rev by rev --json pr review 1 --approve
refused "the one it acts for may not approve" forbidden boss pr review 1 --approve
refused "nor the agent" forbidden bot pr review 1 --approve
refused "nor who isn't a reviewer" forbidden mate pr review 1 --approve
refused "nor at another commit" merge-stale rev pr review 1 --approve --head "$zero"
refused "its base isn't chosen" forbidden bot pr open feature/bots --base production
refused "nor somebody else's pull request" forbidden mate pr open feature/bots
refused "nor one from a tier" invalid-name mate pr open staging --base production
bot_head=$(git -C "$W" rev-parse HEAD)
catalog_sql "insert into lakebase.authors (branch_id, principal) select branch_id, 'rev' from lakebase.branches where name = 'bots' and state = 'ready'" >/dev/null
expect_json "who became an author since doesn't count any more" '.result.approved_by | length' 0 by boss --json pr show 1
expect_json "and nobody moved anything" .result.pull.head "$bot_head" by boss --json pr show 1

note "rewriting and size"
jq '.git = {push_limit: 100000}' "$BOUGH_HOME/config.json" >"$TEST_DIR/config.json"
cat "$TEST_DIR/config.json" >"$BOUGH_HOME/config.json"
kill_boughd
as_control mkdir "$BOUGH_HOME/git/prj-aaaaaaaaaaaa.git"
check "boughd starts again" bough up
check "the repository of no project goes" wait_for 60 test ! -e "$BOUGH_HOME/git/prj-aaaaaaaaaaaa.git"
check "the others are packed" wait_for 60 as_control test -e "$(bare)/bough-packed"
git -C "$W" checkout -q feature/mine
head -c 300000 /dev/urandom >"$W/large"
commit_file "$W" three.txt three
mine=$(head_of feature/mine)
refused_push "a push past the limit" "" dev "$W" origin feature/mine
equal "leaves nothing" "$(head_of feature/mine) $(as_control find "$(bare)/objects" -size +90k | wc -l)" "$mine 0"
git -C "$W" reset -q --hard "$mine"
git -C "$W" checkout -q feature/bots
git -C "$W" commit -q --amend -m "Something else"
check "an author may rewrite" pushes_as bot "$W" --force origin feature/bots
equal "it is told as that" "$(catalog_sql "select is_forced from lakebase.pushes where git_branch = 'feature/bots' order by push_id desc limit 1")" t
refs=()
for number in {1..20}; do refs+=("HEAD:refs/heads/feature/x$number"); done
refused_push "more branches than are let be" "(too-large)" bot "$W" origin "${refs[@]}"
equal "refusals are on record, with who and why" "$(catalog_sql "select count(distinct error_code) from access.audit where action_name = 'git.push' and status = 'refused' and actor in ('dev', 'mate', 'bot')")" 3
check "and the next honest push works" pushes_as dev "$W" origin feature/mine
equal "no git is left running" "$(pgrep -f -- "$BOUGH_HOME/git/" || true)" ''
bough project create other --empty >/dev/null 2>&1
check_not "who sees no branch of a project doesn't see its code" env BOUGH_TOKEN="${TOKEN[dev]}" git ls-remote bough://other
check "who does, does" git ls-remote bough://other
check "one goes with its project" bough project delete other
equal "code and all" "$(as_control find "$BOUGH_HOME/git" -maxdepth 1 -name '*.git' | wc -l)" 1
