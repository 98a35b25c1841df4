/* Cleaning a cluster that holds one of everything a branch must not keep, and ownership after an
 * import. One cluster is prepared and cleaned once; each test then looks for one thing. */
#include "branch/clean.h"
#include "branch/identity.h"
#include "branch/ownership.h"
#include "harness/cluster.h"
#include "pg/platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONNECT_MS = 10 * 1000 };

#define LOGIN_ROLE "bough_u_tester"

static Cluster *cluster;
static CleanReport report;
static json_t *ownership_notes;
static int publisher = -1; /* a socket where subscriptions would knock */

/* ---- the cluster ---- */

static void run_psql(const char *const *arguments) {
  const char *argv[16] = {"psql", "-X", "-q", "-U", PLATFORM_ROLE, "-v", "ON_ERROR_STOP=1"};
  for (size_t at = 0; arguments[at] != NULL; at++)
    argv[7 + at] = arguments[at];
  str_free(cluster_tool(cluster, argv, NULL));
}

static void run_sql(const char *database, const char *sql) {
  run_psql((const char *const[]){"-d", database, "-c", sql, NULL});
}

static void listen_as_publisher(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5999", cluster->root);
  publisher = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(publisher >= 0);
  assert_int_equal(bind(publisher, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(chmod(address.sun_path, 0777), 0);
  assert_int_equal(listen(publisher, 8), 0);
}

/* Enabled, with a slot, and with a table whose first copy isn't over: DROP would call the
 * publisher. */
static void make_subscription(void) {
  AUTO(str_free)
  char *sql =
      str_format("CREATE SUBSCRIPTION leak CONNECTION 'host=%s port=5999 dbname=x password=geheim'"
                 " PUBLICATION p WITH (connect = false, slot_name = 'leak');"
                 "ALTER SUBSCRIPTION leak ENABLE;"
                 "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
                 " SELECT oid, 'public.logged'::regclass, 'd' FROM pg_subscription",
                 cluster->root);
  run_sql("logged", "CREATE TABLE logged (a integer PRIMARY KEY)");
  run_sql("logged", sql);
}

/* pg_cron and pg_net as the cleaning sees them, without their packages. */
static void make_queues(void) {
  run_sql("logged",
          "CREATE SCHEMA cron;"
          "CREATE TABLE cron.job (jobid int, command text, active boolean);"
          "INSERT INTO cron.job VALUES (1, 'DELETE FROM logged', true), (2, 'VACUUM', true);"
          "CREATE TABLE public.http_request_queue (id int, url text);"
          "INSERT INTO public.http_request_queue VALUES (1, 'https://example.com/charge');"
          "CREATE TABLE public.pga_job (jobenabled boolean);"
          "INSERT INTO public.pga_job VALUES (true);"
          "CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS"
          " 'BEGIN RAISE EXCEPTION ''ran''; END';"
          "CREATE TRIGGER poison BEFORE UPDATE ON public.pga_job FOR EACH ROW"
          " EXECUTE FUNCTION public.poison();"
          "ALTER TABLE public.pga_job ENABLE ALWAYS TRIGGER poison");
  run_sql("logged",
          "WITH e AS (INSERT INTO pg_extension"
          " (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
          " VALUES (90001, 'pg_cron', 10, 11, false, '1'), (90002, 'pg_net', 10, 11, false, '1'),"
          " (90003, 'pgagent', 10, 11, false, '1') RETURNING oid, extname)"
          " INSERT INTO pg_depend SELECT 'pg_class'::regclass, CASE extname"
          " WHEN 'pg_cron' THEN 'cron.job'::regclass WHEN 'pg_net' THEN"
          " 'public.http_request_queue'::regclass ELSE 'public.pga_job'::regclass END, 0,"
          " 'pg_extension'::regclass, oid, 0, 'e' FROM e");
}

static void make_secrets(void) {
  run_sql("logged",
          "CREATE FOREIGN DATA WRAPPER far OPTIONS (api_key 'geheim', mode 'fast');"
          "CREATE SERVER far FOREIGN DATA WRAPPER far OPTIONS (host 'h', password 'geheim');"
          "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u', password 'geheim');"
          "CREATE USER MAPPING FOR evil SERVER far OPTIONS (sslkey 'geheim');"
          "CREATE FOREIGN TABLE far (a int) SERVER far OPTIONS (program 'touch x', path 'p')");
}

static void make_prepared(void) {
  run_sql("logged", "BEGIN; INSERT INTO logged VALUES (7); LOCK logged;"
                    "ALTER ROLE evil CONNECTION LIMIT 5; PREPARE TRANSACTION 'it''s pending'");
}

static void make_closed(void) {
  run_sql("postgres", "CREATE DATABASE vault");
  run_sql("vault", "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
                   "CREATE EVENT TRIGGER hidden ON ddl_command_start EXECUTE FUNCTION f();"
                   "ALTER EVENT TRIGGER hidden ENABLE ALWAYS");
  run_sql("postgres", "ALTER DATABASE vault ALLOW_CONNECTIONS false");
}

/* What an earlier owner of a parent could have left in Bough's own names. */
static void make_impostors(void) {
  run_sql("postgres", "CREATE ROLE bough_owner SUPERUSER LOGIN PASSWORD 'geheim';"
                      "CREATE ROLE " LOGIN_ROLE " LOGIN INHERIT CREATEROLE;"
                      "CREATE ROLE bough_u_former LOGIN;"
                      "GRANT bough_owner TO bough_u_former, evil WITH ADMIN OPTION;"
                      "GRANT boss, pg_write_all_data TO " LOGIN_ROLE ";"
                      "ALTER ROLE " LOGIN_ROLE " IN DATABASE logged SET role = boss;"
                      "ALTER ROLE bough_platform SET work_mem = '64kB'");
}

static void make_hostile(void) {
  run_sql("postgres", "CREATE DATABASE hostile");
  run_psql((const char *const[]){"-d", "hostile", "-f", TEST_HOSTILE, NULL});
  run_sql("postgres", "ALTER DATABASE hostile OWNER TO evil");
}

static const char *const first_start[] = {"max_prepared_transactions=5", "wal_level=logical",
                                          "max_logical_replication_workers=0", NULL};

static bool clean_cluster(const char *socket_directory, CleanReport *ret, Error *err) {
  AUTO(conn_free) Conn *conn = NULL;
  Home home = {0};
  (void)snprintf(home.login_role, sizeof home.login_role, "%s", LOGIN_ROLE);
  return platform_open(socket_directory, "postgres", CONNECT_MS, &conn, err) &&
         clean_branch(conn, socket_directory, &home, ret, err);
}

static void clean_all(CleanReport *ret) {
  Error err = ERROR_INIT;
  if (!clean_cluster(cluster->root, ret, &err))
    fail_msg("%s", err.message);
}

static Conn *open_database(const char *database) {
  Conn *conn = NULL;
  Error err = ERROR_INIT;
  if (!platform_open(cluster->root, database, CONNECT_MS, &conn, &err))
    fail_msg("%s", err.message);
  return conn;
}

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    return 0;
  }
  cluster = cluster_new((const char *const[]){"-U", PLATFORM_ROLE, NULL});
  cluster_start(cluster, first_start);
  listen_as_publisher();
  run_sql("postgres", "CREATE DATABASE logged");
  make_hostile(); /* makes the roles evil and boss */
  run_sql("postgres", "ALTER ROLE ALL RESET ALL");
  make_subscription();
  make_queues();
  make_secrets();
  make_closed();
  make_impostors();
  run_sql("postgres", "ALTER ROLE ALL SET session_preload_libraries = 'auto_explain'");
  make_prepared();
  clean_all(&report);
  AUTO(conn_free) Conn *conn = open_database("hostile");
  ownership_notes = json_array();
  Error err = ERROR_INIT;
  if (!ownership_move(conn, "{boss}", ownership_notes, &err))
    fail_msg("%s", err.message);
  return 0;
}

