/* pg_control: against pg_controldata, against the server's headers, and damaged. */
#include "pg/control.h"

#include "core/clock.h"
#include "core/crc32c.h"
#include "core/io.h"
#include "harness/cluster.h"

#ifdef HAVE_SERVER_HEADERS
#include "server_header.h"
#endif

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CRC_OFFSET = 288 };

static uint8_t real[CONTROL_FILE_SIZE]; /* of a fresh cluster */
static Cluster *cluster;

static int make_cluster(void **state) {
  if (cluster_skip_reason() != NULL) {
    print_message("skipped: %s\n", cluster_skip_reason());
    return 0;
  }
  const char *arguments[] = {"--data-checksums", "--wal-segsize=4", NULL};
  cluster = cluster_new(arguments);
  AUTO(str_free) char *path = path_join(cluster->data, "global/pg_control");
  AUTO(str_free) char *bytes = NULL;
  size_t length;
  Error err = ERROR_INIT;
  if (!io_read_file(path, sizeof real, &bytes, &length, &err) || length != sizeof real)
    return -1;
  memcpy(real, bytes, sizeof real);
  return 0;
}

static int free_cluster(void **state) {
  cluster_free(cluster);
  return 0;
}

static void require_cluster(void) {
  if (cluster == NULL)
    skip();
}

static void set_crc(uint8_t bytes[CONTROL_FILE_SIZE]) {
  uint32_t crc = crc32c_end(crc32c_add(CRC32C_START, bytes, CRC_OFFSET));
  memcpy(bytes + CRC_OFFSET, &crc, sizeof crc);
}

static void test_crc32c(void **state) {
  /* the check value of CRC-32C, and those of RFC 3720, B.4 */
  uint8_t zeros[32] = {0}, ones[32], rising[32];
  memset(ones, 0xFF, sizeof ones);
  for (size_t at = 0; at < sizeof rising; at++)
    rising[at] = (uint8_t)at;
  const struct {
    const void *bytes;
    size_t length;
    uint32_t sum;
  } rows[] = {{"123456789", 9, 0xE3069283},
              {zeros, 32, 0x8A9136AA},
              {ones, 32, 0x62A8AB43},
              {rising, 32, 0x46DD794E}};
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    Crc32c fast = crc32c_add(CRC32C_START, rows[at].bytes, rows[at].length);
    Crc32c portable = crc32c_add_portable(CRC32C_START, rows[at].bytes, rows[at].length);
    assert_int_equal(crc32c_end(fast), rows[at].sum);
    assert_int_equal(crc32c_end(portable), rows[at].sum);
  }
}

/* Any cut in two, aligned or not, gives the same. */
static void test_crc32c_in_parts(void **state) {
  uint8_t bytes[100];
  for (size_t at = 0; at < sizeof bytes; at++)
    bytes[at] = (uint8_t)(at * 37 + 11);
  for (size_t from = 0; from < 10; from++) {
    Crc32c whole = crc32c_add_portable(CRC32C_START, bytes + from, sizeof bytes - from);
    for (size_t cut = from; cut <= sizeof bytes; cut++) {
      Crc32c crc = crc32c_add(CRC32C_START, bytes + from, cut - from);
      assert_int_equal(crc32c_add(crc, bytes + cut, sizeof bytes - cut), whole);
    }
  }
}

