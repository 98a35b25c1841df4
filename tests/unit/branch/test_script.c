/* Cutting dumps at \connect, and nothing else. */
#include "branch/script.h"

#include "core/io.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int file_with(const char *bytes, size_t length) {
  int fd = memfd_create("script", MFD_CLOEXEC);
  Error err = ERROR_INIT;
  assert_true(fd >= 0 && io_write(fd, bytes, length, &err));
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

/* What a script becomes: its bytes, with each change of database as "<NAME>". */
static char *pass(const char *bytes, size_t length, int64_t *ret_lines) {
  AUTO_RELEASE(fd_release) int fd = file_with(bytes, length);
  AUTO(script_reader_free) ScriptReader *reader = script_reader_new(fd);
  Buffer result = {0};
  Error err = ERROR_INIT;
  ScriptPart part = {.event = SCRIPT_BYTES};
  while (part.event != SCRIPT_END) {
    assert_true(script_read(reader, &part, &err));
    if (part.event == SCRIPT_BYTES)
      buffer_add(&result, part.bytes, part.length);
    if (part.event == SCRIPT_CONNECT)
      buffer_add_format(&result, "<%s>", part.database);
  }
  assert_int_equal(script_bytes(reader), length);
  *ret_lines = script_lines(reader);
  return buffer_steal(&result);
}

static void expect(const char *script, const char *wanted) {
  int64_t lines = 0;
  AUTO(str_free) char *got = pass(script, strlen(script), &lines);
  assert_string_equal(got, wanted);
  int64_t line_ends = 0;
  for (const char *c = script; *c != '\0'; c++)
    line_ends += *c == '\n';
  assert_in_range(lines, line_ends, line_ends + 1);
}

static void what_dumps_write_is_understood(void **state) {
  expect("", "");
  expect("select 1;\n", "select 1;\n");
  expect("a\n\\connect shop\nb\n", "a\n<shop>b\n");
  expect("\\connect \"my \"\"shop\"\n", "<my \"shop>");
  expect("\\c shop;\nb", "<shop>b");
  expect("\\connect -reuse-previous=on \"dbname='it\\'s a=b'\"\nb\n", "<it's a=b>b\n");
  expect("\\restrict abc123\nb\n\\unrestrict abc123\n", "\nb\n\n");
  expect("\\encoding SQL_ASCII\nb\n", "\nb\n");
  expect("\\connect shop", "<shop>");
}

static void anything_else_is_left_to_psql(void **state) {
  static const char *const left[] = {
      "\\! touch x\n",
      "\\connect\n",
      "\\connect shop evil\n",
      "\\connect \"dbname=x host=/tmp\" evil\n",
      "\\connect postgresql://evil@host/x\n",
      "\\connect host=/tmp\n",
      "\\c - bough_platform\n",
      "\\connect -reuse-previous=on \"dbname='x' user='bough_platform'\"\n",
      "\\connect 'x'\n",
      "\\connect :variable\n",
      "\\connect `id`\n",
      "\\connect shop \\! touch x\n",
      "\\encoding LATIN1\n",
      "\\encoding SQL_ASCII \\! touch x\n",
      "\\restrict\n",
      "\\restrict a b\n",
      "\\restrict a\\! touch x\n",
      " \\connect shop\n",
      "select 1; \\connect shop\n",
      "\\.\n",
      "\\N\t\\\\x\n",
  };
  for (size_t at = 0; at < ARRAY_LENGTH(left); at++)
    expect(left[at], left[at]);
}

static void names_that_are_too_long_are_left(void **state) {
  char script[256] = "\\connect ";
  memset(script + 9, 'x', 100);
  script[109] = '\n';
  expect(script, script);
}

/* Lines and commands lie across the reader's blocks at every offset. */
static void blocks_dont_show(void **state) {
  for (size_t padding = 65536 - 30; padding < 65536 + 5; padding++) {
    AUTO_RELEASE(buffer_release) Buffer script = {0};
    for (size_t at = 0; at < padding; at++)
      buffer_add_text(&script, "x");
    buffer_add_text(&script, "\n\\connect shop\nrest\n\\! touch x\n");
    int64_t lines = 0;
    AUTO(str_free) char *got = pass(script.text, script.length, &lines);
    assert_int_equal(lines, 4);
    assert_string_equal(got + padding, "\n<shop>rest\n\\! touch x\n");
  }
}

static void zero_bytes_pass(void **state) {
  static const char script[] = "\\connect a\0b\n\0\n";
  int64_t lines = 0;
  AUTO_RELEASE(fd_release) int fd = file_with(script, sizeof script - 1);
  AUTO(script_reader_free) ScriptReader *reader = script_reader_new(fd);
  ScriptPart part;
  Error err = ERROR_INIT;
  assert_true(script_read(reader, &part, &err));
  assert_int_equal(part.event, SCRIPT_BYTES);
  assert_int_equal(part.length, sizeof script - 1);
  assert_int_equal(lines, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_dumps_write_is_understood),
      cmocka_unit_test(anything_else_is_left_to_psql),
      cmocka_unit_test(names_that_are_too_long_are_left),
      cmocka_unit_test(blocks_dont_show),
      cmocka_unit_test(zero_bytes_pass),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
