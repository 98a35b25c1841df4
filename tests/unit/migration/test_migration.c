/* Folders of migrations: layouts are found out, versions are in their tool's order, sections end
 * where they must, and what can't be understood is named. Real histories are read where they are
 * there. */
#include "core/io.h"
#include "core/str.h"
#include "migration/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Pair {
  const char *path, *text;
} Pair;

static void add_all(MigrationFiles *files, const Pair *pairs) {
  for (; pairs->path != NULL; pairs++)
    migration_files_add(files, pairs->path, pairs->text, strlen(pairs->text));
}

static bool parse(const Pair *pairs, const char *layout, MigrationSet *ret, Error *err) {
  AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
  add_all(&files, pairs);
  return migration_parse(&files, layout, ret, err);
}

/* "VERSION:name[down]" of all, in their order. */
static char *outline(const MigrationSet *set) {
  Buffer text = {0};
  for (size_t at = 0; at < set->count; at++)
    buffer_add_format(&text, "%s%s:%s%s%s", at > 0 ? " " : "", set->items[at].version,
                      set->items[at].name, set->items[at].down != NULL ? "[down]" : "",
                      set->items[at].up_alone ? "[alone]" : "");
  return buffer_steal(&text);
}

static void expect(const Pair *pairs, const char *layout, const char *found, const char *wanted) {
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  Error err = ERROR_INIT;
  if (!parse(pairs, layout, &set, &err))
    fail_msg("%s", err.message);
  AUTO(str_free) char *text = outline(&set);
  assert_string_equal(migration_layout_name(set.layout), found);
  assert_string_equal(text, wanted);
}

