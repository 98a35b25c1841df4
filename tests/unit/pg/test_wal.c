/* The log reader: against logs made in memory, and against pg_waldump on real ones. */
#include "pg/wal.h"

#include "core/io.h"
#include "harness/cluster.h"
#include "harness/walwriter.h"
#include "pg/control.h"
#include "pg/dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEGMENT = 1 << 20, SEGMENT_16M = 16 << 20 };
static const Lsn BASE = 0xFFFFF00000; /* so that addresses cross 4 GB */

static WalWalk read_log(WalWriter *writer, Lsn start, Lsn limit) {
  WalSource source = wal_writer_source(writer);
  WalWalk walk = {0};
  Error err = ERROR_INIT;
  if (!wal_read(&source, &writer->log, start, limit, &walk, &err))
    assert_int_equal(err.code, ERROR_SNAPSHOT_INVALID);
  return walk;
}

/* The reader sees what was written, to the byte. */
static void assert_reads_all(WalWriter *writer) {
  WalWalk walk = read_log(writer, writer->log.start, 0);
  assert_int_equal(walk.records, writer->count);
  assert_int_equal(walk.last_record, writer->previous);
  assert_int_equal(walk.end, writer->at);
}

static void test_file_names(void **state) {
  static const struct {
    uint32_t timeline;
    Lsn lsn;
    uint32_t segment_size;
    const char *name;
  } rows[] = {
      /* as pg_walfile_name tells them */
      {1, 0x1000028, SEGMENT_16M, "000000010000000000000001"},
      {0xAB, 0x16B374D848, SEGMENT_16M, "000000AB00000016000000B3"},
      {1, 0x16B374D848, SEGMENT, "000000010000001600000B37"},
      {1, 0x1FFFFFFFF, 1 << 30, "000000010000000100000003"},
  };
  for (size_t at = 0; at < ARRAY_LENGTH(rows); at++) {
    char name[WAL_FILE_NAME_SIZE];
    wal_file_name(rows[at].timeline, rows[at].lsn, rows[at].segment_size, name);
    assert_string_equal(name, rows[at].name);
  }
}

/* Every distance of a record's end from the end of a page comes up, and with it every way to cut
 * header and data in two. */
static void test_all_lengths(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 24);
  for (uint32_t length = 24; wal_writer_add(&writer, length); length += 5)
    ;
  assert_true(writer.count > 2000);
  assert_reads_all(&writer);
}

static void test_record_longer_than_segments(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 5);
  assert_true(wal_writer_add(&writer, 50));
  assert_true(wal_writer_add(&writer, 3 * SEGMENT));
  assert_true(wal_writer_add(&writer, 50));
  assert_reads_all(&writer);
}

static void test_switch(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 5);
  assert_true(wal_writer_add(&writer, 9000));
  assert_true(wal_writer_switch(&writer));
  assert_int_equal(writer.at, BASE + SEGMENT);
  assert_reads_all(&writer); /* ends with the switch */
  assert_true(wal_writer_switch(&writer));
  assert_true(wal_writer_add(&writer, 9000));
  assert_reads_all(&writer);
}

static void test_switch_at_the_very_end_of_a_segment(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 3);
  Lsn wanted = BASE + SEGMENT - 24;
  while (wanted - writer.at > 2 * WAL_PAGE_SIZE)
    assert_true(wal_writer_add(&writer, 4000));
  Lsn rest = wanted - writer.at;
  if (writer.at / WAL_PAGE_SIZE != wanted / WAL_PAGE_SIZE)
    rest -= (wanted / WAL_PAGE_SIZE - writer.at / WAL_PAGE_SIZE) * WAL_SHORT_HEADER;
  assert_true(wal_writer_add(&writer, (uint32_t)rest));
  assert_int_equal(writer.at, wanted);
  assert_true(wal_writer_switch(&writer));
  assert_true(wal_writer_add(&writer, 100));
  assert_int_equal(writer.starts[writer.count - 1], BASE + SEGMENT + WAL_LONG_HEADER);
  assert_reads_all(&writer);
}