static int tear_down(void **state) {
  if (publisher >= 0)
    (void)close(publisher);
  clean_report_release(&report);
  json_free(ownership_notes);
  cluster_free(STEAL(cluster));
  return 0;
}

/* The only value of a query, as text; "" for NULL. */
static char *ask(const char *database, const char *sql) {
  if (cluster == NULL)
    skip();
  AUTO(conn_free) Conn *conn = open_database(database);
  AUTO(rows_free) Rows *rows = NULL;
  Error err = ERROR_INIT;
  if (!conn_exec(conn, sql, &rows, &err))
    fail_msg("%s: %s", sql, err.message);
  const char *text = rows_count(rows) > 0 ? rows_get(rows, 0, 0) : NULL;
  return str_dup(text != NULL ? text : "");
}

static void expect(const char *database, const char *sql, const char *wanted) {
  AUTO(str_free) char *got = ask(database, sql);
  if (!str_equal(got, wanted))
    fail_msg("%s: \"%s\", not \"%s\"", sql, got, wanted);
}

static void expect_found(CleanKind kind, int64_t least) {
  if (report.counts[kind] < least)
    fail_msg("kind %d was found %lld times", (int)kind, (long long)report.counts[kind]);
}

/* ---- section 3: what a branch must not keep ---- */

