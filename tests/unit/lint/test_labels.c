/* Another linter's labelled cases: where its rule is said to find something ours does, and the
 * other way round. Judged per labelled rule; every disagreement stands in a list with its reason,
 * and the list may hold nothing that isn't one. All other SQL that is there passes through as well.
 */
#include "core/io.h"
#include "lint_testing.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_LIMIT = 8 * 1024 * 1024, OPEN_DIRECTORIES = 16, RULES_LIMIT = 4 };

/* Their rule and ours that look for the same. */
static const struct {
  const char *theirs;
  const char *ours[RULES_LIMIT];
} mapping[] = {
    {"AddingFieldWithDefault", {"add-volatile-default", "add-generated-column"}},
    {"AddingForeignKeyConstraint", {"foreign-key-not-valid"}},
    {"AddingNotNullableField", {"set-not-null"}},
    {"AddingRequiredField", {"add-required-column"}},
    {"AddingSerialPrimaryKeyField", {"primary-key"}},
    {"BanAlterDomainWithAddConstraint", {"domain-constraint-added"}},
    {"BanCharField", {"char-type"}},
    {"BanConcurrentIndexCreationInTransaction", {"outside-in-transaction"}},
    {"BanCreateDomainWithConstraint", {"domain-with-constraint"}},
    {"BanDropColumn", {"drop-column"}},
    {"BanDropDatabase", {"drop-database"}},
    {"BanDropNotNull", {"drop-not-null"}},
    {"BanDropTable", {"drop-table"}},
    {"BanDuplicateColumnAssignments", {"duplicate-column"}},
    {"BanTruncateCascade", {"truncate-cascade"}},
    {"BanUncommittedTransaction", {"transaction-uncommitted"}},
    {"ChangingColumnType", {"change-column-type"}},
    {"ConstraintMissingNotValid",
     {"check-not-valid", "foreign-key-not-valid", "validate-in-same-transaction"}},
    {"DisallowUniqueConstraint", {"unique-constraint"}},
    {"DisallowedUniqueConstraint", {"unique-constraint"}},
    {"IdentifierTooLong", {"identifier-too-long"}},
    {"PreferBigintOverInt", {"int-column"}},
    {"PreferBigintOverSmallint", {"smallint-column"}},
    {"PreferIdentity", {"serial-type"}},
    {"PreferRepack", {"vacuum-full"}},
    {"PreferRobustStmts", {"not-idempotent"}},
    {"PreferTextField", {"varchar-limit"}},
    {"PreferTimestampTz", {"timestamp-without-zone"}},
    {"RenamingColumn", {"rename-column"}},
    {"RenamingTable", {"rename-table"}},
    {"RequireConcurrentIndexCreation", {"index-not-concurrent"}},
    {"RequireConcurrentIndexDeletion", {"drop-index-not-concurrent"}},
    {"RequireConcurrentPartitionDetach", {"detach-not-concurrent"}},
    {"RequireConcurrentReindex", {"reindex-not-concurrent"}},
    {"RequireEnumValueOrdering", {"enum-value-order"}},
    {"RequireLockTimeout", {"lock-timeout"}},
    {"RequireStatementTimeout", {"statement-timeout"}},
    {"RequireTableSchema", {"schema-not-named"}},
    {"RequireTimeoutSettings", {"lock-timeout", "statement-timeout"}},
    {"TransactionNesting", {"transaction-nesting"}},
};

#define VERSION_11                                                                                 \
  "the label is for PostgreSQL 11; since 12 this neither rewrites nor reads the table"
#define VERSION_19                                                                                 \
  "their rule recommends REPACK, which comes with 19; ours warns of the lock in every version"
#define OTHER_MARKS "about that program's own comments; ours are tried by test_rules.c"

static const struct {
  const char *rule;
  const char *test;
  const char *reason;
} disagreements[] = {
    {"AddingFieldWithDefault", "docs_example_error_on_pg_11", VERSION_11},
    {"AddingNotNullableField", "regression_gh_issue_628_pg11_with_validated_check_err", VERSION_11},
    {"AddingNotNullableField", "pg11_cross_migration_validate_then_set_not_null_err", VERSION_11},
    {"PreferRepack", "cluster_below_pg19_ok", VERSION_19},
    {"PreferRepack", "vacuum_full_below_pg19_ok", VERSION_19},
    {"BanCharField", "all_the_types",
     "PostgreSQL's parser refuses \"int array[]\", which is found as syntax-error instead"},
    {"Ignore", "ignore_multiple_stmts", OTHER_MARKS},
    {"Ignore", "starting_line_aka_zero", OTHER_MARKS},
    {"Ignore", "regression_unknown_name", OTHER_MARKS},
    {"Ignore", "file_level_only_ignores_specific_rules", OTHER_MARKS},
    {"Ignore", "file_ignore_at_end_of_file_is_fine", OTHER_MARKS},
    {"Ignore", "file_ignore_with_invalid_rules", OTHER_MARKS},
    {"Ignore", "file_ignore_with_trailing_comment", OTHER_MARKS},
    {"Ignore", "line_ignore_with_trailing_comment", OTHER_MARKS},
};