static void test_given_up_records(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 12);
  for (uint32_t pages = 1; pages < 40; pages++) {
    assert_true(wal_writer_add(&writer, 3001));
    assert_true(wal_writer_give_up(&writer, pages * WAL_PAGE_SIZE + 9000, pages));
  }
  assert_reads_all(&writer);
}

static void test_limit(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  for (int at = 0; at < 100; at++)
    assert_true(wal_writer_add(&writer, 1000));
  for (size_t at = 1; at < writer.count; at++) {
    assert_int_equal(read_log(&writer, writer.log.start, writer.starts[at]).records, at);
    assert_int_equal(read_log(&writer, writer.log.start, writer.starts[at] + 1).records, at + 1);
  }
}

static void test_start_in_the_middle(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 3);
  while (wal_writer_add(&writer, 5000))
    ;
  for (size_t at = 0; at < writer.count; at += 17) {
    writer.log.start = writer.starts[at];
    assert_int_equal(read_log(&writer, writer.starts[at], 0).records, writer.count - at);
    assert_int_equal(read_log(&writer, writer.starts[at] + 8, 0).records, 0);
  }
}

/* The first page of a segment is looked at even where reading starts behind it. */
static void test_foreign_segment(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  while (wal_writer_add(&writer, 5000))
    ;
  writer.log.start = writer.starts[20];
  assert_int_equal(read_log(&writer, writer.log.start, 0).records, writer.count - 20);
  *wal_writer_at(&writer, BASE + 24) ^= 1; /* its system identifier */
  assert_int_equal(read_log(&writer, writer.log.start, 0).records, 0);
}

static void test_identity(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  assert_true(wal_writer_add(&writer, 20000));
  WalLog right = writer.log;
  writer.log.system_identifier++;
  assert_int_equal(read_log(&writer, right.start, 0).records, 0);
  writer.log = right;
  writer.log.timeline--;
  assert_int_equal(read_log(&writer, right.start, 0).records, 0);
  writer.log.timeline += 2; /* only pages up to start may be of an earlier timeline */
  assert_int_equal(read_log(&writer, right.start, 0).records, 0);
  writer.log = right;
  writer.log.segment_size *= 2;
  assert_int_equal(read_log(&writer, right.start, 0).records, 0);
}

/* After a change of timeline the first pages of the segment are copies of the old one's. */
static void test_older_timeline_before_start(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  for (int at = 0; at < 10; at++)
    assert_true(wal_writer_add(&writer, 5000));
  writer.log.start = writer.starts[4];
  Lsn page = writer.log.start - writer.log.start % WAL_PAGE_SIZE;
  for (Lsn address = BASE; address <= page; address += WAL_PAGE_SIZE)
    *wal_writer_at(&writer, address + 4) = (uint8_t)(writer.log.timeline - 1);
  assert_int_equal(read_log(&writer, writer.log.start, 0).records, 6);
  *wal_writer_at(&writer, page + WAL_PAGE_SIZE + 4) = (uint8_t)(writer.log.timeline - 1);
  assert_true(read_log(&writer, writer.log.start, 0).records < 6);
}

static void test_cut_inside_a_record(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  assert_true(wal_writer_add(&writer, 100));
  assert_true(wal_writer_add(&writer, 50000));
  assert_int_equal(read_log(&writer, writer.log.start, 0).cut, 0);
  for (Lsn page = BASE + WAL_PAGE_SIZE; page < writer.at; page += WAL_PAGE_SIZE) {
    uint8_t saved = *wal_writer_at(&writer, page);
    *wal_writer_at(&writer, page) = 0;
    WalWalk walk = read_log(&writer, writer.log.start, 0);
    assert_int_equal(walk.records, 1);
    assert_int_equal(walk.cut, page);
    *wal_writer_at(&writer, page) = saved;
  }
}

/* Whether position belongs to a page's header, and to bits that nobody checks: the flag for
 * optional images, the one that says a record was given up where none is open, the rest of no
 * record. */
