/* The audit against a real catalog: who may change it, what tampering of each sort is found, that
 * counts are exact, and what becomes of old days. */
#include "branch/audit.h"
#include "branch/audit_anchor.h"
#include "branch/audit_keep.h"
#include "branch/audit_verify.h"
#include "catalog/access.h"
#include "catalog/chain.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_US (86400LL * 1000000)

static Cluster *cluster;
static Catalog *catalog;
static Home home;
static Context context;
static Error err;

static void require(bool ok) {
  if (!ok)
    fail_msg("%s: %s", error_info(err.code)->code, err.message);
}

#define REQUIRE(call)                                                                              \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    require(call);                                                                                 \
  } while (0)

static char *admin(const char *sql) {
  return cluster_sql(cluster, "system", sql);
}

static void admin_equal(const char *sql, const char *expected) {
  AUTO(str_free) char *text = admin(sql);
  assert_string_equal(text, expected);
}

/* As a superuser who knows how to get around triggers. */
static void tamper(const char *sql) {
  AUTO(str_free)
  char *all = str_format("SET session_replication_role = replica; %s", sql);
  str_free(admin(all));
}

static int set_up(void **state) {
  const char *reason = cluster_skip_reason();
  if (reason != NULL) {
    print_message("skipped: %s\n", reason);
    exit(77);
  }
  cluster = cluster_new(NULL);
  cluster_start(cluster, NULL);
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

static int open_catalog(void **state) {
  static const PrincipalRow ann = {.id = "pri-aaaaaaaaaaaa", .name = "ann", .type = "human"};
  char template[] = "/tmp/bough-audit-XXXXXX";
  str_free(cluster_sql(cluster, "postgres", "CREATE DATABASE system TEMPLATE template0"));
  AUTO(str_free) char *conninfo = str_format("host=%s user=postgres dbname=system", cluster->root);
  REQUIRE(catalog_migrate(conninfo, &err));
  REQUIRE(catalog_open(conninfo, &catalog, &err));
  assert_non_null(mkdtemp(template));
  home = (Home){.root = str_dup(template), .config = json_object()};
  context = (Context){.home = &home, .catalog = catalog, .caller = ann};
  return 0;
}

static int close_catalog(void **state) {
  trail_release(&context.trail);
  catalog_free(STEAL(catalog));
  REQUIRE(io_remove_tree(home.root, &err));
  str_free(home.root);
  json_free(home.config);
  str_free(cluster_sql(cluster, "postgres", "DROP DATABASE system WITH (FORCE)"));
  return 0;
}

static void write_rows(int count) {
  for (int at = 0; at < count; at++) {
    AUTO(json_free) json_t *params = json_pack("{s:i}", "number", at);
    REQUIRE(audit_record(&context, "test.deed", params, &err));
  }
}

static void keep(int64_t now_us) {
  json_t *result = NULL;
  REQUIRE(audit_keep(&context, now_us, &result, &err));
  json_free(result);
}

static json_t *verify(const char *anchors) {
  json_t *result = NULL;
  REQUIRE(audit_verify(&context, anchors, &result, &err));
  return result;
}

static void verify_clean(int64_t checked) {
  AUTO(json_free) json_t *result = verify(NULL);
  if (!json_bool_or(result, "ok", false)) {
    AUTO(str_free) char *text = json_text(result);
    fail_msg("%s", text);
  }
  assert_int_equal(json_integer_or(result, "checked", -1), checked);
}

/* The first finding of that kind; its event's id, or its place, is what is expected. */
static void verify_finds(const char *anchors, const char *kind, int64_t seq) {
  AUTO(json_free) json_t *result = verify(anchors);
  size_t at = 0;
  const json_t *finding = NULL;
  assert_false(json_bool_or(result, "ok", true));
  json_array_foreach(json_object_get(result, "findings"), at, finding) {
    if (str_equal(json_string_or(finding, "kind", ""), kind) &&
        json_integer_or(finding, "seq", 0) == seq)
      return;
  }
  AUTO(str_free) char *text = json_text(result);
  fail_msg("no finding %s of %lld in %s", kind, (long long)seq, text);
}

/* ---- append-only ---- */

static bool refused(const char *role, const char *sql) {
  int status = 0;
  AUTO(str_free) char *set = str_format("SET ROLE %s", role);
  const char *const argv[] = {"psql", "-XAtqc", set,      "-v", "ON_ERROR_STOP=1",
                              "-c",   sql,      "system", NULL};
  AUTO(str_free) char *output = cluster_tool(cluster, argv, &status);
  if (status != 0)
    return strstr(output, "never change") != NULL || strstr(output, "permission denied") != NULL ||
           strstr(output, "must be owner") != NULL;
  return false;
}

static void test_nobody_changes_rows(void **state) {
  static const char *const roles[] = {"postgres", "bough_audit_owner", "bough_auditor"};
  static const char *const deeds[] = {
      "UPDATE access.audit_events SET actor = 'eve'",
      "DELETE FROM access.audit_events",
      "TRUNCATE access.audit_events",
      "UPDATE access.audit_chain SET hash = prev_hash",
      "DELETE FROM access.audit_chain",
      "TRUNCATE access.audit_chain",
      "DELETE FROM access.audit_heads",
      "TRUNCATE access.audit_heads",
      "UPDATE access.audit SET actor = 'eve'",
  };
  write_rows(3);
  keep(clock_wall_us());
  for (size_t role = 0; role < ARRAY_LENGTH(roles); role++)
    for (size_t deed = 0; deed < ARRAY_LENGTH(deeds); deed++)
      if (!refused(roles[role], deeds[deed]) && !str_starts(deeds[deed], "UPDATE access.audit SET"))
        fail_msg("%s may: %s", roles[role], deeds[deed]);
  AUTO(str_free)
  char *part = admin("SELECT tableoid::regclass FROM access.audit_events LIMIT 1");
  AUTO(str_free) char *sql = str_format("TRUNCATE %s", part);
  assert_true(refused("postgres", sql));
  AUTO(str_free) char *drop = str_format("DROP TABLE %s", part);
  assert_true(refused("bough_auditor", drop));
  verify_clean(3);
}

static void test_days_dont_go_unsigned(void **state) {
  int status = 0;
  const char *const argv[] = {"psql", "-XAtqc", "SELECT access.audit_drop_day(current_date)",
                              "system", NULL};
  AUTO(str_free) char *output = cluster_tool(cluster, argv, &status);
  assert_int_not_equal(status, 0);
  assert_non_null(strstr(output, "not signed"));
}

/* ---- tampering ---- */

static void seal_ten(void) {
  write_rows(10);
  keep(clock_wall_us());
  verify_clean(10);
}

static void test_a_changed_row_is_found(void **state) {
  seal_ten();
  tamper("UPDATE access.audit_events SET request_params = '{\"number\": 7}' WHERE serial = "
         "(SELECT serial FROM access.audit_chain WHERE seq = 4)");
  verify_finds(NULL, "changed", 4);
}

static void test_every_column_counts(void **state) {
  static const char *const columns[] = {"actor_type", "actor",         "on_behalf_of", "session_id",
                                        "source_ip",  "service_name",  "action_name",  "request_id",
                                        "error_code", "error_message", "project_id",   "branch_id",
                                        "endpoint_id"};
  seal_ten();
  for (size_t at = 0; at < ARRAY_LENGTH(columns); at++) {
    AUTO(str_free)
    char *change = str_format("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM access.audit_events"
                              " WHERE serial = 5; UPDATE access.audit_events SET %s = 'x'"
                              " WHERE serial = 5",
                              columns[at]);
    AUTO(str_free)
    char *back = str_format("UPDATE access.audit_events AS e SET %s = k.%s FROM kept AS k"
                            " WHERE e.serial = 5",
                            columns[at], columns[at]);
    tamper(change);
    verify_finds(NULL, "changed", 5);
    tamper(back);
    verify_clean(10);
  }
}

static void test_a_removed_row_is_found(void **state) {
  seal_ten();
  tamper("DELETE FROM access.audit_events WHERE serial = (SELECT serial FROM access.audit_chain "
         "WHERE seq = 6)");
  verify_finds(NULL, "removed", 6);
}

static void test_a_removed_entry_is_found(void **state) {
  seal_ten();
  tamper("WITH gone AS (DELETE FROM access.audit_chain WHERE seq = 3 RETURNING serial)"
         " DELETE FROM access.audit_events USING gone WHERE audit_events.serial = gone.serial");
  verify_finds(NULL, "removed", 3);
}

static void test_an_inserted_row_is_found(void **state) {
  seal_ten();
  tamper("INSERT INTO access.audit_events (actor_type, actor, service_name, action_name, status,"
         " txid) VALUES ('human', 'eve', 'boughd', 'never.was', 'ok', '5')");
  verify_finds(NULL, "inserted", 0);
}

static void test_a_backdated_row_is_found(void **state) {
  seal_ten();
  tamper("INSERT INTO access.audit_events (event_time, actor_type, actor, service_name,"
         " action_name, status) VALUES (clock_timestamp() - interval '2 hours', 'human', 'eve',"
         " 'boughd', 'never.was', 'ok')");
  verify_finds(NULL, "inserted", 11);
}

static void test_an_inserted_entry_is_found(void **state) {
  seal_ten();
  tamper("INSERT INTO access.audit_chain SELECT seq, sealed_at + interval '1 ms', event_time,"
         " serial, prev_hash, hash FROM access.audit_chain WHERE seq = 7");
  verify_finds(NULL, "inserted", 7);
}

static void test_a_cut_off_end_is_found(void **state) {
  seal_ten();
  tamper("WITH gone AS (DELETE FROM access.audit_chain WHERE seq > 8 RETURNING serial)"
         " DELETE FROM access.audit_events USING gone WHERE audit_events.serial = gone.serial");
  verify_finds(NULL, "cut-off", 9);
}

/* With the sealer's own row put right, only what is kept outside knows better. */
static void test_a_careful_cut_is_found_by_anchors(void **state) {
  seal_ten();
  AUTO(str_free) char *path = home_path(&home, "audit/anchors.jsonl");
  AUTO(str_free) char *anchors = NULL;
  size_t length = 0;
  REQUIRE(io_read_file(path, 1 << 20, &anchors, &length, &err));
  tamper("DELETE FROM access.audit_heads;"
         " WITH gone AS (DELETE FROM access.audit_chain WHERE seq > 8 RETURNING serial)"
         " DELETE FROM access.audit_events USING gone WHERE audit_events.serial = gone.serial;"
         " UPDATE access.audit_sealer SET seq = 8, hash = (SELECT hash FROM access.audit_chain"
         " WHERE seq = 8)");
  verify_finds(NULL, "cut-off", 10);
  REQUIRE(io_remove_file(path, &err));
  verify_clean(8);
  verify_finds(anchors, "cut-off", 10);
  write_rows(5);
  verify_finds(anchors, "rewritten", 10);
}

static void test_a_forged_anchor_is_found(void **state) {
  seal_ten();
  AUTO(str_free) char *path = home_path(&home, "audit/anchors.jsonl");
  AUTO(str_free) char *anchors = NULL;
  size_t length = 0;
  REQUIRE(io_read_file(path, 1 << 20, &anchors, &length, &err));
  char *hash = strstr(anchors, "\"hash\":\"") + 8;
  *hash = *hash == '0' ? '1' : '0';
  verify_finds(anchors, "signature", 10);
  error_clear(&err);
  json_t *result = NULL;
  assert_false(audit_verify(&context, "nonsense\n", &result, &err));
  assert_int_equal(err.code, ERROR_USAGE);
}

/* ---- late rows ---- */

/* A transaction that commits after later ones has its place behind them, and nothing is left out.
 */
static void test_late_commits_are_sealed(void **state) {
  AUTO(str_free) char *conninfo = str_format("host=%s user=postgres dbname=system", cluster->root);
  AUTO(catalog_free) Catalog *slow = NULL;
  const AuditRow row = {.actor_name = "slow", .service = "test", .action = "slow.deed"};
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REQUIRE(catalog_open(conninfo, &slow, &err));
  write_rows(2);
  REQUIRE(catalog_begin(slow, &guard, &err));
  REQUIRE(audit_insert(slow, &row, &err));
  write_rows(3);
  keep(clock_wall_us());
  admin_equal("SELECT count(*) FROM access.audit_chain", "2");
  REQUIRE(catalog_commit(&guard, &err));
  keep(clock_wall_us());
  verify_clean(6);
  admin_equal("SELECT string_agg(seq::text, ',' ORDER BY seq) FROM access.audit", "1,2,3,4,5,6");
}

static void test_many_rows_in_batches(void **state) {
  str_free(admin("INSERT INTO access.audit_events (actor_type, actor, service_name, action_name,"
                 " status) SELECT 'agent', 'bot', 'boughd', 'deed ' || n, 'ok'"
                 " FROM generate_series(1, 25001) AS n"));
  keep(clock_wall_us());
  verify_clean(25001);
}

/* ---- floods ---- */

static void refuse(const char *source, int times) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_FORBIDDEN, "no");
  audit_begin(&context, &(AuditStart){.source = source, .request = "req-x", .action = "a.deed"});
  for (int at = 0; at < times; at++)
    REQUIRE(audit_end(&context, &failure, &err));
}

