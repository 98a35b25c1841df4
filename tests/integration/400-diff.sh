#!/bin/bash
# Schema diffs between branches: what each change is called, that renames are known where both sides go back to
# the same object and nowhere else, and that nothing of a stranger's is run or written unquoted on the way.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
export BOUGH_PROJECT=shop
sql production "
  create table plain (id int primary key, a text, b text, amount numeric(10,2));
  create table parts (id int, region text) partition by list (region);
  create table parts_eu partition of parts for values in ('eu');
  create index plain_a on plain (a);
  create view totals as select b, sum(amount) as amount from plain group by b;
  create type mood as enum ('sad', 'ok');
  insert into plain select g, g, g, g from generate_series(1, 1000) g" >/dev/null

# changes BRANCH [FLAGS...]: one line per change that is none of another's, "change kind identity".
changes() {
  result '.changes[] | select((.implied or .inherited) | not)
          | "\(.change)\(if .certain == false then "?" else "" end) \(.kind) \(.from // "" | if . != "" then . + " -> " else "" end)\(.identity)"' \
    diff "$@"
}
fork() { # BRANCH [PARENT]
  bough branch create "$1" --parent "${2:-production}" >"$TEST_DIR/fork.log" 2>&1 || fail "branch create $1" "$(cat "$TEST_DIR/fork.log")"
}

note "the same"
fork same
equal "json says so" "$(result '.same, .equivalent, .base' diff same | xargs)" "true true true"
equal "text, too" "$(bough diff same)" "production -> same, database app: no difference"
equal "markdown says nothing at all" "$(bough diff same --format markdown)" ""
check "exit status 0" bough diff same
check_not "an unknown format" bough diff same --format xml
check_not "a root has no parent" bough diff production
equal "but can be compared with a child" "$(result .same diff production --against same)" true

note "renames that are known"
fork renamed
sql renamed "
  alter table plain rename to basic;
  alter table basic rename column a to label;
  alter index plain_a rename to basic_label;
  alter type mood rename value 'ok' to 'fine';
  alter table parts rename column region to area;
  alter schema public rename to old_public; alter schema old_public rename to public" >/dev/null
equal "table, column, index, value, with nothing else" "$(changes renamed | sort)" "$(sort <<'END'
renamed table public.plain -> public.basic
renamed column public.plain.a -> public.basic.label
renamed index public.plain_a -> public.basic_label
renamed enum value public.mood.ok -> public.mood.fine
renamed column public.parts.region -> public.parts.area
END
)"
equal "from the other side, they go back" "$(changes production --against renamed | grep -c '^renamed ')" 5

note "both sides went on with the same numbers"
fork left
fork right
sql left "alter table plain add column from_left int; create table made_left (x int); drop view totals" >/dev/null
sql right "alter table plain add column from_right int; create table made_right (x int)" >/dev/null
equal "nothing of theirs is taken for the other's" "$(changes right --against left | grep -v view | sort)" "$(sort <<'END'
added column public.plain.from_right
removed column public.plain.from_left
added table public.made_right
removed table public.made_left
END
)"

note "dropped and made anew"
fork again
sql again "
  alter table plain drop column a; alter table plain add column a text; create index plain_a on plain (a);
  drop table parts; create table parts (id int, region text) partition by list (region);
  create table parts_eu partition of parts for values in ('eu')" >/dev/null
equal "is said, and is none that a migration makes" "$(result '.same, .equivalent' diff again | xargs)" "false true"
equal "with what it would cost" "$(changes again | sort)" "$(sort <<'END'
replaced column public.plain.a
replaced table public.parts
replaced table public.parts_eu
reordered table public.plain
END
)"

note "new files, new indexes, the same objects"
fork moved
sql moved "vacuum full plain" >/dev/null
sql moved "reindex table concurrently plain" >/dev/null
equal "VACUUM FULL and REINDEX CONCURRENTLY change nothing" "$(result .same diff moved)" true
sql moved "alter table plain alter column b type varchar(500)" >/dev/null 2>&1 &&
  fail "a view was to hold the type"
sql moved "drop view totals; alter table plain alter column id type bigint; alter table plain rename column id to number" >/dev/null
equal "with ALTER TYPE, the rename is still known" "$(changes moved | sort)" "$(sort <<'END'
removed view public.totals
renamed column public.plain.id -> public.plain.number
END
)"
equal "and the type is told with it, with its cost" \
  "$(result '.changes[] | select(.kind == "column") | (.properties[] | select(.name == "type") | .before + " " + .after), (.impacts[0] | .effects[0] + " " + .lock, .bytes > 8192)' diff moved | xargs)" \
  "integer bigint rewrite ACCESS EXCLUSIVE true"

note "an import"
sql production "create table imported (x int, y text)" >/dev/null
sql production "table imported" >/dev/null
pg_dump=$(dirname "$(command -v pg_dump)")/pg_dump
"$pg_dump" -d "$(connection production)" -f "$TEST_DIR/dump.sql" 2>/dev/null
bough project create copy --sql "$TEST_DIR/dump.sql" >/dev/null 2>&1 || fail "import"
bough --project copy branch create child >/dev/null 2>&1
bough --project copy psql child -- -XAtq -c "alter table imported rename column x to z" >/dev/null
equal "a root that pg_dump brought is a base like any other" "$(bough --json --project copy diff child | jq -r '.result.changes[] | .change, .certain, .identity' | xargs)" \
  "renamed true public.imported.z"

bough project delete copy >/dev/null 2>&1

