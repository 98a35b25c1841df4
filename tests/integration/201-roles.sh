#!/bin/bash
# What an owner of a branch can't do: become somebody else, reach the machine, the platform's sessions,
# its own compute's socket or another branch's. Tried on a branch of a branch whose root a superuser has
# prepared, as imports are, with extensions, an event trigger and loose user mappings.
source "$(dirname "$0")/../harness/lib.sh"
source "$ROOT/tests/harness/policy.sh"

start_bough
make_project shop
platform_sql production app "
  create extension dblink;
  create extension postgres_fdw;
  grant usage on foreign data wrapper postgres_fdw to public;
  create server loose foreign data wrapper postgres_fdw options (host '$BOUGH_HOME/run', dbname 'app');
  grant usage on foreign server loose to public;
  create user mapping for public server loose options (user 'bough_platform', password_required 'false');
  create role imported login superuser;
  create function public.on_ddl() returns event_trigger language plpgsql as 'begin end';
  create event trigger watch on ddl_command_end execute function public.on_ddl();
  grant bough_platform to imported;
  alter role imported set role = bough_platform"
bough branch create middle >/dev/null 2>&1
bough branch create deep --parent middle >/dev/null 2>&1
bough branch create other --parent middle >/dev/null 2>&1
add op human platform
add second human platform

as_op() { as op deep "$1"; }
# try TEXT SQL [SQLSTATE [WORDS]]: the server refuses it with that SQLSTATE, and says that
try() {
  local output status=0
  output=$(as_op "$2" 2>&1) || status=$?
  if [[ $status != 0 && $output == *"ERROR:  ${3:-42501}: "*"${4:-}"* ]]; then pass "$1"; else
    fail "$1" "expected ${3:-42501} ${4:-}, got status $status: $output"
  fi
}
# In user mode the operating system takes whoever runs this for the platform; there it is the extensions that don't
# let anybody in whom no password was asked of.
FAR='08001: could not (establish connection|connect to server).*(Peer authentication failed|Permission denied)'
[[ $BOUGH_TEST_MODE == system ]] || FAR='2F003: password is required|08001: could not .*FATAL: '
# try_far TEXT SQL: what it goes to, on the other end of a socket, refuses it
try_far() {
  matches "$1" "$(as_op "$2" 2>&1 || true)" "ERROR:  ($FAR)"
}
# try_login TEXT OPTIONS WORDS: a session isn't opened with them, for that reason
try_login() {
  matches "$1" "$(PGOPTIONS=$2 as_op 'select 1' 2>&1 || true)" "FATAL:  $3"
}
check "the owner works" as_op 'create table mine as select 1 as x'
equal "what it makes belongs to bough_owner" "$(as_op "select tableowner from pg_tables where tablename = 'mine'")" bough_owner
equal "somebody else has been there" "$(as second deep 'select session_user')" bough_u_second
own=$(socket_of deep)
sibling=$(socket_of other)

note "becoming somebody else"
for role in bough_platform bough_holder bough_u_second imported pg_execute_server_program pg_read_all_data pg_write_server_files; do
  try "set role $role" "set role $role"
  try_login "the same at login" "-c role=$role" "permission denied to set role \"$role\""
done
try "set session authorization" 'set session authorization bough_platform'
try_login "the same at login" '-c session_authorization=bough_platform' 'permission denied to set session authorization'
equal "reset role leads back to the owner" "$(as_op 'set role none; reset role; select current_user')" bough_owner
equal "set role none to the login role" "$(as_op 'set role none; select current_user')" bough_u_op
equal "so does reset session authorization" "$(as_op 'reset session authorization; select session_user')" bough_u_op
try "which can make nothing" 'set role none; create table theirs (x int)'
try "nor read what is its own by bough_owner" 'set role none; select * from mine'
for power in superuser createrole createdb replication bypassrls; do
  try "alter role: $power for oneself" "set role none; alter role bough_u_op $power"
  try "alter role: $power for the owner" "alter role bough_owner $power"
