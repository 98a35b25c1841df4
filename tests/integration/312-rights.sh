#!/bin/bash
# Reader, writer, owner: what each of them can do inside of a branch, enumerated on sample databases that
# nobody of this project wrote, with grants that their owner has been careless about.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"
source "$ROOT/tests/harness/postgres.sh"

DATA=$BOUGH_TEST_DATA/db
[[ -r $DATA/pagila/pagila.sql ]] || skip_all "the sample databases are not at $DATA"
start_bough
add op human platform
add reader human analyst
add writer human app

policy() { # PROJECT RIGHTS-OF-APP
  cat <<EOF
version: 1
project: $1
tiers: [{ name: root-$1, protected: true }, { name: staging-$1, parent: root-$1 }]
entry: staging-$1
roles: [analyst, app, platform]
allow:
  - { role: [analyst], action: [branch.read], on: [feature, root-$1] }
  - { role: [app], action: [$2], on: feature }
  - { role: [platform], action: ["*"], on: "*" }
EOF
}
count() { as "$1" "$F" "select count(*) from $2"; }
own_schemas="n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

look() { # NAME: what it can read, and do, anywhere in the database
  equal "$BOUGH_PROJECT: $1 reads every relation" "$(count "$1" "pg_class c join pg_namespace n on n.oid = relnamespace where $own_schemas and relkind in ('r','p','v','m','f') and not has_table_privilege(c.oid, 'SELECT')")" 0
  equal "$BOUGH_PROJECT: in every schema" "$(count "$1" "pg_namespace n where $own_schemas and not has_schema_privilege(oid, 'USAGE')")" 0
  equal "$BOUGH_PROJECT: creates nothing in a schema" "$(count "$1" "pg_namespace where has_schema_privilege(oid, 'CREATE')")" 0
  equal "$BOUGH_PROJECT: nor in a database" "$(count "$1" "pg_database where has_database_privilege(oid, 'CREATE,TEMPORARY') and datallowconn and not datistemplate and datconnlimit <> 0")" 0
  equal "$BOUGH_PROJECT: owns nothing" "$(count "$1" "pg_class c where pg_has_role(relowner, 'USAGE')")" 0
  equal "$BOUGH_PROJECT: uses no foreign server" "$(count "$1" "pg_foreign_server where has_server_privilege(oid, 'USAGE')")" 0
  equal "$BOUGH_PROJECT: may not truncate, refer or trigger" "$(count "$1" "pg_class c where relkind in ('r','p','v','m','f') and has_table_privilege(oid, 'TRUNCATE,REFERENCES,TRIGGER')")" 0
}

careless="create function definer() returns int language sql security definer as 'select 1';
  create table careless (x int); grant all on careless to public;
  create table columns (x int, y int); grant insert (x), update (y) on columns to public;
  create sequence counted; grant all on sequence counted to public;
  create schema hidden; create table hidden.facts as select 1 as x; revoke all on schema hidden from public;
  grant create on schema public to public; select lo_create(4711); grant update on large object 4711 to public;
  select lo_from_bytea(4712, decode(repeat('00ff', 100000), 'hex'));
  create materialized view kept as select x, md5(x::text) from generate_series(1, 1000) x; select setval('counted', 41)"

port() { # NAME DATABASE: to the feature, for a client that isn't psql
  echo "host=127.0.0.1 port=6432 user=$1 dbname=$2@$F"
}
# contents DATABASE: sums of all tables, then of what isn't one
contents() {
  PGPASSWORD=${TOKEN[op]} sums "$(port op "$1")"
  as op "$F" "select 'kept', count(*), sum(hashtextextended(t::text, 0)::numeric) from kept t;
    select 'large', oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid;
    select 'sequence', schemaname, sequencename, last_value from pg_sequences order by 2, 3" "$1"
}
# dumped NAME: all that pg_dump gets as that principal, restored by the owner into a database that is called NAME
dumped() {
  PGPASSWORD=${TOKEN[$1]} pg_dump --format custom --file "$TEST_DIR/$1.dump" "$(port "$1" app)" || return
  platform_sql "$F" postgres "create database \"$1\" template template0 owner bough_owner" || return
  platform_sql "$F" postgres "revoke all on database \"$1\" from public" || return
  PGPASSWORD=${TOKEN[op]} pg_restore --exit-on-error --no-owner --no-privileges --dbname "$(port op "$1")" "$TEST_DIR/$1.dump"
}
compare_dumps() {
  local name there
  check "a reader's pg_dump is whole, data and large objects too" dumped reader
  check "as the owner's" dumped op
  # each has a key of its own against what psql would take for a command
  for name in reader op; do pg_restore --file - "$TEST_DIR/$name.dump" | grep -v '^\\\(un\)\?restrict ' >"$TEST_DIR/$name.sql"; done
  equal "both say the same" "$(diff "$TEST_DIR/reader.sql" "$TEST_DIR/op.sql" | head -n 20)" ""
  there=$(contents app)
  at_least "of something" "$(wc -l <<<"$there")" 20
  for name in reader op; do
    equal "$name: restored it is what it was" "$(contents "$name")" "$there"
  done
}

