#!/bin/bash
# A branch must not leak: what a superuser put into the parent (subscriptions, secrets, passwords, slots,
# settings, unlogged rows) is not on a branch, before anybody gets a session; nor on a branch of one
# that was never started.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
make_project shop
data=$BOUGH_HOME/pool/volumes/$(volume_of production)/data

platform_sql production app "
  create role imported login superuser createrole createdb replication bypassrls password 'hush';
  grant pg_read_all_data, pg_execute_server_program to imported;
  create subscription leaky connection 'host=127.0.0.1 port=1 dbname=x password=hush' publication p
    with (connect = false, slot_name = 'leaky');
  create extension if not exists postgres_fdw;
  create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
  create user mapping for public server far options (user 'x', password 'hush');
  create unlogged table scratch as select generate_series(1, 1000) x;
  create table logged as select generate_series(1, 1000) x"
platform_sql production app "select pg_create_physical_replication_slot('slot_physical', true)" >/dev/null
platform_sql production app "alter system set log_min_duration_statement = '12345'"
as_compute sh -c "umask 077; echo key >'$data/server.key'; touch '$data/standby.signal.not'; mkdir -p '$data/log'; echo secret >'$data/log/postgresql.log'"
psql_prepared=$(platform_sql production app "show max_prepared_transactions")

created=$(bough --json branch create clean 2>/dev/null)
matches "create says that unlogged tables start empty" "$(jq -r '.result.notes | join(" ")' <<<"$created")" '[Uu]nlogged'
bough branch create never-started --parent clean >/dev/null 2>&1
branch_data=$BOUGH_HOME/pool/volumes/$(volume_of clean)/data

for name in server.key postgresql.auto.conf postmaster.pid postmaster.opts standby.signal recovery.signal backup_label tablespace_map; do
  if [[ $name == postgresql.auto.conf ]]; then
    check_not "no setting of the parent is on the branch" grep -q 12345 "$branch_data/$name"
  else
    check "no $name is on the branch" test ! -e "$branch_data/$name"
  fi
done
equal "no replication slot is on the branch" "$(find "$branch_data/pg_replslot" -mindepth 1)" ""
equal "no server log is on the branch" "$(find "$branch_data/log" "$branch_data/pg_log" -type f 2>/dev/null)" ""
equal "the log is the branch's own" "$(readlink -f "$branch_data/pg_wal")" "$(readlink -f "$BOUGH_HOME/wal/$(volume_of clean)")"

for branch in clean never-started; do
  equal "$branch: no subscription" "$(platform_sql "$branch" app 'select count(*) from pg_subscription')" 0
  equal "$branch: no secret in a user mapping" "$(platform_sql "$branch" app "select count(*) from pg_user_mapping where umoptions::text like '%hush%'")" 0
  equal "$branch: no password" "$(platform_sql "$branch" app "select count(*) from pg_authid where rolpassword is not null")" 0
  equal "$branch: the imported role can do nothing" "$(platform_sql "$branch" app "select rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls from pg_roles where rolname = 'imported'")" f
  equal "$branch: nor by membership" "$(platform_sql "$branch" app "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = 'imported'")" 0
  equal "$branch: unlogged tables start empty" "$(platform_sql "$branch" app 'select count(*) from scratch')" 0
  equal "$branch: logged ones don't" "$(platform_sql "$branch" app 'select count(*) from logged')" 1000
  for setting in fsync full_page_writes data_checksums; do
    equal "$branch: $setting" "$(platform_sql "$branch" app "show $setting")" on
  done
  equal "$branch: no tcp" "$(platform_sql "$branch" app 'show listen_addresses')" ""
  at_least "$branch: max_connections is not below the source's" "$(platform_sql "$branch" app 'show max_connections')" "$(platform_sql production app 'show max_connections')"
done
equal "the parent keeps its subscription" "$(platform_sql production app 'select count(*) from pg_subscription')" 1
equal "and its slot" "$(platform_sql production app 'select count(*) from pg_replication_slots')" 1
platform_sql production app "alter subscription leaky set (slot_name = none); drop subscription leaky"
platform_sql production app "select pg_drop_replication_slot('slot_physical')" >/dev/null

if [[ $BOUGH_TEST_MODE == system ]]; then
  socket=$(socket_of clean)
  check_not "a stranger can't connect to a compute" setpriv --reuid=nobody --regid=nogroup --clear-groups psql -XAtqc 'select 1' "host=$socket user=bough_platform dbname=app"
  check_not "a stranger can't read a volume" setpriv --reuid=nobody --regid=nogroup --clear-groups ls "$branch_data"
  check_not "a compute can't write elsewhere" platform_sql clean app "copy logged to '/tmp/bough-escape-$$'"
  check_not "nor read a sibling's files" platform_sql clean app "select pg_read_file('$data/PG_VERSION')"
  check_not "nor run programs" platform_sql clean app "copy logged to program 'cat >/dev/null'"
fi
note "max_prepared_transactions: $psql_prepared"