done
try "alter role: a password for the platform" "alter role bough_platform password 'x'"
try "alter role: settings of others" 'alter role bough_u_second set role = bough_platform'
try "alter role: settings of all" "alter role all set search_path = public"
try "alter database set" "alter database app set search_path = public"
try "owning the database" 'alter database app owner to bough_owner'
try "create role" 'create role helper'
try "drop role" 'drop role bough_u_second'
for role in bough_platform bough_holder bough_owner pg_execute_server_program; do
  try "grant $role" "grant $role to bough_u_op with admin option"
done
try "owner of a function that the platform would be" 'create function f() returns int language sql as $$select 1$$; alter function f() owner to bough_platform'
for how in 'role = bough_platform' 'role = pg_read_server_files' 'session_authorization = bough_platform'; do
  body='language sql security definer as $$select current_user::text$$'
  try "a definer's function with set $how" "create function f() returns text set $how $body"
  try "the same, looked at when it is called" "set check_function_bodies = off; create function f() returns text set $how $body; select f()"
  try "set later: alter function set $how" "create function f() returns text $body; alter function f() set $how; select f()"
  try "without a definer's rights" "set check_function_bodies = off; create function f() returns text language sql set $how as 'select current_user::text'; select f()"
done
try "set role in a definer's function" "create function f() returns int language plpgsql security definer as \$\$begin set role bough_platform; return 1; end\$\$; select f()"
try "default privileges of the platform" 'alter default privileges for role bough_platform grant all on tables to public'
as_op 'alter role bough_u_op set role = bough_platform' >/dev/null 2>&1 || true
equal "a setting of one's own gives nothing" "$(as_op 'select current_user' 2>/dev/null | sed 's/bough_u_op\|bough_owner/nobody/')" nobody

note "under the platform's feet"
try "replacing the event trigger's function" 'create or replace function public.on_ddl() returns event_trigger language plpgsql as $$begin execute $x$alter role bough_owner superuser$x$; end$$'
try "dropping it" 'drop function public.on_ddl()' 2BP01
try "owning it" 'alter function public.on_ddl() owner to bough_owner'
try "an event trigger of one's own" 'create function mine_ddl() returns event_trigger language plpgsql as $$begin end$$; create event trigger mine on ddl_command_end execute function mine_ddl()'
try "disabling the other one" 'alter event trigger watch disable'
as_op 'drop function public.on_ddl() cascade; create function public.on_ddl() returns event_trigger language plpgsql as $$begin end$$' >/dev/null 2>&1
equal "the schema's owner can take trigger and function away, but nothing runs in their place" "$(platform_sql deep app 'select count(*) from pg_event_trigger')" 0
try "a function in pg_catalog" 'create function pg_catalog.format(text, name) returns text language sql as $$select $1$$'
try "a table in pg_catalog" 'create table pg_catalog.pg_mine (x int)'
try "writing to pg_authid" 'update pg_authid set rolsuper = true'
try "reading pg_authid" 'select * from pg_authid'
try "ending the platform's session" "do \$\$ begin if not (select bool_or(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'bough_platform') then raise 'none'; end if; end \$\$"
try "alter system" "alter system set session_preload_libraries = 'x'"
try_login "a library at login" '-c session_preload_libraries=auto_explain' 'options: "session_preload_libraries" can.t be set here'
try "load" "load '\$libdir/auto_explain'"
try "reading the settings files" 'select * from pg_hba_file_rules'

note "the machine"
try "copy to a program" "copy mine to program 'cat >/dev/null'"
try "copy from a program" "copy mine from program 'echo 1'"
try "copy to a file" "copy mine to '/tmp/bough-escape-$$'"
try "copy from a file" "copy mine from '/etc/passwd'"
try "lo_export" "select lo_export(lo_create(0), '/tmp/bough-escape-$$')"
try "lo_import" "select lo_import('/etc/passwd')"
try "pg_read_file" "select pg_read_file('PG_VERSION')"
try "pg_ls_dir" "select pg_ls_dir('.')"
try "a C function" "create function c() returns int language c as '\$libdir/dblink', 'dblink_connect'"
untrusted=0A000 # it isn't there
[[ ! -e $(pg_config --sharedir)/extension/plpython3u.control ]] || untrusted=42501
try "an untrusted language" 'create extension plpython3u' "$untrusted"
try "an untrusted extension" 'create extension adminpack'
try "file_fdw" 'create extension file_fdw'
platform_sql deep app 'create extension file_fdw; create server files foreign data wrapper file_fdw; grant usage on foreign server files to public'
try "a server of it, where it is there" 'create server s foreign data wrapper file_fdw'
try "a file by a server that is there" "create foreign table f (line text) server files options (filename '/etc/passwd')"
try "a program likewise" "create foreign table f (line text) server files options (program 'echo 1')"
try "a tablespace" "create tablespace t location '/tmp'"
try "a replication slot" "select pg_create_physical_replication_slot('s')"
try "a subscription" "create subscription s connection 'host=$own dbname=app' publication p with (connect = false)"
check "nothing was written outside" test ! -e "/tmp/bough-escape-$$"