static const char *directory;

static bool is_explained(const char *rule, const char *test) {
  for (size_t at = 0; at < ARRAY_LENGTH(disagreements); at++)
    if (str_equal(disagreements[at].rule, rule) && str_equal(disagreements[at].test, test))
      return true;
  return false;
}

static const char *const *ours_for(const char *theirs) {
  for (size_t at = 0; at < ARRAY_LENGTH(mapping); at++)
    if (strcmp(mapping[at].theirs, theirs) == 0)
      return mapping[at].ours;
  return NULL;
}

static bool finds(const char *sql, const char *const *rules, bool in_transaction) {
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  LintOptions options = {.taste = true};
  /* their way to say that a file brings its own transaction */
  bool without = strstr(sql, "squawk-disable-assume-in-transaction") != NULL;
  LintInput input = {.file = "case.sql",
                     .text = sql,
                     .length = strlen(sql),
                     .in_transaction = in_transaction && !without};
  Error err = ERROR_INIT;
  if (!lint_file(&input, &options, &report, &err))
    fail_msg("%s", err.message);
  for (size_t at = 0; at < RULES_LIMIT && rules[at] != NULL; at++)
    if (count_rule(&report, rules[at]) > 0)
      return true;
  return false;
}

static json_t *read_cases(void) {
  AUTO(str_free) char *path = path_join(directory, "lint/squawk/cases.json");
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  json_t *cases = NULL;
  Error err = ERROR_INIT;
  if (!io_read_file(path, FILE_LIMIT, &text, &length, &err) ||
      !json_parse(text, length, &cases, &err))
    fail_msg("%s", err.message);
  return cases;
}

static void test_labels(void **state) {
  if (directory == NULL)
    skip();
  AUTO(json_free) json_t *cases = read_cases();
  size_t at = 0;
  json_t *one = NULL;
  size_t agreed = 0;
  size_t explained = 0;
  size_t wrong = 0;
  json_array_foreach(cases, at, one) {
    const char *rule = json_string_or(one, "rule", "");
    const char *expected = json_string_or(one, "expect", "");
    const char *test = json_string_or(one, "test", "");
    const char *const *ours = ours_for(rule);
    if (strcmp(expected, "meta") == 0)
      continue; /* about that program, not about SQL */
    bool same = ours != NULL && finds(json_string_or(one, "sql", ""), ours,
                                      json_bool_or(one, "assume_in_transaction", false)) ==
                                    (strcmp(expected, "violation") == 0);
    bool listed = is_explained(rule, test);
    agreed += same;
    explained += !same && listed;
    wrong += same == listed;
    if (same == listed)
      print_message("%s, %s: expected %s\n", rule, test, expected);
  }
  print_message("%zu of %zu labels agreed, %zu disagreements explained\n", agreed,
                agreed + explained + wrong, explained);
  assert_int_equal(wrong, 0);
  assert_int_equal(explained, ARRAY_LENGTH(disagreements));
}

static struct {
  int files;
  size_t findings;
} seen;

static int lint_one(const char *path, const struct stat *status, int type, struct FTW *ftw) {
  AUTO(str_free) char *text = NULL;
  AUTO_RELEASE(lint_report_release) LintReport report = {0};
  LintOptions options = {.taste = true, .idempotent = true};
  Error err = ERROR_INIT;
  size_t length = 0;
  if (type != FTW_F || !str_ends(path, ".sql"))
    return 0;
  if (!io_read_file(path, FILE_LIMIT, &text, &length, &err))
    fail_msg("%s", err.message);
  LintInput input = {.file = path, .text = text, .length = length, .undo = "SELECT 1"};
  seen.files++;
  if (lint_file(&input, &options, &report, &err)) /* else: in another encoding */
    seen.findings += report.count;
  return 0;
}

static void test_corpus(void **state) {
  if (directory == NULL)
    skip();
  assert_int_equal(nftw(directory, lint_one, OPEN_DIRECTORIES, FTW_PHYS), 0);
  print_message("%d files, %zu findings\n", seen.files, seen.findings);
  assert_true(seen.files > 1000 && seen.findings > 1000);
}

static int set_up(void **state) {
  directory = getenv("BOUGH_TEST_DATA");
  directory = directory == NULL ? TEST_DATA : directory;
  AUTO(str_free) char *probe = path_join(directory, "lint");
  if (!io_is_directory(probe)) {
    print_message("skipped: the labelled cases aren't there (BOUGH_TEST_DATA)\n");
    directory = NULL;
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_labels),
      cmocka_unit_test(test_corpus),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