static void subscriptions_go_without_a_call(void **state) {
  expect("logged", "SELECT count(*) FROM pg_subscription", "0");
  expect("logged", "SELECT count(*) FROM pg_subscription_rel", "0");
  expect_found(CLEAN_SUBSCRIPTION, 1);
  assert_int_equal(accept(publisher, NULL, NULL), -1); /* nobody knocked */
}

static void prepared_transactions_are_rolled_back(void **state) {
  expect("logged", "SELECT count(*) FROM pg_prepared_xacts", "0");
  expect("logged", "SELECT count(*) FROM public.logged", "0");
  expect_found(CLEAN_PREPARED, 1);
}

static void jobs_are_switched_off(void **state) {
  expect("logged", "SELECT count(*) FROM cron.job WHERE active", "0");
  expect("logged", "SELECT count(*) FROM cron.job", "2");
  expect("logged", "SELECT count(*) FROM public.http_request_queue", "0");
  expect_found(CLEAN_JOB, 2);
}

static void a_table_with_code_is_left_and_told(void **state) {
  expect("logged", "SELECT count(*) FROM public.pga_job WHERE jobenabled", "1");
  expect_found(CLEAN_JOB_LEFT, 1);
}

static void secrets_of_foreign_data_go(void **state) {
  expect("logged", "SELECT string_agg(umoptions::text, ' ' ORDER BY umuser) FROM pg_user_mapping",
         "{user=u}");
  expect("logged", "SELECT srvoptions::text FROM pg_foreign_server", "{host=h}");
  expect("logged", "SELECT fdwoptions::text FROM pg_foreign_data_wrapper", "{mode=fast}");
  expect("logged", "SELECT ftoptions::text FROM pg_foreign_table", "{path=p}");
  expect_found(CLEAN_MAPPING, 1);
  expect_found(CLEAN_SECRET, 3);
}

static void passwords_go(void **state) {
  expect("postgres", "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL", "0");
}

static void only_the_platform_is_superuser(void **state) {
  expect("postgres", "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolsuper", PLATFORM_ROLE);
  expect("postgres",
         "SELECT count(*) FROM pg_roles WHERE rolname <> '" PLATFORM_ROLE "'"
         " AND (rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)",
         "0");
}

static void only_our_roles_log_in(void **state) {
  expect("postgres",
         "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin",
         PLATFORM_ROLE " " LOGIN_ROLE);
  expect("postgres", "SELECT rolinherit FROM pg_roles WHERE rolname = '" LOGIN_ROLE "'", "f");
}

static void memberships_are_made_anew(void **state) {
  expect("postgres",
         "SELECT string_agg(m.rolname || ' in ' || t.rolname || ' ' || a.admin_option, ', '"
         " ORDER BY m.rolname) FROM pg_auth_members a JOIN pg_roles t ON t.oid = a.roleid"
         " JOIN pg_roles m ON m.oid = a.member"
         " WHERE m.rolname !~ '^pg_' AND (t.rolname ~ '^(pg|bough)_' OR m.rolname ~ '^bough_')",
         LOGIN_ROLE " in bough_owner false");
  expect("postgres",
         "SELECT count(*) FROM pg_auth_members a WHERE member = 'boss'::regrole"
         " AND roleid = 'evil'::regrole",
         "1"); /* among imported roles they say who may what, and give nobody anything */
}

static void settings_that_run_code_go(void **state) {
  expect("postgres",
         "SELECT string_agg(split_part(c, '=', 1), ' ' ORDER BY c) FROM pg_db_role_setting"
         " JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) c"
         " WHERE datname = 'hostile'",
         "app.tenant default_transaction_read_only row_security search_path "
         "standard_conforming_strings statement_timeout");
  expect("postgres",
         "SELECT string_agg(c, ' ' ORDER BY c) FROM pg_db_role_setting, unnest(setconfig) c"
         " WHERE setrole = 'evil'::regrole",
         "log_statement=none work_mem=8MB");
  expect("postgres",
         "SELECT count(*) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0", "0");
}

