/* Heap pages and what is told by them: hand-made and damaged pages, and a real cluster's catalogs.
 */
#include "pg/heap.h"

#include "core/io.h"
#include "core/str.h"
#include "harness/cluster.h"
#include "pg/catalogs.h"
#include "pg/rest.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  COMMITTED = 0x0100,
  ABORTED = 0x0200,
  REMOVED = 0x0400,
  KEPT = 0x0800,
  MULTI = 0x1000,
  LOCKED = 0x0080
};
enum { ROW_SIZE = 32, ROW_HEADER = 24 };

static Cluster *cluster;

static void put16(uint8_t *page, size_t at, unsigned value) {
  page[at] = (uint8_t)value;
  page[at + 1] = (uint8_t)(value >> 8);
}

static void make_page(uint8_t page[HEAP_PAGE_SIZE]) {
  memset(page, 0, HEAP_PAGE_SIZE);
  put16(page, 12, 24);
  put16(page, 14, HEAP_PAGE_SIZE);
  put16(page, 16, HEAP_PAGE_SIZE);
  put16(page, 18, HEAP_PAGE_SIZE | 4);
}

static void add_row(uint8_t page[HEAP_PAGE_SIZE], unsigned state, unsigned mask) {
  unsigned lower = page[12] + 256U * page[13];
  unsigned upper = page[14] + 256U * page[15] - ROW_SIZE;
  uint32_t pointer = upper | state << 15 | (uint32_t)ROW_SIZE << 17;
  memcpy(page + lower, &pointer, sizeof pointer);
  put16(page, upper + 20, mask);
  page[upper + 22] = ROW_HEADER;
  put16(page, 12, lower + 4);
  put16(page, 14, upper);
}

static void count_row(void *context, const uint8_t *row, size_t length) {
  assert_int_equal(length, ROW_SIZE - ROW_HEADER);
  *(int *)context += 1;
}

/* -1: undecided, else the rows that are there. */
static int rows_of(unsigned state, unsigned mask) {
  uint8_t page[HEAP_PAGE_SIZE];
  int count = 0;
  make_page(page);
  add_row(page, state, mask);
  return heap_page_rows(page, count_row, &count) ? count : -1;
}

static void test_a_rows_fate(void **state) {
  assert_int_equal(rows_of(1, COMMITTED | KEPT), 1);
  assert_int_equal(rows_of(1, COMMITTED | ABORTED | KEPT), 1); /* frozen */
  assert_int_equal(rows_of(1, COMMITTED | REMOVED), 0);
  assert_int_equal(rows_of(1, ABORTED | KEPT), 0);
  assert_int_equal(rows_of(1, COMMITTED | LOCKED), 1);
  assert_int_equal(rows_of(1, COMMITTED), -1);
  assert_int_equal(rows_of(1, KEPT), -1);
  assert_int_equal(rows_of(1, COMMITTED | MULTI), -1);
  assert_int_equal(rows_of(1, COMMITTED | KEPT | 0x4000), -1);
  assert_int_equal(rows_of(3, 0), 0); /* a dead pointer */
}

static void test_damaged_pages(void **state) {
  uint8_t page[HEAP_PAGE_SIZE] = {0};
  assert_true(heap_page_rows(page, NULL, NULL)); /* not used yet */
  page[100] = 1;
  assert_false(heap_page_rows(page, NULL, NULL));
  make_page(page);
  add_row(page, 1, COMMITTED | KEPT);
  assert_true(heap_page_rows(page, NULL, NULL));
  page[HEAP_PAGE_SIZE - ROW_SIZE + 22] = ROW_SIZE + 1;
  assert_false(heap_page_rows(page, NULL, NULL));
  make_page(page);
  add_row(page, 1, COMMITTED | KEPT);
  page[27] = 0xFF; /* a length that reaches past the page */
  assert_false(heap_page_rows(page, NULL, NULL));
  make_page(page);
  put16(page, 12, HEAP_PAGE_SIZE + 4);
  assert_false(heap_page_rows(page, NULL, NULL));
}

/* ---- a real cluster ---- */