static void test_refusals_are_counted(void **state) {
  refuse("uid:1", 1000);
  refuse("uid:2", 7);
  refuse("uid:3", 1);
  admin_equal("SELECT count(*) FROM access.audit", "3");
  keep(clock_wall_us());
  admin_equal("SELECT count(*) FROM access.audit", "3");
  str_free(admin("UPDATE access.audit_refusals SET since = since - interval '1 minute'"));
  keep(clock_wall_us());
  admin_equal("SELECT source_ip, sum(coalesce((request_params ->> 'count')::bigint, 1)), count(*)"
              " FROM access.audit WHERE status = 'refused' GROUP BY 1 ORDER BY 1",
              "uid:1|1000|2\nuid:2|7|2\nuid:3|1|1");
  admin_equal("SELECT sum(refusals) FROM access.refusals_per_principal WHERE actor = 'ann'",
              "1008");
  refuse("uid:1", 5);
  REQUIRE(audit_settle(&context, &err));
  admin_equal("SELECT sum(refusals) FROM access.refusals_per_principal", "1013");
  verify_clean(7);
}

/* ---- days ---- */

static void test_days_come_and_go(void **state) {
  int64_t now = clock_wall_us();
  seal_ten();
  keep(now + 20 * DAY_US); /* as if twenty days had passed */
  admin_equal("SELECT to_regclass(format('access.audit_events_%s',"
              " to_char((now() at time zone 'UTC')::date + 27, 'YYYYMMDD'))) IS NOT NULL",
              "t");
  verify_clean(10);
  for (int second = 0; second < 5; second++)
    keep(now + 405 * DAY_US);
  admin_equal("SELECT count(*) FROM access.audit_events", "0");
  admin_equal("SELECT min(seq), max(seq) FROM access.audit_heads WHERE day IS NOT NULL", "0|10");
  verify_clean(0);
}