static void our_roles_have_our_settings(void **state) {
  expect("postgres",
         "SELECT string_agg(setrole::regrole || ' ' || setdatabase || ' ' || setconfig::text, ', ')"
         " FROM pg_db_role_setting WHERE setrole::regrole::text ~ '^bough_'",
         LOGIN_ROLE " 0 {role=bough_owner}");
}

static void parameter_grants_go(void **state) {
  expect("postgres",
         "SELECT count(*) FROM pg_parameter_acl, aclexplode(paracl) a WHERE a.grantee <> 10", "0");
  expect_found(CLEAN_PARAMETER, 2);
}

static void event_triggers_become_plain(void **state) {
  expect("hostile", "SELECT string_agg(DISTINCT evtenabled::text, '') FROM pg_event_trigger", "O");
  expect_found(CLEAN_EVENT_TRIGGER, 4);
}

static void a_closed_database_is_cleaned_and_closed(void **state) {
  expect("postgres", "SELECT datallowconn FROM pg_database WHERE datname = 'vault'", "f");
  expect("postgres", "ALTER DATABASE vault ALLOW_CONNECTIONS true", "");
  expect("vault", "SELECT evtenabled FROM pg_event_trigger", "O");
  expect("postgres", "ALTER DATABASE vault ALLOW_CONNECTIONS false", "");
}

static void public_creates_nothing(void **state) {
  expect("hostile",
         "SELECT count(*) FROM pg_namespace WHERE has_schema_privilege('evil', oid, 'CREATE')"
         " AND nspowner <> 'evil'::regrole",
         "0");
  expect("postgres",
         "SELECT count(*) FROM pg_database WHERE NOT datistemplate"
         " AND (has_database_privilege('evil', oid, 'TEMP')"
         " OR has_database_privilege('evil', oid, 'CREATE'))",
         "0");
}

static void definer_functions_are_not_for_everybody(void **state) {
  expect("hostile",
         "SELECT count(*) FROM pg_proc WHERE prosecdef AND oid >= 16384"
         " AND has_function_privilege('evil', oid, 'EXECUTE') AND proowner <> 'evil'::regrole",
         "0");
  expect("hostile", "SELECT has_function_privilege('bough_owner', 'public.become()', 'EXECUTE')",
         "t");
}

static void databases_belong_to_nobody_who_logs_in(void **state) {
  expect("postgres",
         "SELECT string_agg(DISTINCT datdba::regrole::text, ' ') FROM pg_database"
         " WHERE datname IN ('hostile', 'logged')",
         HOLDER_ROLE " " PLATFORM_ROLE);
  expect("postgres",
         "SELECT bool_and(has_database_privilege('bough_owner', oid, 'CREATE')"
         " AND has_database_privilege('" LOGIN_ROLE "', oid, 'CONNECT')) FROM pg_database"
         " WHERE datname IN ('hostile', 'logged', 'postgres')",
         "t");
}

/* ---- the platform among strangers' code ---- */

static void no_trap_was_sprung(void **state) {
  expect("hostile", "SELECT string_agg(DISTINCT what || ' by ' || who, ', ') FROM public.owned",
         "");
}

/* The fixture's traps work: a session that looks around as any other would springs them. */
static void traps_catch_who_is_careless(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(conn_free) Conn *conn = NULL;
  Error err = ERROR_INIT;
  const ConnOption options[] = {
      {"host", cluster->root}, {"dbname", "hostile"}, {"user", PLATFORM_ROLE}, {NULL}};
  static const char *const careless[] = {
      "SELECT rolname FROM pg_roles",
      "SELECT count(*) FROM pg_database WHERE datname = 'postgres'::name",
      "UPDATE bait SET word = 'x'",
      "ALTER EVENT TRIGGER on_plain ENABLE ALWAYS; CREATE TABLE bystander (a int)",
  };
  assert_true(conn_open(options, CONNECT_MS, &conn, &err));
  assert_true(conn_exec(conn, "SET default_transaction_read_only = off", NULL, &err));
  for (size_t at = 0; at < ARRAY_LENGTH(careless); at++) {
    AUTO(rows_free) Rows *rows = NULL;
    if (!conn_exec(conn, careless[at], NULL, &err) ||
        !conn_exec(conn, "DELETE FROM public.owned RETURNING what", &rows, &err))
      fail_msg("%s", err.message);
    if (rows_count(rows) == 0)
      fail_msg("no trap was sprung by: %s", careless[at]);
  }
  assert_true(conn_exec(conn,
                        "DROP TABLE bystander; ALTER EVENT TRIGGER on_plain ENABLE;"
                        "DELETE FROM public.owned",
                        NULL, &err));
}

