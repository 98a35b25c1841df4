/* Who is near the end or past it, schedules, and messages to the outside, against a real server. */
#include "catalog/expiry.h"
#include "catalog/policy.h"
#include "catalog/schedule.h"

#include "core/str.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000LL
#define HOUR (3600 * SECOND)
#define NOW (1700000000 * SECOND)

static Cluster *cluster;
static Catalog *catalog;
static ProjectRow project;
static Error err;

#define REQUIRE(call)                                                                              \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    if (!(call))                                                                                   \
      fail_msg("%s: %s", error_info(err.code)->code, err.message);                                 \
  } while (0)

static int set_up(void **state) {
  cluster = cluster_started((const char *[]){"fsync=off", NULL});
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

static int open_catalog(void **state) {
  str_free(cluster_sql(cluster, "postgres", "CREATE DATABASE system TEMPLATE template0"));
  AUTO(str_free)
  char *conninfo = str_format("host=%s user=postgres dbname=system", cluster->root);
  REQUIRE(catalog_migrate(conninfo, &err));
  REQUIRE(catalog_open(conninfo, &catalog, &err));
  project = (ProjectRow){.state = ROW_READY, .name = "shop", .created_by = "ann"};
  id_new("prj", project.id);
  REQUIRE(project_insert(catalog, &project, &err));
  return 0;
}

static int close_catalog(void **state) {
  catalog_free(STEAL(catalog));
  str_free(cluster_sql(cluster, "postgres", "DROP DATABASE system WITH (FORCE)"));
  return 0;
}

/* A ready branch that was made an hour before NOW. */
static BranchRow branch(const char *name, const char *by, const char *parent, int64_t expires_at) {
  BranchRow row = {.state = ROW_READY, .size_class = "small", .expires_at = expires_at};
  id_new("br", row.id);
  id_new("vol", row.volume);
  row.created_at = NOW - HOUR;
  (void)snprintf(row.project, sizeof row.project, "%s", project.id);
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  (void)snprintf(row.kind, sizeof row.kind, "feature");
  (void)snprintf(row.parent, sizeof row.parent, "%s", parent);
  (void)snprintf(row.created_by, sizeof row.created_by, "%s", by);
  REQUIRE(branch_insert(catalog, &row, &err));
  return row;
}

/* The names of what is due, those with children with a '+'. */
static void assert_due(int64_t now, const char *expected) {
  ExpiryDue *due = NULL;
  size_t count = 0;
  AUTO_RELEASE(buffer_release) Buffer names = {0};
  buffer_add_text(&names, "");
  REQUIRE(expiry_list_due(catalog, now, 10, &due, &count, &err));
  for (size_t at = 0; at < count; at++) {
    BranchRow row;
    REQUIRE(branch_get(catalog, due[at].branch, &row, &err));
    buffer_add_format(&names, "%s%s%s", at > 0 ? " " : "", row.name,
                      due[at].has_children ? "+" : "");
  }
  mem_free(due);
  assert_string_equal(names.text, expected);
}

static void assert_near(int64_t now, const char *expected) {
  BranchRow *rows = NULL;
  size_t count = 0;
  AUTO_RELEASE(buffer_release) Buffer names = {0};
  buffer_add_text(&names, "");
  REQUIRE(expiry_list_near(catalog, now, 10, &rows, &count, &err));
  for (size_t at = 0; at < count; at++)
    buffer_add_format(&names, "%s%s", at > 0 ? " " : "", rows[at].name);
  mem_free(rows);
  assert_string_equal(names.text, expected);
}

static void test_due(void **state) {
  assert_due(NOW, "");
  BranchRow one = branch("one", "ann", "", NOW);
  (void)branch("later", "ann", "", NOW + 1);
  (void)branch("never", "ann", "", 0);
  BranchRow kept = branch("kept", "ann", "", NOW - HOUR);
  kept.is_protected = true;
  REQUIRE(branch_update(catalog, &kept, &err));
  BranchRow root = branch("root", "ann", "", NOW - HOUR);
  (void)snprintf(root.kind, sizeof root.kind, "root");
  REQUIRE(branch_update(catalog, &root, &err));
  BranchRow tier = branch("tier", "ann", "", NOW - HOUR);
  REQUIRE(tier_bind(catalog, project.id, "staging", tier.id, &err));
  assert_due(NOW - 1, "");
  assert_due(NOW, "one");
  REQUIRE(expiry_postpone(catalog, one.id, NOW + SECOND, &err));
  assert_due(NOW, "");
  assert_due(NOW + SECOND, "one later");
  REQUIRE(expiry_set(catalog, one.id, NOW + HOUR, &err));
  assert_due(NOW + SECOND, "later");
  REQUIRE(expiry_set(catalog, one.id, 0, &err));
  assert_due(NOW + 1000 * HOUR, "later");
}

static void test_turns(void **state) {
  (void)branch("ann-1", "ann", "", NOW - 9);
  (void)branch("ann-2", "ann", "", NOW - 8);
  (void)branch("ann-3", "ann", "", NOW - 7);
  (void)branch("bob-1", "bob", "", NOW - 1);
  (void)branch("eve-1", "eve", "", NOW - 2);
  assert_due(NOW, "ann-1 eve-1 bob-1 ann-2 ann-3");
}

static void test_children(void **state) {
  bool has = false;
  BranchRow parent = branch("parent", "ann", "", NOW - 2);
  BranchRow child = branch("child", "ann", parent.id, 0);
  assert_due(NOW, "parent+");
  REQUIRE(expiry_has_children(catalog, parent.id, &has, &err));
  assert_true(has);
  parent.expired_at = NOW;
  REQUIRE(branch_update(catalog, &parent, &err));
  assert_due(NOW, "");
  child.state = ROW_DELETING;
  REQUIRE(branch_update(catalog, &child, &err));
  assert_due(NOW, "");
  child.state = ROW_DELETED;
  REQUIRE(branch_update(catalog, &child, &err));
  assert_due(NOW, "parent");
  REQUIRE(expiry_has_children(catalog, parent.id, &has, &err));
  assert_false(has);
}

static void test_near(void **state) {
  bool first = false;
  BranchRow one = branch("one", "ann", "", NOW + 3 * HOUR); /* of four hours: one before */
  (void)branch("long", "ann", "", NOW + 1000 * HOUR);
  assert_near(NOW + 2 * HOUR - 1, "");
  assert_near(NOW + 2 * HOUR, "one");
  assert_near(NOW + 976 * HOUR, "long"); /* a day before; one's time is over */
  REQUIRE(expiry_set_warned(catalog, &one, NOW, &first, &err));
  assert_true(first);
  REQUIRE(expiry_set_warned(catalog, &one, NOW, &first, &err));
  assert_false(first);
  assert_near(NOW + 2 * HOUR, "");
  REQUIRE(expiry_set(catalog, one.id, NOW + 7 * HOUR, &err));
  REQUIRE(expiry_set_warned(catalog, &one, NOW, &first, &err)); /* with the end that it had */
  assert_false(first);
  assert_near(NOW + 5 * HOUR, "one");
}

static void test_reaper_row(void **state) {
  ReaperRow row = {0};
  REQUIRE(reaper_get(catalog, &row, &err));
  assert_string_equal(row.boot, "");
  ReaperRow written = {.boot = "boot-1", .boottime_us = 5, .wall_us = NOW, .held_until_us = 9};
  for (int round = 0; round < 2; round++) {
    written.jumped_at = round * NOW;
    written.jump_us = -round * HOUR;
    REQUIRE(reaper_set(catalog, &written, &err));
    REQUIRE(reaper_get(catalog, &row, &err));
    assert_memory_equal(&row, &written, sizeof row);
  }
}

static void sync(const char *wanted, int64_t now) {
  AUTO(json_free) json_t *list = json_loads(wanted, 0, NULL);
  assert_non_null(list);
  REQUIRE(schedule_sync(catalog, project.id, list, now, &err));
}

static void assert_schedule(const char *tier, int64_t handled_at, const char *outcome) {
  ScheduleRow row;
  bool found = false;
  REQUIRE(schedule_get(catalog, project.id, tier, &row, &found, &err));
  assert_int_equal(found, handled_at != 0);
  assert_true(!found || row.handled_at == handled_at);
  assert_string_equal(found ? row.outcome : "", outcome);
}

#define STAGING "{\"tier\":\"staging\",\"expression\":\"0 2 * * *\",\"zone\":\"UTC\"}"
#define TEST_TIER "{\"tier\":\"test\",\"expression\":\"@weekly\",\"zone\":\"UTC\"}"

static void test_schedules(void **state) {
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_MIGRATION_FAILED, "no such table");
  sync("[" STAGING "]", NOW);
  assert_schedule("staging", NOW, "");
  sync("[" STAGING "," TEST_TIER "]", NOW + HOUR);
  assert_schedule("staging", NOW, ""); /* nothing of it has changed */
  assert_schedule("test", NOW + HOUR, "");
  REQUIRE(schedule_set_started(catalog, project.id, "staging", &err));
  assert_schedule("staging", NOW, "running");
  REQUIRE(
      schedule_set_finished(catalog, project.id, "staging", NOW + 2 * HOUR, "", &failure, &err));
  assert_schedule("staging", NOW + 2 * HOUR, "failed");
  REQUIRE(
      schedule_set_finished(catalog, project.id, "staging", NOW, "op-aaaaaaaaaaaa", NULL, &err));
  assert_schedule("staging", NOW + 2 * HOUR, "done"); /* it never goes back */
  sync("[{\"tier\":\"staging\",\"expression\":\"0 3 * * *\",\"zone\":\"UTC\"}]", NOW + 9 * HOUR);
  assert_schedule("staging", NOW + 9 * HOUR, "done");
  assert_schedule("test", 0, "");
  ScheduleRow *rows = NULL;
  size_t count = 0;
  REQUIRE(schedule_list(catalog, NULL, &rows, &count, &err));
  assert_int_equal(count, 1);
  assert_string_equal(rows[0].expression, "0 3 * * *");
  mem_free(rows);
}