static int make_cluster(void **state) {
  if (cluster_skip_reason() == NULL) {
    cluster = cluster_new(NULL);
    cluster_start(cluster, NULL);
  }
  return 0;
}

static int remove_cluster(void **state) {
  cluster_free(cluster);
  return 0;
}

static void need_cluster(void) {
  if (cluster == NULL) {
    print_message("skipped: %s\n", cluster_skip_reason());
    skip();
  }
}

static bool rests(Lsn end) {
  AUTO(str_free) char *wal = path_join(cluster->data, "pg_wal");
  return cluster_rests(cluster->data, wal, end);
}

static Lsn insert_position(void) {
  Error err = ERROR_INIT;
  Lsn lsn = 0;
  AUTO(str_free)
  char *text = cluster_sql(cluster, "postgres", "select pg_current_wal_insert_lsn()");
  assert_true(lsn_parse(text, &lsn, &err));
  return lsn;
}

static void test_rest(void **state) {
  need_cluster();
  cluster_exec(cluster, "postgres", "checkpoint");
  assert_true(rests(insert_position()));
  cluster_exec(cluster, "postgres", "create table changed (x int)");
  assert_false(rests(insert_position()));
  assert_false(rests(0));
  cluster_exec(cluster, "postgres", "checkpoint");
  Lsn end = insert_position();
  assert_true(rests(end));
  assert_false(rests(end + 8));
  cluster_stop(cluster);
  assert_true(rests(0));
  cluster_start(cluster, NULL);
}

/* What a diff doesn't read; whatever else there is must be in the list. */
static void test_every_catalog_is_known(void **state) {
  need_cluster();
  AUTO_RELEASE(buffer_release) Buffer known = {0};
  AUTO_RELEASE(buffer_release) Buffer sql = {0};
  for (const uint32_t *file = catalog_files; *file != 0; file++)
    buffer_add_format(&known, "%s%u", known.length == 0 ? "" : ",", *file);
  buffer_add_format(
      &sql,
      "select string_agg(relname, ' ' order by relname) from pg_class where relkind = 'r'"
      " and relnamespace = 'pg_catalog'::regnamespace and not relisshared and oid not in (%s)",
      known.text);
  AUTO(str_free) char *rest = cluster_sql(cluster, "postgres", sql.text);
  assert_string_equal(rest, "pg_init_privs pg_largeobject pg_largeobject_metadata pg_statistic "
                            "pg_statistic_ext_data pg_subscription_rel");
}

static void test_files_of_a_database(void **state) {
  need_cluster();
  uint32_t oid = 0;
  cluster_exec(cluster, "postgres", "create database \"other\"");
  AUTO(str_free)
  char *text =
      cluster_sql(cluster, "postgres", "select oid from pg_database where datname = 'other'");
  cluster_exec(cluster, "postgres", "vacuum pg_database");
  cluster_exec(cluster, "postgres", "checkpoint");
  assert_true(catalog_database(cluster->data, "other", &oid));
  assert_int_equal(oid, strtoul(text, NULL, 10));
  assert_false(catalog_database(cluster->data, "othe", &oid));
  for (const uint32_t *file = catalog_files; *file != 0; file++) {
    AUTO(str_free) char *path = str_format("%s/base/%s/%u", cluster->data, text, *file);
    AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(heap_file_rows(fd, NULL, NULL)); /* initdb has frozen them */
  }
}

static void test_an_open_transaction_is_undecided(void **state) {
  need_cluster();
  AUTO(str_free)
  char *oid =
      cluster_sql(cluster, "postgres", "select oid from pg_database where datname = 'postgres'");
  cluster_exec(cluster, "postgres", "begin; create table given_up (x int); checkpoint; rollback");
  AUTO(str_free) char *path = str_format("%s/base/%s/1259", cluster->data, oid);
  AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_false(heap_file_rows(fd, NULL, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_rows_fate),
      cmocka_unit_test(test_damaged_pages),
      cmocka_unit_test(test_rest),
      cmocka_unit_test(test_every_catalog_is_known),
      cmocka_unit_test(test_files_of_a_database),
      cmocka_unit_test(test_an_open_transaction_is_undecided),
  };
  return cmocka_run_group_tests(tests, make_cluster, remove_cluster);
}