for name in pagila northwind; do
  export BOUGH_PROJECT=$name
  F=f-$name R=root-$name
  file=$DATA/$name/$name.sql
  check "$name is imported" bough project create "$name" --root "$R" --sql "$file"
  policy "$name" branch.read,branch.write >"$TEST_DIR/$name.yaml"
  check "$name: a policy" bough policy apply "$TEST_DIR/$name.yaml" --yes
  check "$name: a feature" by op branch create "$F"
  equal "$name: its owner is careless" "$(as op "$F" "$careless" >/dev/null && as op "$F" 'select current_user')" bough_owner

  equal "$name: a reader" "$(as reader "$F" 'select current_user')" bough_reader
  look reader
  equal "$name: it changes no relation" "$(count reader "pg_class c where oid <> 'pg_settings'::regclass and relkind in ('r','p','v','m','f') and (has_table_privilege(oid, 'INSERT,UPDATE,DELETE') or has_any_column_privilege(oid, 'INSERT,UPDATE'))")" 0
  equal "$name: nor counts a sequence up" "$(count reader "pg_class where case relkind when 'S' then has_sequence_privilege(oid, 'USAGE,UPDATE') end")" 0
  equal "$name: nor calls with a definer's rights" "$(count reader "pg_proc where prosecdef and has_function_privilege(oid, 'EXECUTE')")" 0
  equal "$name: nor makes a large object" "$(count reader "pg_proc where proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import') and has_function_privilege(oid, 'EXECUTE')")" 0
  sqlstate "$name: nor writes to one" 42501 reader "$F" "select lo_put(4711, 0, 'x')"
  for statement in 'create table t (x int)' 'create temp table t (x int)' 'insert into careless values (1)' 'update columns set y = 1' \
    'truncate careless' 'drop table careless' "select nextval('counted')" 'select definer()' 'create schema s' 'set role bough_owner' \
    'set role bough_writer' 'alter table careless add y int' "copy careless from stdin" \
    'create user mapping for current_user server x' 'create extension pg_trgm' 'refresh materialized view x'; do
    check_not "$name: reader: $statement" as reader "$F" "$statement" </dev/null
  done

  [[ $name != pagila ]] || compare_dumps

  equal "$name: a writer" "$(as writer "$F" 'select current_user')" bough_writer
  look writer
  check "$name: it writes" as writer "$F" "insert into careless values (1), (2); update careless set x = 3 where x = 2; delete from careless where x = 1; select nextval('counted'); select lo_put(4712, 0, 'x')"
  for statement in 'create table t (x int)' 'create temp table t (x int)' 'truncate careless' 'drop table careless' 'alter table careless add y int' \
    'create index on careless (x)' 'create function f() returns int language sql as $$select 1$$' 'create view v as select 1' 'create schema s' \
    "comment on table careless is 'x'" 'set role bough_owner' 'create trigger t before insert on careless execute function suppress_redundant_updates_trigger()' \
    'lock table careless in access exclusive mode; alter table careless rename to c' 'create extension pg_trgm' 'reindex table careless'; do
    check_not "$name: writer: $statement" as writer "$F" "$statement"
  done
  equal "$name: what isn't theirs they don't grant, vacuum or analyze" "$(as writer "$F" 'grant select on careless to public' 2>&1 | grep -c WARNING)$(as reader "$F" 'analyze careless' 2>&1 | grep -c WARNING)" 11

  as op "$F" 'create schema later; create function later.value() returns int language sql as $$select 42$$; create table later.made (x int default later.value(), y int check (later.value() = 42)); insert into later.made (y) values (1)' >/dev/null
  equal "$name: what is made later is read" "$(as reader "$F" 'select x from later.made')" 42
  check "$name: and written" as writer "$F" 'insert into later.made (y) values (2)'
  equal "$name: on production everybody reads" "$(as op "$R" 'select current_user')$(as reader "$R" 'select current_user')" bough_readerbough_reader
  check_not "$name: and nobody writes" as op "$R" 'create table t (x int)'

  policy "$name" branch.read >"$TEST_DIR/$name.yaml"
  check "$name: the writer's right goes" bough policy apply "$TEST_DIR/$name.yaml" --yes
  equal "$name: its next session reads" "$(as writer "$F" 'select current_user')" bough_reader
  check_not "$name: and no longer writes" as writer "$F" 'insert into careless values (9)'
done