static void test_webhooks(void **state) {
  AUTO(json_free) json_t *body = json_pack("{s:s}", "event", "branch.expiring");
  Error failure = ERROR_INIT;
  WebhookRow row = {0};
  bool found = false;
  int64_t given_up = -1;
  int64_t future = NOW + 1000000 * HOUR;
  (void)error_set(&failure, ERROR_TIMEOUT, "nobody there");
  REQUIRE(webhook_next(catalog, future, &row, &found, &err));
  assert_false(found);
  REQUIRE(webhook_insert(catalog, "branch.expiring", body, &err));
  REQUIRE(webhook_next(catalog, future, &row, &found, &err));
  assert_true(found);
  assert_string_equal(json_string_or(row.body, "event", ""), "branch.expiring");
  int64_t id = row.id;
  webhook_row_release(&row);
  REQUIRE(webhook_tried(catalog, id, &failure, future, &err));
  REQUIRE(webhook_next(catalog, future - 1, &row, &found, &err));
  assert_false(found);
  REQUIRE(webhook_next(catalog, future, &row, &found, &err));
  assert_int_equal(row.attempts, 1);
  webhook_row_release(&row);
  REQUIRE(webhook_tried(catalog, id, &failure, 0, &err));
  REQUIRE(webhook_count_given_up(catalog, &given_up, &err));
  assert_int_equal(given_up, 1);
  REQUIRE(webhook_insert(catalog, "branch.expired", body, &err));
  REQUIRE(webhook_next(catalog, future, &row, &found, &err));
  assert_true(found && row.id != id);
  REQUIRE(webhook_tried(catalog, row.id, NULL, 0, &err));
  webhook_row_release(&row);
  REQUIRE(webhook_count_given_up(catalog, &given_up, &err));
  assert_int_equal(given_up, 1);
  REQUIRE(webhook_sweep(catalog, future, &err));
  REQUIRE(webhook_count_given_up(catalog, &given_up, &err));
  assert_int_equal(given_up, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_catalog, close_catalog)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_due),        TEST(test_turns),     TEST(test_children), TEST(test_near),
      TEST(test_reaper_row), TEST(test_schedules), TEST(test_webhooks),
  };
  return cmocka_run_group_tests_name("expiry", tests, set_up, tear_down);
}
