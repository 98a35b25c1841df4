#!/bin/bash
# A dump that wants to run programs or read files of whoever loads it executes nothing.
source "$(dirname "$0")/../harness/lib.sh"

start_bough
mkdir -m 1777 "$TEST_DIR/trap"
mkdir "$TEST_DIR/dumps"
chmod 755 "$TEST_DIR/dumps"
echo "create table from_elsewhere (x int);" >"$TEST_DIR/dumps/elsewhere.txt"
echo "top secret" >"$TEST_DIR/dumps/secret"

# hostile NAME TEXT: a dump with an honest table and then that. Either it is refused, or what it asked
# for did not happen.
hostile() {
  local name=$1 file=$TEST_DIR/dumps/$1.sql
  printf 'create table honest (x int);\ncreate table lines (x text);\n%s\ninsert into honest values (1);\n' "$2" >"$file"
  bough --json project create "$name" --sql "$file" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null || true
  matches "$name: there is an answer" "$(jq -r 'if .ok then "ok" else .error.code end' "$TEST_DIR/out")" '^(ok|import-failed|needs-superuser|usage|source-unsupported|extension-missing)$'
  equal "$name: nothing was executed" "$(find "$TEST_DIR/trap" -mindepth 1)" ""
  if [[ $(jq -r .ok "$TEST_DIR/out") == true ]]; then
    equal "$name: no file was read" "$(BOUGH_PROJECT=$name sql production "select count(*) from lines where x like '%secret%' or x like 'root:%'")" 0
    check_not "$name: no other file was included" env BOUGH_PROJECT="$name" "$PROGRAM" psql production -- -XAtqc 'select * from from_elsewhere'
  fi
  bough project delete "$name" >/dev/null 2>&1 || true
}

T=$TEST_DIR/trap
hostile shell '\! touch '"$T/shell"
hostile copy-program "copy honest to program 'touch $T/copy';"
hostile copy-from-program "copy lines from program 'touch $T/copyfrom; echo x';"
hostile client-copy '\copy lines from program '"'touch $T/clientcopy'"
hostile client-copy-to '\copy honest to program '"'touch $T/clientcopyto'"
hostile client-copy-file '\copy lines from '"'$TEST_DIR/dumps/secret'"
hostile client-copy-out '\copy honest to '"'$T/copyout'"
hostile include '\i '"$TEST_DIR/dumps/elsewhere.txt"
hostile include-relative '\ir elsewhere.txt'
hostile include-long '\include '"$TEST_DIR/dumps/elsewhere.txt"
hostile output-pipe '\o |touch '"$T/outputpipe"$'\nselect 1;'
hostile output-file '\o '"$T/outputfile"$'\nselect 1;\n\\o'
hostile g-pipe 'select 1 \g |touch '"$T/gpipe"
hostile g-file 'select 1 \g '"$T/gfile"
hostile backtick '\set x `touch '"$T/backtick"'`'
hostile backtick-echo '\echo `touch '"$T/backtickecho"'`'
hostile write-buffer '\w '"$T/write"
hostile write-pipe 'select 1 \w |touch '"$T/writepipe"
hostile editor '\setenv EDITOR "touch '"$T/editor"$'"\n\\setenv PSQL_EDITOR "touch '"$T/editor"$'"\n\\e'
hostile pager '\setenv PSQL_PAGER "touch '"$T/pager"$'"\n\\pset pager always\nselect generate_series(1,200);'
hostile large-object '\lo_import '"$TEST_DIR/dumps/secret"
hostile large-object-out $'select lo_create(77);\n\\lo_export 77 '"$T/lo"
hostile connect '\c - bough_platform'
hostile connect-socket '\c "dbname=postgres user=bough_platform"'$'\ncopy (select 1) to program '"'touch $T/connect';"
hostile read-file "insert into lines select pg_read_file('/etc/passwd');"
hostile copy-file "copy lines from '/etc/passwd';"
hostile become "set role bough_platform; copy honest to program 'touch $T/become';"
hostile become-session "set session authorization bough_platform; copy honest to program 'touch $T/session';"
hostile reset-role "reset role; reset session authorization; copy honest to program 'touch $T/reset';"
hostile untrusted "create extension plpython3u; create function f() returns void language plpython3u as \$\$ open('$T/python','w') \$\$; select f();"
hostile c-function "create function f(text) returns int language c as '/lib/x86_64-linux-gnu/libc.so.6', 'system'; select f('touch $T/c');"
hostile quiet-if $'\\if true\n\\! touch '"$T/if"$'\n\\endif'
hostile gexec "select 'copy honest to program ''touch $T/gexec''' \\gexec"
hostile variable $'\\set ECHO_HIDDEN `touch '"$T/variable"$'`\n\\d'
hostile copy-stdin-end $'copy lines from stdin;\nx\n\\.\n\\! touch '"$T/afterstdin"
hostile archive "alter system set archive_command = 'touch $T/archive';"
hostile preload "alter database app set session_preload_libraries = '/tmp/evil';"
hostile event-trigger "create function evil() returns event_trigger language plpgsql as \$\$ begin copy honest to program 'touch $T/event'; end \$\$; create event trigger evil on ddl_command_start execute function evil();"
hostile trusted-later "create function evil() returns int language plpgsql as \$\$ begin copy honest to program 'touch $T/later'; return 1; end \$\$; create index on honest ((evil()));"

# What nobody but a superuser can make is named, loads when one says so, and leaves no superuser behind.
cat >"$TEST_DIR/dumps/files.sql" <<EOF
create table honest (x int);
create extension file_fdw;
create server files foreign data wrapper file_fdw;
create role chief superuser login;
grant pg_read_server_files to chief;
EOF
needing() {
  bough --json project create needing --sql "$TEST_DIR/dumps/files.sql" "$@" 2>/dev/null || true
}
matches "a dump that needs a superuser is refused, and says what for" "$(needing | jq -r '"\(.error.code) \(.error.message) \(.error.hint)"')" '^needs-superuser .*extension file_fdw.*--trust'
check "and leaves nothing" agreement
matches "--trust loads it, and says so" "$(needing --trust | jq -r '.result.notes | join("; ")')" 'superuser rights, as --trust says'
export BOUGH_PROJECT=needing
bough branch create deep >/dev/null 2>&1
for branch in production deep; do
  equal "$branch: file_fdw is there" "$(sql $branch "select count(*) from pg_extension where extname = 'file_fdw'")" 1
  equal "$branch: nobody else is superuser, may log in or read the server's files" "$(sql $branch "select string_agg(rolname, ' ') from pg_roles
    where rolname <> 'bough_platform' and (rolsuper or rolcanlogin and rolname !~ '^bough_u_'
      or rolname !~ '^pg_' and pg_has_role(oid, 'pg_read_server_files', 'member'))")" ""
  check_not "$branch: its owner makes no file a table" sql $branch "create foreign table passwd (line text) server files options (filename '/etc/passwd')"
done
unset BOUGH_PROJECT
check "delete" bough project delete needing

equal "no project is left" "$(result '.projects | length' project list)" 0
check "rows, volumes and processes agree" agreement
