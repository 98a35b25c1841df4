#!/bin/bash
# The built-in forge: code comes in by git with a principal's token, tiers move by merge alone, pushers are
# authors, pull requests with reviews that count for exactly what was looked at.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/git.sh"

start_bough
make_project shop
write_policy
bough policy apply "$TEST_DIR/bough.yaml" --yes >/dev/null 2>&1
add dev human developer
add mate human developer
add bot agent agent dev
add rev human reviewer
add rev2 human reviewer
add lens agent reviewer rev
add stranger human analyst
W=$TEST_DIR/work

note "a repository"
equal "the API tells what to clone" "$(api GET /v1/projects/shop/repository | jq -r '.result.url')" bough://shop
check "the platform begins the tiers" make_repository "$W" shop production staging
equal "staging is there" "$(head_of staging)" "$(git -C "$W" rev-parse HEAD)"
check "anybody who sees a branch clones" env BOUGH_TOKEN="${TOKEN[dev]}" git clone -q bough://shop "$TEST_DIR/clone"
equal "what is cloned is the entry tier" "$(git -C "$TEST_DIR/clone" symbolic-ref --short HEAD)" staging

note "a change"
by dev branch create split >/dev/null 2>&1
git -C "$W" checkout -q -b feature/split
commit_file "$W" migrations/20260101000000_split.sql 'select 1;'
check "its author pushes" pushes_as dev "$W" origin feature/split
equal "the forge has it" "$(head_of feature/split)" "$(git -C "$W" rev-parse HEAD)"
refused_push "somebody else doesn't" '(forbidden)' mate "$W" origin HEAD~1:refs/heads/feature/split --force
equal "the push is on record, with who did it" "$(catalog_sql "select string_agg(principal || ' ' || git_branch || ' ' || is_forced, ',') from lakebase.pushes where git_branch = 'feature/split'")" "dev feature/split false"
expect_json "a pull request" .result.pull.base_branch staging by dev --json pr open feature/split --title "Split the code"
expect_json "once more is the same one" .result.pull.number 1 by dev --json pr open feature/split --title "Split the code" --message "in three"
expect_json "it tells the live commits" '.result.pull | .head + .base' "$(git -C "$W" rev-parse HEAD origin/staging | tr -d '\n')" by rev --json pr show 1
expect_json "it is listed" '.result.pulls | length' 1 by rev --json pr list

note "reviews"
expect_json "a reviewer approves" '.result.approved_by | join(",")' rev by rev --json pr review 1 --approve
expect_json "an agent of the same person adds nothing" '.result.approved_by | length' 1 by lens --json pr review 1 --approve
expect_json "another one counts" '.result.approved_by | sort | join(",")' rev,rev2 by rev2 --json pr review 1 --approve --head "$(git -C "$W" rev-parse HEAD)"
commit_file "$W" second.txt more
check "another push" pushes_as dev "$W" origin feature/split
expect_json "takes the approvals back" '.result.approved_by | length' 0 by rev --json pr show 1
expect_json "they are told as what they were" '[.result.reviews[] | .of_this_state] | any' false by rev --json pr show 1
expect_json "changes are asked for" '.result.changes_by | join(",")' rev2 by rev2 --json pr review 1 --request-changes --message "why?"
expect_json "until that reviewer approves" '.result.changes_by | length' 0 by rev2 --json pr review 1 --approve
expect_json "a comment" '.result.comments[0] | .author + " " + .text' "mate it looks good" by mate --json pr comment 1 --message "it looks good"
expect_error unauthenticated "a token that was nobody's" pr list --token-file <(echo bough_aaaaaaaaaaaa_0000)

note "authors"
by bot branch create agents >/dev/null 2>&1
git -C "$W" checkout -q -b feature/agents origin/staging
commit_file "$W" agents.txt one
check "an agent pushes its own" pushes_as bot "$W" origin feature/agents
equal "it and the one it acts for are authors" "$(catalog_sql "select string_agg(principal, ' ' order by principal) from lakebase.authors a join lakebase.branches b using (branch_id) where b.name = 'agents'")" "bot dev"
expect_json "one for that" .result.pull.author bot by bot --json pr open feature/agents
bough principal list >/dev/null
expect_json "closed by its author" .result.pull.state closed by bot --json pr close 2
expect_error nothing-to-do "what is closed isn't reviewed" pr review 2 --approve

equal "the audit tells the story" "$(catalog_sql "select string_agg(distinct action_name, ' ' order by action_name) from access.audit where action_name ~ '^(git|pull)' and status = 'ok'")" "git.push pull.close pull.comment pull.open pull.review"
