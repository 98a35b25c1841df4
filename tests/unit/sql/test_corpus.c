/* Real SQL of other projects: all of it passes through, and what PostgreSQL takes is parsed. */
#include "core/io.h"
#include "core/str.h"
#include "sql/sql.h"
#include "sql/tree.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_LIMIT = 8 * 1024 * 1024, OPEN_DIRECTORIES = 16 };

static struct {
  int files;
  int statements;
  int errors;
  int messages; /* nodes of trees */
} seen;

static const char *directory;

static bool count_message(void *context, const ProtobufCMessage *message) {
  seen.messages++;
  return true;
}

/* Every part lies behind the one before and inside the text. */
static void check_order(const SqlScript *script) {
  size_t end = 0;
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    assert_true(part->start >= end && part->length <= script->length - part->start);
    end = part->start + part->length;
  }
}

static int read_one(const char *path, const struct stat *status, int type, struct FTW *ftw) {
  if (type != FTW_F || !str_ends(path, ".sql"))
    return 0;
  AUTO(str_free) char *text = NULL;
  size_t length = 0;
  Error err = ERROR_INIT;
  if (!io_read_file(path, FILE_LIMIT, &text, &length, &err))
    fail_msg("%s", err.message);
  AUTO(sql_free) SqlScript *script = NULL;
  seen.files++;
  if (!sql_parse(text, length, &script, &err))
    return 0; /* not UTF-8: a dump in another encoding */
  check_order(script);
  for (size_t at = 0; at < script->count; at++) {
    const SqlPart *part = &script->parts[at];
    tree_walk_node(part->tree, count_message, NULL);
    seen.statements += part->kind == SQL_STATEMENT;
    seen.errors += part->error != NULL;
    if (part->error != NULL && getenv("SHOW_ERRORS") != NULL)
      print_message("%s:%d: %s\n", path, part->error_position.line, part->error);
  }
  return 0;
}

static void read_all(const char *below) {
  if (directory == NULL)
    skip();
  memset(&seen, 0, sizeof(seen));
  AUTO(str_free) char *path = path_join(directory, below);
  assert_int_equal(nftw(path, read_one, OPEN_DIRECTORIES, FTW_PHYS), 0);
  print_message("%s: %d files, %d statements, %d errors, %d nodes\n", below, seen.files,
                seen.statements, seen.errors, seen.messages);
  assert_true(seen.files > 0 && seen.messages > seen.statements);
}

static void test_everything(void **state) {
  read_all("");
}

/* What runs on PostgreSQL 15 is parsed whole. A few undo files don't run there: the errors in them
 * are real ones ("DROP COLUMN x INT"). */
static void test_what_runs(void **state) {
  static const struct {
    const char *folder;
    int errors;
  } rows[] = {
      {"db", 0},
      {"mig/gitness", 1},
      {"mig/concourse", 0},
      {"mig/authelia", 0},
      {"mig/exposure_notifications", 14},
      {"mig/hydra", 0},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    read_all(rows[at].folder);
    assert_int_equal(seen.errors, rows[at].errors);
  }
}

static int set_up(void **state) {
  directory = getenv("BOUGH_TEST_DATA");
  directory = directory == NULL ? TEST_DATA : directory;
  AUTO(str_free) char *probe = path_join(directory, "mig");
  if (!io_is_directory(probe)) {
    print_message("skipped: the SQL of other projects isn't there (BOUGH_TEST_DATA)\n");
    directory = NULL;
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_everything),
      cmocka_unit_test(test_what_runs),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