/* Kept as long as the policy says; entries that were sealed later than their rows' day stay. */
static void test_days_are_kept_as_declared(void **state) {
  int64_t now = clock_wall_us();
  ProjectRow project = {
      .id = "prj-aaaaaaaaaaaa", .name = "shop", .created_by = "ann", .state = ROW_READY};
  REQUIRE(project_insert(catalog, &project, &err));
  str_free(
      admin("INSERT INTO lakebase.policies (project_id, version, content, canonical,"
            " applied_by) VALUES ('prj-aaaaaaaaaaaa', 1, 'x', '{\"keep\":{\"audit\":432000}}',"
            " 'ann'); UPDATE lakebase.policy_heads SET version = 1;"
            "SELECT access.audit_add_days(current_date - 10, current_date);"
            "INSERT INTO access.audit_events (event_time, actor_type, actor, service_name,"
            " action_name, status) SELECT now() - n * interval '1 day', 'human', 'ann', 'test',"
            " 'test.deed', 'ok' FROM generate_series(9, 0, -1) AS n"));
  for (int second = 0; second < 12; second++)
    keep(now);
  admin_equal("SELECT count(*) FROM access.audit_events", "6");
  admin_equal("SELECT access.audit_first_day() = (now() AT TIME ZONE 'UTC')::date - 5", "t");
  verify_clean(10);
  write_rows(3);
  verify_clean(13);
  AUTO(str_free) char *path = home_path(&home, "audit/anchors.jsonl");
  AUTO(str_free) char *anchors = NULL;
  size_t length = 0;
  REQUIRE(io_read_file(path, 1 << 20, &anchors, &length, &err));
  assert_non_null(strstr(anchors, "\"partition\""));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_catalog, close_catalog)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_nobody_changes_rows),
      TEST(test_days_dont_go_unsigned),
      TEST(test_a_changed_row_is_found),
      TEST(test_every_column_counts),
      TEST(test_a_removed_row_is_found),
      TEST(test_a_removed_entry_is_found),
      TEST(test_an_inserted_row_is_found),
      TEST(test_a_backdated_row_is_found),
      TEST(test_an_inserted_entry_is_found),
      TEST(test_a_cut_off_end_is_found),
      TEST(test_a_careful_cut_is_found_by_anchors),
      TEST(test_a_forged_anchor_is_found),
      TEST(test_late_commits_are_sealed),
      TEST(test_many_rows_in_batches),
      TEST(test_refusals_are_counted),
      TEST(test_days_are_kept_as_declared),
      TEST(test_days_come_and_go), /* the last one: the clock of this process has run ahead */
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