static void expect_refusal(const Pair *pairs, const char *layout, ErrorCode code,
                           const char *words) {
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  Error err = ERROR_INIT;
  assert_false(parse(pairs, layout, &set, &err));
  assert_int_equal(err.code, code);
  if (strstr(err.message, words) == NULL)
    fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void test_layouts(void **state) {
  expect((Pair[]){{"20260101000000_a.sql", "select 1"},
                  {"20260101000000_a.undo.sql", "select 2"},
                  {"20260102000000_b.sql", "-- bough: no-transaction\nselect 3"},
                  {NULL}},
         NULL, "bough", "20260101000000:a[down] 20260102000000:b[alone]");
  expect((Pair[]){{"V1.10__x.sql", ""},
                  {"V1.9__y.sql", ""},
                  {"sub/V1_2__z.sql", ""},
                  {"U1.9__y.sql", ""},
                  {"R__views.sql", ""},
                  {"V1.9__y.sql.conf", "executeInTransaction=false\n"},
                  {NULL}},
         NULL, "flyway", "1.2:z 1.9:y[down][alone] 1.10:x :views");
  expect((Pair[]){{"10_b.up.sql", ""}, {"9_a.up.sql", ""}, {"9_a.down.sql", ""}, {NULL}}, NULL,
         "numbered", "9:a[down] 10:b");
  expect((Pair[]){{"V0002.B.up.sql", ""}, {"V0001.A.up.sql", ""}, {NULL}}, NULL, "numbered",
         "0001:A 0002:B");
  expect((Pair[]){{"0000_b.up.sql", ""}, {"0000_a.up.sql", ""}, {NULL}}, "stem", "stem",
         "0000_a:0000_a 0000_b:0000_b");
  expect((Pair[]){{"2026-01-31-120000_a/up.sql", ""},
                  {"2026-01-31-120000_a/down.sql", ""},
                  {"20260131115959_b/up.sql", ""},
                  {"20260131115959_b/metadata.toml", "run_in_transaction = false\n"},
                  {NULL}},
         NULL, "directories", "20260131115959:b[alone] 20260131120000:a[down]");
  expect((Pair[]){{"1_a.sql", "-- migrate:up transaction:false\nselect 1;\n-- migrate:down\nx"},
                  {NULL}},
         NULL, "dbmate", "1:a[down][alone]");
  expect((Pair[]){{"00001_a.sql", "-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;\n"},
                  {"00002_b.sql", "-- +goose NO TRANSACTION\n-- +goose up\nselect 1;\n"},
                  {NULL}},
         NULL, "goose", "00001:a[down] 00002:b[alone]");
}

static void test_long_numbers_are_compared_as_numbers(void **state) {
  assert_true(migration_version_compare(LAYOUT_NUMBERED, "20150101000001000000",
                                        "20150101000001000001") < 0);
  assert_true(migration_version_compare(LAYOUT_NUMBERED, "99999999999999999999",
                                        "100000000000000000000") < 0);
  assert_int_equal(migration_version_compare(LAYOUT_NUMBERED, "007", "7"), 0);
  assert_int_equal(migration_version_compare(LAYOUT_FLYWAY, "1.0", "1"), 0);
  assert_true(migration_version_compare(LAYOUT_FLYWAY, "1.0.1", "1") > 0);
  assert_true(migration_version_compare(LAYOUT_FLYWAY, "2", "1.99") > 0);
}

static void test_refusals(void **state) {
  expect_refusal((Pair[]){{"1_a.up.sql", ""}, {"01_b.up.sql", ""}, {NULL}}, NULL,
                 ERROR_MIGRATION_COLLISION, "1_a.up.sql");
  expect_refusal((Pair[]){{"1_a.up.sql", ""}, {"notes.sql", ""}, {NULL}}, NULL,
                 ERROR_MIGRATION_INVALID, "notes.sql");
  expect_refusal((Pair[]){{"1_a.up.sql", ""}, {NULL}}, "numbers", ERROR_USAGE, "numbers");
  expect_refusal((Pair[]){{"README", ""}, {NULL}}, NULL, ERROR_NOTHING_TO_DO, "no migrations");
  expect_refusal((Pair[]){{"1_a.sql", "-- +goose Up\n-- +goose StatementBegin\n"}, {NULL}}, NULL,
                 ERROR_MIGRATION_INVALID, "StatementEnd");
  expect_refusal((Pair[]){{"1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON\n"}, {NULL}}, NULL,
                 ERROR_MIGRATION_INVALID, "line 2");
  expect_refusal((Pair[]){{"1_a.sql", "-- migrate:up\n-- migrate:up\n"}, {NULL}}, NULL,
                 ERROR_MIGRATION_INVALID, "line 2");
  expect_refusal((Pair[]){{"1_a.sql", "-- migrate:up transaction:maybe\n"}, {NULL}}, "dbmate",
                 ERROR_MIGRATION_INVALID, "line 1");
}

static void test_sections_keep_line_numbers(void **state) {
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  assert_true(
      parse((Pair[]){{"1_a.sql", "-- note\n-- +goose Up\nup;\n-- +goose Down\ndown;"}, {NULL}},
            NULL, &set, NULL));
  assert_string_equal(set.items[0].up, "\n\nup;\n\n");
  assert_string_equal(set.items[0].down, "\n\n\n\ndown;\n");
}

static void test_what_is_left_out_is_noted(void **state) {
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  assert_true(parse((Pair[]){{"1_a.up.sql", ""}, {"2_b.down.sql", ""}, {"x.sql", ""}, {NULL}},
                    "numbered", &set, NULL));
  assert_int_equal(set.count, 1);
  assert_int_equal(json_array_size(set.notes), 2);
}

static void test_checksums(void **state) {
  char a[MIGRATION_CHECKSUM_SIZE];
  char b[MIGRATION_CHECKSUM_SIZE];
  migration_checksum("select 1;\nselect 2;\n", a);
  migration_checksum("\xEF\xBB\xBFselect 1;\r\nselect 2;\r\n\r\n ", b);
  assert_string_equal(a, b);
  migration_checksum("select 1;\nselect  2;\n", b);
  assert_string_not_equal(a, b);
}

static void test_json_is_checked(void **state) {
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  AUTO_RELEASE(migration_set_release) MigrationSet back = {0};
  assert_true(
      parse((Pair[]){{"1_a.up.sql", "x"}, {"1_a.down.sql", "y"}, {"2_b.up.sql", "z"}, {NULL}}, NULL,
            &set, NULL));
  AUTO(json_free) json_t *object = migration_set_to_json(&set);
  assert_true(migration_set_from_json(object, &back, NULL));
  AUTO(str_free) char *text = outline(&back);
  assert_string_equal(text, "1:a[down] 2:b");
  json_t *first = json_array_get(json_object_get(object, "migrations"), 0);
  (void)json_object_set_new(first, "version", json_string("3"));
  assert_false(migration_set_from_json(object, &back, NULL));
  (void)json_object_set_new(first, "version", json_string("1'; drop"));
  assert_false(migration_set_from_json(object, &back, NULL));
}

static void test_folder(void **state) {
  char folder[] = "/tmp/bough-migration-XXXXXX";
  assert_non_null(mkdtemp(folder));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {folder};
  AUTO(json_free) json_t *made = NULL;
  assert_true(migration_new(folder, "add_x", &made, NULL));
  assert_false(migration_new(folder, "../x", &made, NULL));
  AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
  AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
  assert_true(migration_files_read(folder, &files, NULL));
  assert_true(migration_parse(&files, NULL, &set, NULL));
  assert_int_equal(set.count, 1);
  assert_non_null(set.items[0].down);
  AUTO(str_free) char *link = path_join(folder, "20990101000000_link.sql");
  assert_int_equal(symlink("/etc/passwd", link), 0);
  MigrationFiles none = {0};
  Error err = ERROR_INIT;
  assert_false(migration_files_read(folder, &none, &err));
  assert_non_null(strstr(err.message, "is a link"));
}

static void test_real_histories(void **state) {
  static const struct {
    const char *folder, *layout;
    size_t count;
  } histories[] = {{"gitness", "stem", 93},
                   {"concourse", "stem", 149},
                   {"authelia", NULL, 26},
                   {"exposure_notifications", NULL, 80},
                   {"hydra", NULL, 228}};
  const char *data = getenv("BOUGH_TEST_DATA");
  if (data == NULL || !io_is_directory(data)) {
    print_message("real histories: BOUGH_TEST_DATA names no folder\n");
    skip();
  }
  for (size_t at = 0; at < ARRAY_LENGTH(histories); at++) {
    AUTO(str_free) char *path = str_format("%s/mig/%s", data, histories[at].folder);
    AUTO_RELEASE(migration_files_release) MigrationFiles files = {0};
    AUTO_RELEASE(migration_set_release) MigrationSet set = {0};
    Error err = ERROR_INIT;
    if (!migration_files_read(path, &files, &err) ||
        !migration_parse(&files, histories[at].layout, &set, &err))
      fail_msg("%s: %s", histories[at].folder, err.message);
    assert_int_equal(set.count, histories[at].count);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_long_numbers_are_compared_as_numbers),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_sections_keep_line_numbers),
      cmocka_unit_test(test_what_is_left_out_is_noted),
      cmocka_unit_test(test_checksums),
      cmocka_unit_test(test_json_is_checked),
      cmocka_unit_test(test_folder),
      cmocka_unit_test(test_real_histories),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
