/* postmaster.pid as PostgreSQL writes it, cut short, and as an enemy would. */
#include "compute/postmaster_pid.h"

#include "core/io.h"
#include "core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char written[] = "4711\n/pool/volumes/vol-a/data\n1700000000\n5432\n/run/ep-a\n\n"
                              "  10952842        5\nready   \n";

static void test_whole_file(void **state) {
  PostmasterPid file;
  assert_true(postmaster_pid_decode(written, strlen(written), &file));
  assert_int_equal(file.pid, 4711);
  assert_string_equal(file.data, "/pool/volumes/vol-a/data");
  assert_true(file.has_memory);
  assert_int_equal(file.memory_key, 10952842);
  assert_int_equal(file.memory_id, 5);
}

/* Each line is written when it is known, so every beginning is met in practice. */
static void test_every_beginning(void **state) {
  for (size_t length = 5; length < strlen(written); length++) {
    PostmasterPid file;
    assert_true(postmaster_pid_decode(written, length, &file));
    assert_int_equal(file.pid, 4711);
    assert_true(!file.has_memory || length > strlen(written) - strlen("5\nready   \n"));
  }
}

static void test_lone_server(void **state) {
  PostmasterPid file;
  assert_true(postmaster_pid_decode("-4711\n/data\n", 12, &file));
  assert_int_equal(file.pid, 4711);
}

static void test_nonsense(void **state) {
  static const char *const texts[] = {"",      "\n",          "abc\n", "0\n",
                                      "1\n",   "-1\n",        "12x\n", "99999999999999999999999\n",
                                      "--5\n", "2147483648\n"};
  for (size_t at = 0; at < ARRAY_LENGTH(texts); at++) {
    PostmasterPid file;
    assert_false(postmaster_pid_decode(texts[at], strlen(texts[at]), &file));
  }
}

static void test_bad_memory_line(void **state) {
  static const char *const lines[] = {
      "", "5", "5 x", "-5 3", "5 -3", "99999999999 1", "1 99999999999", "1 2 3"};
  for (size_t at = 0; at < ARRAY_LENGTH(lines); at++) {
    AUTO(str_free) char *text = str_format("4711\n/d\n1\n5432\n/r\n\n%s\n", lines[at]);
    PostmasterPid file;
    assert_true(postmaster_pid_decode(text, strlen(text), &file));
    assert_false(file.has_memory);
  }
}

static void test_too_long_directory_is_left_out(void **state) {
  AUTO_RELEASE(buffer_release) Buffer text = {0};
  buffer_add_text(&text, "4711\n/");
  for (int at = 0; at < 5000; at++)
    buffer_add_text(&text, "x");
  PostmasterPid file;
  assert_true(postmaster_pid_decode(text.text, text.length, &file));
  assert_string_equal(file.data, "");
  assert_false(postmaster_pid_decode(text.text, POSTMASTER_PID_LIMIT + 1, &file));
}

/* What isn't a file of ours counts as no file. */
static void test_links_and_fifos(void **state) {
  char directory[] = "/tmp/bough-pidfile-XXXXXX";
  assert_non_null(mkdtemp(directory));
  AUTO_RELEASE(tree_guard_release) TreeGuard guard = {directory};
  AUTO(str_free) char *real = path_join(directory, "real");
  AUTO(str_free) char *link = path_join(directory, "link");
  AUTO(str_free) char *fifo = path_join(directory, "fifo");
  AUTO(str_free) char *missing = path_join(directory, "missing");
  Error err = ERROR_INIT;
  PostmasterPid file;
  assert_true(io_write_file(real, written, strlen(written), 0600, &err));
  assert_int_equal(symlink(real, link), 0);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_true(postmaster_pid_read(real, &file, &err));
  assert_int_equal(file.pid, 4711);
  const char *const others[] = {link, fifo, missing};
  for (size_t at = 0; at < ARRAY_LENGTH(others); at++) {
    assert_true(postmaster_pid_read(others[at], &file, &err));
    assert_int_equal(file.pid, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_file),      cmocka_unit_test(test_every_beginning),
      cmocka_unit_test(test_lone_server),     cmocka_unit_test(test_nonsense),
      cmocka_unit_test(test_bad_memory_line), cmocka_unit_test(test_too_long_directory_is_left_out),
      cmocka_unit_test(test_links_and_fifos),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
