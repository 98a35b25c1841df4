/* Folder against ledger: each state and each finding. */
#include "core/str.h"
#include "migrate/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 8 };

typedef struct Fixture {
  MigrationFiles files;
  MigrationSet set;
  LedgerRow rows[LIMIT];
  char checksums[LIMIT][MIGRATION_CHECKSUM_SIZE];
  Ledger ledger;
  Plan plan;
} Fixture;

static void fixture_release(Fixture *fixture) {
  plan_release(&fixture->plan);
  migration_set_release(&fixture->set);
  migration_files_release(&fixture->files);
}

static void add_file(Fixture *fixture, const char *path, const char *text) {
  migration_files_add(&fixture->files, path, text, strlen(text));
}

static LedgerRow *add_row(Fixture *fixture, LedgerAction action, const char *version,
                          const char *name, const char *text) {
  size_t at = fixture->ledger.count++;
  migration_checksum(text, fixture->checksums[at]);
  fixture->rows[at] = (LedgerRow){.entry = (int64_t)at,
                                  .action = action,
                                  .state = LEDGER_DONE,
                                  .statements = 2,
                                  .done = 2,
                                  .layout = "numbered",
                                  .version = version,
                                  .name = name,
                                  .checksum = fixture->checksums[at],
                                  .branch = "work",
                                  .author = "ann",
                                  .started_at = "2026-01-01T00:00:00Z"};
  return &fixture->rows[at];
}

/* "VERSION:state" of all, and the codes that were found. */
static void expect(Fixture *fixture, const char *states, const char *codes) {
  AUTO_RELEASE(buffer_release) Buffer found = {0};
  AUTO_RELEASE(buffer_release) Buffer told = {0};
  fixture->ledger.rows = fixture->rows;
  assert_true(migration_parse(&fixture->files, NULL, &fixture->set, NULL));
  plan_make(&fixture->ledger, &fixture->set, NULL, &fixture->plan);
  for (size_t at = 0; at < fixture->plan.count; at++) {
    const PlanItem *item = &fixture->plan.items[at];
    buffer_add_format(&found, "%s%s:%s", at > 0 ? " " : "",
                      item->migration != NULL ? item->migration->version : item->row->version,
                      plan_state_text(item->state));
  }
  size_t at = 0;
  const json_t *finding = NULL;
  buffer_add_text(&told, "");
  json_array_foreach(fixture->plan.findings, at, finding) {
    buffer_add_format(&told, "%s%s", at > 0 ? " " : "", json_string_or(finding, "code", "?"));
    assert_true(json_string_or(finding, "hint", "")[0] != '\0');
  }
  assert_string_equal(found.text, states);
  assert_string_equal(told.text, codes);
}

static void test_applied_and_pending(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_file(&fixture, "2_b.up.sql", "two");
  add_row(&fixture, LEDGER_APPLY, "01", "a", "one");
  expect(&fixture, "1:applied 2:pending", "");
  assert_true(plan_check(&fixture.plan, NULL, NULL));
}

static void test_taken_back(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  add_row(&fixture, LEDGER_ROLLBACK, "1", "a", "one");
  expect(&fixture, "1:pending", "");
}

static void test_a_failed_one_left_nothing(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one")->state = LEDGER_FAILED;
  expect(&fixture, "1:pending", "");
}

static void test_edited(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  Error err = ERROR_INIT;
  add_file(&fixture, "1_a.up.sql", "other");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  expect(&fixture, "1:edited", "migration-edited");
  assert_false(plan_check(&fixture.plan, NULL, &err));
  assert_int_equal(err.code, ERROR_MIGRATION_EDITED);
  AUTO(json_free) json_t *accepted = json_pack("[s]", "migration-edited");
  assert_true(plan_check(&fixture.plan, accepted, NULL));
}

static void test_collision(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_b.up.sql", "other");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  expect(&fixture, "1:collision", "migration-collision");
}

static void test_renamed_only(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_b.up.sql", "one");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  expect(&fixture, "1:applied", "");
}

static void test_out_of_order_and_ahead(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_file(&fixture, "2_b.up.sql", "two");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  add_row(&fixture, LEDGER_APPLY, "3", "c", "three");
  expect(&fixture, "1:applied 2:out-of-order 3:ahead", "migration-out-of-order migration-ahead");
}

static void test_stopped(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  LedgerRow *row = add_row(&fixture, LEDGER_APPLY, "1", "a", "one");
  row->state = LEDGER_STOPPED;
  row->done = 1;
  expect(&fixture, "1:stopped", "");
  assert_true(plan_wants(&fixture.plan.items[0]));
}

static void test_running(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one")->state = LEDGER_RUNNING;
  expect(&fixture, "1:running", "migration-interrupted");
  assert_false(plan_wants(&fixture.plan.items[0]));
}

static void test_drift(void **state) {
  AUTO_RELEASE(fixture_release) Fixture fixture = {0};
  Plan plan = {0};
  add_file(&fixture, "1_a.up.sql", "one");
  add_row(&fixture, LEDGER_APPLY, "1", "a", "one")->schema_digest = "abc";
  expect(&fixture, "1:applied", "");
  assert_string_equal(fixture.plan.drift, "unknown");
  plan_make(&fixture.ledger, &fixture.set, "abc", &plan);
  assert_string_equal(plan.drift, "matches");
  plan_release(&plan);
  plan_make(&fixture.ledger, &fixture.set, "abd", &plan);
  assert_string_equal(plan.drift, "differs");
  assert_int_equal(json_array_size(plan.findings), 1);
  plan_release(&plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_applied_and_pending),
      cmocka_unit_test(test_taken_back),
      cmocka_unit_test(test_a_failed_one_left_nothing),
      cmocka_unit_test(test_edited),
      cmocka_unit_test(test_collision),
      cmocka_unit_test(test_renamed_only),
      cmocka_unit_test(test_out_of_order_and_ahead),
      cmocka_unit_test(test_stopped),
      cmocka_unit_test(test_running),
      cmocka_unit_test(test_drift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