/* The text behind "label:" in what pg_controldata prints. */
static const char *printed(const char *output, const char *label) {
  static char value[200];
  const char *line = strstr(output, label);
  assert_non_null(line);
  line += strlen(label);
  line += strspn(line, " ");
  (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n"), line);
  return value;
}

static void assert_like_controldata(void) {
  const char *argv[] = {"pg_controldata", cluster->data, NULL};
  AUTO(str_free) char *output = cluster_tool(cluster, argv, NULL);
  Control control;
  Error err = ERROR_INIT;
  if (!control_read(cluster->data, &control, &err))
    fail_msg("%s", err.message);
  const struct {
    const char *label;
    uint64_t value;
  } numbers[] = {
      {"Database system identifier:", control.system_identifier},
      {"pg_control version number:", control.version},
      {"Catalog version number:", control.catalog_version},
      {"Latest checkpoint's TimeLineID:", control.timeline},
      {"max_connections setting:", (uint64_t)control.max_connections},
      {"max_worker_processes setting:", (uint64_t)control.max_worker_processes},
      {"max_wal_senders setting:", (uint64_t)control.max_wal_senders},
      {"max_prepared_xacts setting:", (uint64_t)control.max_prepared_transactions},
      {"max_locks_per_xact setting:", (uint64_t)control.max_locks_per_transaction},
      {"Bytes per WAL segment:", control.wal_segment_size},
      {"Database block size:", control.block_size},
      {"Data page checksum version:", control.checksum_version},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(numbers); at++)
    assert_int_equal(strtoull(printed(output, numbers[at].label), NULL, 10), numbers[at].value);
  char lsn[LSN_TEXT_SIZE];
  lsn_format(control.checkpoint, lsn);
  assert_string_equal(printed(output, "Latest checkpoint location:"), lsn);
  lsn_format(control.redo, lsn);
  assert_string_equal(printed(output, "Latest checkpoint's REDO location:"), lsn);
  static const char *const levels[] = {"minimal", "replica", "logical"};
  assert_string_equal(printed(output, "wal_level setting:"), levels[control.wal_level]);
  static const char *const states[] = {
      [CONTROL_SHUTDOWNED] = "shut down", [CONTROL_IN_PRODUCTION] = "in production"};
  assert_string_equal(printed(output, "Database cluster state:"), states[control.state]);
  assert_int_equal(control_major(&control), 15);
}

static void test_like_controldata(void **state) {
  require_cluster();
  assert_like_controldata();
  const char *settings[] = {"max_connections=23",
                            "max_worker_processes=11",
                            "max_wal_senders=7",
                            "max_prepared_transactions=5",
                            "max_locks_per_transaction=77",
                            "wal_level=logical",
                            NULL};
  cluster_start(cluster, settings);
  cluster_exec(cluster, "postgres", "create table t (); checkpoint");
  assert_like_controldata();
  cluster_stop(cluster);
  assert_like_controldata();
}

static void test_like_server_headers(void **state) {
#ifdef HAVE_SERVER_HEADERS
  uint8_t bytes[CONTROL_FILE_SIZE] = {0};
  size_t crc_offset;
  (void)server_header_control(bytes, &crc_offset);
  assert_int_equal(crc_offset, CRC_OFFSET);
  set_crc(bytes);
  Control control;
  Error err = ERROR_INIT;
  if (!control_decode(bytes, sizeof bytes, &control, &err))
    fail_msg("%s", err.message);
  assert_int_equal(control.system_identifier, 0x1122334455667788);
  assert_int_equal(control.version, 1300);
  assert_int_equal(control_major(&control), 15);
  assert_int_equal(control.state, CONTROL_IN_PRODUCTION);
  assert_int_equal(control.checkpoint, 0x500000160);
  assert_int_equal(control.redo, 0x500000128);
  assert_int_equal(control.timeline, 7);
  assert_int_equal(control.wal_level, 2);
  assert_int_equal(control.max_connections, 101);
  assert_int_equal(control.max_worker_processes, 102);
  assert_int_equal(control.max_wal_senders, 103);
  assert_int_equal(control.max_prepared_transactions, 104);
  assert_int_equal(control.max_locks_per_transaction, 105);
  assert_int_equal(control.block_size, 16384);
  assert_int_equal(control.wal_segment_size, 64 << 20);
  assert_int_equal(control.checksum_version, 1);
#else
  print_message("skipped: postgresql-server-dev-15 was not there when this was built\n");
  skip();
#endif
}

static bool decodes(const uint8_t *bytes, size_t length) {
  Control control;
  Error err = ERROR_INIT;
  bool ok = control_decode(bytes, length, &control, &err);
  if (!ok)
    assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
  return ok;
}

static void test_every_damaged_bit_is_seen(void **state) {
  require_cluster();
  uint8_t bytes[CONTROL_FILE_SIZE];
  memcpy(bytes, real, sizeof bytes);
  assert_true(decodes(bytes, sizeof bytes));
  for (size_t at = 0; at < CRC_OFFSET + 4; at++)
    for (unsigned bit = 1; bit < 256; bit *= 2) {
      bytes[at] ^= (uint8_t)bit;
      assert_false(decodes(bytes, sizeof bytes));
      bytes[at] ^= (uint8_t)bit;
    }
  assert_false(decodes(bytes, sizeof bytes - 1));
  assert_false(decodes(bytes, 0));
}

/* Values that no server writes, under a right checksum. */
static void test_impossible_values(void **state) {
  require_cluster();
  static const struct {
    size_t offset;
    uint64_t value;
    size_t size;
  } rows[] = {
      {8, 1201, 4},         {16, 7, 4},              /* version, state */
      {32, 40, 8},          {32, UINT64_MAX - 7, 8}, /* checkpoint before redo, no position */
      {40, 0, 8},           {40, 0x123456789, 8},    /* redo nowhere, not aligned */
      {48, 0, 4},           {172, 3, 4},             /* timeline, wal_level */
      {180, 0, 4},          {180, 0x40000, 4},       /* max_connections */
      {184, 0xFFFFFFFF, 4}, {188, 0x40000, 4},       /* workers, senders */
      {192, 0x80000000, 4}, {196, 9, 4},             /* prepared transactions, locks */
      {204, 4, 4},          {208, 0, 8},             /* alignment, float format */
      {216, 0, 4},          {216, 12288, 4},         /* block size */
      {216, 65536, 4},      {224, 16384, 4},         /* block size, log page size */
      {228, 0, 4},          {228, 3 << 20, 4},       /* segment size */
      {228, 1u << 31, 4},   {228, 1 << 19, 4},       /* segment size */
      {252, 2, 4},                                   /* checksum version */
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    uint8_t bytes[CONTROL_FILE_SIZE];
    memcpy(bytes, real, sizeof bytes);
    memcpy(bytes + rows[at].offset, &rows[at].value, rows[at].size);
    set_crc(bytes);
    if (decodes(bytes, sizeof bytes))
      fail_msg("%" PRIu64 " at %zu was accepted", rows[at].value, rows[at].offset);
  }
}

/* A directory for one test. It is removed by the teardown, which also runs after a failure. */
static int make_root(void **state) {
  char *root = str_dup("/tmp/bough-test-XXXXXX");
  *state = root;
  return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state) {
  Error err = ERROR_INIT;
  bool removed = io_remove_tree(*state, &err);
  str_free(*state);
  return removed ? 0 : -1;
}

/* A data directory with one file, whose bytes are damaged until a child puts them right. */
static void test_torn_read(void **state) {
  require_cluster();
  const char *root = *state;
  AUTO(str_free) char *global = path_join(root, "global");
  AUTO(str_free) char *path = path_join(global, "pg_control");
  Error err = ERROR_INIT;
  Control control;
  assert_true(io_make_directories(global, 0700, &err));
  assert_false(control_read(root, &control, &err));
  assert_int_equal(err.code, ERROR_IO); /* missing */

  uint8_t torn[CONTROL_FILE_SIZE];
  memcpy(torn, real, sizeof torn);
  torn[40] ^= 8;
  assert_true(io_write_file(path, torn, sizeof torn, 0600, &err));
  assert_false(control_read(root, &control, &err));
  assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID); /* for good */

  pid_t child = fork();
  if (child == 0) {
    clock_sleep_ms(4);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    _exit(pwrite(fd, real, sizeof real, 0) == (ssize_t)sizeof real ? 0 : 1);
  }
  bool ok = control_read(root, &control, &err);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_true(ok);

  assert_int_equal(truncate(path, CONTROL_FILE_SIZE - 1), 0);
  assert_false(control_read(root, &control, &err));
  assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_crc32c),
      cmocka_unit_test(test_crc32c_in_parts),
      cmocka_unit_test(test_like_controldata),
      cmocka_unit_test(test_like_server_headers),
      cmocka_unit_test(test_every_damaged_bit_is_seen),
      cmocka_unit_test(test_impossible_values),
      cmocka_unit_test_setup_teardown(test_torn_read, make_root, remove_root),
  };
  return cmocka_run_group_tests(tests, make_cluster, free_cluster);
}
