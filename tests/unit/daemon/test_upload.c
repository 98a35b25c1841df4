/* Uploads: pieces in their order, whoever sends them, and nothing but the spool's own files. */
#include "core/io.h"
#include "core/name.h"
#include "core/str.h"
#include "daemon/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/bough-upload-XXXXXX";
static const Home home = {.root = root};

static char *spool_path(const char *name) {
  return home_path(&home, "spool/%s", name);
}

static int set_up(void **state) {
  if (mkdtemp(root) == NULL)
    return -1;
  AUTO(str_free) char *spool = home_path(&home, "spool");
  return io_make_directories(spool, 0700, NULL) ? 0 : -1;
}

static int tear_down(void **state) {
  return io_remove_tree(root, NULL) ? 0 : -1;
}

static char *begin(void) {
  AUTO(json_free) json_t *result = NULL;
  Error err = ERROR_INIT;
  if (!upload_begin(&home, &result, &err))
    fail_msg("%s", err.message);
  const char *upload = json_string_or(result, "upload", "");
  assert_true(id_check("up", upload));
  return str_dup(upload);
}

/* The size that the answer tells; -1: refused. */
static int64_t put(const char *upload, const char *offset, const char *text, ErrorCode *ret_code) {
  AUTO(json_free) json_t *result = NULL;
  Error err = ERROR_INIT;
  bool ok = upload_write(&home, upload, offset, text, strlen(text), &result, &err);
  *ret_code = err.code;
  return ok ? json_integer_or(result, "size", -1) : -1;
}

static void expect_content(const char *upload, const char *text) {
  AUTO(str_free) char *path = spool_path(upload);
  AUTO(str_free) char *content = NULL;
  assert_true(io_read_file(path, 1 << 20, &content, NULL, NULL));
  assert_string_equal(content, text);
}

static void test_pieces(void **state) {
  AUTO(str_free) char *upload = begin();
  AUTO(str_free) char *path = spool_path(upload);
  ErrorCode code = ERROR_NONE;
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(put(upload, "0", "hello", &code), 5);
  assert_int_equal(put(upload, "5", "", &code), 5);
  assert_int_equal(put(upload, "5", " world", &code), 11);
  expect_content(upload, "hello world");
  assert_true(upload_remove(&home, upload, NULL));
  assert_false(io_exists(path));
  assert_true(upload_remove(&home, upload, NULL));
  assert_int_equal(put(upload, "0", "x", &code), -1);
  assert_int_equal(code, ERROR_NOTHING_TO_DO);
}

static void test_offsets(void **state) {
  static const char *const offsets[] = {
      "",
      "0",
      "4",
      "6",
      "-5",
      "5x",
      "x",
      "5.",
      "0x5",
      "5 ",
      "5\n",
      "9223372036854775807",
      "9223372036854775808",
      "99999999999999999999999",
      "18446744073709551621",
  };
  AUTO(str_free) char *upload = begin();
  ErrorCode code = ERROR_NONE;
  assert_int_equal(put(upload, "0", "hello", &code), 5);
  for (size_t at = 0; at < ARRAY_LENGTH(offsets); at++) {
    if (put(upload, offsets[at], "x", &code) != -1)
      fail_msg("offset \"%s\" passed", offsets[at]);
    assert_int_equal(code, ERROR_USAGE);
  }
  expect_content(upload, "hello");
}

static void test_ids(void **state) {
  static const char *const ids[] = {
      "",
      "up-",
      ".",
      "..",
      "../config.json",
      "up-../../../etc",
      "up-abcdefghijk/",
      "br-abcdefghijkl",
      "up-ABCDEFGHIJKL",
      "up-abcdefghijkl", /* an id, and none of ours */
  };
  AUTO(str_free) char *config = home_path(&home, "config.json");
  ErrorCode code = ERROR_NONE;
  assert_true(io_write_file(config, "", 0, 0600, NULL));
  for (size_t at = 0; at < ARRAY_LENGTH(ids); at++) {
    assert_int_equal(put(ids[at], "0", "x", &code), -1);
    assert_int_equal(code, ERROR_NOTHING_TO_DO);
    (void)!upload_remove(&home, ids[at], NULL);
  }
  AUTO(str_free) char *content = NULL;
  assert_true(io_read_file(config, 10, &content, NULL, NULL));
  assert_string_equal(content, "");
}

static void test_links_in_the_spool(void **state) {
  char id[ID_SIZE];
  id_new("up", id);
  AUTO(str_free) char *path = spool_path(id);
  AUTO(str_free) char *outside = home_path(&home, "outside");
  ErrorCode code = ERROR_NONE;
  assert_true(io_write_file(outside, "", 0, 0600, NULL));
  assert_int_equal(symlink("../outside", path), 0);
  assert_int_equal(put(id, "0", "written", &code), -1);
  assert_int_equal(code, ERROR_NOTHING_TO_DO);
  assert_true(upload_remove(&home, id, NULL));
  assert_false(io_exists(path));
  assert_true(io_exists(outside));
}

/* Many send the first piece at once: one of them is taken whole. */
static void test_concurrent_pieces(void **state) {
  enum { SENDERS = 8, LENGTH = 200 * 1000 };
  AUTO(str_free) char *upload = begin();
  pid_t senders[SENDERS];
  for (int sender = 0; sender < SENDERS; sender++)
    if ((senders[sender] = fork()) == 0) {
      char *text = mem_new(LENGTH + 1, 1);
      ErrorCode code = ERROR_NONE;
      memset(text, 'a' + sender, LENGTH);
      _exit(put(upload, "0", text, &code) == LENGTH ? 0 : 1);
    }
  int winners = 0;
  int winner = 0;
  for (int sender = 0; sender < SENDERS; sender++) {
    int status = -1;
    assert_int_equal(waitpid(senders[sender], &status, 0), senders[sender]);
    winners += status == 0;
    winner = status == 0 ? sender : winner;
  }
  AUTO(str_free) char *path = spool_path(upload);
  AUTO(str_free) char *content = NULL;
  size_t length = 0;
  const char only[] = {(char)('a' + winner), '\0'};
  assert_true(io_read_file(path, 2 * LENGTH, &content, &length, NULL));
  assert_int_equal(winners, 1);
  assert_int_equal(length, LENGTH);
  assert_int_equal(strspn(content, only), LENGTH);
}

static void test_without_spool(void **state) {
  const Home elsewhere = {.root = (char *)"/nonexistent"};
  json_t *result = NULL;
  Error err = ERROR_INIT;
  assert_false(upload_begin(&elsewhere, &result, &err));
  assert_int_equal(err.code, ERROR_IO);
  assert_null(result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_offsets),
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_links_in_the_spool),
      cmocka_unit_test(test_concurrent_pieces),
      cmocka_unit_test(test_without_spool),
  };
  return cmocka_run_group_tests_name("upload", tests, set_up, tear_down);
}