static bool is_unchecked(WalWriter *writer, Lsn position, uint8_t bit) {
  uint32_t at = (uint32_t)(position % WAL_PAGE_SIZE);
  bool continues = (*wal_writer_at(writer, position - at + 2) & WAL_PAGE_CONTINUES) != 0;
  if (at == 2)
    return bit == WAL_PAGE_REMOVABLE || (bit == WAL_PAGE_OVERWRITES && !continues);
  if (at >= 16 && at < 20)
    return !continues;
  return at >= 20 && at < 24; /* padding */
}

/* The number of records that end before position, or before the page whose header it is in. */
static size_t records_before(const WalWriter *writer, Lsn position) {
  uint32_t header = wal_header_size(position - position % WAL_PAGE_SIZE, SEGMENT);
  if (position % WAL_PAGE_SIZE < header)
    position -= position % WAL_PAGE_SIZE;
  size_t count = 0;
  while (count < writer->count && writer->ends[count] <= position)
    count++;
  return count;
}

/* No single bit can change unseen: whatever it hits, the records before it are found, no other. */
static void test_every_damage_is_seen(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  writer.log.timeline = 1; /* there is no earlier one that the first page could be of */
  for (uint32_t length = 30; writer.at < BASE + 4 * WAL_PAGE_SIZE; length += 397)
    assert_true(wal_writer_add(&writer, length));
  for (Lsn position = BASE; position < writer.ends[writer.count - 1]; position++)
    for (unsigned bit = 1; bit < 256; bit *= 2) {
      bool header = position % WAL_PAGE_SIZE < wal_header_size(position & ~(Lsn)8191, SEGMENT);
      size_t before = records_before(&writer, position);
      if ((header && is_unchecked(&writer, position, (uint8_t)bit)) ||
          (!header && position < writer.starts[before]))
        continue; /* alignment */
      *wal_writer_at(&writer, position) ^= (uint8_t)bit;
      assert_int_equal(read_log(&writer, writer.log.start, 0).records, before);
      *wal_writer_at(&writer, position) ^= (uint8_t)bit;
    }
}

/* A record that is right in itself but follows another one than it says is left over from before.
 */
static void test_back_link(void **state) {
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 1);
  assert_true(wal_writer_add(&writer, 100));
  assert_true(wal_writer_add(&writer, 100));
  writer.previous -= 8;
  assert_true(wal_writer_add(&writer, 100));
  assert_int_equal(read_log(&writer, writer.log.start, 0).records, 2);
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

static void test_files(void **state) {
  const char *directory = *state;
  AUTO_RELEASE(wal_writer_release) WalWriter writer;
  wal_writer_init(&writer, BASE, SEGMENT, 3);
  while (wal_writer_add(&writer, 5000))
    ;
  Error err = ERROR_INIT;
  assert_true(wal_writer_save(&writer, directory, &err));
  const WalLog *log = &writer.log;
  WalWalk walk;
  assert_true(wal_walk(directory, log->system_identifier, log->timeline, SEGMENT, log->start, 0,
                       &walk, &err));
  assert_int_equal(walk.records, writer.count);
  assert_int_equal(walk.end, writer.at);

  char name[WAL_FILE_NAME_SIZE];
  wal_file_name(log->timeline, BASE + 2 * SEGMENT, SEGMENT, name);
  AUTO(str_free) char *last = path_join(directory, name);
  assert_int_equal(truncate(last, WAL_PAGE_SIZE + 100), 0);
  assert_true(wal_walk(directory, log->system_identifier, log->timeline, SEGMENT, log->start, 0,
                       &walk, &err));
  assert_int_equal(walk.cut, BASE + 2 * SEGMENT + WAL_PAGE_SIZE);
  assert_int_equal(unlink(last), 0);
  assert_true(wal_walk(directory, log->system_identifier, log->timeline, SEGMENT, log->start, 0,
                       &walk, &err));
  assert_int_equal(walk.cut, BASE + 2 * SEGMENT);
  assert_false(wal_walk(directory, log->system_identifier, log->timeline + 1, SEGMENT, log->start,
                        0, &walk, &err));
  assert_false(wal_walk(directory, log->system_identifier, log->timeline, SEGMENT + 1, log->start,
                        0, &walk, &err));
}