note "after a reset of the parent, nothing is known for certain"
fork parent
fork orphan parent
sql orphan "alter table plain rename column a to label" >/dev/null
bough branch reset parent >/dev/null 2>&1
equal "it is a guess, and called one" "$(changes orphan | grep plain | sort)" "renamed? column public.plain.a -> public.plain.label"

note "a child's child"
fork deep renamed
sql deep "alter table basic rename to deeper" >/dev/null
equal "is compared by the fork from the common ancestor" "$(changes deep --against production | grep ' table public.plain')" "renamed table public.plain -> public.deeper"

note "rights stand apart"
fork rights
sql rights "
  create function definer() returns int language sql security definer as 'select 1';
  alter table plain enable row level security;
  create policy mine on plain using (true);
  grant select on plain to public;
  alter table plain add column note text" >/dev/null
bough diff rights >"$TEST_DIR/rights.txt"
equal "the column before the heading" "$(sed '/^Rights$/,$d' "$TEST_DIR/rights.txt" | grep -c 'column note text')" 1
for word in definer row_security mine grants; do
  check "$word behind it" grep -q "$word" <(sed -n '/^Rights$/,$p' "$TEST_DIR/rights.txt")
  check_not "and not before" grep -q "$word" <(sed '/^Rights$/,$d' "$TEST_DIR/rights.txt")
done

note "who may compare"
bough principal add guest --type human --role developer >/dev/null
guest=$(bough principal token guest)
BOUGH_TOKEN=$guest BOUGH_SERVER=unix://$BOUGH_HOME/boughd.sock check_not "not those who may not read" bough diff rights

note "a sleeping branch is woken"
bough endpoint suspend same >/dev/null 2>&1
equal "and compared" "$(result .same diff same)" false # production got a table since

note "as a migration"
bough diff left --format sql >"$TEST_DIR/left.sql" || fail "diff --format sql"
check "says what to do" grep -q 'from_left' "$TEST_DIR/left.sql"
fork target
bough psql target -- -Xq -v ON_ERROR_STOP=1 -f - <"$TEST_DIR/left.sql" >"$TEST_DIR/apply.log" 2>&1 || fail "applying it" "$(tail -n 5 "$TEST_DIR/apply.log")"
sql production "drop table imported" >/dev/null # which left and target differ in
sql target "drop table if exists imported" >/dev/null
equal "and does it" "$(result .equivalent diff left --against target)" true
equal "there is nothing more to do then" "$(bough diff left --against target --format sql)" ""

note "names"
fork names
bough psql names -- -Xq -v ON_ERROR_STOP=1 >/dev/null <<'END'
create table "a ""quoted"" table; drop table plain; --" ("select" int, "$(touch x) `id` <script>" text);
create table "Größe_mit_63_Bytes_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" (x int);
create type "order" as enum ('it''s', '</details>', E'line\nbreak');
comment on type "order" is '--> <!-- @everyone';
END
bough diff names --format sql >"$TEST_DIR/names.sql"
fork named
bough psql named -- -Xq -v ON_ERROR_STOP=1 -f - <"$TEST_DIR/names.sql" >"$TEST_DIR/apply.log" 2>&1 || fail "applying it" "$(tail -n 5 "$TEST_DIR/apply.log")"
equal "the migration says them all" "$(result .same diff names --against named)" true
bough diff names --format markdown >"$TEST_DIR/names.md"
check_not "no tag of theirs in markdown" grep -q '<script\|@everyone' "$TEST_DIR/names.md"
equal "and no end of ours" "$(grep -c '^<details>' "$TEST_DIR/names.md")" "$(grep -c '^</details>' "$TEST_DIR/names.md")"

comment='comment on table plain is E'"'\\033]0;title\\007 \\302\\23331m'"
sql names "$comment" >/dev/null
for format in text sql markdown; do
  script -qec "'$PROGRAM' diff names --format $format" /dev/null </dev/null | sed -e 's/\x1b\[[0-9;]*m//g' >"$TEST_DIR/terminal.$format"
  check "a terminal is told of the comment, $format" grep -q 'title' "$TEST_DIR/terminal.$format"
  check_not "and takes no orders from it" grep -qP '\x1b|\x07|\xc2\x9b' "$TEST_DIR/terminal.$format"
done
matches "a file gets what was said" "$(bough diff names --format sql)" $'\033]0;title'

note "a database that lies in wait"
fork hostile
bough psql hostile -- -Xq -f - <"$ROOT/tests/fixtures/hostile.sql" >/dev/null 2>&1
platform_sql hostile app "$(cat "$ROOT/tests/fixtures/hostile-superuser.sql")" >"$TEST_DIR/lay.log" 2>&1 || fail "laying the traps" "$(tail -n 5 "$TEST_DIR/lay.log")"
for format in text json markdown sql; do
  check "$format" bough diff hostile --format "$format"
done
equal "nothing was sprung" \
  "$(platform_sql hostile app "select string_agg(distinct who || ' by ' || how, ', ') from hostile.sprung where super or who like 'bough\\_platform%'")" ""

note "indexes without locking out writers"
fork indexed
sql indexed "create index plain_b on plain (b)" >/dev/null
matches "in the transaction" "$(bough diff indexed --format sql)" 'CREATE INDEX plain_b '
matches "or behind it" "$(bough diff indexed --format sql --concurrently)" 'CREATE INDEX CONCURRENTLY plain_b '
equal "and said so" "$(result '.statements[] | select(.sql | test("CONCURRENTLY")) | .in_transaction' diff indexed --format sql --concurrently)" false
