/* Which files of a data directory come into memory, and that nothing in it can lead elsewhere. */
#include "pg/readahead.h"

#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_SIZE = 64 * 1024, PAGES_MAX = 64, WAIT_MS = 5000, POLL_MS = 10 };

typedef struct Fixture {
  char root[40];
  char *data;
  bool on_disk; /* what isn't read can be out of memory */
} Fixture;

static char *path_of(const Fixture *fixture, const char *name) {
  return path_join(fixture->data, name);
}

static int tear_down(void **state) {
  Fixture *fixture = *state;
  Error err = ERROR_INIT;
  bool removed = io_remove_tree(fixture->root, &err);
  str_free(fixture->data);
  mem_free(fixture);
  return removed ? 0 : -1;
}

static bool is_resident(const Fixture *fixture, const char *name) {
  unsigned char pages[PAGES_MAX];
  AUTO(str_free) char *path = path_of(fixture, name);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  void *map = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
  assert_true(map != MAP_FAILED);
  assert_int_equal(mincore(map, FILE_SIZE, pages), 0);
  assert_int_equal(munmap(map, FILE_SIZE), 0);
  return (pages[0] & 1) != 0;
}

/* On the disk, and nowhere else. */
static void make_file(const Fixture *fixture, const char *name) {
  static const char zeros[FILE_SIZE];
  AUTO(str_free) char *path = path_of(fixture, name);
  AUTO(str_free) char *directory = str_ndup(path, (size_t)(strrchr(path, '/') - path));
  Error err = ERROR_INIT;
  assert_true(io_make_directories(directory, 0700, &err));
  assert_true(io_write_file(path, zeros, sizeof zeros, 0600, &err));
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(fsync(fd), 0);
  assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static int set_up(void **state) {
  Fixture *fixture = mem_new(1, sizeof *fixture);
  *state = fixture;
  (void)snprintf(fixture->root, sizeof fixture->root, "/var/tmp/bough-test-XXXXXX");
  assert_non_null(mkdtemp(fixture->root));
  fixture->data = path_join(fixture->root, "data");
  make_file(fixture, "probe");
  fixture->on_disk = !is_resident(fixture, "probe");
  if (!fixture->on_disk)
    (void)printf("skipped: /var/tmp is no disk\n");
  return 0;
}

static bool comes(const Fixture *fixture, const char *name) {
  int64_t deadline = clock_monotonic_ms() + WAIT_MS;
  while (!is_resident(fixture, name)) {
    if (clock_monotonic_ms() > deadline)
      return false;
    clock_sleep_ms(POLL_MS);
  }
  return true;
}

static void the_catalogs_of_what_was_made(void **state) {
  static const char *const stay[] = {"base/1/1259",         "base/16388/16400",
                                     "base/16388/1259_fsm", "base/16388/123456",
                                     "base/pgsql_tmp/1259", "pg_xact/0000"};
  Fixture *fixture = *state;
  if (!fixture->on_disk)
    skip();
  for (size_t at = 0; at < ARRAY_LENGTH(stay); at++)
    make_file(fixture, stay[at]);
  make_file(fixture, "global/1260");
  make_file(fixture, "base/16388/1259");
  readahead_catalogs(fixture->data);
  assert_true(comes(fixture, "global/1260"));
  assert_true(comes(fixture, "base/16388/1259"));
  for (size_t at = 0; at < ARRAY_LENGTH(stay); at++)
    assert_false(is_resident(fixture, stay[at]));
}

static void without_one_those_of_initdb(void **state) {
  Fixture *fixture = *state;
  if (!fixture->on_disk)
    skip();
  make_file(fixture, "base/5/1259");
  readahead_catalogs(fixture->data);
  assert_true(comes(fixture, "base/5/1259"));
}

static void nothing_leads_elsewhere(void **state) {
  Fixture *fixture = *state;
  if (!fixture->on_disk)
    skip();
  make_file(fixture, "base/16388/1259");
  make_file(fixture, "elsewhere/1259");
  AUTO(str_free) char *elsewhere = path_of(fixture, "elsewhere");
  AUTO(str_free) char *database = path_of(fixture, "base/16389");
  AUTO(str_free) char *target = path_of(fixture, "elsewhere/1259");
  AUTO(str_free) char *link = path_of(fixture, "base/16388/1255");
  AUTO(str_free) char *pipe = path_of(fixture, "base/16388/1247");
  assert_int_equal(symlink(elsewhere, database), 0);
  assert_int_equal(symlink(target, link), 0);
  assert_int_equal(mkfifo(pipe, 0600), 0);
  readahead_catalogs(fixture->data);
  assert_true(comes(fixture, "base/16388/1259"));
  assert_false(is_resident(fixture, "elsewhere/1259"));
}

static void nothing_there(void **state) {
  Fixture *fixture = *state;
  readahead_catalogs(fixture->data);
  make_file(fixture, "base");
  readahead_catalogs(fixture->data);
  readahead_catalogs(fixture->root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_catalogs_of_what_was_made, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_one_those_of_initdb, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_leads_elsewhere, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_there, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("pg-readahead", tests, NULL, NULL);
}