static void the_second_time_finds_nothing(void **state) {
  AUTO_RELEASE(clean_report_release) CleanReport first = {0};
  AUTO_RELEASE(clean_report_release) CleanReport second = {0};
  if (cluster == NULL)
    skip();
  clean_all(&first); /* ownership was moved since the one of the set-up */
  clean_all(&second);
  for (size_t kind = 0; kind < CLEAN_COUNT_; kind++)
    if (kind != CLEAN_JOB_LEFT && kind != CLEAN_JOB)
      assert_int_equal(second.counts[kind], 0);
  assert_string_equal(first.identity_digest, second.identity_digest);
}

static void what_was_found_is_told(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(str_free) char *notes = json_text(report.notes);
  assert_non_null(strstr(notes, "it's pending"));
  assert_non_null(strstr(notes, "leak"));
  assert_null(strstr(notes, "geheim"));
}

static void a_strangers_cluster_is_refused(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(cluster_free) Cluster *stranger = cluster_new(NULL);
  cluster_start(stranger, NULL);
  cluster_exec(stranger, "postgres", "CREATE ROLE " PLATFORM_ROLE " SUPERUSER LOGIN");
  CleanReport ret = {0};
  Error err = ERROR_INIT;
  assert_false(clean_cluster(stranger->root, &ret, &err));
  assert_int_equal(err.code, ERROR_BRANCH_FAILED);
}

/* ---- section 4: who owns what after an import ---- */

static void plain_objects_are_the_owners(void **state) {
  expect("hostile",
         "SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class"
         " WHERE relnamespace = 'public'::regnamespace",
         OWNER_ROLE);
  expect("hostile", "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'",
         OWNER_ROLE);
  expect("hostile", "SELECT proowner::regrole FROM pg_proc WHERE proname = 'indexed'", OWNER_ROLE);
  expect("hostile", "SELECT typowner::regrole FROM pg_type WHERE typname = 'checked'", OWNER_ROLE);
}

static void unsafe_objects_are_the_holders(void **state) {
  expect("hostile",
         "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc"
         " WHERE oid >= 16384 AND proowner = 'bough_holder'::regrole",
         "become become_boss on_event");
  expect("hostile",
         "SELECT string_agg(DISTINCT oprowner::regrole::text, ' ') FROM pg_operator WHERE oid >= "
         "16384",
         HOLDER_ROLE);
  expect("hostile",
         "SELECT string_agg(DISTINCT evtowner::regrole::text, ' ') FROM pg_event_trigger",
         PLATFORM_ROLE);
  AUTO(str_free) char *notes = json_text(ownership_notes);
  assert_non_null(strstr(notes, "on_event"));
}

static void rights_on_system_objects_are_initdbs(void **state) {
  expect("hostile",
         "SELECT has_function_privilege('evil', 'pg_catalog.pg_read_file(text)', 'EXECUTE')", "f");
  expect("hostile", "SELECT has_table_privilege('evil', 'pg_catalog.pg_authid', 'SELECT')", "f");
  expect("hostile", "SELECT has_table_privilege('evil', 'pg_catalog.pg_class', 'SELECT')", "t");
}

static void the_platforms_default_privileges_go(void **state) {
  expect("hostile",
         "SELECT count(*) FROM pg_default_acl, aclexplode(defaclacl) a WHERE defaclrole = 10"
         " AND a.grantee <> 10",
         "0");
}

/* ---- identities ---- */

static void identities_are_counted(void **state) {
  int64_t count = 0;
  Error err = ERROR_INIT;
  if (cluster == NULL)
    skip();
  assert_true(identity_count(report.identity, &count, &err));
  assert_int_equal(count, report.objects);
  assert_true(count > 30);
  assert_non_null(strstr(report.identity, "column "));
  assert_non_null(strstr(report.identity, "\"trap(what text)\""));
}

