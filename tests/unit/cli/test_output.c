/* Units, tables and JSON as they are printed. */
#include "cli/output.h"
#include "core/io.h"
#include "core/size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_bytes(void **state) {
  static const struct {
    int64_t bytes;
    const char *text;
  } cases[] = {{-1, "unknown"},          {0, "0 B"},        {1023, "1023 B"},
               {1024, "1.0 KiB"},        {1536, "1.5 KiB"}, {5LL << 30, "5.0 GiB"},
               {INT64_MAX, "8192.0 PiB"}};
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    char text[HUMAN_SIZE];
    human_bytes(cases[at].bytes, text);
    assert_string_equal(text, cases[at].text);
  }
}

static void test_ages(void **state) {
  static const struct {
    int64_t seconds;
    const char *text;
  } cases[] = {{-1, "unknown"},           {0, "0 seconds"},          {1, "1 second"},
               {59, "59 seconds"},        {60, "1 minute"},          {7200, "2 hours"},
               {86400 * 3 + 5, "3 days"}, {86400 * 3 - 5, "3 days"}, {86400 - 5, "1 day"},
               {3599, "1 hour"},          {5399, "1 hour"},          {5400, "2 hours"}};
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    char text[HUMAN_SIZE];
    human_age(cases[at].seconds, text);
    assert_string_equal(text, cases[at].text);
  }
}

static void test_durations(void **state) {
  char text[HUMAN_SIZE];
  human_duration(23.6, text);
  assert_string_equal(text, "24 ms");
  human_duration(1840, text);
  assert_string_equal(text, "1.8 s");
}

static void test_sizes_are_read(void **state) {
  static const struct {
    const char *text;
    int64_t bytes; /* 0: refused */
  } cases[] = {{"1", 1},          {"512MiB", 512LL << 20},
               {"3G", 3LL << 30}, {"20GB", 20000000000},
               {"1T", 1LL << 40}, {"2kB", 2000},
               {"", 0},           {"0", 0},
               {"-1", 0},         {"G", 0},
               {"1.5G", 0},       {"1 G", 0},
               {"9999999T", 0},   {"99999999999999999999", 0},
               {"5X", 0}};
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    int64_t bytes = 0;
    Error err = ERROR_INIT;
    bool ok = size_parse(cases[at].text, &bytes, &err);
    if (ok != (cases[at].bytes > 0) || bytes != cases[at].bytes)
      fail_msg("\"%s\" became %lld", cases[at].text, (long long)bytes);
  }
}

/* stdout in a file while print runs; owned. */
static char *captured(void (*print)(void)) {
  char path[] = "/tmp/bough-output-XXXXXX";
  int file = mkstemp(path);
  (void)fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  assert_true(file >= 0 && saved >= 0 && dup2(file, STDOUT_FILENO) >= 0);
  print();
  (void)fflush(stdout);
  assert_true(dup2(saved, STDOUT_FILENO) >= 0);
  char *text = NULL;
  assert_true(io_read_file(path, 65536, &text, NULL, NULL));
  (void)unlink(path);
  (void)close(saved);
  (void)close(file);
  return text;
}

static void print_table(void) {
  static const char *const titles[] = {"NAME", "BY"};
  Output output = {0};
  AUTO_RELEASE(table_release) Table table;
  table_init(&table, titles, 2);
  table_add(&table, COLOUR_GOOD, "a");
  table_add(&table, COLOUR_NONE, "j\xc3\xbcrgen");
  table_add(&table, COLOUR_NONE, "longer");
  table_add(&table, COLOUR_NONE, "x\033[2Jy");
  table_print(&table, &output);
}

static void test_tables_line_up_and_hold_no_escapes(void **state) {
  AUTO(str_free) char *text = captured(print_table);
  assert_string_equal(text, "NAME    BY\n"
                            "a       j\xc3\xbcrgen\n"
                            "longer  x\\u{1b}[2Jy\n");
}

static void print_failure(void) {
  Output output = {.is_json = true};
  Error err = ERROR_INIT;
  (void)error_set(&err, ERROR_BRANCH_EXISTS, "there is a \"branch\"");
  (void)error_hint(&err, "take another name");
  output_error(&output, &err);
}

static void test_failures_are_one_json_object(void **state) {
  AUTO(str_free) char *text = captured(print_failure);
  assert_string_equal(text,
                      "{\"ok\":false,\"error\":{\"code\":\"branch-exists\",\"message\":\"there is "
                      "a \\\"branch\\\"\",\"hint\":\"take another name\"}}\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_ages),
      cmocka_unit_test(test_durations),
      cmocka_unit_test(test_sizes_are_read),
      cmocka_unit_test(test_tables_line_up_and_hold_no_escapes),
      cmocka_unit_test(test_failures_are_one_json_object),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