note "sockets: the compute's own, and a sibling's"
for place in "$own" "$sibling" "$BOUGH_HOME/run/catalog"; do
  for user in bough_platform bough_owner bough_u_op bough_u_second bough_catalog; do
    try "dblink as $user over ${place##*/}" "select * from dblink('host=$place user=$user dbname=app', 'select 1') as t (x int)" 2F003
    try_far "and with a password, so that it goes there" "select * from dblink('host=$place user=$user dbname=app password=x', 'select 1') as t (x int)"
  done
  try "dblink_connect_u over ${place##*/}" "select dblink_connect_u('host=$place user=bough_platform dbname=app')"
  try "postgres_fdw over ${place##*/}" "create server s foreign data wrapper postgres_fdw options (host '$place', dbname 'app'); create user mapping for current_user server s options (user 'bough_platform'); create foreign table f (x int) server s options (table_name 'mine'); select * from f" 2F003
  try_far "and with a password" "create server s foreign data wrapper postgres_fdw options (host '$place', dbname 'app'); create user mapping for current_user server s options (user 'bough_platform', password 'x'); create foreign table f (x int) server s options (table_name 'mine'); select * from f"
  try "without a password over ${place##*/}" "create server s foreign data wrapper postgres_fdw options (host '$place', dbname 'app'); create user mapping for current_user server s options (user 'bough_platform', password_required 'false')"
done
equal "the loose mapping lost what made it loose" "$(platform_sql deep app "select count(*) from pg_user_mapping where umoptions::text like '%password_required%'")" 0
try "the loose mapping" "create foreign table g (x int) server loose options (table_name 'mine'); select * from g" 2F003
try_far "dblink to the catalog over its socket" "select * from dblink('host=$BOUGH_HOME/run/catalog user=bough_catalog dbname=system password=x', 'select 1') as t (x int)"

note "afterwards"
for branch in deep middle production; do
  equal "$branch: one superuser" "$(platform_sql "$branch" app "select string_agg(rolname, ' ') from pg_roles where rolsuper and rolname not in ('imported')")" bough_platform
done
equal "deep: members of bough_owner only" "$(platform_sql deep app "select string_agg(distinct r.rolname::text, ' ') from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.roleid >= 16384")" bough_owner
equal "deep: no power has come to anybody" "$(platform_sql deep app "select count(*) from pg_roles where (rolcreaterole or rolcreatedb or rolreplication or rolbypassrls) and rolname <> 'bough_platform'")" 0
equal "imported can't log in on a branch" "$(platform_sql deep app "select rolcanlogin or rolsuper from pg_roles where rolname = 'imported'")" f

note "memberships are set anew"
as_second() { as second "$1" 'select current_user'; }
equal "second on the parent" "$(as_second middle)" bough_owner
bough branch create late --parent middle >/dev/null 2>&1
equal "its role on a child is shut" "$(platform_sql late app "select rolcanlogin or exists (select from pg_auth_members where member = r.oid) from pg_roles r where rolname = 'bough_u_second'")" f
equal "until it comes" "$(as_second late)" bough_owner
equal "then it is as it must be" "$(platform_sql late app "select rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolpassword is null from pg_authid where rolname = 'bough_u_second'")" 't|f|f|f|t'
check "reset shuts it again" bough branch reset late
equal "and lets it in anew" "$(as_second late)" bough_owner