/* A name with a line end, a tab, a backslash and a quote, as SQL and as the record has it. */
#define ODD_NAME_SQL "public.\"a\nb\tc\\d \"\"e\""
#define ODD_NAME_JSON "\"a\\nb\\tc\\\\d \\\"e\""

static void identities_survive_odd_names(void **state) {
  if (cluster == NULL)
    skip();
  AUTO(conn_free) Conn *conn = open_database("logged");
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  Error err = ERROR_INIT;
  int64_t count = 0;
  assert_true(conn_exec(conn, "CREATE TABLE " ODD_NAME_SQL " (a int)", NULL, &err));
  assert_true(identity_read(conn, &text, &err));
  assert_true(identity_count(text.text, &count, &err));
  assert_non_null(strstr(text.text, ODD_NAME_JSON));
  assert_true(conn_exec(conn, "DROP TABLE " ODD_NAME_SQL, NULL, &err));
}

/* Such a database says whatever bytes it was given; the catalog takes UTF-8 only. */
static void names_of_no_encoding_are_escaped(void **state) {
  if (cluster == NULL)
    skip();
  run_sql("postgres", "CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0");
  AUTO(conn_free) Conn *conn = open_database("ascii");
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  Error err = ERROR_INIT;
  int64_t count = 0;
  assert_true(conn_exec(conn, "CREATE TABLE public.\"caf\xe9\" (a int)", NULL, &err));
  assert_true(identity_read(conn, &text, &err));
  assert_true(identity_count(text.text, &count, &err));
  assert_non_null(strstr(text.text, "\"caf\\u00e9\""));
  AUTO(json_free) json_t *valid = json_string(text.text);
  assert_non_null(valid);
  conn_free(STEAL(conn));
  run_sql("postgres", "DROP DATABASE ascii");
}

static void broken_records_are_refused(void **state) {
  static const char *const broken[] = {
      "column 1 1 1 1 - \"x\"\n",           /* no database before it */
      "database 1 \"x\"",                   /* no end of line */
      "database 1 \"x\"\ncolumn 1 \"x\"\n", /* too few words */
      "database 1 \"x\"\nc 1 1 1 1 - x\n",  /* no JSON string */
      "database 1 x\n",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(broken); at++) {
    int64_t count = 0;
    Error err = ERROR_INIT;
    assert_false(identity_count(broken[at], &count, &err));
    assert_int_equal(err.code, ERROR_CATALOG_INVALID);
  }
  int64_t count = 7;
  assert_true(identity_count("", &count, NULL));
  assert_int_equal(count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_trap_was_sprung), /* before the others look around */
      cmocka_unit_test(subscriptions_go_without_a_call),
      cmocka_unit_test(prepared_transactions_are_rolled_back),
      cmocka_unit_test(jobs_are_switched_off),
      cmocka_unit_test(a_table_with_code_is_left_and_told),
      cmocka_unit_test(secrets_of_foreign_data_go),
      cmocka_unit_test(passwords_go),
      cmocka_unit_test(only_the_platform_is_superuser),
      cmocka_unit_test(only_our_roles_log_in),
      cmocka_unit_test(memberships_are_made_anew),
      cmocka_unit_test(settings_that_run_code_go),
      cmocka_unit_test(our_roles_have_our_settings),
      cmocka_unit_test(parameter_grants_go),
      cmocka_unit_test(event_triggers_become_plain),
      cmocka_unit_test(a_closed_database_is_cleaned_and_closed),
      cmocka_unit_test(public_creates_nothing),
      cmocka_unit_test(definer_functions_are_not_for_everybody),
      cmocka_unit_test(databases_belong_to_nobody_who_logs_in),
      cmocka_unit_test(what_was_found_is_told),
      cmocka_unit_test(plain_objects_are_the_owners),
      cmocka_unit_test(unsafe_objects_are_the_holders),
      cmocka_unit_test(rights_on_system_objects_are_initdbs),
      cmocka_unit_test(the_platforms_default_privileges_go),
      cmocka_unit_test(identities_are_counted),
      cmocka_unit_test(identities_survive_odd_names),
      cmocka_unit_test(names_of_no_encoding_are_escaped),
      cmocka_unit_test(broken_records_are_refused),
      cmocka_unit_test(traps_catch_who_is_careless),
      cmocka_unit_test(the_second_time_finds_nothing),
      cmocka_unit_test(a_strangers_cluster_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