/* Real logs. */

static void require_cluster(void) {
  const char *reason = cluster_skip_reason();
  if (reason == NULL)
    return;
  print_message("skipped: %s\n", reason);
  skip();
}

static Lsn parse(const char *text) {
  Lsn lsn = 0;
  Error err = ERROR_INIT;
  assert_true(lsn_parse(text, &lsn, &err));
  return lsn;
}

static Lsn insert_position(Cluster *cluster) {
  AUTO(str_free)
  char *text = cluster_sql(cluster, "postgres", "select pg_current_wal_insert_lsn()");
  return parse(text);
}

static Lsn redo_of(const Cluster *cluster, Control *ret_control) {
  Error err = ERROR_INIT;
  assert_true(control_read(cluster->data, ret_control, &err));
  return ret_control->redo;
}

/* pg_waldump takes any segment to learn the segment size from, and gives up when it meets one that
 * was made in advance. */
static void remove_empty_segments(const Cluster *cluster) {
  AUTO_RELEASE(dir_release) DIR *directory = NULL;
  Error err = ERROR_INIT;
  assert_true(dir_open_at(AT_FDCWD, cluster->wal, &directory, &err));
  for (const char *name = ""; name != NULL;) {
    assert_true(dir_next(directory, &name, &err));
    if (name == NULL || strlen(name) != WAL_FILE_NAME_SIZE - 1)
      continue;
    AUTO(str_free) char *path = path_join(cluster->wal, name);
    AUTO_RELEASE(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint16_t magic;
    assert_true(io_pread(fd, &magic, sizeof magic, 0, &err));
    if (magic == 0)
      assert_int_equal(unlink(path), 0);
  }
}

/* pg_waldump's statistics: "WAL statistics between 0/1 and 0/2:" ... "Total  N". */
static void waldump(Cluster *cluster, Lsn start, uint64_t *ret_records, Lsn *ret_end) {
  char start_text[LSN_TEXT_SIZE];
  lsn_format(start, start_text);
  const char *argv[] = {"pg_waldump", "-z", "-p", cluster->wal, "-s", start_text, NULL};
  int status;
  remove_empty_segments(cluster);
  AUTO(str_free) char *output = cluster_tool(cluster, argv, &status);
  char end_text[LSN_TEXT_SIZE];
  const char *heading = strstr(output, "WAL statistics between");
  const char *total = strstr(output, "\nTotal ");
  assert_non_null(heading);
  assert_non_null(total);
  assert_int_equal(sscanf(heading, "WAL statistics between %*s and %23[0-9A-F/]", end_text), 1);
  *ret_end = parse(end_text);
  *ret_records = strtoull(total + strlen("\nTotal "), NULL, 10);
}

/* What a walk from start finds is what pg_waldump finds. */
static WalWalk assert_like_waldump(Cluster *cluster, Lsn start) {
  Control control;
  (void)redo_of(cluster, &control);
  WalWalk walk;
  Error err = ERROR_INIT;
  if (!wal_walk(cluster->wal, control.system_identifier, control.timeline, control.wal_segment_size,
                start, 0, &walk, &err))
    fail_msg("%s", err.message);
  uint64_t records;
  Lsn end;
  waldump(cluster, start, &records, &end);
  print_message("%d records, ended by: %s\n", (int)walk.records, walk.why);
  assert_int_equal(walk.records, records);
  assert_int_equal(walk.end, end);
  return walk;
}

static void load(Cluster *cluster) {
  const char *init[] = {"pgbench", "-i", "-q", "-s", "2", "postgres", NULL};
  const char *run[] = {"pgbench", "-c", "2", "-t", "300", "-n", "postgres", NULL};
  str_free(cluster_tool(cluster, init, NULL));
  str_free(cluster_tool(cluster, run, NULL));
}

static void message(Cluster *cluster, int length) {
  AUTO(str_free)
  char *sql = str_format("select pg_logical_emit_message(true, 'test', repeat('x', %d))", length);
  cluster_exec(cluster, "postgres", sql);
}

/* Puts zeros where the log from position's next page on was: as if those pages had not been
 * flushed. */
static void forget_pages(const Cluster *cluster, const Control *control, Lsn position) {
  Lsn from = (position + WAL_PAGE_SIZE) & ~(Lsn)(WAL_PAGE_SIZE - 1);
  Lsn segment_size = control->wal_segment_size;
  for (Lsn segment = from & ~(segment_size - 1);; segment += segment_size) {
    char name[WAL_FILE_NAME_SIZE];
    wal_file_name(control->timeline, segment, control->wal_segment_size, name);
    AUTO(str_free) char *path = path_join(cluster->wal, name);
    if (!io_exists(path))
      return;
    if (segment >= from) {
      assert_int_equal(unlink(path), 0);
      continue;
    }
    assert_int_equal(truncate(path, (off_t)(from - segment)), 0);
    assert_int_equal(truncate(path, (off_t)segment_size), 0);
  }
}

static void compare_with_waldump(const char *segment_size) {
  require_cluster();
  const char *arguments[] = {segment_size, NULL};
  const char *settings[] = {"autovacuum=off", "checkpoint_timeout=1h", "max_wal_size=4GB",
                            "wal_keep_size=1GB", NULL};
  AUTO(cluster_free) Cluster *cluster = cluster_new(arguments);
  Control control;
  Lsn start = redo_of(cluster, &control);
  (void)assert_like_waldump(cluster, start); /* never started: the checkpoint only */
  cluster_start(cluster, settings);
  load(cluster);
  cluster_exec(cluster, "postgres", "select pg_switch_wal()");
  message(cluster, 3000000);
  cluster_kill(cluster);
  (void)assert_like_waldump(cluster, start);

  cluster_start(cluster, settings);
  start = redo_of(cluster, &control); /* recovery has recycled what was before */
  load(cluster);
  Lsn before = insert_position(cluster);
  message(cluster, 100000);
  cluster_kill(cluster);
  forget_pages(cluster, &control, before + 2 * WAL_PAGE_SIZE);
  WalWalk cut = assert_like_waldump(cluster, start);
  assert_true(cut.cut > before);

  cluster_start(cluster, settings);
  message(cluster, 1000);
  cluster_kill(cluster);
  WalWalk whole = assert_like_waldump(cluster, start);
  assert_true(whole.end > cut.cut); /* it went on over the record that was given up */
  cluster_start(cluster, settings);
  cluster_stop(cluster);
  (void)assert_like_waldump(cluster, redo_of(cluster, &control));
}

static void test_waldump_1mb(void **state) {
  compare_with_waldump("--wal-segsize=1");
}

static void test_waldump_16mb(void **state) {
  compare_with_waldump("--wal-segsize=16");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_file_names),
      cmocka_unit_test(test_all_lengths),
      cmocka_unit_test(test_record_longer_than_segments),
      cmocka_unit_test(test_switch),
      cmocka_unit_test(test_switch_at_the_very_end_of_a_segment),
      cmocka_unit_test(test_given_up_records),
      cmocka_unit_test(test_limit),
      cmocka_unit_test(test_start_in_the_middle),
      cmocka_unit_test(test_foreign_segment),
      cmocka_unit_test(test_identity),
      cmocka_unit_test(test_older_timeline_before_start),
      cmocka_unit_test(test_cut_inside_a_record),
      cmocka_unit_test(test_every_damage_is_seen),
      cmocka_unit_test(test_back_link),
      cmocka_unit_test_setup_teardown(test_files, make_root, remove_root),
      cmocka_unit_test(test_waldump_1mb),
      cmocka_unit_test(test_waldump_16mb),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
