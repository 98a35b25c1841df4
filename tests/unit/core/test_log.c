/* Log lines: one each, whole. */
#include "core/log.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What write_one wrote to stderr. */
static size_t captured(void (*write_one)(void), char *ret, size_t size) {
  FILE *file = tmpfile();
  int saved = dup(STDERR_FILENO);
  assert_non_null(file);
  assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
  write_one();
  assert_true(dup2(saved, STDERR_FILENO) >= 0);
  (void)close(saved);
  ssize_t length = pread(fileno(file), ret, size - 1, 0);
  assert_true(length > 0);
  ret[length] = '\0';
  (void)fclose(file);
  return (size_t)length;
}

static void write_info(void) {
  log_start("tester");
  log_info("%s %d", "text", 42);
}

static void write_longest(void) {
  char text[3000];
  Error err = ERROR_INIT;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  (void)error_set(&err, ERROR_IO, "%s", text);
  log_error(&err, "%s", text);
}

static void test_line(void **state) {
  char line[4000];
  AUTO(str_free) char *end = str_format("Z tester[%d] info: text 42\n", (int)getpid());
  (void)captured(write_info, line, sizeof line);
  assert_int_equal(strspn(line, "0123456789-T:."), strlen("2026-01-31T12:34:56.789"));
  assert_string_equal(line + strlen("2026-01-31T12:34:56.789"), end);
}

static void test_longest_line_ends(void **state) {
  char line[4000];
  size_t length = captured(write_longest, line, sizeof line);
  assert_int_equal(strlen(line), length); /* no \0 within */
  assert_ptr_equal(strchr(line, '\n'), line + length - 1);
  assert_true(length > 2 * 1023);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_line),
                                     cmocka_unit_test(test_longest_line_ends)};
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
