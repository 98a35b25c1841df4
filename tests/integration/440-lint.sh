#!/bin/bash
# bough migrate lint: files and folders without a server; with a branch, what its data has against a
# migration, by a role that can change nothing.
source "$(dirname "$0")/../harness/lib.sh"

cd "$TEST_DIR" || exit 1

note "without a server"
echo 'ALTER TABLE parts ADD COLUMN weight numeric;' >good.sql
printf 'ALTER TABLE parts\n  ADD COLUM weight numeric;\n' >bad.sql
printf -- '-- bough:ignore drop-column nobody reads it\nALTER TABLE parts DROP COLUMN code;\n' >silenced.sql
equal "a clean file" "$(bough migrate lint good.sql)" "1 file: 0 errors, 0 warnings, 0 silenced"
status=0
found=$(bough migrate lint --brief bad.sql good.sql) || status=$?
equal "an error ends with status 2" "$status" 2
equal "it is where it is said to be" "$(head -n 1 <<<"$found")" \
  'bad.sql:2:20: error: syntax error at or near "numeric" [syntax-error]'
matches "what is silenced is shown" "$(bough migrate lint silenced.sql)" 'silenced: .*drop-column.*nobody reads it'
equal "as JSON" "$(bough migrate lint silenced.sql --json | jq -c '[.result.silenced, .result.findings[0].rule]')" '[1,"drop-column"]'
status=0
bough migrate lint missing.sql 2>/dev/null || status=$?
equal "a file that isn't there" "$status" 1
mkdir migrations
echo 'ALTER TABLE parts DROP COLUMN code;' >migrations/20260101000000_drop_code.sql
echo 'ALTER TABLE parts ADD COLUMN code text;' >migrations/20260101000000_drop_code.undo.sql
echo 'CREATE INDEX CONCURRENTLY parts_weight ON parts (weight);' >migrations/20260102000000_index.sql
rules() {
  jq -r '[.result.findings[].rule] | sort | unique | join(" ")'
}
equal "a folder, with what undoes it" "$(bough migrate lint --json | rules)" 'drop-column undo-loses-data undo-missing'
matches "the rules" "$(bough migrate lint --rules)" '## data-not-null'

note "with a branch"
start_bough
make_project shop
bough branch create one >/dev/null 2>&1
sql one "
  create table parts (id bigint primary key, code text, weight numeric);
  insert into parts values (1, 'a', 1), (2, 'a', null), (3, 'b', 70000);
  create table \"odd \"\" name; --\" (\"select\" int);
  insert into \"odd \"\" name; --\" values (null);
  create function public.spoil() returns boolean language plpgsql as
    'begin delete from public.parts; return true; end'"
cat >all.sql <<'SQL'
ALTER TABLE parts ALTER COLUMN weight SET NOT NULL;
ALTER TABLE parts ADD CONSTRAINT code UNIQUE (code);
ALTER TABLE parts ALTER COLUMN weight TYPE smallint;
ALTER TABLE "odd "" name; --" ALTER COLUMN "select" SET NOT NULL;
ALTER TABLE parts ADD CHECK (weight < 100) NOT VALID;
ALTER TABLE parts DROP COLUMN code;
SQL
status=0
bough migrate lint all.sql --branch one --json >found.json || status=$?
equal "findings in the data are errors" "$status" 2
equal "each is found" "$(jq -r '[.result.findings[] | select(.rule | startswith("data-")) | "\(.line) \(.rule)"] | join(", ")' found.json)" \
  "1 data-not-null, 2 data-unique, 3 data-type, 4 data-not-null, 5 data-check, 6 data-column-lost"
equal "none without the branch" "$(bough migrate lint all.sql --json | jq '[.result.findings[] | select(.rule | startswith("data-"))] | length')" 0
echo 'ALTER TABLE parts ADD CHECK (public.spoil()) NOT VALID;' >spoil.sql
matches "a condition that writes is not let" "$(bough migrate lint spoil.sql --branch one --brief)" 'data-check could not be checked: .*read-only'
equal "and has changed nothing" "$(sql one 'select count(*) from parts')" 3
sql one "create table hidden (a int); insert into hidden values (1), (null); alter table hidden enable row level security"
sql one "alter table hidden force row level security; create policy visible on hidden using (a is not null)"
echo 'ALTER TABLE hidden ALTER COLUMN a SET NOT NULL;' >hidden.sql
matches "rows that a policy hides are not passed over" "$(bough migrate lint hidden.sql --branch one --brief)" 'data-not-null could not be checked: .*row-level security'
echo 'ALTER TABLE parts ADD CHECK (pg_sleep(60) IS NULL) NOT VALID;' >slow.sql
matches "one that takes too long is ended" "$(bough migrate lint slow.sql --branch one --brief)" 'data-check could not be checked: .*timeout'
status=0
bough migrate lint all.sql --branch missing 2>/dev/null || status=$?
equal "a branch that isn't there" "$status" 2
equal "of a folder what is pending" "$(bough migrate lint --branch one --json | jq -r '[.result.findings[].file] | unique | length')" 2
check "applied" bough migrate apply one
equal "and nothing once it is applied" "$(bough migrate lint --branch one --json | jq -c '[.result.files, .result.errors]')" '[0,0]'
